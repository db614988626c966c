package transfer

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"strings"

	"kumi/store"
)

// sqlite is a side on the embedded database.
type sqlite struct{ db *store.DB }

func (s *sqlite) name() string { return s.db.Path() }

func (s *sqlite) close() {}

func (s *sqlite) read(ctx context.Context, p *pair, o order, after row) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		expressions := make([]string, len(p.columns))
		for i := range p.columns {
			expressions[i] = p.columns[i].sqliteExpr()
		}
		args, err := p.sqliteKey(after)
		if err != nil {
			yield(nil, wrap("read", p.name, err))
			return
		}
		query := p.query(strings.Join(expressions, ", "), o, " COLLATE BINARY", after, func(int, *column) string { return "?" })
		rows, err := s.db.Reader().QueryContext(ctx, query, args...)
		if err != nil {
			yield(nil, wrap("read", p.name, err))
			return
		}
		defer func() { _ = rows.Close() }()
		raw, into, r := make([]sql.RawBytes, len(p.columns)), make([]any, len(p.columns)), make(row, len(p.columns))
		for i := range raw {
			into[i] = &raw[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				yield(nil, wrap("read", p.name, err))
				return
			}
			for i, v := range raw {
				r[i] = p.columns[i].fromSQLite(v)
			}
			if !yield(r, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, wrap("read", p.name, err))
		}
	}
}

// sqliteKey converts the values of a primary key to arguments.
func (p *pair) sqliteKey(key row) ([]any, error) {
	args := make([]any, len(key))
	for i, v := range key {
		var err error
		if args[i], err = p.columns[p.key[i]].toSQLite(v); err != nil {
			return nil, err
		}
	}
	return args, nil
}

func (s *sqlite) count(ctx context.Context, table, where string) (n int64, err error) {
	err = s.db.Reader().QueryRowContext(ctx, "SELECT count(*) FROM "+quote(table)+" WHERE "+where).Scan(&n)
	return n, wrap("count", table, err)
}

// insertValues is about how many values one INSERT has. With more, the driver takes
// longer to bind them than it saves by fewer statements.
const insertValues = 120

func (s *sqlite) write(ctx context.Context, p *pair, b *batch, record statement) error {
	args := make([]any, 0, b.len()*len(p.columns))
	for i := range b.len() {
		for j, v := range b.row(i) {
			arg, err := p.columns[j].toSQLite(v)
			if err != nil {
				return wrap("write", p.name, fmt.Errorf("row with %s: column %s: %w", p.describe(p.keyOf(b.row(i))), p.columns[j].name, err))
			}
			args = append(args, arg)
		}
	}
	err := s.insert(ctx, p, args, max(1, insertValues/len(p.columns)), record)
	if err == nil || ctx.Err() != nil {
		return err
	}
	// Find the row.
	for i := range b.len() {
		one := args[i*len(p.columns) : (i+1)*len(p.columns)]
		bad := s.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
			if _, err := q.ExecContext(ctx, p.insertRows(1), one...); err != nil {
				return err
			}
			return errUndo
		})
		if bad != nil && bad != errUndo {
			return wrap("write", p.name, fmt.Errorf("row with %s: %w", p.describe(p.keyOf(b.row(i))), bad))
		}
	}
	return wrap("write", p.name, err)
}

func (s *sqlite) insert(ctx context.Context, p *pair, args []any, perStatement int, record statement) error {
	width := len(p.columns)
	return s.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		for rest := args; len(rest) > 0; {
			n := min(perStatement, len(rest)/width)
			if _, err := q.ExecContext(ctx, p.insertRows(n), rest[:n*width]...); err != nil {
				return err
			}
			rest = rest[n*width:]
		}
		if record.query == "" {
			return nil
		}
		_, err := q.ExecContext(ctx, record.query, record.args...)
		return err
	})
}

// insertRows returns an INSERT of n rows.
func (p *pair) insertRows(n int) string {
	values := "(" + strings.TrimSuffix(strings.Repeat("?,", len(p.columns)), ",") + ")"
	return "INSERT INTO " + quote(p.name) + " (" + p.names() + ") VALUES " + strings.TrimSuffix(strings.Repeat(values+",", n), ",")
}

func (s *sqlite) remove(ctx context.Context, p *pair, b *batch) error {
	query := "DELETE FROM " + quote(p.name) + " WHERE (" + p.keyNames(plain) + ") = (" + strings.TrimSuffix(strings.Repeat("?,", len(p.key)), ",") + ")"
	return wrap("delete rows of", p.name, s.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		for i := range b.len() {
			args, err := p.sqliteKey(b.row(i))
			if err != nil {
				return err
			}
			if _, err := q.ExecContext(ctx, query, args...); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (s *sqlite) exec(ctx context.Context, statements ...statement) error {
	return s.db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
		for _, st := range statements {
			if _, err := q.ExecContext(ctx, st.query, st.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// create runs the statement as one of a module, which translates it.
func (s *sqlite) create(ctx context.Context, query string) (err error) {
	_, err = s.db.SQL().ExecContext(ctx, query)
	return err
}

func (s *sqlite) progress(ctx context.Context) (map[string]progress, error) {
	exists, err := s.db.HasTable(ctx, store.CopyTable)
	if err != nil || !exists {
		return nil, err
	}
	rows, err := s.db.Reader().QueryContext(ctx, selectProgress)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	return readProgress(rows)
}

func (s *sqlite) finish(ctx context.Context, _ []*pair) error { return nil }

// version is constant: no one else may write.
func (s *sqlite) version(context.Context) (string, error) { return "", nil }

func (s *sqlite) renew(context.Context) error { return nil }
