package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
)

// A call of a Go module may write through nk while it has a transaction open on the
// embedded database, begun with the same context. Writes run one at a time there, so
// nk would wait for the transaction, and the module for nk. Therefore writes of nk
// join that transaction: they are committed and rolled back with it.

type callKey struct{}

// moduleCall is one call of a Go module.
type moduleCall struct {
	mu sync.Mutex
	tx *customConn // the connection with the open transaction, or nil
}

// WithCall returns a context for one call of a Go module. Writes of the server with it
// join a transaction that the module began with it.
func WithCall(ctx context.Context) context.Context {
	return context.WithValue(ctx, callKey{}, &moduleCall{})
}

// joinable records a transaction as that of the call in which it was begun.
func joinable(ctx context.Context, c *customConn) *moduleCall {
	call, _ := ctx.Value(callKey{}).(*moduleCall)
	if call == nil {
		return nil
	}
	call.mu.Lock()
	defer call.mu.Unlock()
	if call.tx == nil {
		call.tx = c
	}
	return call
}

func (call *moduleCall) leave(c *customConn) {
	if call == nil {
		return
	}
	call.mu.Lock()
	defer call.mu.Unlock()
	if call.tx == c {
		call.tx = nil
	}
}

// open returns the connection of the transaction that writes with ctx have to join, or
// nil.
func (db *DB) open(ctx context.Context) *customConn {
	call, _ := ctx.Value(callKey{}).(*moduleCall)
	if call == nil {
		return nil
	}
	call.mu.Lock()
	defer call.mu.Unlock()
	if c := call.tx; c != nil && c.lock == db.writeLock {
		return c
	}
	return nil
}

// AfterTx calls fn after the transaction of a Go module that writes with ctx join has
// ended, with a commit or a rollback, on the goroutine that ends it. It returns false,
// and does not call fn, if there is none: then a write is committed when it returns.
func (db *DB) AfterTx(ctx context.Context, fn func()) bool {
	c := db.open(ctx)
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tx == nil {
		return false
	}
	c.tx.after = append(c.tx.after, fn)
	return true
}

// join runs fn in a savepoint of a module's transaction.
func (db *DB) join(ctx context.Context, c *customConn, fn func(ctx context.Context, q Querier) error) (err error) {
	pool := sql.OpenDB(joinConnector{c})
	pool.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, pool.Close()) }()
	q, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = q.Close() }()
	st := &txState{pool: db.shared, q: q}
	defer st.ended.Store(true)
	return db.nested(context.WithValue(ctx, txKey{}, st), st, fn)
}

// joinConnector opens connections that run on the connection of another transaction.
type joinConnector struct{ c *customConn }

func (l joinConnector) Driver() driver.Driver                        { return sqliteDriver }
func (l joinConnector) Connect(context.Context) (driver.Conn, error) { return &joinConn{l.c}, nil }

// joinConn runs the server's own SQL, which is not translated, on a customConn.
type joinConn struct{ c *customConn }

func (l *joinConn) Close() error              { return nil }
func (l *joinConn) Begin() (driver.Tx, error) { return nil, errors.New("a transaction is open") }
func (l *joinConn) Prepare(query string) (driver.Stmt, error) {
	return &userStmt{c: l, query: query}, nil
}
func (l *joinConn) CheckNamedValue(nv *driver.NamedValue) error { return l.c.CheckNamedValue(nv) }

func (l *joinConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (res driver.Result, err error) {
	err = l.c.do(ctx, nil, func(ctx context.Context) (err error) {
		res, err = l.c.conn.run(ctx, query, args)
		return err
	}, nil)
	return res, err
}

func (l *joinConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	var out *customRows
	err := l.c.do(ctx, nil, func(ctx context.Context) error {
		r, err := l.c.conn.rows(ctx, query, args)
		if err == nil {
			out = &customRows{rows: r, c: l.c}
			l.c.conn.open[r] = struct{}{}
		}
		return err
	}, &out)
	if err != nil {
		return nil, err
	}
	return out, nil
}
