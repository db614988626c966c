// Package rank answers which place a record has in a leaderboard, in a time that
// does not depend on the number of records.
//
// The records of a board and period, ordered by score, subscore and owner, are
// divided into ranges of at most MaxRange records, the ranges into groups of at most
// MaxGroup, and these into groups again. How many records a range and a group have is
// kept in a table of its own, and changed in the transaction that changes a record. A
// rank is then the sum of the large groups before the record's, of the groups before its
// own in there, of the ranges before its own in that, and of the records before it in its
// range: four short index scans. Nothing is kept in memory, so a start needs no loading,
// a crash no rebuilding, and several servers see the same counts.
//
// Periods whose records were written by Nakama have no counts. They are counted
// in pieces by [Index.Build]; until that is done, only records that are not far behind
// the first have a rank.
//
// An Index may be used from any goroutine.
package rank

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
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

// lowest is the key before all others: scores are not negative.
var lowest = Key{}

// text is the key as the table has it: texts compare as their keys do.
func (k Key) text() string {
	return fmt.Sprintf("%019d%019d%s", k.Score, k.Subscore, k.Owner)
}

// less reports whether the key is before another.
func (k Key) less(o Key) bool {
	switch {
	case k.Score != o.Score:
		return k.Score < o.Score
	case k.Subscore != o.Subscore:
		return k.Subscore < o.Subscore
	}
	return bytes.Compare(k.Owner[:], o.Owner[:]) < 0
}

// Scan implements [sql.Scanner] for the column of the table.
func (k *Key) Scan(value any) (err error) {
	text, _ := value.(string)
	if len(text) != len("0000000000000000000")*2+len("00000000-0000-0000-0000-000000000000") {
		return fmt.Errorf("%q is not the key of a record", text)
	}
	if k.Score, err = strconv.ParseInt(text[:19], 10, 64); err != nil {
		return err
	}
	if k.Subscore, err = strconv.ParseInt(text[19:38], 10, 64); err != nil {
		return err
	}
	k.Owner, err = uuid.FromString(text[38:])
	return err
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
	// ranges in a group, and of groups in a large one. Tests make them small.
	MaxRange, MaxGroup int64
	// MaxSlow is how many records are counted one by one in a period without counts.
	MaxSlow int64
}

// New returns the index of a database with the given dialect.
func New(d store.Dialect) *Index {
	return &Index{dialect: d, MaxRange: 256, MaxGroup: 64, MaxSlow: 100_000}
}

// The levels of rows in the table.
const (
	building = iota // the key up to which a period has been counted; only while it is
	ranges
	groups // of ranges
	top    // groups of groups
)

// Schema returns the statements that create the table. They do nothing where it
// exists.
func Schema(d store.Dialect) []string {
	collation, options := ` COLLATE "C"`, ""
	if d == store.SQLite {
		collation, options = "", " WITHOUT ROWID"
	}
	return []string{`CREATE TABLE IF NOT EXISTS kumi_rank_count (
		board     VARCHAR(128) NOT NULL,
		expiry    BIGINT NOT NULL,
		level     SMALLINT NOT NULL,
		first_key VARCHAR(74)` + collation + ` NOT NULL,
		records   BIGINT NOT NULL,
		PRIMARY KEY (board, expiry, level, first_key)
	)` + options}
}

// row is a range or a group: it goes from its first key up to the next row's of its
// level. A group begins where its first range does.
type row struct {
	first   Key
	records int64
}

// place is where a record is counted.
type place struct {
	rows    [top + 1]row // its range and groups, by level
	known   bool         // the period has counts
	counted bool         // and they include the record
}

// Add counts a record that q has inserted at k. q must be a transaction.
func (x *Index) Add(ctx context.Context, q store.Querier, p Period, k Key) error {
	return x.change(ctx, q, p, nil, &k)
}

// Remove uncounts a record that q has deleted. q must be a transaction.
func (x *Index) Remove(ctx context.Context, q store.Querier, p Period, k Key) error {
	return x.change(ctx, q, p, &k, nil)
}

// Move counts a record at another key, to which q has moved it. q must be a
// transaction.
func (x *Index) Move(ctx context.Context, q store.Querier, p Period, from, to Key) error {
	if from == to {
		return nil
	}
	return x.change(ctx, q, p, &from, &to)
}

// change counts a record at one key less, and at the other more; either may be nil.
func (x *Index) change(ctx context.Context, q store.Querier, p Period, from, to *Key) error {
	if err := x.lock(ctx, q, p); err != nil {
		return err
	}
	var keys []Key
	for _, k := range []*Key{from, to} {
		if k != nil {
			keys = append(keys, *k)
		}
	}
	places, err := x.locate(ctx, q, p, keys...)
	if err != nil {
		return err
	}
	var less, more place
	if from != nil {
		less = places[0]
	}
	if to != nil {
		if more = places[len(places)-1]; !more.known {
			return x.first(ctx, q, p, *to)
		}
	}
	var changes []change
	for level := ranges; level <= top; level++ {
		if less.counted && more.counted && less.rows[level].first == more.rows[level].first {
			break // and so are the groups above
		}
		if less.counted {
			less.rows[level].records--
			changes = append(changes, change{level, less.rows[level].first, -1})
		}
		if more.counted {
			more.rows[level].records++
			changes = append(changes, change{level, more.rows[level].first, 1})
		}
	}
	if len(changes) == 0 {
		return nil
	}
	if err := x.add(ctx, q, p, changes...); err != nil {
		return err
	}
	if more.counted && more.rows[ranges].records > x.MaxRange {
		if err := x.split(ctx, q, p, more); err != nil {
			return err
		}
	}
	if less.counted && less.rows[ranges].records < x.MaxRange/4 {
		return x.join(ctx, q, p, less)
	}
	return nil
}

// first begins the counts of a period with its first record, at k. It does nothing in
// a period with other records, which Build has to count.
func (x *Index) first(ctx context.Context, q store.Querier, p Period, k Key) error {
	var others bool
	err := q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2 AND owner_id <> $3)",
		p.Board, p.Expiry, k.Owner).Scan(&others)
	if err != nil || others {
		return wrap(err)
	}
	return x.add(ctx, q, p, change{ranges, lowest, 1}, change{groups, lowest, 1}, change{top, lowest, 1})
}

// locate returns where records are counted, or will be.
func (x *Index) locate(ctx context.Context, q store.Querier, p Period, keys ...Key) ([]place, error) {
	args := []any{p.Board, p.Expiry.Unix()}
	for _, k := range keys {
		args = append(args, k.text())
	}
	rows, err := q.QueryContext(ctx, locateQuery[len(keys)], args...)
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	places, frontier := make([]place, len(keys)), row{}
	for rows.Next() {
		var i, level int
		var found row
		if err := rows.Scan(&i, &level, &found.first, &found.records); err != nil {
			return nil, wrap(err)
		}
		switch level {
		case building:
			frontier = found
		default:
			places[i].rows[level], places[i].known = found, true
		}
	}
	for i := range places {
		places[i].counted = places[i].known && (frontier.first == lowest || keys[i].less(frontier.first))
	}
	return places, wrap(rows.Err())
}

// locateQuery are the statements that locate one and two keys.
var locateQuery = [3]string{1: locateStatement(1), 2: locateStatement(2)}

func locateStatement(keys int) string {
	query := "SELECT 0, level, first_key, records FROM kumi_rank_count WHERE board = $1 AND expiry = $2 AND level = 0"
	for i := range keys {
		for level := ranges; level <= top; level++ {
			query += fmt.Sprintf(` UNION ALL SELECT * FROM (SELECT %d, level, first_key, records FROM kumi_rank_count
				WHERE board = $1 AND expiry = $2 AND level = %d AND first_key <= $%d ORDER BY first_key DESC LIMIT 1) AS found`, i, level, i+3)
		}
	}
	return query
}

// change is a change of a count.
type change struct {
	level   int
	first   Key
	records int64
}

// add adds to counts, and creates those that are not there.
func (x *Index) add(ctx context.Context, q store.Querier, p Period, changes ...change) error {
	if len(changes) == 0 {
		return nil
	}
	var query strings.Builder
	query.WriteString("INSERT INTO kumi_rank_count (board, expiry, level, first_key, records) VALUES ")
	args := []any{p.Board, p.Expiry.Unix()}
	for i, c := range changes {
		if i > 0 {
			query.WriteString(", ")
		}
		n := len(args)
		fmt.Fprintf(&query, "($1, $2, $%d, $%d, $%d)", n+1, n+2, n+3)
		args = append(args, c.level, c.first.text(), c.records)
	}
	query.WriteString(" ON CONFLICT (board, expiry, level, first_key) DO UPDATE SET records = kumi_rank_count.records + excluded.records")
	_, err := q.ExecContext(ctx, query.String(), args...)
	return wrap(err)
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

// one reads a row of the table; found is false if there is none.
func (x *Index) one(ctx context.Context, q store.Querier, query string, args ...any) (r row, found bool, err error) {
	err = q.QueryRowContext(ctx, "SELECT first_key, records FROM kumi_rank_count WHERE board = $1 AND expiry = $2 AND level = $3 "+query, args...).Scan(&r.first, &r.records)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, false, nil
	}
	return r, err == nil, wrap(err)
}

func (x *Index) delete(ctx context.Context, q store.Querier, p Period, level int, first Key) error {
	_, err := q.ExecContext(ctx, "DELETE FROM kumi_rank_count WHERE board = $1 AND expiry = $2 AND level = $3 AND first_key = $4",
		p.Board, p.Expiry.Unix(), level, first.text())
	return wrap(err)
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("ranks: %w", err)
}
