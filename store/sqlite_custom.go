package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"kumi/store/translate"
)

// maxValue is the maximum size of one text or blob that a module's SQL makes, in
// bytes.
const maxValue = 64 << 20

// customConnector opens the connections for the SQL of modules, in scripts and in Go.
// They never share a transaction with the server's own writes, take turns with the
// writer, and accept SQL written for PostgreSQL.
type customConnector struct {
	dsn    string
	lock   *writeLock
	schema *schemaCache
	log    zerolog.Logger
	load   *load
}

// Driver implements driver.Connector.
func (c *customConnector) Driver() driver.Driver { return sqliteDriver }

// Connect implements driver.Connector. The driver can only set the limits of a
// connection through database/sql, so each connection has a pool of size one.
func (c *customConnector) Connect(ctx context.Context) (driver.Conn, error) {
	pool := sql.OpenDB(bareConnector(c.dsn))
	held, err := pool.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	out := &customConn{lock: c.lock, schema: c.schema, log: c.log}
	out.close = func() error { return errors.Join(held.Close(), pool.Close()) }
	for id, limit := range map[int]int{sqlite3.SQLITE_LIMIT_LENGTH: maxValue, sqlite3.SQLITE_LIMIT_ATTACHED: 0} {
		if _, err := sqlite.Limit(held, id, limit); err != nil {
			return nil, errors.Join(err, out.close())
		}
	}
	err = held.Raw(func(dc any) error {
		out.conn = &conn{innerConn: dc.(innerConn), stmts: map[string]*stmt{}, open: map[*rows]struct{}{}, load: c.load}
		return nil
	})
	return out, err
}

type bareConnector string

func (c bareConnector) Driver() driver.Driver { return sqliteDriver }
func (c bareConnector) Connect(context.Context) (driver.Conn, error) {
	return sqliteDriver.Open(string(c))
}

// customConn is a connection for the SQL of modules. database/sql uses it on one
// goroutine at a time; mu is needed because another goroutine may end its turn, see
// expire.
type customConn struct {
	*conn
	close  func() error
	lock   *writeLock
	schema *schemaCache
	log    zerolog.Logger

	mu    sync.Mutex
	turn  *turn // nil unless it may write
	tx    *customTx
	ended error // why expire ended its turn; nil if it did not

	// Interrupts the running statement, with a reason.
	cancel atomic.Pointer[context.CancelCauseFunc]
	over   atomic.Pointer[error]
}

var errNoTx = errors.New("SAVEPOINT, RELEASE and ROLLBACK TO need a transaction: begin one with db.BeginTx")

// ExecContext implements driver.ExecerContext.
func (c *customConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	statements, err := c.translated(ctx, query)
	if err != nil {
		return nil, err
	}
	var res driver.Result = driver.RowsAffected(0)
	err = c.do(ctx, statements, func(ctx context.Context) error {
		return c.together(ctx, len(statements) > 1, func() error {
			for _, s := range statements {
				if s.SQL == "" {
					continue
				}
				if err := c.allowed(s, statements, args); err != nil {
					return err
				}
				if res, err = c.execOne(ctx, s, args); err != nil {
					return err
				}
			}
			return nil
		})
	}, nil)
	return res, err
}

// execOne runs one statement and returns the number of rows as PostgreSQL does: the
// rows that a query returns, or those that a change affects; 0 for other statements.
func (c *customConn) execOne(ctx context.Context, s translate.Statement, args []driver.NamedValue) (driver.Result, error) {
	if s.Reads {
		r, err := c.conn.rows(ctx, s.SQL, args)
		if err != nil {
			return nil, err
		}
		defer func() { _ = r.Close() }()
		// The driver stops when ctx ends only up to the first row.
		var n int64
		for dest := make([]driver.Value, len(r.Columns())); ; n++ {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := r.Rows.Next(dest); err == io.EOF {
				return driver.RowsAffected(n), nil
			} else if err != nil {
				return nil, err
			}
		}
	}
	res, err := c.conn.run(ctx, s.SQL, args)
	if err == nil && !s.Counts {
		res = driver.RowsAffected(0)
	}
	return res, err
}

// QueryContext implements driver.QueryerContext. Of several statements, it returns the
// rows of the last one.
func (c *customConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	statements, err := c.translated(ctx, query)
	if err != nil {
		return nil, err
	}
	for len(statements) > 0 && statements[len(statements)-1].SQL == "" {
		statements = statements[:len(statements)-1]
	}
	if len(statements) == 0 {
		return &noRows{}, nil
	}
	var out *customRows
	err = c.do(ctx, statements, func(ctx context.Context) error {
		last := len(statements) - 1
		for i, s := range statements {
			if err := c.allowed(s, statements, args); err != nil {
				return err
			}
			if i < last {
				if _, err := c.execOne(ctx, s, args); err != nil {
					return err
				}
				continue
			}
			r, err := c.conn.rows(ctx, s.SQL, args)
			if err != nil {
				return err
			}
			r.understand(s.Result)
			c.open[r] = struct{}{}
			out = &customRows{rows: r, c: c}
		}
		return nil
	}, &out)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// allowed returns an error if a statement may not run here.
func (c *customConn) allowed(s translate.Statement, all []translate.Statement, args []driver.NamedValue) error {
	switch {
	case s.Savepoint && c.tx == nil:
		return errNoTx
	case len(all) > 1 && len(args) > 0:
		return errors.New("several statements in one call cannot have parameters; run them one by one")
	}
	return nil
}

// do runs fn with the right to write, unless all statements only read. Rows that fn
// opened keep that right until they are closed.
func (c *customConn) do(ctx context.Context, statements []translate.Statement, fn func(ctx context.Context) error, rows **customRows) (err error) {
	reads, changes := true, false
	for _, s := range statements {
		reads = reads && (s.Reads || s.SQL == "")
		changes = changes || s.Schema && s.SQL != ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended != nil:
		return c.ended
	case c.tx == nil && c.turn == nil && !reads:
		if err := c.begin(ctx, fmt.Sprintf("the statement %.60q", statements[len(statements)-1].SQL)); err != nil {
			return err
		}
		defer func() {
			if err == nil && rows != nil && *rows != nil {
				(*rows).turn = c.turn
				return
			}
			c.release()
		}()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	if rows == nil {
		defer cancel(nil)
	} else {
		defer func() {
			if err != nil || *rows == nil {
				cancel(nil)
				return
			}
			(*rows).cancel = cancel
		}()
	}
	c.cancel.Store(&cancel)
	defer c.cancel.Store(nil)
	if over := c.over.Load(); over != nil {
		return *over
	}
	err = fn(ctx)
	if over := c.over.Load(); over != nil && err != nil {
		err = *over
	}
	if changes {
		c.schema.forget()
		if c.tx != nil {
			c.tx.changes = true
		}
	}
	return err
}

// together runs several statements as one transaction, as PostgreSQL does.
func (c *customConn) together(ctx context.Context, several bool, fn func() error) error {
	if !several {
		return fn()
	}
	plain := context.WithoutCancel(ctx)
	if _, err := c.conn.run(plain, "SAVEPOINT pg_several", nil); err != nil {
		return err
	}
	err := fn()
	if err != nil {
		_, _ = c.conn.run(plain, "ROLLBACK TO pg_several", nil)
	}
	_, end := c.conn.run(plain, "RELEASE pg_several", nil)
	return errors.Join(err, end)
}

// begin waits for the turn to write. The caller holds mu.
func (c *customConn) begin(ctx context.Context, what string) error {
	place := caller()
	t := &turn{}
	t.expire = func(limit time.Duration) {
		reason := fmt.Errorf("%s of %s kept others from writing for longer than %s and was rolled back "+
			"(setting database.transaction_timeout_ms)", what, place, limit)
		c.expire(t, reason)
	}
	if err := c.lock.acquire(ctx, t); err != nil {
		return err
	}
	c.over.Store(nil)
	c.turn = t
	return nil
}

// release ends the turn to write. The caller holds mu.
func (c *customConn) release() {
	if t := c.turn; t != nil {
		c.turn = nil
		c.over.Store(nil)
		t.release()
	}
}

// expire ends a turn from another goroutine: it interrupts the running statement,
// closes rows and rolls back the transaction.
func (c *customConn) expire(t *turn, reason error) {
	c.over.Store(&reason)
	if cancel := c.cancel.Load(); cancel != nil {
		(*cancel)(reason)
	}
	c.log.Warn().Msg(reason.Error())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn != t {
		return // it ended in the meantime
	}
	c.closeRows()
	if c.tx != nil {
		if err := c.tx.Tx.Rollback(); err != nil {
			c.log.Warn().Err(err).Msg("could not roll back the transaction of a module")
		}
		c.ended = reason
	}
	c.release()
}

// BeginTx implements driver.ConnBeginTx. It takes the turn to write for the
// whole transaction.
func (c *customConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !opts.ReadOnly {
		if err := c.begin(ctx, "a transaction"); err != nil {
			return nil, err
		}
	}
	inner, err := c.conn.BeginTx(ctx, opts)
	if err != nil {
		c.release()
		return nil, err
	}
	c.tx = &customTx{Tx: inner, c: c}
	c.tx.call = joinable(ctx, c)
	return c.tx, nil
}

// customTx is a transaction of a Go module.
type customTx struct {
	driver.Tx
	c       *customConn
	call    *moduleCall
	changes bool     // it changed tables
	after   []func() // see AfterTx
}

func (t *customTx) Commit() error   { return t.end(t.Tx.Commit) }
func (t *customTx) Rollback() error { return t.end(t.Tx.Rollback) }

func (t *customTx) end(how func() error) error {
	c := t.c
	t.call.leave(c)
	defer func() {
		for _, fn := range t.after {
			fn()
		}
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.changes {
		c.schema.forget()
	}
	c.tx = nil
	if err := c.ended; err != nil {
		c.ended = nil
		return err
	}
	c.closeRows()
	err := how()
	c.release()
	return err
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *customConn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return &userStmt{c: c, query: query}, nil
}

// Prepare implements driver.Conn.
func (c *customConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// Close implements driver.Conn.
func (c *customConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeRows()
	c.closeStatements()
	err := c.close()
	c.release()
	return err
}

// customRows are the rows of a query of a module.
type customRows struct {
	*rows
	c      *customConn
	turn   *turn // held until they are closed
	cancel context.CancelCauseFunc
	done   bool
}

// Next implements driver.Rows.
func (r *customRows) Next(dest []driver.Value) error {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	if r.rows.closed && r.c.ended != nil {
		return r.c.ended
	}
	return r.rows.Next(dest)
}

// Close implements driver.Rows.
func (r *customRows) Close() error {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	if r.done {
		return nil
	}
	r.done = true
	r.cancel(nil)
	err := r.rows.Close()
	if r.turn != nil && r.c.turn == r.turn {
		r.c.release()
	}
	return err
}

// noRows answers a query that has nothing to do.
type noRows struct{}

func (noRows) Columns() []string         { return nil }
func (noRows) Close() error              { return nil }
func (noRows) Next([]driver.Value) error { return io.EOF }
