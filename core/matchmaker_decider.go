package core

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"kumi/match/matchmaker"
	"kumi/presence"
	"kumi/store"
)

// MatchmakerDecider is the database of a cluster's matchmaker: a lease that says which
// node leads, and a row for each match that says whether it came about. It needs
// PostgreSQL, and only the database's clock counts. It may be used from any goroutine.
type MatchmakerDecider struct {
	db     *store.DB
	holder presence.NodeID
	epoch  func() uint64
	lease  *ownTable
	rows   *ownTable
	pruned atomic.Int64 // Unix seconds of the last prune, by this process's clock
}

var _ matchmaker.Decider = (*MatchmakerDecider)(nil)

// NewMatchmakerDecider returns the decider of a node. epoch returns the number of its
// process, which need not be known yet.
func NewMatchmakerDecider(db *store.DB, node presence.NodeID, epoch func() uint64) *MatchmakerDecider {
	return &MatchmakerDecider{
		db: db, holder: node, epoch: epoch,
		lease: newOwnTable("kumi_lease", `CREATE TABLE IF NOT EXISTS kumi_lease (
			name   VARCHAR(64) PRIMARY KEY,
			holder VARCHAR(12) NOT NULL, -- a node's id
			epoch  BIGINT NOT NULL,      -- of its process
			term   BIGINT NOT NULL,      -- counts the takings
			until  TIMESTAMPTZ NOT NULL  -- holds until then
		)`),
		rows: newOwnTable("kumi_decided", `CREATE TABLE IF NOT EXISTS kumi_decided (
			match VARCHAR(36) PRIMARY KEY,
			place TEXT NOT NULL,         -- '': it is not to be
			made  TIMESTAMPTZ NOT NULL DEFAULT now()
		)`, "CREATE INDEX IF NOT EXISTS kumi_decided_made ON kumi_decided (made)"),
	}
}

const leaseName = "matchmaker"

// Lease implements [matchmaker.Decider].
func (d *MatchmakerDecider) Lease(ctx context.Context, campaign bool) (l matchmaker.Lease, err error) {
	if err := d.lease.ensure(ctx, d.db); err != nil {
		return l, err
	}
	l, free, err := d.readLease(ctx)
	if err != nil || !campaign || !free {
		return l, err
	}
	err = d.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		return q.QueryRowContext(ctx, `INSERT INTO kumi_lease AS l (name, holder, epoch, term, until)
			VALUES ($1, $2, $3, 1, now() + $4 * interval '1 millisecond')
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = excluded.epoch, until = excluded.until,
				term = l.term + CASE WHEN l.holder = excluded.holder AND l.epoch = excluded.epoch AND l.until > now() THEN 0 ELSE 1 END
			WHERE l.until <= now() OR l.holder = excluded.holder AND l.epoch = excluded.epoch
			RETURNING term`,
			leaseName, d.holder.String(), int64(d.epoch()), matchmaker.LeaseTime.Milliseconds()).Scan(&l.Term)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows): // another node was faster
		l, _, err = d.readLease(ctx)
		return l, err
	case err != nil:
		return l, fmt.Errorf("take the matchmaker's lease: %w", err)
	}
	l.Holder, l.Mine = d.holder, true
	return l, nil
}

// readLease returns the lease as it is, and whether this process may take or renew it.
func (d *MatchmakerDecider) readLease(ctx context.Context) (l matchmaker.Lease, free bool, err error) {
	var holder string
	var epoch int64
	var over bool
	err = d.db.Reader().QueryRowContext(ctx, "SELECT holder, epoch, term, until <= now() FROM kumi_lease WHERE name = $1", leaseName).
		Scan(&holder, &epoch, &l.Term, &over)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return l, true, nil
	case err != nil:
		return l, false, fmt.Errorf("read the matchmaker's lease: %w", err)
	}
	if l.Holder, err = presence.ParseNodeID(holder); err != nil {
		return l, false, fmt.Errorf("read the matchmaker's lease: %w", err)
	}
	return l, over || l.Holder == d.holder && epoch == int64(d.epoch()), nil
}

// Release implements [matchmaker.Decider].
func (d *MatchmakerDecider) Release(ctx context.Context, term int64) error {
	if _, err := d.db.Exec(ctx, "UPDATE kumi_lease SET until = now() WHERE name = $1 AND holder = $2 AND epoch = $3 AND term = $4",
		leaseName, d.holder.String(), int64(d.epoch()), term); err != nil {
		return fmt.Errorf("release the matchmaker's lease: %w", err)
	}
	return nil
}

// Decide implements [matchmaker.Decider].
func (d *MatchmakerDecider) Decide(ctx context.Context, term int64, places map[string]string) (map[string]string, error) {
	matches, texts := make([]string, 0, len(places)), make([]string, 0, len(places))
	for match, place := range places {
		matches, texts = append(matches, match), append(texts, place)
	}
	settled, err := d.settle(ctx, matches, `INSERT INTO kumi_decided (match, place)
		SELECT m, p FROM unnest($1::text[], $2::text[]) AS new (m, p)
		WHERE EXISTS (SELECT 1 FROM kumi_lease WHERE name = $3 AND holder = $4 AND epoch = $5 AND term = $6 AND until > now())
		ORDER BY m ON CONFLICT (match) DO NOTHING`, matches, texts, leaseName, d.holder.String(), int64(d.epoch()), term)
	if err == nil {
		d.prune(ctx)
	}
	return settled, err
}

// Resolve implements [matchmaker.Decider].
func (d *MatchmakerDecider) Resolve(ctx context.Context, matches []string) (map[string]string, error) {
	return d.settle(ctx, matches, `INSERT INTO kumi_decided (match, place)
		SELECT m, '' FROM unnest($1::text[]) AS new (m) ORDER BY m ON CONFLICT (match) DO NOTHING`, matches)
}

// settle runs an insert, whose rows are in the order of their keys, so that two of them
// cannot deadlock, and reads what there is then of the matches. The read is a statement
// of its own: only that sees what another server has written during the insert.
func (d *MatchmakerDecider) settle(ctx context.Context, matches []string, insert string, args ...any) (map[string]string, error) {
	for _, table := range []*ownTable{d.lease, d.rows} {
		if err := table.ensure(ctx, d.db); err != nil {
			return nil, err
		}
	}
	var settled map[string]string
	err := d.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		settled = make(map[string]string, len(matches))
		if _, err := q.ExecContext(ctx, insert, args...); err != nil {
			return err
		}
		rows, err := q.QueryContext(ctx, "SELECT match, place FROM kumi_decided WHERE match = ANY($1::text[])", matches)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var match, place string
			if err := rows.Scan(&match, &place); err != nil {
				return err
			}
			settled[match] = place
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("decide %d matches: %w", len(matches), err)
	}
	return settled, nil
}

// decidedFor is how long rows are kept: much longer than a node that still has a ticket
// of such a match can be silent.
const decidedFor = time.Hour

// prune deletes old rows, once a minute. An error is not one of the matches'.
func (d *MatchmakerDecider) prune(ctx context.Context) {
	now := time.Now().Unix()
	last := d.pruned.Load()
	if now-last < 60 || !d.pruned.CompareAndSwap(last, now) {
		return
	}
	_, _ = d.db.Exec(ctx, "DELETE FROM kumi_decided WHERE made < now() - $1 * interval '1 second'", int64(decidedFor/time.Second))
}
