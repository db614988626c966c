package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// What SQL of modules changes for a whole connection, such as a setting, must
// not reach whoever gets the connection from the pool next.

// dirty marks a connection on which SQL ran that may have changed its session: any
// of a script, and what sessionTracer recognizes, as Go modules have the pool.
const dirty = "kumi.dirty"

func markDirty(c *pgx.Conn) { c.PgConn().CustomData()[dirty] = true }

// forgetSession marks a connection, so that the pool resets it when it is returned.
func forgetSession(c *sql.Conn) {
	_ = c.Raw(func(dc any) error {
		markDirty(dc.(*stdlib.Conn).Conn())
		return nil
	})
}

// resetSession undoes what SQL of modules may have changed for the whole connection:
// settings, the role, LISTEN, advisory locks, temporary tables and cursors. It runs
// after the result was returned, and reports whether the connection can be used again.
func resetSession(c *pgx.Conn) bool {
	data := c.PgConn().CustomData()
	if data[dirty] == nil {
		return true
	}
	delete(data, dirty)
	ctx, cancel := context.WithTimeout(context.Background(), busyTimeout)
	defer cancel()
	// One round trip. DISCARD ALL would also drop the prepared statements.
	_, err := c.PgConn().Exec(ctx, "RESET SESSION AUTHORIZATION; RESET ALL; UNLISTEN *; CLOSE ALL; "+
		"SELECT pg_advisory_unlock_all(); DISCARD TEMP").ReadAll()
	return err == nil
}

// sessionTracer sees each statement before it runs, and counts it.
type sessionTracer struct{ load *load }

// startKey is the context key of a *started.
type startKey struct{}

// started is a statement that runs.
type started struct {
	query string
	at    time.Time
}

func (t sessionTracer) begin(ctx context.Context, query string) context.Context {
	return context.WithValue(ctx, startKey{}, &started{query, time.Now()})
}

func (t sessionTracer) ended(ctx context.Context) {
	if s, ok := ctx.Value(startKey{}).(*started); ok {
		t.load.done(ctx, s.query, s.at, false)
	}
}

var _ interface {
	pgx.QueryTracer
	pgx.BatchTracer
} = sessionTracer{}

// TraceQueryStart implements pgx.QueryTracer.
func (t sessionTracer) TraceQueryStart(ctx context.Context, c *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if mayChangeSession(q.SQL) {
		markDirty(c)
	}
	return t.begin(ctx, q.SQL)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (t sessionTracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	t.ended(ctx)
}

// TraceBatchStart implements pgx.BatchTracer.
func (t sessionTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return t.begin(ctx, "batch")
}

// TraceBatchQuery implements pgx.BatchTracer.
func (sessionTracer) TraceBatchQuery(_ context.Context, c *pgx.Conn, q pgx.TraceBatchQueryData) {
	if mayChangeSession(q.SQL) {
		markDirty(c)
	}
}

// TraceBatchEnd implements pgx.BatchTracer.
func (t sessionTracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) {
	t.ended(ctx)
}

// mayChangeSession reports whether a statement may change the session, as SET, DO,
// LISTEN and CREATE do. Statements that read or write data do not, unless they call
// set_config or lock with pg_advisory_lock; functions that modules created are not
// looked into.
func mayChangeSession(query string) bool {
	text := strings.TrimLeft(query, " \t\r\n(")
	word := 0
	for word < len(text) && isLetter(text[word]) {
		word++
	}
	if !isDataWord(text[:word]) {
		return true
	}
	if i := strings.IndexByte(text, ';'); i >= 0 && strings.TrimSpace(text[i+1:]) != "" {
		return true
	}
	for i := range len(text) {
		if text[i] == '_' && (hasWordAt(text, i-len("set"), "set_config") || hasWordAt(text, i+1, "advisory")) {
			return true
		}
	}
	return false
}

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

// hasWordAt reports whether text has the word at i, in any case.
func hasWordAt(text string, i int, word string) bool {
	return i >= 0 && i+len(word) <= len(text) && strings.EqualFold(text[i:i+len(word)], word)
}

// isDataWord reports whether statements that begin with the word only read or write
// data, or control a transaction.
func isDataWord(word string) bool {
	for _, known := range []string{
		"select", "insert", "update", "delete", "with", "values", "merge", "table", "truncate",
		"begin", "start", "commit", "end", "rollback", "savepoint", "release",
	} {
		if strings.EqualFold(word, known) {
			return true
		}
	}
	return false
}
