package core

import (
	"context"
	"slices"
	"testing"
	"time"
)

// Figures of the last day are kept, those before are removed.
func TestMetricsAreStored(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		load := func() (all []string) {
			t.Helper()
			if err := c.LoadMetrics(ctx, func(_ int64, figures string) error { all = append(all, figures); return nil }); err != nil {
				t.Fatal(err)
			}
			return all
		}
		if got := load(); len(got) != 0 {
			t.Errorf("stored before anything was: %v", got)
		}
		now := time.Now().Unix()
		for _, point := range []struct {
			at      int64
			figures string
		}{{now - 90_000, "old"}, {now - 60, "b"}, {now - 120, "a"}, {now, "first"}, {now, "c"}} {
			if err := c.SaveMetrics(ctx, point.at, point.figures); err != nil {
				t.Fatal(err)
			}
		}
		if got := load(); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("stored: %v", got)
		}
		var rows int
		if err := c.db.Reader().QueryRowContext(ctx, "SELECT count(*) FROM kumi_metric").Scan(&rows); err != nil || rows != 3 {
			t.Errorf("%d rows are left, %v", rows, err)
		}
	})
}
