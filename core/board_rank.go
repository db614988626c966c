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
	return newOwnTable("kumi_rank", rank.Schema(db.Dialect())...)
}

// ranks tells whether ranks of a board are shown. The reference keeps ranks in
// memory, and has a setting that leaves out some boards or, with *, all.
func (c *Core) ranks(b *board) bool {
	return b.ranked && !slices.Equal(c.unranked, []string{"*"}) && !slices.Contains(c.unranked, b.id)
}

// rankOf is the rank of a record, 1 for the best.
func (c *Core) rankOf(ctx context.Context, q store.Querier, b *board, expiry time.Time, k rank.Key) (int64, error) {
	return c.rankIndex.Rank(ctx, q, rank.Period{Board: b.id, Expiry: expiry}, k, b.descending)
}

// moveRank follows a change of a record in its transaction: from is nil for a new
// record, to for one that is deleted.
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

// before is the comparison that holds for keys of records ahead of another.
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

// order is the ORDER BY of the board's records, or the reverse.
func (b *board) order(reverse bool) string {
	if b.descending != reverse {
		return " ORDER BY score DESC, subscore DESC, owner_id DESC"
	}
	return " ORDER BY score, subscore, owner_id"
}
