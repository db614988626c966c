package core

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/purchase"
	"kumi/store"
	"kumi/store/fault"
)

// GoogleNotification handles a notification of Google Play: body is what Pub/Sub sent.
// A nil error accepts it; after any other, Pub/Sub delivers it again later. The
// notification is not signed, so the purchase is asked for again.
//
// Errors: InvalidArgument for another body, FailedPrecondition if Google Play is not
// configured, NotFound for a purchase that is not known yet, and Unavailable if Google
// cannot be asked, or while another server handles the same notification.
func (c *Core) GoogleNotification(ctx context.Context, body []byte, h NotificationHandlers) error {
	read, err := purchase.ReadGoogleNotification(body)
	if err != nil {
		return err
	}
	n := &googleNotification{GoogleNotification: read, body: string(body), handlers: h}
	account := c.googleAccount()
	if account.Email == "" || account.PrivateKey == "" {
		return notConfigured("Google")
	}
	switch sub, voided, once := n.SubscriptionNotification, n.VoidedPurchaseNotification, n.OneTimeProductNotification; {
	case sub != nil:
		n.token, n.kind = sub.PurchaseToken, purchase.GoogleKind(sub.NotificationType)
		err = c.googleSubscription(ctx, account, n)
	case voided != nil && voided.ProductType == runtime.GoogleProductTypeSubscription:
		n.token, n.kind, n.refunded = voided.PurchaseToken, runtime.IAPNotificationRefunded, c.sent(n)
		err = c.googleSubscription(ctx, account, n)
	case voided != nil:
		n.token, n.kind, n.refunded = voided.PurchaseToken, runtime.IAPNotificationRefunded, c.sent(n)
		err = c.googlePurchase(ctx, account, n)
	case once != nil:
		n.token, n.product = once.PurchaseToken, once.Sku
		if once.NotificationType == 2 { // a pending purchase was cancelled
			n.kind = runtime.IAPNotificationCancelled
		}
		err = c.googlePurchase(ctx, account, n)
	default:
		return nil // a test
	}
	if errors.Is(err, errUnknown) {
		return c.unknownPurchase(n.token, c.sent(n))
	}
	return err
}

// googleNotification is a notification, and what it says about which purchase.
type googleNotification struct {
	*purchase.GoogleNotification
	body           string
	token, product string
	kind           runtime.NotificationType
	refunded       time.Time
	handlers       NotificationHandlers
}

// id identifies the notification, however often it is delivered.
func (n *googleNotification) id() string { return "google:" + cmp.Or(n.ID, n.EventTimeMillis+n.token) }

// sent is when Google sent a notification.
func (c *Core) sent(n *googleNotification) time.Time {
	if t := n.Time(); !t.IsZero() {
		return t
	}
	return c.now()
}

// answered converts Google's answer that there is no such purchase. A refund of a
// purchase that is stored counts nevertheless.
func (n *googleNotification) answered(err error) error {
	if fault.CodeOf(err) != fault.FailedPrecondition {
		return err
	}
	if n.refunded.IsZero() {
		return errUnknown
	}
	return nil
}

func (c *Core) googleSubscription(ctx context.Context, account purchase.GoogleAccount, n *googleNotification) error {
	answer, text, err := c.stores.FetchGoogleSubscription(ctx, account, n.PackageName, n.token)
	if err := n.answered(err); err != nil {
		return err
	}
	in := &subscriptionRow{Subscription: purchase.GoogleSubscriptionOf(answer, n.token, ""), notification: n.body}
	in.Response, in.Refunded = text, n.refunded
	buyer := cmp.Or(answer.GetObfuscatedExternalAccountId(), answer.GetObfuscatedExternalProfileId())
	return c.notified(ctx, n.id(), func(ctx context.Context, q store.Querier) (func(context.Context) error, error) {
		if in.ProductID == "" { // Google does not know it any more
			if stored, err := subscriptionTable.find(ctx, q, in.OriginalTransactionID, ""); err != nil || stored == nil {
				return nil, cmp.Or(err, errUnknown)
			}
		}
		s, err := c.notifiedSubscription(ctx, q, in, buyer)
		if err != nil || n.handlers.SubscriptionGoogle == nil {
			return nil, err
		}
		return func(ctx context.Context) error { return n.handlers.SubscriptionGoogle(ctx, n.kind, s, answer) }, nil
	})
}

func (c *Core) googlePurchase(ctx context.Context, account purchase.GoogleAccount, n *googleNotification) error {
	answer, text, err := c.stores.FetchGooglePurchase(ctx, account, n.PackageName, n.token)
	if err := n.answered(err); err != nil {
		return err
	}
	p := purchase.Purchase{
		Store: api.StoreProvider_GOOGLE_PLAY_STORE, ProductID: n.product, TransactionID: n.token, Response: cmp.Or(text, "{}"),
		Time: answer.PurchaseCompletionTime, Refunded: n.refunded, Environment: api.StoreEnvironment_PRODUCTION,
	}
	if answer.TestPurchaseContext != nil {
		p.Environment = api.StoreEnvironment_SANDBOX
	}
	for _, item := range answer.ProductLineItem {
		p.ProductID = cmp.Or(p.ProductID, item.ProductId)
	}
	buyer := cmp.Or(answer.ObfuscatedExternalAccountId, answer.ObfuscatedExternalProfileId)
	if p.ProductID == "" {
		buyer = "" // Google does not know it any more, so it must be stored
	}
	return c.notified(ctx, n.id(), func(ctx context.Context, q store.Querier) (func(context.Context) error, error) {
		row, err := c.notifiedPurchase(ctx, q, p, buyer, false)
		if err != nil || n.handlers.PurchaseGoogle == nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			return n.handlers.PurchaseGoogle(ctx, n.kind, apiPurchase(row), answer)
		}, nil
	})
}
