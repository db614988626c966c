package core

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store"
	"kumi/store/fault"
)

// ledgerItem is a row of the wallet ledger. It implements
// runtime.WalletLedgerItem.
type ledgerItem struct {
	id, user         uuid.UUID
	created, updated time.Time
	changeset        map[string]int64
	metadata         map[string]any
}

var _ runtime.WalletLedgerItem = (*ledgerItem)(nil)

func (i *ledgerItem) GetID() string                  { return i.id.String() }
func (i *ledgerItem) GetUserID() string              { return i.user.String() }
func (i *ledgerItem) GetCreateTime() int64           { return i.created.Unix() }
func (i *ledgerItem) GetUpdateTime() int64           { return i.updated.Unix() }
func (i *ledgerItem) GetChangeset() map[string]int64 { return i.changeset }
func (i *ledgerItem) GetMetadata() map[string]any    { return i.metadata }

const ledgerColumns = "id, user_id, changeset, metadata, create_time, update_time"

// scanLedger reads ledgerColumns.
func scanLedger(row interface{ Scan(...any) error }) (*ledgerItem, error) {
	var i ledgerItem
	var changeset, metadata string
	if err := row.Scan(&i.id, &i.user, &changeset, &metadata, &i.created, &i.updated); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(changeset), &i.changeset); err != nil {
		return nil, err
	}
	return &i, json.Unmarshal([]byte(metadata), &i.metadata)
}

func (c *Core) writeLedger(ctx context.Context, q store.Querier, ch walletChange) error {
	id, err := uuid.NewV4()
	if err != nil {
		return err
	}
	changeset := ch.changeset
	if changeset == nil {
		changeset = map[string]int64{}
	}
	text, err := json.Marshal(changeset)
	if err != nil {
		return err
	}
	stored, err := c.db.Dialect().JSON(string(text))
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, "INSERT INTO wallet_ledger (id, user_id, changeset, metadata, create_time, update_time) VALUES ($1, $2, $3, $4, now(), now())",
		id, ch.user, stored, ch.metadata)
	return err
}

// ledgerPosition is the end of a page of the ledger.
type ledgerPosition struct {
	User    uuid.UUID `json:"u"`
	Created time.Time `json:"t"`
	ID      uuid.UUID `json:"i"`
}

func (p *ledgerPosition) decode(cursor string, user uuid.UUID) error {
	if err := decodeCursor(ledgerCursor, cursor, p); err != nil {
		return err
	}
	if y := p.Created.UTC().Year(); p.User != user || y < 1 || y > 9999 {
		return errCursor
	}
	return nil
}

// listLedger reads a page of a user's ledger, newest first.
func (c *Core) listLedger(ctx context.Context, user uuid.UUID, limit int, cursor string) ([]*ledgerItem, string, error) {
	query := "SELECT " + ledgerColumns + " FROM wallet_ledger WHERE user_id = $1"
	args := []any{user, limit + 1}
	if cursor != "" {
		var from ledgerPosition
		if err := from.decode(cursor, user); err != nil {
			return nil, "", runtime.ErrWalletLedgerInvalidCursor
		}
		query += " AND (create_time, id) < ($3, $4)"
		args = append(args, from.Created, from.ID)
	}
	rows, err := c.db.Reader().QueryContext(ctx, query+" ORDER BY create_time DESC, id DESC LIMIT $2", args...)
	if err != nil {
		return nil, "", failed("list the wallet ledger", err)
	}
	defer rows.Close()
	var items []*ledgerItem
	for rows.Next() {
		item, err := scanLedger(rows)
		if err != nil {
			return nil, "", failed("list the wallet ledger", err)
		}
		items = append(items, item)
	}
	if err := rows.Err(); err != nil {
		return nil, "", failed("list the wallet ledger", err)
	}
	if len(items) <= limit {
		return items, "", nil
	}
	items = items[:limit]
	last := items[limit-1]
	next, err := encodeCursor(ledgerCursor, ledgerPosition{user, last.created, last.id})
	if err != nil {
		return nil, "", failed("list the wallet ledger", err)
	}
	return items, next, nil
}

// annotateLedger merges metadata into that of a ledger row.
func (c *Core) annotateLedger(ctx context.Context, item uuid.UUID, metadata string) (found *ledgerItem, err error) {
	d := c.db.Dialect()
	err = c.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		found, err = scanLedger(q.QueryRowContext(ctx, "UPDATE wallet_ledger SET update_time = now(), metadata = "+
			d.JSONConcat("metadata", "$2")+" WHERE id = $1 RETURNING "+ledgerColumns, item, metadata))
		return err
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fault.New(fault.NotFound, "wallet ledger item not found")
	case err != nil:
		return nil, failed("update the wallet ledger", err)
	}
	return found, nil
}
