package core

import (
	"context"
	"errors"
	"time"

	"kumi/core/purchase"
	"kumi/store"
)

// AppleNotification handles a notification of the App Store: body is what it sent. A
// nil error accepts it; after any other, Apple delivers it again later.
//
// Errors: InvalidArgument and Unauthenticated as of purchase.ReadAppleNotification,
// NotFound for a purchase that is not known yet, and Unavailable while another server
// handles the same notification.
func (c *Core) AppleNotification(ctx context.Context, body []byte, h NotificationHandlers) error {
	n, err := c.stores.ReadAppleNotification(body)
	if err != nil {
		return err
	}
	if n.UUID == "" {
		return invalid("the notification has no notificationUUID")
	}
	sub, renews := n.AppleSubscription()
	p, once := n.ApplePurchase()
	switch {
	case renews:
		err = c.notified(ctx, "apple:"+n.UUID, func(ctx context.Context, q store.Querier) (func(context.Context) error, error) {
			return c.appleSubscription(ctx, q, n, &subscriptionRow{
				Subscription: sub, notification: string(body), restored: n.Type == "REFUND_REVERSED",
			}, h)
		})
	case once:
		p.Response = string(body)
		err = c.notified(ctx, "apple:"+n.UUID, func(ctx context.Context, q store.Querier) (func(context.Context) error, error) {
			return c.applePurchase(ctx, q, n, p, h)
		})
	default:
		return nil // a test, or about the app as a whole
	}
	if errors.Is(err, errUnknown) {
		return c.unknownPurchase(p.TransactionID+sub.OriginalTransactionID, time.UnixMilli(n.Signed))
	}
	return err
}

func (c *Core) appleSubscription(ctx context.Context, q store.Querier, n *purchase.AppleNotification, in *subscriptionRow, h NotificationHandlers) (func(context.Context) error, error) {
	s, err := c.notifiedSubscription(ctx, q, in, n.Account())
	if err != nil || h.SubscriptionApple == nil {
		return nil, err
	}
	return func(ctx context.Context) error { return h.SubscriptionApple(ctx, n.Kind(), s, n.Data) }, nil
}

// applePurchase stores a refund. Other notifications store nothing: the player's
// client has yet to validate a new purchase, and then it must not count as seen before.
func (c *Core) applePurchase(ctx context.Context, q store.Querier, n *purchase.AppleNotification, p purchase.Purchase, h NotificationHandlers) (func(context.Context) error, error) {
	if n.Type == "REFUND" && p.Refunded.IsZero() {
		p.Refunded = time.UnixMilli(n.Signed)
	}
	row, err := c.notifiedPurchase(ctx, q, p, n.Account(), n.Type == "REFUND_REVERSED")
	if err != nil || h.PurchaseApple == nil {
		return nil, err
	}
	return func(ctx context.Context) error { return h.PurchaseApple(ctx, n.Kind(), apiPurchase(row), n.Data) }, nil
}
