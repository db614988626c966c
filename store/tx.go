package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
)

// txKey is the context key of the running transaction.
type txKey struct{}

type txState struct {
	pool  *sql.DB // the database it belongs to
	q     Querier
	raw   func(func(c *conn) error) error // SQLite
	depth int
	ended atomic.Bool // the context may outlive the transaction
}

// running returns the transaction of this database that ctx belongs to.
func (db *DB) running(ctx context.Context) *txState {
	st, ok := ctx.Value(txKey{}).(*txState)
	if ok && !st.ended.Load() && (st.pool == db.shared || st.pool == db.writers) {
		return st
	}
	return nil
}

// InTx reports whether a write with ctx joins a transaction.
func (db *DB) InTx(ctx context.Context) bool { return db.running(ctx) != nil || db.open(ctx) != nil }

// Tx runs fn in a write transaction and returns after the commit: a nil error means
// that the data is stored (see the package comment for the guarantee on SQLite). An
// error returned by fn rolls back everything and is returned unchanged.
//
// fn may run more than once: a transaction that PostgreSQL aborts with an SQLSTATE of
// class 40, or that SQLite loses because of another transaction in the same commit, is
// tried again, at most five times in total. So fn must only change the database and
// variables that it sets anew. On SQLite fn runs on the writer's goroutine and blocks
// all other writers, so it must not wait for anything.
//
// After a statement has failed, the transaction refuses further statements. To
// continue after an error, run the statement in a nested transaction: Tx called with
// the ctx that fn received makes a savepoint in the running transaction. With a
// context of [WithCall], in whose call a Go module has begun a transaction on SQLite,
// fn joins that transaction.
func (db *DB) Tx(ctx context.Context, fn func(ctx context.Context, q Querier) error) error {
	if st := db.running(ctx); st != nil {
		return db.nested(ctx, st, fn)
	}
	if c := db.open(ctx); c != nil {
		return db.join(ctx, c, fn)
	}
	if db.dialect == SQLite {
		return db.writer.do(ctx, fn)
	}
	for attempt := 1; ; attempt++ {
		err := db.postgresTx(ctx, fn)
		if err == nil || attempt >= maxAttempts || !isRetryable(err) || ctx.Err() != nil {
			return err
		}
		db.log.Debug().Err(err).Int("attempt", attempt).Msg("retrying transaction")
	}
}

func (db *DB) postgresTx(ctx context.Context, fn func(ctx context.Context, q Querier) error) error {
	tx, err := db.shared.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	committed := false
	// Deferred, because fn may end its goroutine.
	defer func() {
		if !committed {
			_ = tx.Rollback()
		}
	}()
	st := &txState{pool: db.shared, q: tx}
	defer st.ended.Store(true)
	err = callTx(context.WithValue(ctx, txKey{}, st), fn, tx, db.log)
	if err != nil {
		return err
	}
	committed = true
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// nested runs fn in a savepoint of the transaction of ctx.
func (db *DB) nested(ctx context.Context, st *txState, fn func(ctx context.Context, q Querier) error) (err error) {
	st.depth++
	defer func() { st.depth-- }()
	name := fmt.Sprintf("nested%d", st.depth)
	undoable := context.WithoutCancel(ctx) // roll back even if the call is canceled
	control := func(query string) error {
		if st.raw == nil {
			_, err := st.q.ExecContext(undoable, query)
			return err
		}
		return st.raw(func(c *conn) error {
			_, err := c.ExecContext(undoable, query, nil)
			return err
		})
	}
	if err := control("SAVEPOINT " + name); err != nil {
		return err
	}
	err = callTx(ctx, fn, st.q, db.log)
	if st.raw != nil {
		_ = st.raw(func(c *conn) error {
			if err == nil {
				err = c.failed
			}
			c.failed = nil
			return nil
		})
	}
	if err == nil {
		return control("RELEASE SAVEPOINT " + name)
	}
	if undo := control("ROLLBACK TO SAVEPOINT " + name); undo != nil {
		return errors.Join(err, undo)
	}
	if undo := control("RELEASE SAVEPOINT " + name); undo != nil {
		return errors.Join(err, undo)
	}
	return err
}

// Exec runs one write statement in its own transaction and returns after the
// commit. With the ctx of a [DB.Tx] function it joins that transaction.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	var res sql.Result
	err := db.Tx(ctx, func(ctx context.Context, q Querier) (err error) {
		res, err = q.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}
