package core

import (
	"fmt"
	"sync"
	"testing"

	"kumi/store/storetest"
)

// Servers that start at the same time create a table concurrently.
func TestOwnTableIsCreatedConcurrently(t *testing.T) {
	t.Parallel()
	db := storetest.PostgresDB(t)
	for i := range 10 {
		name := fmt.Sprint("kumi_own_", i)
		var servers sync.WaitGroup
		for range 4 {
			servers.Go(func() {
				table := newOwnTable(name, "CREATE TABLE IF NOT EXISTS "+name+" (id bigserial PRIMARY KEY, a int, b int)",
					"CREATE INDEX IF NOT EXISTS "+name+"_a ON "+name+" (a)", "CREATE INDEX IF NOT EXISTS "+name+"_b ON "+name+" (b)")
				if err := table.ensure(t.Context(), db); err != nil {
					t.Error(err)
				}
			})
		}
		servers.Wait()
	}
}
