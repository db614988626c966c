package rank

import (
	"context"
	"database/sql"
	"errors"

	"kumi/store"
)

// Rank is the place of the record at k, 1 for the first. In a descending board
// the highest key is first.
func (x *Index) Rank(ctx context.Context, q store.Querier, p Period, k Key, descending bool) (int64, error) {
	before, err := x.before(ctx, q, p, k)
	if err != nil || !descending {
		return before + 1, err
	}
	all, err := x.Count(ctx, q, p)
	return all - before, err
}

// Count is the number of records in a period.
func (x *Index) Count(ctx context.Context, q store.Querier, p Period) (n int64, err error) {
	complete, err := x.complete(ctx, q, p)
	if err != nil {
		return 0, err
	}
	if !complete {
		err = q.QueryRowContext(ctx, "SELECT count(*) FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2", p.Board, p.Expiry).Scan(&n)
		return n, wrap(err)
	}
	return x.sum(ctx, q, "SELECT sum(records) FROM kumi_rank WHERE board = $1 AND expiry = $2 AND level = $3", p.Board, p.Expiry.Unix(), groups)
}

// before is the number of records whose keys are lower than k.
func (x *Index) before(ctx context.Context, q store.Querier, p Period, k Key) (int64, error) {
	at := rowOf(k)
	complete, err := x.complete(ctx, q, p)
	if err != nil {
		return 0, err
	}
	if !complete {
		return x.countRecords(ctx, q, p, lowest, k)
	}
	r, _, err := x.at(ctx, q, p, ranges, at, false)
	if err != nil {
		return 0, err
	}
	g, _, err := x.at(ctx, q, p, groups, at, false)
	if err != nil {
		return 0, err
	}
	inGroups, err := x.sum(ctx, q, `SELECT sum(records) FROM kumi_rank WHERE board = $1 AND expiry = $2 AND level = $3
		AND (score, subscore, owner) < ($4, $5, $6)`, p.Board, p.Expiry.Unix(), groups, g.score, g.subscore, g.owner)
	if err != nil {
		return 0, err
	}
	inRanges, err := x.sum(ctx, q, `SELECT sum(records) FROM kumi_rank WHERE board = $1 AND expiry = $2 AND level = $3
		AND (score, subscore, owner) >= ($4, $5, $6) AND (score, subscore, owner) < ($7, $8, $9)`,
		p.Board, p.Expiry.Unix(), ranges, g.score, g.subscore, g.owner, r.score, r.subscore, r.owner)
	if err != nil {
		return 0, err
	}
	inRange, err := x.countRecords(ctx, q, p, r, k)
	return inGroups + inRanges + inRange, err
}

// countRecords counts the records from a row's key to before k.
func (x *Index) countRecords(ctx context.Context, q store.Querier, p Period, from row, k Key) (n int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT count(*) FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2
		AND (score, subscore, owner_id) >= ($3, $4, $5) AND (score, subscore, owner_id) < ($6, $7, $8)`,
		p.Board, p.Expiry, from.score, from.subscore, ownerOf(from), k.Score, k.Subscore, k.Owner).Scan(&n)
	return n, wrap(err)
}

// complete reports whether all records of a period are counted.
func (x *Index) complete(ctx context.Context, q store.Querier, p Period) (bool, error) {
	level, err := x.sum(ctx, q, "SELECT min(level) FROM kumi_rank WHERE board = $1 AND expiry = $2", p.Board, p.Expiry.Unix())
	return level == ranges, err
}

// sum reads a number; NULL is 0.
func (x *Index) sum(ctx context.Context, q store.Querier, query string, args ...any) (int64, error) {
	var n sql.NullInt64
	err := q.QueryRowContext(ctx, query, args...).Scan(&n)
	return n.Int64, wrap(err)
}

// Drop removes the counts of a board, as when it is deleted.
func (x *Index) Drop(ctx context.Context, q store.Querier, board string) error {
	_, err := q.ExecContext(ctx, "DELETE FROM kumi_rank WHERE board = $1", board)
	return wrap(err)
}

// At is the key of the record with a rank; found is false if there are not as
// many.
func (x *Index) At(ctx context.Context, q store.Querier, p Period, rank int64, descending bool) (k Key, found bool, err error) {
	skip := rank - 1 // records before it, in ascending order
	if descending {
		all, err := x.Count(ctx, q, p)
		if err != nil {
			return Key{}, false, err
		}
		skip = all - rank
	}
	if skip < 0 {
		return Key{}, false, nil
	}
	complete, err := x.complete(ctx, q, p)
	if err != nil {
		return Key{}, false, err
	}
	from := lowest
	if complete {
		for _, level := range []int{groups, ranges} {
			if from, skip, err = x.skip(ctx, q, p, level, from, skip); err != nil {
				return Key{}, false, err
			}
		}
	}
	err = q.QueryRowContext(ctx, `SELECT score, subscore, owner_id FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2
		AND (score, subscore, owner_id) >= ($3, $4, $5) ORDER BY score, subscore, owner_id LIMIT 1 OFFSET $6`,
		p.Board, p.Expiry, from.score, from.subscore, ownerOf(from), skip).Scan(&k.Score, &k.Subscore, &k.Owner)
	if errors.Is(err, sql.ErrNoRows) {
		return Key{}, false, nil
	}
	return k, err == nil, wrap(err)
}

// skip goes from a row on to the last one of its level that begins after at most
// n records, and returns it with how many of n are left.
func (x *Index) skip(ctx context.Context, q store.Querier, p Period, level int, from row, n int64) (row, int64, error) {
	rows, err := q.QueryContext(ctx, `SELECT score, subscore, owner, records FROM kumi_rank WHERE board = $1 AND expiry = $2 AND level = $3
		AND (score, subscore, owner) >= ($4, $5, $6) ORDER BY score, subscore, owner`, p.Board, p.Expiry.Unix(), level, from.score, from.subscore, from.owner)
	if err != nil {
		return row{}, 0, wrap(err)
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.score, &r.subscore, &r.owner, &r.records); err != nil {
			return row{}, 0, wrap(err)
		}
		if from = r; n < r.records {
			break
		}
		n -= r.records
	}
	return from, n, wrap(rows.Err())
}
