package rank

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"kumi/store"
)

// Rank is the place of the record at k, 1 for the first. In a descending board
// the highest key is first. The record must be there. As long as the period is not
// counted, the records ahead are; if they are more than MaxSlow, the rank is 0.
func (x *Index) Rank(ctx context.Context, q store.Querier, p Period, k Key, descending bool) (int64, error) {
	rank, counted, err := x.Counted(ctx, q, p, k, descending)
	if err != nil || counted {
		return rank, err
	}
	return x.slowRank(ctx, q, p, k, descending)
}

// Counted is Rank, but it is not counted where that takes long.
//
// It is one statement, as the counts may change between two.
func (x *Index) Counted(ctx context.Context, q store.Querier, p Period, k Key, descending bool) (rank int64, counted bool, err error) {
	var outside, inside int64 // records of the large groups on one side of its own, and of those before it in there
	err = q.QueryRowContext(ctx, x.rankStatement(descending),
		p.Board, p.Expiry.Unix(), k.text(), p.Expiry, k.Score, k.Subscore, k.Owner).
		Scan(&outside, &inside)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, wrap(err)
	}
	if descending { // outside has all of its large group
		return outside - inside, true, nil
	}
	return outside + inside + 1, true, nil
}

// rankStatement returns the counts of which Rank makes a rank. It has no row, and
// counts nothing, if a period is not counted completely: the last range goes up to the
// end then.
func (x *Index) rankStatement(descending bool) string {
	side := "<"
	if descending {
		side = ">="
	}
	row := func(level int, columns string) string {
		return fmt.Sprintf("(SELECT %s FROM kumi_rank_count WHERE board = $1 AND expiry = $2 AND level = %d AND first_key <= $3 ORDER BY first_key DESC LIMIT 1)", columns, level)
	}
	sum := func(level int, condition string) string {
		return fmt.Sprintf("(SELECT coalesce(sum(k.records), 0) FROM kumi_rank_count k WHERE k.board = $1 AND k.expiry = $2 AND k.level = %d AND %s)", level, condition)
	}
	return "WITH r AS " + row(ranges, "first_key, "+x.parts()) + ", g AS " + row(groups, "first_key") + ", t AS " + row(top, "first_key") +
		" SELECT " + sum(top, "k.first_key "+side+" t.first_key") + ", " +
		sum(groups, "k.first_key >= t.first_key AND k.first_key < g.first_key") + " + " +
		sum(ranges, "k.first_key >= g.first_key AND k.first_key < r.first_key") + ` +
			(SELECT count(*) FROM leaderboard_record l WHERE l.leaderboard_id = $1 AND l.expiry_time = $4
				AND (l.score, l.subscore, l.owner_id) >= (r.score, r.subscore, r.owner) AND (l.score, l.subscore, l.owner_id) < ($5, $6, $7))
		FROM r, g, t WHERE NOT EXISTS (SELECT 1 FROM kumi_rank_count WHERE board = $1 AND expiry = $2 AND level = 0)`
}

// parts are the score, subscore and owner of a key in the table. SQLite searches an
// index by all three only if they are not of a declared type, hence the + 0.
func (x *Index) parts() string {
	owner := "substr(first_key, 39)"
	if x.dialect == store.Postgres {
		owner = "CAST(" + owner + " AS uuid)"
	}
	return "CAST(substr(first_key, 1, 19) AS BIGINT) + 0 AS score, CAST(substr(first_key, 20, 19) AS BIGINT) + 0 AS subscore, " + owner + " AS owner"
}

// slowRank counts the records ahead; it is 0 if they are too many.
func (x *Index) slowRank(ctx context.Context, q store.Querier, p Period, k Key, descending bool) (int64, error) {
	side := "<"
	if descending {
		side = ">"
	}
	var ahead int64
	err := q.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2
		AND (score, subscore, owner_id) `+side+` ($3, $4, $5) LIMIT $6) AS ahead`,
		p.Board, p.Expiry, k.Score, k.Subscore, k.Owner, x.MaxSlow+1).Scan(&ahead)
	if err != nil || ahead > x.MaxSlow {
		return 0, wrap(err)
	}
	return ahead + 1, nil
}

// Count is the number of records in a period. It takes long in a large period that is
// not counted yet.
func (x *Index) Count(ctx context.Context, q store.Querier, p Period) (int64, error) {
	n, _, err := x.count(ctx, q, p, math.MaxInt64)
	return n, err
}

// Known is Count, but 0 for a period that is not counted yet and has more than MaxSlow
// records.
func (x *Index) Known(ctx context.Context, q store.Querier, p Period) (int64, error) {
	n, counted, err := x.count(ctx, q, p, x.MaxSlow+1)
	if !counted && n > x.MaxSlow {
		n = 0
	}
	return n, err
}

// count counts at most limit records if the period is not counted yet.
func (x *Index) count(ctx context.Context, q store.Querier, p Period, limit int64) (n int64, counted bool, err error) {
	var level, sum sql.NullInt64
	err = q.QueryRowContext(ctx, `SELECT (SELECT min(level) FROM kumi_rank_count WHERE board = $1 AND expiry = $2),
			(SELECT sum(records) FROM kumi_rank_count WHERE board = $1 AND expiry = $2 AND level = $3)`, p.Board, p.Expiry.Unix(), top).
		Scan(&level, &sum)
	if err != nil || level.Int64 == ranges {
		return sum.Int64, true, wrap(err)
	}
	err = q.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2 LIMIT $3) AS records",
		p.Board, p.Expiry, limit).Scan(&n)
	return n, false, wrap(err)
}

// complete reports whether all records of a period are counted.
func (x *Index) complete(ctx context.Context, q store.Querier, p Period) (bool, error) {
	var level sql.NullInt64
	err := q.QueryRowContext(ctx, "SELECT min(level) FROM kumi_rank_count WHERE board = $1 AND expiry = $2", p.Board, p.Expiry.Unix()).Scan(&level)
	return level.Int64 == ranges, wrap(err)
}

// Drop removes the counts of a board, as when it is deleted.
func (x *Index) Drop(ctx context.Context, q store.Querier, board string) error {
	_, err := q.ExecContext(ctx, "DELETE FROM kumi_rank_count WHERE board = $1", board)
	return wrap(err)
}

// Forget removes the counts of a period whose records q has changed in another way than
// one by one; they will be counted again. q must be a transaction.
func (x *Index) Forget(ctx context.Context, q store.Querier, p Period) error {
	if err := x.lock(ctx, q, p); err != nil {
		return err
	}
	_, err := q.ExecContext(ctx, "DELETE FROM kumi_rank_count WHERE board = $1 AND expiry = $2", p.Board, p.Expiry.Unix())
	return wrap(err)
}

// At is the key of the record with a rank; found is false if there are not as
// many.
func (x *Index) At(ctx context.Context, q store.Querier, p Period, rank int64, descending bool) (k Key, found bool, err error) {
	all, err := x.Count(ctx, q, p)
	if err != nil || rank < 1 || rank > all {
		return Key{}, false, err
	}
	skip := rank - 1 // records before it, in ascending order
	if descending {
		skip = all - rank
	}
	complete, err := x.complete(ctx, q, p)
	if err != nil {
		return Key{}, false, err
	}
	from := lowest
	if complete {
		for level := top; level >= ranges; level-- {
			if from, skip, err = x.skip(ctx, q, p, level, from, skip); err != nil {
				return Key{}, false, err
			}
		}
	}
	err = q.QueryRowContext(ctx, `SELECT score, subscore, owner_id FROM leaderboard_record WHERE leaderboard_id = $1 AND expiry_time = $2
		AND (score, subscore, owner_id) >= ($3, $4, $5) ORDER BY score, subscore, owner_id LIMIT 1 OFFSET $6`,
		p.Board, p.Expiry, from.Score, from.Subscore, from.Owner, skip).Scan(&k.Score, &k.Subscore, &k.Owner)
	if errors.Is(err, sql.ErrNoRows) {
		return Key{}, false, nil
	}
	return k, err == nil, wrap(err)
}

// skip goes from a row on to the last one of its level that begins after at most
// n records, and returns its first key and how many of n are left.
func (x *Index) skip(ctx context.Context, q store.Querier, p Period, level int, from Key, n int64) (Key, int64, error) {
	rows, err := q.QueryContext(ctx, `SELECT first_key, records FROM kumi_rank_count WHERE board = $1 AND expiry = $2 AND level = $3 AND first_key >= $4
		ORDER BY first_key LIMIT $5`, p.Board, p.Expiry.Unix(), level, from.text(), rowLimit(level, x.MaxGroup))
	if err != nil {
		return Key{}, 0, wrap(err)
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.first, &r.records); err != nil {
			return Key{}, 0, wrap(err)
		}
		if from = r.first; n < r.records {
			break
		}
		n -= r.records
	}
	return from, n, wrap(rows.Err())
}

// rowLimit is how many rows of a level may have to be looked at: all of the highest, but
// only the members of one group of the others.
func rowLimit(level int, maxGroup int64) int64 {
	if level < top {
		return maxGroup + 1
	}
	return 1 << 40
}
