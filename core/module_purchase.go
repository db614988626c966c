package core

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/purchase"
	"kumi/store"
	"kumi/store/fault"
)

// PurchaseValidateApple implements runtime.NakamaModule. A password replaces the
// shared secret of the configuration. Errors of this and the following functions are
// those of the client calls, and NotFound for an unknown user.
func (m *Module) PurchaseValidateApple(ctx context.Context, user, receipt string, persist bool, passwordOverride ...string) (*api.ValidatePurchaseResponse, error) {
	id, err := userID(user)
	if err != nil {
		return nil, err
	}
	return m.core.validateApple(ctx, id, m.applePassword(passwordOverride), receipt, persist)
}

// PurchaseValidateGoogle implements runtime.NakamaModule. Credentials replace those of
// the configuration.
func (m *Module) PurchaseValidateGoogle(ctx context.Context, user, receipt string, persist bool, overrides ...struct {
	ClientEmail string
	PrivateKey  string
}) (*api.ValidatePurchaseResponse, error) {
	id, err := userID(user)
	if err != nil {
		return nil, err
	}
	return m.core.validateGoogle(ctx, id, m.googleAccount(overrides), receipt, persist)
}

// PurchaseValidateHuawei implements runtime.NakamaModule.
func (m *Module) PurchaseValidateHuawei(ctx context.Context, user, signature, inAppPurchaseData string, persist bool) (*api.ValidatePurchaseResponse, error) {
	id, err := userID(user)
	if err != nil {
		return nil, err
	}
	return m.core.validateHuawei(ctx, id, inAppPurchaseData, signature, persist)
}

// PurchaseValidateFacebookInstant implements runtime.NakamaModule.
func (m *Module) PurchaseValidateFacebookInstant(ctx context.Context, user, signedRequest string, persist bool) (*api.ValidatePurchaseResponse, error) {
	id, err := userID(user)
	if err != nil {
		return nil, err
	}
	return m.core.validateFacebookInstant(ctx, id, signedRequest, persist)
}

// PurchaseValidateSamsung implements runtime.NakamaModule.
func (m *Module) PurchaseValidateSamsung(ctx context.Context, user, purchaseID string, persist bool) (*api.ValidatePurchaseResponse, error) {
	id, err := userID(user)
	if err != nil {
		return nil, err
	}
	return m.core.validateSamsung(ctx, id, purchaseID, persist)
}

// PurchaseGetByTransactionId implements runtime.NakamaModule. Errors: NotFound.
func (m *Module) PurchaseGetByTransactionId(ctx context.Context, transactionID string) (*api.ValidatedPurchase, error) {
	if transactionID == "" {
		return nil, invalid("expects a transaction id")
	}
	row, err := purchaseTable.find(ctx, m.core.db.Reader(), transactionID, "")
	switch {
	case err != nil:
		return nil, failed("get a purchase", err)
	case row == nil:
		return nil, fault.New(fault.NotFound, "purchase not found")
	}
	p := apiPurchase(row)
	if p.RefundTime == nil {
		p.RefundTime = timestamppb.New(store.Epoch)
	}
	return p, nil
}

// PurchasesList implements runtime.NakamaModule: a page of 1 to 100 purchases of a
// user, or of all users if it is empty, newest first; 0 is 100. Errors:
// InvalidArgument.
func (m *Module) PurchasesList(ctx context.Context, user string, limit int, cursor string) (*api.PurchaseList, error) {
	id, limit, err := listedUser(user, limit)
	if err != nil {
		return nil, err
	}
	return m.core.listPurchases(ctx, id, timeSpan{}, limit, cursor)
}

// SubscriptionValidateApple implements runtime.NakamaModule; see
// PurchaseValidateApple.
func (m *Module) SubscriptionValidateApple(ctx context.Context, user, receipt string, persist bool, passwordOverride ...string) (*api.ValidateSubscriptionResponse, error) {
	id, err := userID(user)
	if err != nil {
		return nil, err
	}
	return m.core.validateAppleSubscription(ctx, id, m.applePassword(passwordOverride), receipt, persist)
}

// SubscriptionValidateGoogle implements runtime.NakamaModule; see
// PurchaseValidateGoogle.
func (m *Module) SubscriptionValidateGoogle(ctx context.Context, user, receipt string, persist bool, overrides ...struct {
	ClientEmail string
	PrivateKey  string
}) (*api.ValidateSubscriptionResponse, error) {
	id, err := userID(user)
	if err != nil {
		return nil, err
	}
	return m.core.validateGoogleSubscription(ctx, id, m.googleAccount(overrides), receipt, persist)
}

// SubscriptionsList implements runtime.NakamaModule; see PurchasesList.
func (m *Module) SubscriptionsList(ctx context.Context, user string, limit int, cursor string) (*api.SubscriptionList, error) {
	id, limit, err := listedUser(user, limit)
	if err != nil {
		return nil, err
	}
	return m.core.listSubscriptions(ctx, id, timeSpan{}, limit, cursor)
}

// SubscriptionGetByProductId implements runtime.NakamaModule. Errors: NotFound.
func (m *Module) SubscriptionGetByProductId(ctx context.Context, user, productID string) (*api.ValidatedSubscription, error) {
	id, err := userID(user)
	if err != nil {
		return nil, err
	}
	if productID == "" {
		return nil, invalid("expects a product id")
	}
	return m.core.subscriptionOfProduct(ctx, id, productID)
}

// applePassword is the first override that is not empty, or else the configured one.
func (m *Module) applePassword(overrides []string) string {
	for _, o := range overrides {
		if o != "" {
			return o
		}
	}
	return m.core.config.GetIAP().GetApple().GetSharedPassword()
}

// googleAccount replaces what is configured by what is not empty in the overrides.
func (m *Module) googleAccount(overrides []struct {
	ClientEmail string
	PrivateKey  string
}) purchase.GoogleAccount {
	account := m.core.googleAccount()
	for _, o := range overrides {
		if o.ClientEmail != "" {
			account.Email = o.ClientEmail
		}
		if o.PrivateKey != "" {
			account.PrivateKey = o.PrivateKey
		}
	}
	return account
}

// listedUser checks the arguments of the lists. Without a user they are of all users.
func listedUser(user string, limit int) (*uuid.UUID, int, error) {
	switch {
	case limit == 0:
		limit = maxPage
	case limit < 0 || limit > maxPage:
		return nil, 0, invalid("expects limit to be 1 to %d, not %d", maxPage, limit)
	}
	if user == "" {
		return nil, limit, nil
	}
	id, err := userID(user)
	return &id, limit, err
}
