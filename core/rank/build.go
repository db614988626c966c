package rank

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"kumi/store"
)

// Build counts the records of a period that has none counted, in pieces, each a
// transaction of its own, so that other writes go on. A build that was
// interrupted is continued. It returns at once when the period is complete.
func (x *Index) Build(ctx context.Context, db *store.DB, p Period) error {
	if done, err := x.complete(ctx, db.Reader(), p); err != nil || done {
		return err
	}
	var records bool // an empty period is counted from its first record on
	err := db.Reader().QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2)", p.Board, p.Expiry).Scan(&records)
	if err != nil || !records {
		return wrap(err)
	}
	for {
		more := false
		err := db.Tx(ctx, func(ctx context.Context, q store.Querier) (err error) {
			more, err = x.piece(ctx, q, p)
			return err
		})
		if err != nil || !more {
			return err
		}
	}
}

// pieceRanges is how many ranges a piece of a build has.
const pieceRanges = 16

// piece counts some more records. It reports whether there are others.
func (x *Index) piece(ctx context.Context, q store.Querier, p Period) (more bool, err error) {
	if err := x.lock(ctx, q, p); err != nil {
		return false, err
	}
	// A board that is deleted meanwhile must not leave counts behind.
	suffix := ""
	if x.dialect == store.Postgres {
		suffix = " FOR KEY SHARE"
	}
	var id string
	err = q.QueryRowContext(ctx, "SELECT id FROM leaderboard WHERE id = $1"+suffix, p.Board).Scan(&id)
	if err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return false, wrap(err)
	}
	frontier, part, err := x.one(ctx, q, "", p.Board, p.Expiry.Unix(), building)
	if err != nil {
		return false, err
	}
	if !part {
		if done, err := x.complete(ctx, q, p); err != nil || done {
			return false, err
		}
		if err := x.add(ctx, q, p, change{building, lowest, 0}, change{ranges, lowest, 0}, change{groups, lowest, 0}, change{top, lowest, 0}); err != nil {
			return false, err
		}
	}
	n := x.fill() * pieceRanges
	keys, err := x.keys(ctx, q, p, frontier.first, n+1)
	if err != nil {
		return false, err
	}
	if err := x.delete(ctx, q, p, building, frontier.first); err != nil {
		return false, err
	}
	if more = int64(len(keys)) > n; more {
		if err := x.add(ctx, q, p, change{building, keys[n], 0}); err != nil {
			return false, err
		}
		keys = keys[:n]
	}
	return more, x.append(ctx, q, p, frontier.first, keys)
}

// fill is how many records a range has after a build. It leaves room for more.
func (x *Index) fill() int64 { return max(x.MaxRange/2, 1) }

// append counts records that follow all that are counted. The first ones of a period
// belong to the lowest range.
func (x *Index) append(ctx context.Context, q store.Querier, p Period, frontier Key, keys []Key) error {
	if len(keys) == 0 {
		return nil
	}
	places, err := x.locate(ctx, q, p, keys[0])
	if err != nil {
		return err
	}
	at, n := places[0], int64(len(keys))
	changes := []change{{groups, at.rows[groups].first, n}, {top, at.rows[top].first, n}}
	for part := range slices.Chunk(keys, int(x.fill())) {
		first := part[0]
		if frontier == lowest && len(changes) == 2 {
			first = lowest
		}
		changes = append(changes, change{ranges, first, int64(len(part))})
	}
	if err := x.add(ctx, q, p, changes...); err != nil {
		return err
	}
	return x.divide(ctx, q, p, groups, at)
}

// keys are the keys of the records from one on, in ascending order.
func (x *Index) keys(ctx context.Context, q store.Querier, p Period, from Key, limit int64) ([]Key, error) {
	rows, err := q.QueryContext(ctx, `SELECT score, subscore, owner_id FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2
		AND (score, subscore, owner_id) >= ($3, $4, $5) ORDER BY score, subscore, owner_id LIMIT $6`,
		p.Board, p.Expiry, from.Score, from.Subscore, from.Owner, limit)
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	var keys []Key
	for rows.Next() {
		var k Key
		if err := rows.Scan(&k.Score, &k.Subscore, &k.Owner); err != nil {
			return nil, wrap(err)
		}
		keys = append(keys, k)
	}
	return keys, wrap(rows.Err())
}
