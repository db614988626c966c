package script

import (
	"context"
	"encoding/json"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
	"kumi/vm"
)

// purchased calls a function as a handler of purchase notifications, with the
// purchase, the provider's data as JSON text and the type of the notification.
func purchased[P any](n *function) func(context.Context, runtime.NotificationType, *api.ValidatedPurchase, P) error {
	return func(ctx context.Context, kind runtime.NotificationType, p *api.ValidatedPurchase, payload P) error {
		return n.notify(ctx, kind, func(e vm.Engine) vm.Ref { return PurchaseShape.Of(e, p) }, payload)
	}
}

// subscribed is purchased for subscriptions.
func subscribed[P any](n *function) func(context.Context, runtime.NotificationType, *api.ValidatedSubscription, P) error {
	return func(ctx context.Context, kind runtime.NotificationType, s *api.ValidatedSubscription, payload P) error {
		return n.notify(ctx, kind, func(e vm.Engine) vm.Ref { return SubscriptionShape.Of(e, s) }, payload)
	}
}

func (n *function) notify(ctx context.Context, kind runtime.NotificationType, what func(vm.Engine) vm.Ref, payload any) error {
	data, err := json.Marshal(payload)
	if err != nil {
		return fault.Wrap(fault.Internal, "the provider's notification cannot be written as JSON", err)
	}
	return n.call(ctx, func(e vm.Engine, args []vm.Ref) ([]vm.Ref, error) {
		return append(args, what(e), e.FromStr(string(data)), e.FromStr(kind.String())), nil
	}, n.wantNothing)
}

// PurchaseShape is a purchase, as handlers and functions see it.
var PurchaseShape = vm.NewShape(
	vm.StrOpt("user_id", (*api.ValidatedPurchase).GetUserId),
	vm.Str("product_id", (*api.ValidatedPurchase).GetProductId),
	vm.Str("transaction_id", (*api.ValidatedPurchase).GetTransactionId),
	vm.Str("store", func(p *api.ValidatedPurchase) string { return p.GetStore().String() }),
	vm.Str("provider_response", (*api.ValidatedPurchase).GetProviderResponse),
	vm.Time("purchase_time", (*api.ValidatedPurchase).GetPurchaseTime),
	vm.Time("create_time", (*api.ValidatedPurchase).GetCreateTime),
	vm.Time("update_time", (*api.ValidatedPurchase).GetUpdateTime),
	vm.Time("refund_time", (*api.ValidatedPurchase).GetRefundTime),
	vm.Str("environment", func(p *api.ValidatedPurchase) string { return p.GetEnvironment().String() }),
	vm.Bool("seen_before", (*api.ValidatedPurchase).GetSeenBefore),
)

// SubscriptionShape is a subscription, likewise.
var SubscriptionShape = vm.NewShape(
	vm.StrOpt("user_id", (*api.ValidatedSubscription).GetUserId),
	vm.Str("product_id", (*api.ValidatedSubscription).GetProductId),
	vm.Str("original_transaction_id", (*api.ValidatedSubscription).GetOriginalTransactionId),
	vm.Str("store", func(s *api.ValidatedSubscription) string { return s.GetStore().String() }),
	vm.Str("provider_response", (*api.ValidatedSubscription).GetProviderResponse),
	vm.Str("provider_notification", (*api.ValidatedSubscription).GetProviderNotification),
	vm.Time("purchase_time", (*api.ValidatedSubscription).GetPurchaseTime),
	vm.Time("create_time", (*api.ValidatedSubscription).GetCreateTime),
	vm.Time("update_time", (*api.ValidatedSubscription).GetUpdateTime),
	vm.Time("expiry_time", (*api.ValidatedSubscription).GetExpiryTime),
	vm.Time("refund_time", (*api.ValidatedSubscription).GetRefundTime),
	vm.Str("environment", func(s *api.ValidatedSubscription) string { return s.GetEnvironment().String() }),
	vm.Bool("active", (*api.ValidatedSubscription).GetActive),
)

// indexed calls the function as the filter of a storage index.
func (n *function) indexed(ctx context.Context, w *runtime.StorageWrite) (keep bool, err error) {
	err = n.call(ctx,
		func(e vm.Engine, args []vm.Ref) ([]vm.Ref, error) { return append(args, writeShape.Of(e, w)), nil },
		func(e vm.Engine, out []vm.Ref) error {
			v := lastResult(e, out)
			switch {
			case !e.IsBool(v):
				return fault.Newf(fault.Internal, "%s returned %s; expected a boolean", n.what, kindOf(e, v))
			}
			keep = e.Bool(v)
			return nil
		})
	return keep, err
}

// writeShape is a storage object that is about to be written.
var writeShape = vm.NewShape(
	vm.Str("collection", func(w *runtime.StorageWrite) string { return w.Collection }),
	vm.Str("key", func(w *runtime.StorageWrite) string { return w.Key }),
	vm.StrOpt("user_id", func(w *runtime.StorageWrite) string { return w.UserID }),
	vm.JSON("value", func(w *runtime.StorageWrite) string { return w.Value }),
	vm.StrOpt("version", func(w *runtime.StorageWrite) string { return w.Version }),
	vm.Int("permission_read", func(w *runtime.StorageWrite) int { return w.PermissionRead }),
	vm.Int("permission_write", func(w *runtime.StorageWrite) int { return w.PermissionWrite }),
)
