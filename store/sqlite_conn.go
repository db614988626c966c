package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
)

// maxStatements bounds the prepared statements one connection keeps.
const maxStatements = 256

// connector opens SQLite connections that behave like PostgreSQL ones where Go
// code can tell: time.Time, bool and lists as arguments and results, text that
// must be valid, a transaction that refuses to go on after an error. They also
// keep prepared statements, which saves parsing SQL on every call.
type connector struct {
	dsn          string
	lock         *writeLock // taken around writes; nil on the writer's own connection and on readers
	abortOnError bool
}

func (c *connector) Driver() driver.Driver { return sqliteDriver }

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	inner, err := sqliteDriver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &conn{innerConn: inner.(innerConn), lock: c.lock, abortOnError: c.abortOnError, stmts: map[string]*stmt{}}, nil
}

// innerConn is the part of the driver's connection that conn relies on.
type innerConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
	driver.Pinger
}

// conn is used by one goroutine at a time, as database/sql promises.
type conn struct {
	innerConn
	lock         *writeLock
	abortOnError bool
	inTx         bool

	stmts map[string]*stmt
	open  map[*rows]struct{} // only kept when abortOnError
	// failed is the first error of the transaction that runs on the writer's
	// connection. As on PostgreSQL nothing more is done until it is rolled back.
	failed error
}

type stmt struct {
	driver.Stmt
	busy bool // its rows are being read
}

var errTxFailed = errors.New("an earlier statement of this transaction failed; run it in a nested transaction to go on after an error")

// CheckNamedValue turns an argument into what SQLite stores for it.
func (c *conn) CheckNamedValue(nv *driver.NamedValue) error {
	switch v := nv.Value.(type) {
	case string:
		return checkText(v)
	case []string, []int64, []int32, []int, []uuid.UUID:
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		nv.Value = string(text)
		return nil
	case json.RawMessage:
		nv.Value = string(v)
		return nil
	}
	v, err := driver.DefaultParameterConverter.ConvertValue(nv.Value)
	if err != nil {
		return err
	}
	nv.Value = v
	switch v := v.(type) {
	case string:
		return checkText(v)
	default:
		if t, ok := asTime(v); ok {
			nv.Value, err = formatTime(t)
		}
		return err
	}
}

func checkText(s string) error {
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return ErrText
	}
	return nil
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.failed != nil {
		return nil, fmt.Errorf("%w: %w", errTxFailed, c.failed)
	}
	release, err := c.turn(ctx, query)
	if err != nil {
		return nil, err
	}
	if release != nil {
		defer release()
	}
	var res driver.Result
	if s, err2 := c.prepared(ctx, query); err2 != nil {
		err = err2
	} else if s != nil {
		res, err = s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	} else {
		res, err = c.innerConn.ExecContext(ctx, query, args)
	}
	return res, c.note(err)
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.failed != nil {
		return nil, fmt.Errorf("%w: %w", errTxFailed, c.failed)
	}
	release, err := c.turn(ctx, query)
	if err != nil {
		return nil, err
	}
	s, err := c.prepared(ctx, query)
	var inner driver.Rows
	if err == nil {
		if s != nil {
			inner, err = s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
		} else {
			inner, err = c.innerConn.QueryContext(ctx, query, args)
		}
	}
	if err != nil {
		if release != nil {
			release()
		}
		return nil, c.note(err)
	}
	r := newRows(c, s, inner, release)
	if c.abortOnError {
		if c.open == nil {
			c.open = map[*rows]struct{}{}
		}
		c.open[r] = struct{}{}
	}
	return r, nil
}

// PrepareContext is for callers that prepare by themselves.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return &userStmt{c: c, query: query}, nil
}

// Prepare implements driver.Conn.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// BeginTx takes the turn to write for the whole transaction.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	// SQLite's transactions are serializable, which is at least what any
	// isolation level asks for.
	opts.Isolation = 0
	var release func()
	if c.lock != nil && !opts.ReadOnly {
		if err := c.lock.acquire(ctx); err != nil {
			return nil, err
		}
		release = c.lock.release
	}
	inner, err := c.innerConn.BeginTx(ctx, opts)
	if err != nil {
		if release != nil {
			release()
		}
		return nil, err
	}
	c.inTx = true
	return &connTx{c: c, inner: inner, release: release}, nil
}

// Close finalizes the kept statements.
func (c *conn) Close() error {
	for _, s := range c.stmts {
		_ = s.Stmt.Close()
	}
	c.stmts = nil
	return c.innerConn.Close()
}

// turn takes the write lock for one statement outside a transaction.
func (c *conn) turn(ctx context.Context, query string) (func(), error) {
	if c.lock == nil || c.inTx || readsOnly(query) {
		return nil, nil
	}
	if err := c.lock.acquire(ctx); err != nil {
		return nil, err
	}
	return c.lock.release, nil
}

// prepared returns the kept statement of a query, or nil when it should run
// unprepared: scripts of several statements, and a statement whose rows are
// still being read.
func (c *conn) prepared(ctx context.Context, query string) (*stmt, error) {
	if s, ok := c.stmts[query]; ok {
		if s.busy {
			return nil, nil
		}
		return s, nil
	}
	if strings.IndexByte(query, ';') >= 0 {
		return nil, nil
	}
	if len(c.stmts) >= maxStatements {
		for q, s := range c.stmts { // map order is the eviction order: any will do
			if !s.busy {
				_ = s.Stmt.Close()
				delete(c.stmts, q)
				break
			}
		}
	}
	inner, err := c.innerConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &stmt{Stmt: inner}
	c.stmts[query] = s
	return s, nil
}

// note remembers the first error of the writer's transaction.
func (c *conn) note(err error) error {
	if err != nil && c.abortOnError && c.failed == nil {
		c.failed = err
	}
	return err
}

// closeRows closes what a transaction function left open.
func (c *conn) closeRows() {
	for r := range c.open {
		_ = r.Close()
	}
}

type connTx struct {
	c       *conn
	inner   driver.Tx
	release func()
}

func (t *connTx) end(f func() error) error {
	t.c.inTx = false
	err := f()
	if t.release != nil {
		t.release()
	}
	return err
}

func (t *connTx) Commit() error   { return t.end(t.inner.Commit) }
func (t *connTx) Rollback() error { return t.end(t.inner.Rollback) }

type userStmt struct {
	c     *conn
	query string
}

func (s *userStmt) Close() error  { return nil }
func (s *userStmt) NumInput() int { return -1 }

func (s *userStmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

func (s *userStmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

func (s *userStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.c.ExecContext(ctx, s.query, args)
}

func (s *userStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.c.QueryContext(ctx, s.query, args)
}

func (s *userStmt) CheckNamedValue(nv *driver.NamedValue) error { return s.c.CheckNamedValue(nv) }

func named(args []driver.Value) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, v := range args {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out
}

var errRowsClosed = fmt.Errorf("read rows: the transaction they belong to has ended: %w", io.ErrClosedPipe)
