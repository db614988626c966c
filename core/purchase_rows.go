package core

import (
	"context"
	"database/sql"
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

// purchaseRow is a row of the table, or what would be one.
type purchaseRow struct {
	purchase.Purchase
	user             uuid.UUID // Nil: of a deleted user
	created, updated time.Time // zero: not stored
	seen             bool      // was stored before
}

var purchaseTable = &boughtTable[purchaseRow]{
	name: "purchase", id: "transaction_id", columns: purchaseColumns, cursor: purchaseCursor, scan: scanPurchase,
	position: func(r *purchaseRow) boughtPosition {
		return boughtPosition{Time: r.Time, User: r.user, ID: r.TransactionID}
	},
}

const purchaseColumns = "transaction_id, user_id, store, product_id, environment, raw_response, purchase_time, create_time, update_time, refund_time"

// scanPurchase reads purchaseColumns.
func scanPurchase(row interface{ Scan(...any) error }) (*purchaseRow, error) {
	r := &purchaseRow{}
	err := row.Scan(&r.TransactionID, &r.user, &r.Store, &r.ProductID, &r.Environment, &r.Response, &r.Time, &r.created, &r.updated, &r.Refunded)
	if err != nil {
		return nil, err
	}
	r.Refunded = notEpoch(r.Refunded)
	return r, nil
}

func apiPurchase(r *purchaseRow) *api.ValidatedPurchase {
	return &api.ValidatedPurchase{
		UserId: ownerText(r.user), ProductId: r.ProductID, TransactionId: r.TransactionID, Store: r.Store,
		PurchaseTime: timestamppb.New(r.Time), CreateTime: timestampOf(r.created), UpdateTime: timestampOf(r.updated), RefundTime: timestampOf(r.Refunded),
		ProviderResponse: r.Response, Environment: r.Environment, SeenBefore: r.seen,
	}
}

// ownerText is the id of a user; empty for that of a deleted one.
func ownerText(id uuid.UUID) string {
	if id.IsNil() {
		return ""
	}
	return id.String()
}

// timestampOf is nil for the zero time.
func timestampOf(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// orEpoch is how columns say that there is no time.
func orEpoch(t time.Time) time.Time {
	if t.IsZero() {
		return store.Epoch
	}
	return t
}

// notEpoch is the inverse of orEpoch.
func notEpoch(t time.Time) time.Time {
	if t.Unix() == 0 {
		return time.Time{}
	}
	return t
}

// storePurchases stores purchases that a user validated. Those that are stored already
// keep their user, whoever it is.
func (c *Core) storePurchases(ctx context.Context, user uuid.UUID, list []purchase.Purchase) ([]*api.ValidatedPurchase, error) {
	// In the same order everywhere, so that transactions do not wait for one another in
	// a circle.
	sorted := slices.SortedFunc(slices.Values(list), func(a, b purchase.Purchase) int { return strings.Compare(a.TransactionID, b.TransactionID) })
	sorted = slices.CompactFunc(sorted, func(a, b purchase.Purchase) bool { return a.TransactionID == b.TransactionID })
	stored := map[string]*purchaseRow{}
	err := c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		for _, p := range sorted {
			row, err := c.storePurchase(ctx, q, user, p)
			if err != nil {
				return err
			}
			stored[p.TransactionID] = row
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]*api.ValidatedPurchase, 0, len(stored))
	for _, p := range list {
		if row := stored[p.TransactionID]; row != nil {
			row.Response = p.Response // as the store has written it
			out = append(out, apiPurchase(row))
			delete(stored, p.TransactionID)
		}
	}
	return out, nil
}

// storePurchase inserts a purchase. One that is stored already keeps everything but
// the refund time.
func (c *Core) storePurchase(ctx context.Context, q store.Querier, user uuid.UUID, p purchase.Purchase) (*purchaseRow, error) {
	response, err := c.db.Dialect().JSON(p.Response)
	if err != nil {
		return nil, err
	}
	row, err := scanPurchase(q.QueryRowContext(ctx, `INSERT INTO purchase (user_id, store, transaction_id, product_id, purchase_time, raw_response, environment, refund_time, create_time, update_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now(), now()) ON CONFLICT (transaction_id) DO NOTHING RETURNING `+purchaseColumns,
		user, p.Store, p.TransactionID, p.ProductID, p.Time, response, p.Environment, orEpoch(p.Refunded)))
	if !errors.Is(err, sql.ErrNoRows) {
		return row, err
	}
	set, args := "update_time = now()", []any{p.TransactionID}
	if !p.Refunded.IsZero() {
		set, args = set+", refund_time = $2", append(args, p.Refunded)
	}
	row, err = scanPurchase(q.QueryRowContext(ctx, "UPDATE purchase SET "+set+" WHERE transaction_id = $1 RETURNING "+purchaseColumns, args...))
	if err != nil {
		return nil, err
	}
	row.seen = true
	return row, nil
}

// purchaseError is the error of storing a purchase or a subscription.
func purchaseError(err error) error {
	if store.IsForeignKey(err) {
		return fault.Wrap(fault.NotFound, errAccountNotFound.Message, err)
	}
	return failedWith("Error while trying to store the purchase.", err)
}

// listPurchases lists a page of purchases of a user, or of all, newest first.
func (c *Core) listPurchases(ctx context.Context, user *uuid.UUID, bought timeSpan, limit int, cursor string) (*api.PurchaseList, error) {
	rows, next, prev, err := purchaseTable.list(ctx, c.db.Reader(), user, bought, limit, cursor)
	if err != nil {
		return nil, err
	}
	list := &api.PurchaseList{ValidatedPurchases: make([]*api.ValidatedPurchase, len(rows)), Cursor: next, PrevCursor: prev}
	for i, r := range rows {
		list.ValidatedPurchases[i] = apiPurchase(r)
	}
	return list, nil
}
