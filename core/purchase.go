package core

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"kumi/core/purchase"
	"kumi/store/fault"
)

var (
	errReceiptEmpty  = invalid("Receipt cannot be empty.")
	errPurchaseEmpty = invalid("Purchase cannot be empty.")
)

// notConfigured is the error of a store without credentials in the configuration.
func notConfigured(store string) error {
	return fault.Newf(fault.FailedPrecondition, "%s IAP is not configured.", store)
}

// persisted is the default of a request's persist.
func persisted(v *wrapperspb.BoolValue) bool { return v == nil || v.GetValue() }

// ValidatePurchaseApple confirms the purchases of a receipt or of a signed transaction.
//
// Errors of this and the following operations: InvalidArgument for an empty receipt,
// FailedPrecondition if the store is not configured or does not confirm the receipt,
// and Unavailable if the store cannot be asked now.
func (c *Core) ValidatePurchaseApple(ctx context.Context, caller uuid.UUID, in *api.ValidatePurchaseAppleRequest) (*api.ValidatePurchaseResponse, error) {
	return c.validateApple(ctx, caller, c.config.GetIAP().GetApple().GetSharedPassword(), in.GetReceipt(), persisted(in.GetPersist()))
}

// ValidateSubscriptionApple confirms the subscriptions of a receipt or of a signed
// transaction. It stores them all, and returns that with the latest expiry.
func (c *Core) ValidateSubscriptionApple(ctx context.Context, caller uuid.UUID, in *api.ValidateSubscriptionAppleRequest) (*api.ValidateSubscriptionResponse, error) {
	return c.validateAppleSubscription(ctx, caller, c.config.GetIAP().GetApple().GetSharedPassword(), in.GetReceipt(), persisted(in.GetPersist()))
}

// ValidatePurchaseGoogle confirms a purchase of Google Play.
func (c *Core) ValidatePurchaseGoogle(ctx context.Context, caller uuid.UUID, in *api.ValidatePurchaseGoogleRequest) (*api.ValidatePurchaseResponse, error) {
	return c.validateGoogle(ctx, caller, c.googleAccount(), in.GetPurchase(), persisted(in.GetPersist()))
}

// ValidateSubscriptionGoogle confirms a subscription of Google Play.
func (c *Core) ValidateSubscriptionGoogle(ctx context.Context, caller uuid.UUID, in *api.ValidateSubscriptionGoogleRequest) (*api.ValidateSubscriptionResponse, error) {
	return c.validateGoogleSubscription(ctx, caller, c.googleAccount(), in.GetReceipt(), persisted(in.GetPersist()))
}

// ValidatePurchaseHuawei confirms a purchase of AppGallery.
func (c *Core) ValidatePurchaseHuawei(ctx context.Context, caller uuid.UUID, in *api.ValidatePurchaseHuaweiRequest) (*api.ValidatePurchaseResponse, error) {
	return c.validateHuawei(ctx, caller, in.GetPurchase(), in.GetSignature(), persisted(in.GetPersist()))
}

// ValidatePurchaseSamsung confirms a purchase of the Galaxy Store, which needs no
// credentials.
func (c *Core) ValidatePurchaseSamsung(ctx context.Context, caller uuid.UUID, in *api.ValidatePurchaseSamsungRequest) (*api.ValidatePurchaseResponse, error) {
	return c.validateSamsung(ctx, caller, in.GetPurchaseId(), persisted(in.GetPersist()))
}

// ValidatePurchaseFacebookInstant confirms a purchase of Facebook Instant Games.
func (c *Core) ValidatePurchaseFacebookInstant(ctx context.Context, caller uuid.UUID, in *api.ValidatePurchaseFacebookInstantRequest) (*api.ValidatePurchaseResponse, error) {
	return c.validateFacebookInstant(ctx, caller, in.GetSignedRequest(), persisted(in.GetPersist()))
}

// ListSubscriptions lists a page of 1 to 100 subscriptions of the caller, newest
// first, by default 100. Errors: InvalidArgument for a bad limit or cursor.
func (c *Core) ListSubscriptions(ctx context.Context, caller uuid.UUID, in *api.ListSubscriptionsRequest) (*api.SubscriptionList, error) {
	limit, err := limitOf(in.GetLimit(), maxPage, maxPage)
	if err != nil {
		return nil, err
	}
	return c.listSubscriptions(ctx, &caller, timeSpan{}, limit, in.GetCursor())
}

// GetSubscription returns the caller's subscription of a product. Errors: NotFound,
// and InvalidArgument without a product.
func (c *Core) GetSubscription(ctx context.Context, caller uuid.UUID, in *api.GetSubscriptionRequest) (*api.ValidatedSubscription, error) {
	if in.GetProductId() == "" {
		return nil, invalid("Product id cannot be empty.")
	}
	return c.subscriptionOfProduct(ctx, caller, in.GetProductId())
}

func (c *Core) googleAccount() purchase.GoogleAccount {
	google := c.config.GetIAP().GetGoogle()
	return purchase.GoogleAccount{Email: google.GetClientEmail(), PrivateKey: google.GetPrivateKey()}
}

func (c *Core) validateApple(ctx context.Context, user uuid.UUID, password, receipt string, persist bool) (*api.ValidatePurchaseResponse, error) {
	switch {
	case password == "" && purchase.AppleNeedsPassword(receipt):
		return nil, notConfigured("Apple")
	case receipt == "":
		return nil, errReceiptEmpty
	}
	list, err := c.stores.ApplePurchases(ctx, password, receipt)
	return c.purchased(ctx, user, list, persist, err)
}

func (c *Core) validateAppleSubscription(ctx context.Context, user uuid.UUID, password, receipt string, persist bool) (*api.ValidateSubscriptionResponse, error) {
	switch {
	case password == "" && purchase.AppleNeedsPassword(receipt):
		return nil, notConfigured("Apple")
	case receipt == "":
		return nil, errReceiptEmpty
	}
	list, err := c.stores.AppleSubscriptions(ctx, password, receipt)
	return c.subscribed(ctx, user, list, persist, err)
}

func (c *Core) validateGoogle(ctx context.Context, user uuid.UUID, account purchase.GoogleAccount, receipt string, persist bool) (*api.ValidatePurchaseResponse, error) {
	switch {
	case account.Email == "" || account.PrivateKey == "":
		return nil, notConfigured("Google")
	case receipt == "":
		return nil, errPurchaseEmpty
	}
	p, err := c.stores.GooglePurchase(ctx, account, receipt)
	return c.purchased(ctx, user, []purchase.Purchase{p}, persist, err)
}

func (c *Core) validateGoogleSubscription(ctx context.Context, user uuid.UUID, account purchase.GoogleAccount, receipt string, persist bool) (*api.ValidateSubscriptionResponse, error) {
	switch {
	case account.Email == "" || account.PrivateKey == "":
		return nil, notConfigured("Google")
	case receipt == "":
		return nil, errReceiptEmpty
	}
	sub, err := c.stores.GoogleSubscription(ctx, account, receipt)
	return c.subscribed(ctx, user, []purchase.Subscription{sub}, persist, err)
}

func (c *Core) validateHuawei(ctx context.Context, user uuid.UUID, data, signature string, persist bool) (*api.ValidatePurchaseResponse, error) {
	huawei := c.config.GetIAP().GetHuawei()
	app := purchase.HuaweiApp{PublicKey: huawei.GetPublicKey(), ClientID: huawei.GetClientID(), ClientSecret: huawei.GetClientSecret()}
	switch {
	case app.PublicKey == "" || app.ClientID == "" || app.ClientSecret == "":
		return nil, notConfigured("Huawei")
	case data == "":
		return nil, errPurchaseEmpty
	case signature == "":
		return nil, invalid("Signature cannot be empty.")
	}
	p, err := c.stores.HuaweiPurchase(ctx, app, data, signature)
	return c.purchased(ctx, user, []purchase.Purchase{p}, persist, err)
}

func (c *Core) validateSamsung(ctx context.Context, user uuid.UUID, id string, persist bool) (*api.ValidatePurchaseResponse, error) {
	if id == "" {
		return nil, invalid("PurchaseId cannot be empty.")
	}
	p, err := c.stores.SamsungPurchase(ctx, c.config.GetIAP().GetSamsung().GetPackageName(), id)
	return c.purchased(ctx, user, []purchase.Purchase{p}, persist, err)
}

func (c *Core) validateFacebookInstant(ctx context.Context, user uuid.UUID, signed string, persist bool) (*api.ValidatePurchaseResponse, error) {
	secret := c.config.GetIAP().GetFacebookInstant().GetAppSecret()
	switch {
	case secret == "":
		return nil, notConfigured("Facebook Instant")
	case signed == "":
		return nil, invalid("SignedRequest cannot be empty.")
	}
	p, err := c.stores.FacebookPurchase(secret, signed)
	return c.purchased(ctx, user, []purchase.Purchase{p}, persist, err)
}

// purchased answers with purchases that a store has confirmed, and stores them if
// persist is set.
func (c *Core) purchased(ctx context.Context, user uuid.UUID, list []purchase.Purchase, persist bool, err error) (*api.ValidatePurchaseResponse, error) {
	if err != nil {
		return nil, c.notConfirmed(user, err)
	}
	out := &api.ValidatePurchaseResponse{}
	if !persist {
		for _, p := range list {
			out.ValidatedPurchases = append(out.ValidatedPurchases, apiPurchase(&purchaseRow{Purchase: p, user: user}))
		}
		return out, nil
	}
	if out.ValidatedPurchases, err = c.storePurchases(ctx, user, list); err != nil {
		return nil, purchaseError(err)
	}
	return out, nil
}

// subscribed is purchased for subscriptions. It answers with the first one.
func (c *Core) subscribed(ctx context.Context, user uuid.UUID, list []purchase.Subscription, persist bool, err error) (*api.ValidateSubscriptionResponse, error) {
	if err != nil {
		return nil, c.notConfirmed(user, err)
	}
	if !persist {
		return &api.ValidateSubscriptionResponse{ValidatedSubscription: c.apiSubscription(&subscriptionRow{Subscription: list[0], user: user})}, nil
	}
	first, err := c.storeSubscriptions(ctx, user, list)
	if err != nil {
		return nil, purchaseError(err)
	}
	return &api.ValidateSubscriptionResponse{ValidatedSubscription: first}, nil
}

// notConfirmed logs what a store has said about a receipt, which the client does not
// see. The errors that are the server's or the store's are logged with the call.
func (c *Core) notConfirmed(user uuid.UUID, err error) error {
	if f := fault.Of(err); f.Code == fault.FailedPrecondition {
		c.log.Info().Err(err).Stringer("user_id", user).Msg("a receipt was not confirmed")
	}
	return err
}
