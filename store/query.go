package store

import (
	"context"
	"errors"
)

// Result is the whole answer to a query.
type Result struct {
	Columns []string
	// Types are the column types as declared, upper case: TIMESTAMPTZ, BOOLEAN,
	// JSONB … Empty for expressions on SQLite.
	Types []string
	// Rows hold nil, int64, float64, bool, string, []byte or time.Time (UTC).
	Rows [][]any
}

// Query runs one SQL statement and reads its whole answer: what scripts'
// sql_query does. Reads run on the read pool, anything else as a write of its
// own (or of the [DB.Tx] that ctx belongs to), so INSERT … RETURNING works and
// is committed on return.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*Result, error) {
	if st := db.running(ctx); st != nil {
		return readAll(ctx, st.q, query, args)
	}
	if readsOnly(query) {
		res, err := db.retryRead(ctx, query, args)
		// A reader that turns out to write, for instance a WITH that hides it.
		if err == nil || !isReadOnly(err) {
			return res, err
		}
	}
	var res *Result
	err := db.Tx(ctx, func(ctx context.Context, q Querier) (err error) {
		res, err = readAll(ctx, q, query, args)
		return err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

func (db *DB) retryRead(ctx context.Context, query string, args []any) (*Result, error) {
	for attempt := 1; ; attempt++ {
		res, err := readAll(ctx, db.readers, query, args)
		if err == nil || attempt >= maxAttempts || !isRetryable(err) || ctx.Err() != nil {
			return res, err
		}
	}
}

func readAll(ctx context.Context, q Querier, query string, args []any) (_ *Result, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	res := &Result{Columns: make([]string, len(columns)), Types: make([]string, len(columns))}
	for i, c := range columns {
		res.Columns[i], res.Types[i] = c.Name(), c.DatabaseTypeName()
	}
	for rows.Next() {
		row := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		res.Rows = append(res.Rows, row)
	}
	return res, rows.Err()
}
