package store

import (
	"database/sql/driver"
	"io"
	"strings"
	"time"

	"kumi/store/translate"
)

type columnKind uint8

const (
	plainColumn columnKind = iota
	timeColumn
	dateColumn
	boolColumn
	jsonColumn    // read by module code; as from PostgreSQL's driver
	listColumn    // in PostgreSQL's text form
	untypedColumn // an expression: the type depends on the value
)

// rows converts values to the types with which the columns were declared. The driver
// does not know TIMESTAMPTZ, so it returns text, which is parsed here about ten times
// faster than the driver would.
type rows struct {
	driver.Rows
	c      *conn
	stmt   *stmt
	kinds  []columnKind
	closed bool
}

func newRows(c *conn, s *stmt, inner driver.Rows) *rows {
	r := &rows{Rows: inner, c: c, stmt: s}
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

// understand adds what the statement itself says about its result columns.
func (r *rows) understand(result []translate.Column) {
	n := len(r.Columns())
	if r.kinds == nil {
		r.kinds = make([]columnKind, n)
	}
	if names, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		for i := range r.kinds {
			if r.kinds[i] == plainColumn && strings.HasPrefix(names.ColumnTypeDatabaseTypeName(i), "JSONB") {
				r.kinds[i] = jsonColumn
			}
		}
	}
	set := func(i int, c translate.Column) {
		switch {
		case i < 0 || i >= n:
		case c.Kind == translate.Bool:
			r.kinds[i] = boolColumn
		case c.Kind == translate.Time:
			r.kinds[i] = timeColumn
		case c.Kind == translate.Date:
			r.kinds[i] = dateColumn
		case c.Kind == translate.JSON:
			r.kinds[i] = jsonColumn
		case c.Kind == translate.Array:
			r.kinds[i] = listColumn
		case c.Kind != translate.Unknown && r.kinds[i] == untypedColumn:
			r.kinds[i] = plainColumn
		}
	}
	// Columns before a * are counted from the left, those after it from the right.
	for i, c := range result {
		if c.Name == "*" {
			break
		}
		set(i, c)
	}
	for i := range result {
		c := result[len(result)-1-i]
		if c.Name == "*" {
			break
		}
		set(n-1-i, c)
	}
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
		if kind != plainColumn {
			dest[i] = kind.value(dest[i])
		}
	}
	return nil
}

// value converts a stored value to the column's type; a value that does not fit is
// returned as it is.
func (kind columnKind) value(v driver.Value) driver.Value {
	switch v := v.(type) {
	case int64:
		if kind == boolColumn && (v == 0 || v == 1) {
			return v == 1
		}
	case string:
		switch kind {
		case timeColumn:
			if t, ok := parseTime(v); ok {
				return t
			}
		case dateColumn:
			if t, err := time.Parse(time.DateOnly, v); err == nil {
				return t
			}
		case untypedColumn:
			if t, ok := parseFixedTime(v); ok {
				return t
			}
		case jsonColumn:
			return []byte(v)
		case listColumn:
			if items, err := listOf(v); err == nil {
				return listLiteral(items)
			}
		}
	}
	return v
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
	return err
}

// ColumnTypeDatabaseTypeName returns the declared type.
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
