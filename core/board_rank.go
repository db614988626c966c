package core

import (
	"context"
	"slices"
	"time"

	"kumi/core/rank"
	"kumi/store"
)

// newRankTable returns the table of package rank.
func newRankTable(db *store.DB) *ownTable {
	if db == nil {
		return nil
	}
	return newOwnTable("kumi_rank_count", rank.Schema(db.Dialect())...)
}

// ranks reports whether ranks of a board are shown. leaderboard.blacklist_rank_cache
// excludes some boards or, with *, all.
func (c *Core) ranks(b *board) bool {
	return b.ranked && !slices.Equal(c.unranked, []string{"*"}) && !slices.Contains(c.unranked, b.id)
}

// rankOf returns the rank of a record; the best has rank 1.
func (c *Core) rankOf(ctx context.Context, q store.Querier, b *board, expiry time.Time, k rank.Key) (int64, error) {
	return c.rankIndex.Rank(ctx, q, rank.Period{Board: b.id, Expiry: expiry}, k, b.descending)
}

// moveRank updates the ranks for a changed record, in the same transaction. from is
// nil for a new record, to is nil for a deleted one.
func (c *Core) moveRank(ctx context.Context, q store.Querier, b *board, expiry time.Time, from, to *rank.Key) error {
	p := rank.Period{Board: b.id, Expiry: expiry}
	switch {
	case from == nil:
		return c.rankIndex.Add(ctx, q, p, *to)
	case to == nil:
		return c.rankIndex.Remove(ctx, q, p, *from)
	}
	return c.rankIndex.Move(ctx, q, p, *from, *to)
}

// before is the operator that compares the key of a record with that of a record
// behind it.
func (b *board) before() string {
	if b.descending {
		return ">"
	}
	return "<"
}

// after is the opposite of before.
func (b *board) after() string {
	if b.descending {
		return "<"
	}
	return ">"
}

// order returns the ORDER BY clause of the board's records, or the reverse.
func (b *board) order(reverse bool) string {
	if b.descending != reverse {
		return " ORDER BY score DESC, subscore DESC, owner_id DESC"
	}
	return " ORDER BY score, subscore, owner_id"
}
