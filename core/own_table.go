package core

import (
	"context"
	"fmt"
	"sync"

	"kumi/store"
)

// ownTable is a table that Nakama does not have. It is not in the migrations,
// which are Nakama's, but created when it is first written to, so a database
// that never needs it does not have it. It may be used from any goroutine.
type ownTable struct {
	name   string
	create []string

	mu      sync.Mutex
	created bool
	found   bool // by exists
	absent  bool // by exists, in a database that no other server uses
}

// DerivedTables are the tables of this kind whose rows the server makes from those of
// other tables, with how it does. A copy of a database leaves them out.
var DerivedTables = map[string]string{
	"kumi_node":           "nodes add themselves when they start",
	"kumi_rank_count":     "the server counts the ranks again, in the background",
	"kumi_storage_change": "servers build storage indexes when they start",
}

// newOwnTable takes the statements that create a table and its indexes, which
// must do nothing where these exist.
func newOwnTable(name string, create ...string) *ownTable {
	return &ownTable{name: name, create: create}
}

// ensure creates the table unless it exists.
func (t *ownTable) ensure(ctx context.Context, db *store.DB) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.created {
		return nil
	}
	t.absent = false
	for _, statement := range t.create {
		_, err := db.Exec(ctx, statement)
		if err != nil {
			// In PostgreSQL a statement may fail if another server runs it concurrently.
			// Then that one has succeeded, and the second attempt finds its result.
			_, err = db.Exec(ctx, statement)
		}
		if err != nil {
			return fmt.Errorf("create table %s: %w", t.name, err)
		}
	}
	t.created = !db.InTx(ctx) // that may be rolled back
	return nil
}

// exists reports whether the table exists, without creating it. Once it does, it asks the
// database no more.
func (t *ownTable) exists(ctx context.Context, db *store.DB) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.created || t.found {
		return true, nil
	}
	if t.absent {
		return false, nil
	}
	found, err := db.HasTable(ctx, t.name)
	t.found = found && err == nil && !db.InTx(ctx) // that may be rolled back
	t.absent = !found && err == nil && db.Dialect() == store.SQLite
	return found, err
}
