package core

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store"
)

// KeptSessions keeps in the database what a server that is restarted needs to go on with
// its sessions. It may be used from any goroutine.
type KeptSessions struct {
	db    *store.DB
	node  string
	table *ownTable
}

// KeptSession is a session, or something that sessions share.
type KeptSession struct {
	ID    uuid.UUID
	Kind  string
	State []byte
}

// NewKeptSessions returns the kept sessions of a node.
func NewKeptSessions(db *store.DB, node string) *KeptSessions {
	return &KeptSessions{db: db, node: node, table: newOwnTable("kumi_session",
		// A row counts until until_ms, in Unix milliseconds. state is JSON.
		`CREATE TABLE IF NOT EXISTS kumi_session (
			id       VARCHAR(36) NOT NULL PRIMARY KEY,
			node     VARCHAR(64) NOT NULL,
			kind     VARCHAR(16) NOT NULL,
			position BIGINT NOT NULL,
			until_ms BIGINT NOT NULL,
			state    BYTEA NOT NULL
		)`,
		"CREATE INDEX IF NOT EXISTS kumi_session_node ON kumi_session (node)",
	)}
}

// Keep replaces the rows of the node: all or none.
func (k *KeptSessions) Keep(ctx context.Context, all []KeptSession, until time.Time) error {
	if len(all) == 0 {
		return nil
	}
	if err := k.table.ensure(ctx, k.db); err != nil {
		return err
	}
	return k.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		if _, err := q.ExecContext(ctx, "DELETE FROM kumi_session WHERE node = $1", k.node); err != nil {
			return fmt.Errorf("delete kept sessions: %w", err)
		}
		for i, one := range all {
			if _, err := q.ExecContext(ctx, "INSERT INTO kumi_session (id, node, kind, position, until_ms, state) VALUES ($1, $2, $3, $4, $5, $6)",
				one.ID.String(), k.node, one.Kind, i, until.UnixMilli(), one.State); err != nil {
				return fmt.Errorf("keep session %s: %w", one.ID, err)
			}
		}
		return nil
	})
}

// Take returns the rows of the node in their order, with the time until which they count,
// and deletes them, so that no session is made twice. Rows that count no longer are left out.
func (k *KeptSessions) Take(ctx context.Context) (all []KeptSession, until time.Time, err error) {
	if exists, err := k.table.exists(ctx, k.db); err != nil || !exists {
		return nil, until, err
	}
	err = k.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		all = nil
		rows, err := q.QueryContext(ctx, "SELECT id, kind, state, until_ms FROM kumi_session WHERE node = $1 AND until_ms > $2 ORDER BY position",
			k.node, time.Now().UnixMilli())
		if err != nil {
			return fmt.Errorf("read kept sessions: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var one KeptSession
			var ms int64
			if err := rows.Scan(&one.ID, &one.Kind, &one.State, &ms); err != nil {
				return fmt.Errorf("read kept sessions: %w", err)
			}
			all, until = append(all, one), time.UnixMilli(ms)
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("read kept sessions: %w", err)
		}
		if _, err := q.ExecContext(ctx, "DELETE FROM kumi_session WHERE node = $1", k.node); err != nil {
			return fmt.Errorf("delete kept sessions: %w", err)
		}
		return nil
	})
	return all, until, err
}
