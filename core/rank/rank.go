// Package rank answers which place a record has in a leaderboard, in a time that
// does not depend on the number of records.
//
// The records of a board and period, ordered by score, subscore and owner, are
// divided into ranges of at most MaxRange, and the ranges into groups. How many
// records a range and a group have is kept in a table of its own, and changed in
// the transaction that changes a record. A rank is then the sum of the groups
// before the record's, of the ranges before it in its group, and of the records
// before it in its range: three short index scans. Nothing is kept in memory, so
// a start needs no loading, a crash no rebuilding, and several servers see the
// same counts.
//
// Periods whose records were written by Nakama have no counts. They are counted
// in pieces by [Index.Build]; until that is done, ranks are counted the slow way.
//
// An Index may be used from any goroutine.
package rank

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store"
)

// Key is what orders the records of a board. No two records have the same.
type Key struct {
	Score    int64     `json:"s"`
	Subscore int64     `json:"u"`
	Owner    uuid.UUID `json:"o"`
}

// Period is a board between two resets.
type Period struct {
	Board  string
	Expiry time.Time // expiry_time of its records
}

// Index is the counts of all boards in a database.
type Index struct {
	dialect store.Dialect
	// MaxRange is the largest number of records in a range, and MaxGroup that of
	// ranges in a group. Tests make them small.
	MaxRange, MaxGroup int64
}

// New returns the index of a database with the given dialect.
func New(d store.Dialect) *Index { return &Index{dialect: d, MaxRange: 256, MaxGroup: 256} }

// Levels of rows in the table. A row is the first key of a range or group, which
// goes on until the next row of that level.
const (
	building = iota // the key up to which a period has been counted; only while it is
	ranges
	groups
)

// Schema returns the statements that create the table. They do nothing where it
// exists.
func Schema(d store.Dialect) []string {
	options := ""
	if d == store.SQLite {
		options = " WITHOUT ROWID"
	}
	return []string{`CREATE TABLE IF NOT EXISTS kumi_rank (
		board    VARCHAR(128) NOT NULL,
		expiry   BIGINT NOT NULL,
		level    SMALLINT NOT NULL,
		score    BIGINT NOT NULL,
		subscore BIGINT NOT NULL,
		owner    VARCHAR(36) NOT NULL,
		records  BIGINT NOT NULL,
		PRIMARY KEY (board, expiry, level, score, subscore, owner)
	)` + options}
}

// row is a row of the table, without the period and the level.
type row struct {
	score, subscore int64
	owner           string
	records         int64
}

func rowOf(k Key) row { return row{score: k.Score, subscore: k.Subscore, owner: k.Owner.String()} }

// lowest is before all keys: scores are not negative.
var lowest = row{score: -1, subscore: -1}

func (r row) less(o row) bool {
	switch {
	case r.score != o.score:
		return r.score < o.score
	case r.subscore != o.subscore:
		return r.subscore < o.subscore
	}
	return r.owner < o.owner
}

func (r row) same(o row) bool { return !r.less(o) && !o.less(r) }

// Add counts a record that q has inserted or moved to k. q must be a transaction.
func (x *Index) Add(ctx context.Context, q store.Querier, p Period, k Key) error {
	if err := x.lock(ctx, q, p); err != nil {
		return err
	}
	r, counted, err := x.change(ctx, q, p, ranges, rowOf(k), 1)
	if err == nil && !counted {
		if counted, err = x.first(ctx, q, p, k); err == nil && counted {
			r, _, err = x.change(ctx, q, p, ranges, rowOf(k), 1)
		}
	}
	if err != nil || !counted {
		return err
	}
	g, _, err := x.change(ctx, q, p, groups, rowOf(k), 1)
	if err == nil && r.records > x.MaxRange {
		err = x.split(ctx, q, p, r, g)
	}
	return err
}

// Remove uncounts a record that q has deleted or moved away from k. q must be a
// transaction. To move a record, call Remove before Add.
func (x *Index) Remove(ctx context.Context, q store.Querier, p Period, k Key) error {
	if err := x.lock(ctx, q, p); err != nil {
		return err
	}
	r, counted, err := x.change(ctx, q, p, ranges, rowOf(k), -1)
	if err != nil || !counted {
		return err
	}
	g, _, err := x.change(ctx, q, p, groups, rowOf(k), -1)
	if err == nil && r.records < x.MaxRange/4 {
		err = x.join(ctx, q, p, r, g)
	}
	return err
}

// Move is Remove and Add.
func (x *Index) Move(ctx context.Context, q store.Querier, p Period, from, to Key) error {
	if from == to {
		return nil
	}
	if err := x.Remove(ctx, q, p, from); err != nil {
		return err
	}
	return x.Add(ctx, q, p, to)
}

// first begins the counts of a period with its first record, at k. It is false for
// a period with other records, which Build has to count, and for one that has been
// counted up to a lower key.
func (x *Index) first(ctx context.Context, q store.Querier, p Period, k Key) (bool, error) {
	if _, known, err := x.at(ctx, q, p, ranges, rowOf(k)); err != nil || known {
		return false, err
	}
	var others bool
	err := q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2 AND owner_id <> $3)",
		p.Board, p.Expiry, k.Owner).Scan(&others)
	if err != nil || others {
		return false, wrap(err)
	}
	for _, level := range []int{ranges, groups} {
		if err := x.insert(ctx, q, p, level, lowest); err != nil {
			return false, err
		}
	}
	return true, nil
}

// at is the range or group that a key belongs to; known is false for a period
// that has no counts.
func (x *Index) at(ctx context.Context, q store.Querier, p Period, level int, k row) (r row, known bool, err error) {
	return x.one(ctx, q, `SELECT score, subscore, owner, records FROM kumi_rank WHERE board = $1 AND expiry = $2 AND level = $3
		AND (score, subscore, owner) <= ($4, $5, $6) ORDER BY score DESC, subscore DESC, owner DESC LIMIT 1`,
		p.Board, p.Expiry.Unix(), level, k.score, k.subscore, k.owner)
}

func (x *Index) one(ctx context.Context, q store.Querier, query string, args ...any) (r row, found bool, err error) {
	err = q.QueryRowContext(ctx, query, args...).Scan(&r.score, &r.subscore, &r.owner, &r.records)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, false, nil
	}
	return r, err == nil, wrap(err)
}

// change adds to the count of the range or group that k belongs to, and returns it
// as it is then. counted is false for a period that is not counted, or not yet up
// to k.
func (x *Index) change(ctx context.Context, q store.Querier, p Period, level int, k row, delta int64) (r row, counted bool, err error) {
	return x.one(ctx, q, `UPDATE kumi_rank SET records = records + $7 WHERE board = $1 AND expiry = $2 AND level = $3
		AND (score, subscore, owner) = (SELECT score, subscore, owner FROM kumi_rank WHERE board = $1 AND expiry = $2 AND level = $3
			AND (score, subscore, owner) <= ($4, $5, $6) ORDER BY score DESC, subscore DESC, owner DESC LIMIT 1)
		AND NOT EXISTS (SELECT 1 FROM kumi_rank WHERE board = $1 AND expiry = $2 AND level = 0 AND (score, subscore, owner) <= ($4, $5, $6))
		RETURNING score, subscore, owner, records`,
		p.Board, p.Expiry.Unix(), level, k.score, k.subscore, k.owner, delta)
}

// lock makes other transactions that change the counts of the period wait until
// this one ends. SQLite has one write transaction at a time anyway.
func (x *Index) lock(ctx context.Context, q store.Querier, p Period) error {
	if x.dialect != store.Postgres {
		return nil
	}
	_, err := q.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))", p.Board, p.Expiry.Unix())
	return wrap(err)
}

func (x *Index) insert(ctx context.Context, q store.Querier, p Period, level int, r row) error {
	_, err := q.ExecContext(ctx, "INSERT INTO kumi_rank (board, expiry, level, score, subscore, owner, records) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		p.Board, p.Expiry.Unix(), level, r.score, r.subscore, r.owner, r.records)
	return wrap(err)
}

func (x *Index) set(ctx context.Context, q store.Querier, p Period, level int, r row) error {
	_, err := q.ExecContext(ctx, `UPDATE kumi_rank SET records = $7
		WHERE board = $1 AND expiry = $2 AND level = $3 AND score = $4 AND subscore = $5 AND owner = $6`,
		p.Board, p.Expiry.Unix(), level, r.score, r.subscore, r.owner, r.records)
	return wrap(err)
}

func (x *Index) delete(ctx context.Context, q store.Querier, p Period, level int, r row) error {
	_, err := q.ExecContext(ctx, "DELETE FROM kumi_rank WHERE board = $1 AND expiry = $2 AND level = $3 AND score = $4 AND subscore = $5 AND owner = $6",
		p.Board, p.Expiry.Unix(), level, r.score, r.subscore, r.owner)
	return wrap(err)
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("ranks: %w", err)
}
