package golang

import (
	"context"
	"database/sql"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/hooks"
)

// RegisterPurchaseNotificationApple implements runtime.Initializer.
func (i *initializer) RegisterPurchaseNotificationApple(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, notificationType runtime.NotificationType, purchase *api.ValidatedPurchase, payload *runtime.AppleNotificationData) error) error {
	return notification(i, "handler of Apple's purchase notifications", "purchase_notification_apple", fn, &i.Into.Hooks.Single.PurchaseApple)
}

// RegisterPurchaseNotificationGoogle implements runtime.Initializer.
func (i *initializer) RegisterPurchaseNotificationGoogle(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, notificationType runtime.NotificationType, purchase *api.ValidatedPurchase, payload *runtime.PurchaseV2GoogleResponse) error) error {
	return notification(i, "handler of Google's purchase notifications", "purchase_notification_google", fn, &i.Into.Hooks.Single.PurchaseGoogle)
}

// RegisterSubscriptionNotificationApple implements runtime.Initializer.
func (i *initializer) RegisterSubscriptionNotificationApple(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, notificationType runtime.NotificationType, subscription *api.ValidatedSubscription, payload *runtime.AppleNotificationData) error) error {
	return notification(i, "handler of Apple's subscription notifications", "subscription_notification_apple", fn, &i.Into.Hooks.Single.SubscriptionApple)
}

// RegisterSubscriptionNotificationGoogle implements runtime.Initializer.
func (i *initializer) RegisterSubscriptionNotificationGoogle(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, notificationType runtime.NotificationType, subscription *api.ValidatedSubscription, payload *runtime.SubscriptionV2GoogleResponse) error) error {
	return notification(i, "handler of Google's subscription notifications", "subscription_notification_google", fn, &i.Into.Hooks.Single.SubscriptionGoogle)
}

func notification[T, P any](i *initializer, what, mode string, fn func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, runtime.NotificationType, T, P) error, slot **hooks.Slot[func(context.Context, runtime.NotificationType, T, P) error]) error {
	return single(i, what, mode, fn == nil, slot, func(c *call) func(context.Context, runtime.NotificationType, T, P) error {
		return func(ctx context.Context, kind runtime.NotificationType, x T, payload P) (err error) {
			start := time.Now()
			ctx, end := c.begin(ctx)
			defer end()
			defer c.recovered(&err)
			return c.noted(fn(ctx, c.logger, c.db, c.nk, kind, x, payload), start)
		}
	})
}
