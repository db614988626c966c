package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// maxResult is the maximum size of the result of a script's query, in bytes.
const maxResult = 64 << 20

// Result is the complete result of a query.
type Result struct {
	Columns []string
	// Types are the column types as declared, upper case: TIMESTAMPTZ, BOOLEAN,
	// JSONB … Empty for expressions on SQLite.
	Types []string
	// Rows hold nil, int64, float64, bool, string, []byte or time.Time (UTC).
	Rows [][]any
}

// CustomQuery runs SQL of a script and reads the complete result: it implements
// sql_query. On SQLite it accepts SQL written for PostgreSQL (see package translate).
// Changes are committed when it returns. It never joins a transaction of the server,
// which no statement in the query can end, and settings that the query changes end
// with it.
func (db *DB) CustomQuery(ctx context.Context, query string, args ...any) (*Result, error) {
	var res *Result
	err := db.custom(ctx, query, args, func(q Querier, args []any) (err error) {
		res, err = readAll(ctx, q, query, args)
		return err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// CustomExec runs SQL of a script like [DB.CustomQuery] and returns the number of rows
// that it inserted, updated or deleted.
func (db *DB) CustomExec(ctx context.Context, query string, args ...any) (int64, error) {
	var n int64
	err := db.custom(ctx, query, args, func(q Querier, args []any) error {
		res, err := q.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// custom runs fn, and runs it again if the database aborted it because of a conflict.
func (db *DB) custom(ctx context.Context, query string, args []any, fn func(q Querier, args []any) error) error {
	for attempt := 1; ; attempt++ {
		var err error
		if db.dialect == Postgres {
			err = db.customPostgres(ctx, query, args, fn)
		} else {
			err = fn(db.scripts, args)
		}
		if err == nil || attempt >= maxAttempts || !isRetryable(err) || ctx.Err() != nil {
			return err
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
	size := 0
	for rows.Next() {
		row := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for _, v := range row {
			size += 16
			switch v := v.(type) {
			case string:
				size += len(v)
			case []byte:
				size += len(v)
			}
		}
		if size > maxResult {
			return nil, fmt.Errorf("the result of the query is larger than %d MB: narrow it with WHERE, or read in parts with LIMIT", maxResult>>20)
		}
		res.Rows = append(res.Rows, row)
	}
	return res, rows.Err()
}

// customPostgres runs fn on a connection that is reset before it is used again.
func (db *DB) customPostgres(ctx context.Context, query string, args []any, fn func(q Querier, args []any) error) (err error) {
	c, err := db.shared.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	args, err = postgresArgs(ctx, c, query, args)
	if err != nil {
		return err
	}
	defer forgetSession(c)
	return fn(c, args)
}

var _ Querier = (*sql.Conn)(nil)
