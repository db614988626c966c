package core

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/store"
	"kumi/store/fault"
)

// conditions are what the rows of a list must fulfil.
type conditions struct {
	parts []string
	args  []any
}

// add adds a condition with a value in place of each question mark.
func (c *conditions) add(condition string, values ...any) {
	for _, v := range values {
		condition = strings.Replace(condition, "?", c.bind(v), 1)
	}
	c.parts = append(c.parts, condition)
}

// bind adds a value and returns the parameter that stands for it, such as $2.
func (c *conditions) bind(value any) string {
	c.args = append(c.args, value)
	return "$" + strconv.Itoa(len(c.args))
}

// clone returns a copy, to which more can be added.
func (c *conditions) clone() conditions {
	return conditions{slices.Clone(c.parts), slices.Clone(c.args)}
}

// during bounds a column of times; either bound may be nil.
func (c *conditions) during(column string, after, before *timestamppb.Timestamp) {
	if after != nil {
		c.add(column+" >= ?", after.AsTime())
	}
	if before != nil {
		c.add(column+" < ?", before.AsTime())
	}
}

func (c *conditions) where() string {
	if len(c.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.parts, " AND ")
}

// pagedList is a list of rows R in pages, in the order of some columns, whose values for a row
// are P.
type pagedList[R, P any] struct {
	cursor     byte
	query      string // without conditions
	order      []string
	descending bool
	scan       func(*sql.Rows) (R, P, error)
	values     func(P) []any
}

// pagePlace is a cursor: behind this row, or with Back ahead of it.
type pagePlace[P any] struct {
	At   P    `json:"a"`
	Back bool `json:"b,omitempty"`
}

// page is one page of a list.
type page[R any] struct {
	rows       []R
	next, prev string
}

// read reads a page. The page before has a cursor only if this one was reached with one.
func (l *pagedList[R, P]) read(ctx context.Context, q store.Querier, c conditions, limit int, cursor string) (out page[R], err error) {
	var from pagePlace[P]
	backwards := l.descending
	if cursor != "" {
		if decodeCursor(l.cursor, cursor, &from) != nil {
			return out, errPageCursor
		}
		backwards = backwards != from.Back
		compare := " > ("
		if backwards {
			compare = " < ("
		}
		values := l.values(from.At)
		for _, v := range values {
			if t, ok := v.(time.Time); ok && !storable(t) {
				return out, errPageCursor
			}
		}
		c.add("("+strings.Join(l.order, ", ")+")"+compare+"?"+strings.Repeat(", ?", len(values)-1)+")", values...)
	}
	direction := ""
	if backwards {
		direction = " DESC"
	}
	query := l.query + c.where() + " ORDER BY " + strings.Join(l.order, direction+", ") + direction
	if limit > 0 {
		query += " LIMIT " + strconv.Itoa(limit+1)
	}
	rows, err := q.QueryContext(ctx, query, c.args...)
	if err != nil {
		return out, failed("read the list", err)
	}
	defer rows.Close()
	var places []P
	for rows.Next() {
		row, place, err := l.scan(rows)
		if err != nil {
			return out, failed("read the list", err)
		}
		out.rows, places = append(out.rows, row), append(places, place)
	}
	if err := rows.Err(); err != nil {
		return out, failed("read the list", err)
	}
	more := limit > 0 && len(out.rows) > limit
	if more {
		out.rows, places = out.rows[:limit], places[:limit]
	}
	if from.Back {
		slices.Reverse(out.rows)
		slices.Reverse(places)
	}
	if len(places) == 0 {
		return out, nil
	}
	if more || from.Back {
		if out.next, err = encodeCursor(l.cursor, pagePlace[P]{At: places[len(places)-1]}); err != nil {
			return out, failed("read the list", err)
		}
	}
	if cursor != "" && (more || !from.Back) {
		if out.prev, err = encodeCursor(l.cursor, pagePlace[P]{places[0], true}); err != nil {
			return out, failed("read the list", err)
		}
	}
	return out, nil
}

var errPageCursor = fault.New(fault.InvalidArgument, "The cursor is not one of this list.")

// pageSize returns the limit of a request, which must be between 1 and 100. With a
// missing of zero it may not be left out.
func pageSize(limit uint32, missing int) (int, error) {
	if limit == 0 && missing > 0 {
		return missing, nil
	}
	if limit < 1 || limit > 100 {
		return 0, invalid("Invalid limit - limit must be between 1 and 100.")
	}
	return int(limit), nil
}

// exactBelow is the number of rows up to which tables are counted. PostgreSQL takes long
// for large ones, and has an estimate of their size.
const exactBelow = 10_000

// rowCount returns the number of rows of a table, an estimate if it is large.
func (k *Console) rowCount(ctx context.Context, table string) (n int32, err error) {
	q := k.db.Reader()
	var rows int64
	if k.db.Dialect() == store.Postgres {
		err = q.QueryRowContext(ctx, "SELECT reltuples::bigint FROM pg_class WHERE oid = $1::regclass", table).Scan(&rows)
	}
	if err == nil && rows < exactBelow {
		err = q.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&rows)
	}
	if err != nil {
		return 0, failed("count the rows of a table", err)
	}
	return int32(min(rows, 1<<31-1)), nil
}

// scanAll reads all rows of a query.
func scanAll[R any](ctx context.Context, q store.Querier, scan func(*sql.Rows) (R, error), query string, args ...any) ([]R, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []R
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}
