package core

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/consolepb"
	"kumi/store/fault"
)

var (
	errNoPurchase     = fault.New(fault.NotFound, "Purchase not found.")
	errNoSubscription = fault.New(fault.NotFound, "Subscription not found.")
)

// buyers reads what the lists of purchases and of subscriptions are asked for: of whom,
// nil for all, of which time, and how many.
func buyers(in interface {
	GetUserId() string
	GetLimit() uint32
	GetAfter() *timestamppb.Timestamp
	GetBefore() *timestamppb.Timestamp
}) (user *uuid.UUID, bought timeSpan, limit int, err error) {
	if in.GetUserId() != "" {
		id, err := consoleID("user", in.GetUserId())
		if err != nil {
			return nil, bought, 0, err
		}
		user = &id
	}
	at := func(t *timestamppb.Timestamp) time.Time {
		if t == nil {
			return time.Time{}
		}
		return t.AsTime()
	}
	limit, err = pageSize(in.GetLimit(), 0)
	return user, timeSpan{at(in.GetAfter()), at(in.GetBefore())}, limit, err
}

// ListPurchases lists purchases, newest first, of a user or of all, 1 to 100 a page, or
// the one with an id.
func (k *Console) ListPurchases(ctx context.Context, in *consolepb.ListPurchasesRequest) (*api.PurchaseList, error) {
	if in.Filter != "" {
		row, err := purchaseTable.find(ctx, k.db.Reader(), in.Filter, "")
		if err != nil {
			return nil, failed("list purchases", err)
		}
		if row == nil {
			return &api.PurchaseList{}, nil
		}
		return &api.PurchaseList{ValidatedPurchases: []*api.ValidatedPurchase{apiPurchase(row)}}, nil
	}
	user, bought, limit, err := buyers(in)
	if err != nil {
		return nil, err
	}
	return k.listPurchases(ctx, user, bought, limit, in.Cursor)
}

// ListBoughtSubscriptions is ListPurchases for subscriptions.
func (k *Console) ListBoughtSubscriptions(ctx context.Context, in *consolepb.ListSubscriptionsRequest) (*api.SubscriptionList, error) {
	if in.Filter != "" {
		row, err := subscriptionTable.find(ctx, k.db.Reader(), in.Filter, "")
		if err != nil {
			return nil, failed("list subscriptions", err)
		}
		if row == nil {
			return &api.SubscriptionList{}, nil
		}
		return &api.SubscriptionList{ValidatedSubscriptions: []*api.ValidatedSubscription{k.apiSubscription(row)}}, nil
	}
	user, bought, limit, err := buyers(in)
	if err != nil {
		return nil, err
	}
	return k.listSubscriptions(ctx, user, bought, limit, in.Cursor)
}

// GetPurchase returns a purchase. NotFound if there is none.
func (k *Console) GetPurchase(ctx context.Context, in *consolepb.GetPurchaseRequest) (*api.ValidatedPurchase, error) {
	row, err := purchaseTable.find(ctx, k.db.Reader(), in.TransactionId, "")
	if err != nil {
		return nil, failed("read the purchase", err)
	}
	if row == nil {
		return nil, errNoPurchase
	}
	return apiPurchase(row), nil
}

// GetBoughtSubscription returns a subscription. NotFound if there is none.
func (k *Console) GetBoughtSubscription(ctx context.Context, in *consolepb.GetSubscriptionRequest) (*api.ValidatedSubscription, error) {
	row, err := subscriptionTable.find(ctx, k.db.Reader(), in.OriginalTransactionId, "")
	if err != nil {
		return nil, failed("read the subscription", err)
	}
	if row == nil {
		return nil, errNoSubscription
	}
	return k.apiSubscription(row), nil
}
