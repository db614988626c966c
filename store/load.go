package store

import (
	"context"
	"sync/atomic"
	"time"

	"kumi/internal/trace"
)

// Load counts the statements of a database since it was opened.
type Load struct {
	Statements uint64
	// Took is the time that they took together, without reading further rows.
	Took time.Duration
}

// Load returns the statements so far, of the server and of modules.
func (db *DB) Load() Load {
	return Load{db.load.statements.Load(), time.Duration(db.load.took.Load())}
}

// load counts statements. It costs two readings of the clock for each.
type load struct {
	statements atomic.Uint64
	took       atomic.Int64 // nanoseconds
}

// done counts a statement; l may be nil. If its call is traced, that has it too, with
// inTransaction as part of a transaction of SQLite's writer.
func (l *load) done(ctx context.Context, query string, began time.Time, inTransaction bool) {
	if l != nil {
		l.statements.Add(1)
		l.took.Add(int64(time.Since(began)))
	}
	if t := trace.Of(ctx); t != nil {
		t.Statement(query, began, inTransaction)
	}
}
