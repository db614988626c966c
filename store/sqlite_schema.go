package store

import (
	"context"
	"database/sql/driver"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"kumi/store/translate"
)

// maxTranslations is the maximum number of cached translations.
const maxTranslations = 1024

// schemaCache caches the columns of tables and the translations made with them, until
// a statement changes a table. It may be used from any goroutine.
type schemaCache struct {
	mu      sync.Mutex
	version int
	tables  map[string][]translate.Column
	known   map[string][]translate.Statement
}

func (s *schemaCache) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.tables, s.known = nil, nil
}

// translated returns SQLite's statements for a query of a module.
func (c *customConn) translated(ctx context.Context, query string) ([]translate.Statement, error) {
	s := c.schema
	s.mu.Lock()
	statements, ok := s.known[query]
	tables, version := s.tables, s.version
	s.mu.Unlock()
	if ok {
		return statements, nil
	}
	if tables == nil {
		var err error
		if tables, err = c.readSchema(ctx); err != nil {
			return nil, err
		}
	}
	statements, err := translate.Translate(query, func(table string) []translate.Column { return tables[table] })
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.version != version {
		return statements, nil
	}
	s.tables = tables
	if len(query) > maxKept {
		return statements, nil
	}
	if s.known == nil || len(s.known) >= maxTranslations {
		s.known = map[string][]translate.Statement{}
	}
	s.known[query] = statements
	return statements, nil
}

// readSchema reads the columns of all tables. In Nakama's tables, JSON and UUID
// columns are text; they are recognized by the name of a check constraint.
func (c *customConn) readSchema(ctx context.Context) (map[string][]translate.Column, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, err := c.conn.rows(ctx, `SELECT s.name, c.name, c.type, s.sql LIKE '%' || s.name || '\_' || c.name || '\_json%' ESCAPE '\',
		s.sql LIKE '%' || s.name || '\_' || c.name || '\_uuid%' ESCAPE '\'
		FROM sqlite_schema AS s, pragma_table_xinfo(s.name) AS c WHERE s.type IN ('table', 'view')`, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	tables := map[string][]translate.Column{}
	row := make([]driver.Value, 5)
	for {
		if err := r.Rows.Next(row); err == io.EOF {
			return tables, nil
		} else if err != nil {
			return nil, err
		}
		column := translate.Column{Name: text(row[1]), Kind: translate.KindOf(text(row[2]))}
		switch {
		case row[3] == int64(1):
			column.Kind = translate.JSON
		case row[4] == int64(1):
			column.Kind = translate.UUID
		}
		table := strings.ToLower(text(row[0]))
		tables[table] = append(tables[table], column)
	}
}

// caller returns the position in module code that called into database/sql.
func caller() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "kumi/core.") {
			return "a script"
		}
		if f.Function != "" && !strings.HasPrefix(f.Function, "database/sql.") && !strings.HasPrefix(f.Function, "kumi/store.") &&
			!strings.HasPrefix(f.Function, "runtime.") {
			return f.Function + " (" + f.File + ":" + strconv.Itoa(f.Line) + ")"
		}
		if !more {
			return "an unknown place"
		}
	}
}
