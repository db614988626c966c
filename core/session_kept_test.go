package core

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store"
	"kumi/store/storetest"
)

// Rows are taken once and in their order, those of others stay, and rows that count no
// longer are deleted whoever kept them.
func TestKeptSessions(t *testing.T) {
	t.Parallel()
	for name, db := range map[string]*store.DB{"SQLite": storetest.SQLite(t), "PostgreSQL": storetest.PostgresDB(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const sessions = 2*keptBatch + 7
			keep := func(node string, until time.Duration) {
				t.Helper()
				var all []KeptSession
				for i := range sessions {
					all = append(all, KeptSession{ID: uuid.Must(uuid.NewV4()), Kind: "session", State: fmt.Append(nil, i)})
				}
				if err := NewKeptSessions(db, node).Keep(t.Context(), all, time.Now().Add(until)); err != nil {
					t.Fatal(err)
				}
			}
			keep("a", time.Hour)
			keep("b", time.Hour)
			keep("renamed", -time.Second)
			var took atomic.Int32
			var starts sync.WaitGroup
			for range 2 {
				starts.Go(func() {
					all, until, err := NewKeptSessions(db, "a").Take(t.Context())
					if err != nil {
						t.Error(err)
					}
					if len(all) == 0 {
						return
					}
					took.Add(1)
					if len(all) != sessions || time.Until(until) < time.Minute {
						t.Errorf("took %d sessions until %v", len(all), until)
					}
					for i, one := range all {
						if string(one.State) != fmt.Sprint(i) {
							t.Errorf("session %d is %s", i, one.State)
						}
					}
				})
			}
			starts.Wait()
			if took.Load() != 1 {
				t.Errorf("%d processes took the sessions, want 1", took.Load())
			}
			var left int
			if err := db.Reader().QueryRowContext(t.Context(), "SELECT count(*) FROM kumi_session").Scan(&left); err != nil || left != sessions {
				t.Errorf("%d rows are left, %v; want those of b", left, err)
			}
		})
	}
}
