package core

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/purchase"
	"kumi/store"
	"kumi/store/fault"
)

// NotificationHandlers are the handlers of the stores' notifications; each may be nil.
type NotificationHandlers struct {
	PurchaseApple      func(context.Context, runtime.NotificationType, *api.ValidatedPurchase, *runtime.AppleNotificationData) error
	PurchaseGoogle     func(context.Context, runtime.NotificationType, *api.ValidatedPurchase, *runtime.PurchaseV2GoogleResponse) error
	SubscriptionApple  func(context.Context, runtime.NotificationType, *api.ValidatedSubscription, *runtime.AppleNotificationData) error
	SubscriptionGoogle func(context.Context, runtime.NotificationType, *api.ValidatedSubscription, *runtime.SubscriptionV2GoogleResponse) error
}

const (
	// notificationRetry is for how long a store is asked to deliver again what is about a
	// purchase that is not known yet: the player's client may be about to validate it.
	notificationRetry = 3 * 24 * time.Hour
	// notificationClaim is how long a server has to handle a notification before another
	// one may: the first may have been killed.
	notificationClaim = 2 * time.Minute
	// notificationMemory is for how long notifications are remembered. Stores deliver
	// again for a week at most.
	notificationMemory = 30 * 24 * time.Hour
)

// notifications are those that the stores have delivered, in the database.
type notifications struct {
	table *ownTable
	mu    sync.Mutex
	swept time.Time // when old ones were deleted
}

func newNotificationTable() *ownTable {
	return newOwnTable("kumi_store_notification",
		// received_at is in Unix seconds, and handled is 0 while a server handles it.
		`CREATE TABLE IF NOT EXISTS kumi_store_notification (
			id          VARCHAR(256) PRIMARY KEY,
			received_at BIGINT NOT NULL,
			handled     SMALLINT NOT NULL
		)`)
}

// errBeingHandled asks the store to deliver again: a server that handles the
// notification now may still fail.
var errBeingHandled = fault.New(fault.Unavailable, "the notification is being handled")

// unknownPurchase is the answer to a notification that is about nothing that is
// stored. It asks the store to deliver again, until the notification is too old.
func (c *Core) unknownPurchase(what string, sent time.Time) error {
	if c.now().Sub(sent) > notificationRetry {
		c.log.Warn().Str("transaction_id", what).Msg("a store's notification is about an unknown purchase, and is dropped")
		return nil
	}
	return fault.Newf(fault.NotFound, "unknown purchase %q", what)
}

// errUnknown is returned by an operation of notified.
var errUnknown = errors.New("unknown purchase")

// notified handles a notification once, however often and to whichever servers it is
// delivered. change stores what it says, and returns a call of the modules' handler,
// or nil, or errUnknown. If the handler fails, the store is asked to deliver again.
func (c *Core) notified(ctx context.Context, id string, change func(ctx context.Context, q store.Querier) (call func(context.Context) error, err error)) error {
	if len(id) > 256 {
		return invalid("the notification's id is too long")
	}
	if err := c.notifications.table.ensure(ctx, c.db); err != nil {
		return err
	}
	var call func(context.Context) error
	var handled bool
	err := c.db.Tx(ctx, func(ctx context.Context, q store.Querier) (err error) {
		call, handled = nil, false
		now := c.now()
		res, err := q.ExecContext(ctx, `INSERT INTO kumi_store_notification (id, received_at, handled) VALUES ($1, $2, 0)
			ON CONFLICT (id) DO UPDATE SET received_at = $2 WHERE kumi_store_notification.handled = 0 AND kumi_store_notification.received_at < $3`,
			id, now.Unix(), now.Add(-notificationClaim).Unix())
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			if err == nil {
				err = q.QueryRowContext(ctx, "SELECT handled <> 0 FROM kumi_store_notification WHERE id = $1", id).Scan(&handled)
			}
			if err == nil && !handled {
				err = errBeingHandled
			}
			return err
		}
		call, err = change(ctx, q)
		return err
	})
	if err != nil || handled {
		return err
	}
	// The handler has begun: what it did must be recorded also if the store hangs up.
	ctx = context.WithoutCancel(ctx)
	if call != nil {
		if err := call(ctx); err != nil {
			_, forget := c.db.Exec(ctx, "DELETE FROM kumi_store_notification WHERE id = $1", id)
			return errors.Join(fmt.Errorf("handler of a store's notification: %w", err), forget)
		}
	}
	if _, err := c.db.Exec(ctx, "UPDATE kumi_store_notification SET handled = 1 WHERE id = $1", id); err != nil {
		return err
	}
	return c.sweepNotifications(ctx)
}

// sweepNotifications deletes old notifications once a day.
func (c *Core) sweepNotifications(ctx context.Context) error {
	n, now := &c.notifications, c.now()
	n.mu.Lock()
	due := now.Sub(n.swept) > 24*time.Hour
	if due {
		n.swept = now
	}
	n.mu.Unlock()
	if !due {
		return nil
	}
	_, err := c.db.Exec(ctx, "DELETE FROM kumi_store_notification WHERE received_at < $1", now.Add(-notificationMemory).Unix())
	return err
}

// buyer is the user that the app passed to the store with a purchase, if there is one.
func (c *Core) buyer(ctx context.Context, q store.Querier, account string) (id uuid.UUID, known bool, err error) {
	id, err = uuid.FromString(account)
	if err != nil || id.IsNil() {
		return uuid.Nil, false, nil // another identifier of the app
	}
	err = q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM users WHERE id = $1)", id).Scan(&known)
	return id, known, err
}

// notifiedSubscription stores what a notification says about a subscription. One that
// is not stored belongs to the account, if that is a user's; otherwise it is unknown.
func (c *Core) notifiedSubscription(ctx context.Context, q store.Querier, in *subscriptionRow, account string) (*api.ValidatedSubscription, error) {
	stored, err := subscriptionTable.find(ctx, q, in.OriginalTransactionID, "")
	if err != nil {
		return nil, err
	}
	if stored == nil {
		known := false
		if in.user, known, err = c.buyer(ctx, q, account); err != nil {
			return nil, err
		}
		if !known {
			return nil, errUnknown
		}
	}
	row, err := c.storeSubscription(ctx, q, in)
	if err != nil {
		return nil, err
	}
	return c.apiSubscription(row), nil
}

// notifiedPurchase stores the refund of a purchase, or that it was taken back, if the
// purchase says so or if restored is set. A refunded purchase that is not stored
// belongs to the account, if that is a user's; otherwise the purchase is unknown.
func (c *Core) notifiedPurchase(ctx context.Context, q store.Querier, p purchase.Purchase, account string, restored bool) (*purchaseRow, error) {
	row, err := purchaseTable.find(ctx, q, p.TransactionID, c.db.Dialect().ForUpdate())
	if err != nil {
		return nil, err
	}
	if row == nil {
		user, known, err := c.buyer(ctx, q, account)
		switch {
		case err != nil:
			return nil, err
		case !known:
			return nil, errUnknown
		case p.Refunded.IsZero():
			return &purchaseRow{Purchase: p, user: user}, nil
		}
		return c.storePurchase(ctx, q, user, p)
	}
	switch {
	case !p.Refunded.IsZero():
		return c.storePurchase(ctx, q, row.user, p)
	case restored:
		return scanPurchase(q.QueryRowContext(ctx, "UPDATE purchase SET refund_time = $2, update_time = now() WHERE transaction_id = $1 RETURNING "+purchaseColumns, p.TransactionID, store.Epoch))
	}
	return row, nil
}
