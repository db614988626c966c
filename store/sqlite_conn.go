package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofrs/uuid/v5"
)

// maxStatements is the maximum number of prepared statements that one connection
// caches.
const maxStatements = 256

// maxKept is the maximum length of a cached statement, in bytes.
const maxKept = 8 << 10

// connector opens SQLite connections that behave like those of PostgreSQL as far as Go
// code can tell: they take and return time.Time, bool and lists, refuse invalid text,
// and refuse further statements in a transaction after an error. They also cache
// prepared statements, which saves parsing SQL on every call.
type connector struct {
	dsn          string
	abortOnError bool
	load         *load // counts the statements; may be nil
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
	return &conn{innerConn: inner.(innerConn), abortOnError: c.abortOnError, load: c.load, stmts: map[string]*stmt{}}, nil
}

// innerConn is the part of the driver's connection that conn uses.
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

// conn is used by one goroutine at a time; database/sql guarantees that.
type conn struct {
	innerConn
	abortOnError bool
	load         *load

	stmts map[string]*stmt
	open  map[*rows]struct{} // only tracked if abortOnError
	// failed is the first error of the transaction that runs on the writer's
	// connection. As on PostgreSQL nothing more is done until it is rolled back.
	failed error
}

type stmt struct {
	driver.Stmt
	busy bool // its rows are being read
}

var errTxFailed = errors.New("an earlier statement of this transaction failed; use a nested transaction to continue after an error")

// CheckNamedValue converts an argument to what SQLite stores for it.
func (c *conn) CheckNamedValue(nv *driver.NamedValue) error {
	switch v := nv.Value.(type) {
	case string:
		return checkText(v)
	case []string, []int64, []int32, []int, []float64, []bool, []uuid.UUID, []any, map[string]any:
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
	res, err := c.run(ctx, query, args)
	return res, c.note(err)
}

func (c *conn) run(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	defer c.load.done(ctx, query, time.Now(), c.abortOnError)
	s, err := c.prepared(ctx, query)
	switch {
	case err != nil:
		return nil, err
	case s != nil:
		return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	}
	return c.innerConn.ExecContext(ctx, query, args)
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.failed != nil {
		return nil, fmt.Errorf("%w: %w", errTxFailed, c.failed)
	}
	r, err := c.rows(ctx, query, args)
	if err != nil {
		return nil, c.note(err)
	}
	if c.abortOnError {
		if c.open == nil {
			c.open = map[*rows]struct{}{}
		}
		c.open[r] = struct{}{}
	}
	return r, nil
}

func (c *conn) rows(ctx context.Context, query string, args []driver.NamedValue) (*rows, error) {
	defer c.load.done(ctx, query, time.Now(), c.abortOnError)
	s, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	var inner driver.Rows
	if s != nil {
		inner, err = s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	} else {
		inner, err = c.innerConn.QueryContext(ctx, query, args)
	}
	if err != nil {
		return nil, err
	}
	return newRows(c, s, inner), nil
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *conn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return &userStmt{c: c, query: query}, nil
}

// Prepare implements driver.Conn.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// BeginTx implements driver.ConnBeginTx.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	// SQLite's transactions are serializable, which satisfies any isolation level.
	opts.Isolation = 0
	return c.innerConn.BeginTx(ctx, opts)
}

// Close finalizes the cached statements and closes the connection.
func (c *conn) Close() error {
	c.closeStatements()
	return c.innerConn.Close()
}

func (c *conn) closeStatements() {
	for _, s := range c.stmts {
		_ = s.Stmt.Close()
	}
	c.stmts = nil
}

// prepared returns the cached statement of a query, or nil if the query should run
// unprepared: several statements, a very long one, or one whose rows are still being
// read.
func (c *conn) prepared(ctx context.Context, query string) (*stmt, error) {
	if s, ok := c.stmts[query]; ok {
		if s.busy {
			return nil, nil
		}
		return s, nil
	}
	if len(query) > maxKept || strings.IndexByte(query, ';') >= 0 || c.stmts == nil {
		return nil, nil
	}
	if len(c.stmts) >= maxStatements {
		for q, s := range c.stmts { // evict any one
			if !s.busy {
				_ = s.Stmt.Close()
				delete(c.stmts, q)
				break
			}
		}
	}
	inner, err := c.innerConn.PrepareContext(ctx, stableLimits(query))
	if err != nil {
		return nil, err
	}
	s := &stmt{Stmt: inner}
	c.stmts[query] = s
	return s, nil
}

var boundLimit = regexp.MustCompile(`(?i)\bLIMIT +([$?])`)

// stableLimits writes LIMIT $1 as LIMIT +$1. SQLite plans a statement for the value of
// a limit that is a parameter, and so parses it again each time the parameter is bound,
// which costs more than a short query. It does not do so for an expression.
func stableLimits(query string) string {
	var out strings.Builder
	from := 0
	for _, m := range boundLimit.FindAllStringSubmatchIndex(query, -1) {
		if strings.Count(query[:m[0]], "'")%2 == 0 { // not within a text
			out.WriteString(query[from:m[2]])
			out.WriteByte('+')
			from = m[2]
		}
	}
	out.WriteString(query[from:])
	return out.String()
}

// note records the first error of the writer's transaction.
func (c *conn) note(err error) error {
	if err != nil && c.abortOnError && c.failed == nil {
		c.failed = err
	}
	return err
}

// closeRows closes rows that a transaction function left open.
func (c *conn) closeRows() {
	for r := range c.open {
		_ = r.Close()
	}
}

// queryer is what a prepared statement runs on.
type queryer interface {
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
}

type userStmt struct {
	c     queryer
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
