package core

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/purchase"
	"kumi/store"
	"kumi/store/fault"
)

// subscriptionRow is a row of the table, or what would be one.
type subscriptionRow struct {
	purchase.Subscription
	user             uuid.UUID // Nil: of a deleted user
	created, updated time.Time // zero: not stored
	notification     string    // the last one of the store, JSON
	restored         bool      // the refund was taken back
}

var subscriptionTable = &boughtTable[subscriptionRow]{
	name: "subscription", id: "original_transaction_id", columns: subscriptionColumns, cursor: subscriptionCursor, scan: scanSubscription,
	position: func(r *subscriptionRow) boughtPosition {
		return boughtPosition{Time: r.Time, User: r.user, ID: r.OriginalTransactionID}
	},
}

const subscriptionColumns = "original_transaction_id, user_id, store, product_id, environment, purchase_time, create_time, update_time, expire_time, refund_time, raw_response, raw_notification"

// scanSubscription reads subscriptionColumns.
func scanSubscription(row interface{ Scan(...any) error }) (*subscriptionRow, error) {
	r := &subscriptionRow{}
	err := row.Scan(&r.OriginalTransactionID, &r.user, &r.Store, &r.ProductID, &r.Environment, &r.Time, &r.created, &r.updated, &r.Expiry, &r.Refunded, &r.Response, &r.notification)
	if err != nil {
		return nil, err
	}
	r.Refunded = notEpoch(r.Refunded)
	r.Response, r.notification = unquoted(r.Response), unquoted(r.notification)
	return r, nil
}

// quoted is how Nakama stores the answers of stores for subscriptions: as a JSON
// string that holds their JSON.
func (c *Core) quoted(text string) (string, error) {
	if text == "" {
		text = "{}"
	}
	raw, err := json.Marshal(text)
	if err != nil {
		return "", err
	}
	return c.db.Dialect().JSON(string(raw))
}

// unquoted is the inverse of quoted. Columns with an object are left as they are.
func unquoted(column string) string {
	var text string
	if strings.HasPrefix(column, `"`) && json.Unmarshal([]byte(column), &text) == nil {
		return text
	}
	return column
}

func (c *Core) apiSubscription(r *subscriptionRow) *api.ValidatedSubscription {
	return &api.ValidatedSubscription{
		UserId: ownerText(r.user), ProductId: r.ProductID, OriginalTransactionId: r.OriginalTransactionID, Store: r.Store,
		PurchaseTime: timestamppb.New(r.Time), CreateTime: timestampOf(r.created), UpdateTime: timestampOf(r.updated),
		Environment: r.Environment, ExpiryTime: timestamppb.New(r.Expiry), RefundTime: timestamppb.New(orEpoch(r.Refunded)),
		ProviderResponse: r.Response, ProviderNotification: r.notification,
		Active: r.Expiry.After(c.now()) && r.Refunded.IsZero(),
	}
}

// storeSubscriptions stores subscriptions that a user validated, and returns the first
// of them. Those that are stored already keep their user, whoever it is.
func (c *Core) storeSubscriptions(ctx context.Context, user uuid.UUID, list []purchase.Subscription) (first *api.ValidatedSubscription, err error) {
	sorted := slices.SortedFunc(slices.Values(list), func(a, b purchase.Subscription) int {
		return strings.Compare(a.OriginalTransactionID, b.OriginalTransactionID)
	})
	err = c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		for _, sub := range sorted {
			row, err := c.storeSubscription(ctx, q, &subscriptionRow{Subscription: sub, user: user})
			if err != nil {
				return err
			}
			if sub.OriginalTransactionID == list[0].OriginalTransactionID {
				first = c.apiSubscription(row)
			}
		}
		return nil
	})
	return first, err
}

// storeSubscription inserts a subscription, or updates the one that is stored with
// what the store says now. It returns the stored row.
func (c *Core) storeSubscription(ctx context.Context, q store.Querier, in *subscriptionRow) (*subscriptionRow, error) {
	response, err := c.quoted(in.Response)
	if err != nil {
		return nil, err
	}
	notification, err := c.quoted(in.notification)
	if err != nil {
		return nil, err
	}
	row, err := scanSubscription(q.QueryRowContext(ctx, `INSERT INTO subscription (user_id, store, original_transaction_id, product_id, purchase_time, environment, expire_time, raw_response, raw_notification, refund_time, create_time, update_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now(), now()) ON CONFLICT (original_transaction_id) DO NOTHING RETURNING `+subscriptionColumns,
		in.user, in.Store, in.OriginalTransactionID, in.ProductID, orEpoch(in.Time), in.Environment, orEpoch(in.Expiry), response, notification, orEpoch(in.Refunded)))
	if !errors.Is(err, sql.ErrNoRows) {
		return row, err
	}
	if row, err = subscriptionTable.find(ctx, q, in.OriginalTransactionID, c.db.Dialect().ForUpdate()); err != nil {
		return nil, err
	}
	if row == nil {
		return nil, errors.New("a subscription was deleted while it was stored")
	}
	row.apply(in)
	if response, err = c.quoted(row.Response); err != nil {
		return nil, err
	}
	if notification, err = c.quoted(row.notification); err != nil {
		return nil, err
	}
	return scanSubscription(q.QueryRowContext(ctx, `UPDATE subscription SET product_id = $2, expire_time = $3, refund_time = $4, raw_response = $5, raw_notification = $6, update_time = now()
		WHERE original_transaction_id = $1 RETURNING `+subscriptionColumns,
		in.OriginalTransactionID, row.ProductID, row.Expiry, orEpoch(row.Refunded), response, notification))
}

// apply changes a stored row to what the store says now. What is out of date, such as a
// notification that is delivered late or a receipt that a client has kept, changes
// nothing but a refund.
func (r *subscriptionRow) apply(in *subscriptionRow) {
	switch {
	case !in.Refunded.IsZero():
		r.Refunded = in.Refunded
	case in.restored:
		r.Refunded = time.Time{}
	}
	if r.outdates(in) {
		return
	}
	if in.Refunded.IsZero() && in.Expiry.After(r.Expiry) {
		r.Refunded = time.Time{} // renewed after a refund
	}
	if in.ProductID != "" {
		r.ProductID = in.ProductID
	}
	if !in.Expiry.IsZero() {
		r.Expiry = in.Expiry
	}
	if in.Response != "" {
		r.Response = in.Response
	}
	if in.notification != "" {
		r.notification = in.notification
	}
}

// outdates reports whether a stored row is newer than what a store says about it.
func (r *subscriptionRow) outdates(in *subscriptionRow) bool {
	switch r.Store {
	case api.StoreProvider_APPLE_APP_STORE:
		return !in.Stated.IsZero() && in.Stated.Before(r.stated())
	case api.StoreProvider_GOOGLE_PLAY_STORE:
		// The row has the state of the purchase that replaced the first one, which has
		// ended then.
		return purchase.GoogleReplaces(r.Response) && !purchase.GoogleReplaces(in.Response)
	}
	return false
}

// stated is when Apple stated what a row says; zero if it is not known.
func (r *subscriptionRow) stated() (t time.Time) {
	for _, raw := range []string{r.Response, r.notification} {
		if ms, ok := purchase.AppleStated(raw); ok && time.UnixMilli(ms).After(t) {
			t = time.UnixMilli(ms)
		}
	}
	return t
}

// subscriptionOfProduct returns a user's subscription of a product; of several, that
// with the latest expiry. Errors: NotFound.
func (c *Core) subscriptionOfProduct(ctx context.Context, user uuid.UUID, product string) (*api.ValidatedSubscription, error) {
	row, err := scanSubscription(c.db.Reader().QueryRowContext(ctx, "SELECT "+subscriptionColumns+
		" FROM subscription WHERE user_id = $1 AND product_id = $2 ORDER BY expire_time DESC, original_transaction_id LIMIT 1", user, product))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fault.New(fault.NotFound, "subscription not found")
	case err != nil:
		return nil, failed("get a subscription", err)
	}
	return c.apiSubscription(row), nil
}

// listSubscriptions lists a page of subscriptions of a user, or of all, newest first.
func (c *Core) listSubscriptions(ctx context.Context, user *uuid.UUID, bought timeSpan, limit int, cursor string) (*api.SubscriptionList, error) {
	rows, next, prev, err := subscriptionTable.list(ctx, c.db.Reader(), user, bought, limit, cursor)
	if err != nil {
		return nil, err
	}
	list := &api.SubscriptionList{ValidatedSubscriptions: make([]*api.ValidatedSubscription, len(rows)), Cursor: next, PrevCursor: prev}
	for i, r := range rows {
		list.ValidatedSubscriptions[i] = c.apiSubscription(r)
	}
	return list, nil
}
