package core

import (
	"context"
	"testing"
)

// A database that has no leaderboards does not get their tables, whatever is
// listed, looked up or deleted.
func TestNoTablesWithoutBoards(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		if _, err := m.LeaderboardsGetId(ctx, []string{"none"}); err != nil {
			t.Error(err)
		}
		if _, _, _, _, err := m.LeaderboardRecordsList(ctx, "none", nil, 1, "", 0); err == nil {
			t.Error("an unknown leaderboard was listed")
		}
		if err := c.DeleteAccount(ctx, c.user(t, "ann")); err != nil {
			t.Error(err)
		}
		r := &boardRunner{Core: c.Core, workers: 1, busy: map[string]bool{}}
		if _, err := r.turn(ctx); err != nil {
			t.Error(err)
		}
		for _, table := range []string{"kumi_rank_count", "kumi_board_event"} {
			if there, err := c.db.HasTable(ctx, table); there || err != nil {
				t.Errorf("%s: %t, %v", table, there, err)
			}
		}
	})
}
