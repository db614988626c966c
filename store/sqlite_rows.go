package store

import (
	"database/sql/driver"
	"io"
	"time"
)

type columnKind uint8

const (
	plainColumn columnKind = iota
	timeColumn
	boolColumn
	untypedColumn // an expression: only its value can tell
)

// rows gives back the types that the column was declared with. TIMESTAMPTZ is
// not a name the driver knows, so it hands us the text and we parse it, about
// ten times faster than it would.
type rows struct {
	driver.Rows
	c       *conn
	stmt    *stmt
	kinds   []columnKind
	release func()
	closed  bool
}

func newRows(c *conn, s *stmt, inner driver.Rows, release func()) *rows {
	r := &rows{Rows: inner, c: c, stmt: s, release: release}
	if s != nil {
		s.busy = true
	}
	names, ok := inner.(driver.RowsColumnTypeDatabaseTypeName)
	if !ok {
		return r
	}
	n := len(inner.Columns())
	for i := range n {
		kind := plainColumn
		switch names.ColumnTypeDatabaseTypeName(i) {
		case "TIMESTAMPTZ":
			kind = timeColumn
		case "BOOLEAN", "BOOL":
			kind = boolColumn
		case "":
			kind = untypedColumn
		}
		if kind == plainColumn {
			continue
		}
		if r.kinds == nil {
			r.kinds = make([]columnKind, n)
		}
		r.kinds[i] = kind
	}
	return r
}

func (r *rows) Next(dest []driver.Value) error {
	if r.closed {
		return errRowsClosed
	}
	if err := r.Rows.Next(dest); err != nil {
		if err == io.EOF {
			return err
		}
		return r.c.note(err)
	}
	for i, kind := range r.kinds {
		switch kind {
		case timeColumn:
			if s, ok := dest[i].(string); ok {
				if t, ok := parseTime(s); ok {
					dest[i] = t
				}
			}
		case boolColumn:
			if n, ok := dest[i].(int64); ok && (n == 0 || n == 1) {
				dest[i] = n == 1
			}
		case untypedColumn:
			if s, ok := dest[i].(string); ok {
				if t, ok := parseFixedTime(s); ok {
					dest[i] = t
				}
			}
		}
	}
	return nil
}

func (r *rows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	err := r.Rows.Close()
	if r.stmt != nil {
		r.stmt.busy = false
	}
	delete(r.c.open, r)
	if r.release != nil {
		r.release()
	}
	return err
}

// ColumnTypeDatabaseTypeName lets callers see the declared type.
func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	if names, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return names.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}

func asTime(v driver.Value) (time.Time, bool) {
	t, ok := v.(time.Time)
	return t, ok
}
