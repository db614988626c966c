package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"kumi/store"
)

// postgres is a side on PostgreSQL. It has a connection for reading rows and one for
// everything else, neither from the pool.
type postgres struct {
	reader *pgx.Conn
	writer *pgx.Conn
	buffer []byte
}

// openPostgres opens a source in a transaction that sees the database as it is now
// until the end, or a target.
func openPostgres(ctx context.Context, db *store.DB, source bool) (_ *postgres, err error) {
	s := &postgres{}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.reader, err = connect(ctx, db); err != nil {
		return nil, err
	}
	if s.writer, err = connect(ctx, db); err != nil {
		return nil, err
	}
	if source {
		_, err = s.reader.Exec(ctx, beginSource)
		return s, err
	}
	return s, s.lock(ctx)
}

// lock keeps other exports from a target. It waits a moment for one that was killed:
// PostgreSQL may notice only after the next one has begun.
func (s *postgres) lock(ctx context.Context) error {
	if _, err := s.writer.Exec(ctx, "SET lock_timeout = '5s'"); err != nil {
		return err
	}
	if _, err := s.writer.Exec(ctx, "SELECT pg_advisory_lock($1)", copyLock); err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "55P03" { // lock_not_available
			return errors.New("another export writes to this database")
		}
		return err
	}
	_, err := s.writer.Exec(ctx, "RESET lock_timeout")
	return err
}

const beginSource = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

// version returns the transactions that have ended or are running, of all databases of
// the server.
func (s *postgres) version(ctx context.Context) (v string, err error) {
	err = s.writer.QueryRow(ctx, "SELECT txid_current_snapshot()::text").Scan(&v)
	return v, err
}

func (s *postgres) renew(ctx context.Context) error {
	if _, err := s.reader.Exec(ctx, "COMMIT"); err != nil {
		return err
	}
	_, err := s.reader.Exec(ctx, beginSource)
	return err
}

// copyLock is the key of the advisory lock that a copy holds on its target.
const copyLock = 0x6b756d6963

// connect returns a connection that prints values in the forms that value.go expects,
// and on which a long copy is not ended by a limit.
func connect(ctx context.Context, db *store.DB) (*pgx.Conn, error) {
	c, err := db.PostgresConn(ctx)
	if err != nil {
		return nil, err
	}
	for _, setting := range []string{
		"TimeZone TO 'UTC'", "DateStyle TO 'ISO, YMD'", "IntervalStyle TO 'postgres'", "bytea_output TO 'hex'", "extra_float_digits TO 1",
		"statement_timeout TO 0", "idle_in_transaction_session_timeout TO 0",
	} {
		if _, err := c.Exec(ctx, "SET "+setting); err != nil {
			_ = c.Close(context.WithoutCancel(ctx))
			return nil, fmt.Errorf("set %s: %w", setting, err)
		}
	}
	return c, nil
}

func (s *postgres) name() string {
	c := s.reader.Config()
	return fmt.Sprintf("postgres://%s:%d/%s", c.Host, c.Port, c.Database)
}

func (s *postgres) close() {
	ctx := context.Background()
	for _, c := range []*pgx.Conn{s.reader, s.writer} {
		if c != nil {
			_ = c.Close(ctx)
		}
	}
}

func (s *postgres) read(ctx context.Context, p *pair, o order, after row) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		query := p.query(p.names(), o, `::text COLLATE "C"`, after, func(i int, c *column) string { return "$" + strconv.Itoa(i) + "::text::" + c.declared })
		args := []any{pgx.QueryResultFormats{pgx.TextFormatCode}}
		for _, v := range after {
			args = append(args, string(v))
		}
		rows, err := s.reader.Query(ctx, query, args...)
		if err != nil {
			yield(nil, wrap("read", p.name, err))
			return
		}
		defer rows.Close()
		r := make(row, len(p.columns))
		for rows.Next() {
			for i, v := range rows.RawValues() {
				r[i] = p.columns[i].fromPostgres(v)
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

func (s *postgres) count(ctx context.Context, table, where string) (n int64, err error) {
	err = s.reader.QueryRow(ctx, "SELECT count(*) FROM "+quote(table)+" WHERE "+where).Scan(&n)
	return n, wrap("count", table, err)
}

func (s *postgres) write(ctx context.Context, p *pair, b *batch, record statement) error {
	s.buffer = s.buffer[:0]
	for i := range b.len() {
		for j, v := range b.row(i) {
			if j > 0 {
				s.buffer = append(s.buffer, '\t')
			}
			s.buffer = p.columns[j].appendCopy(s.buffer, v)
		}
		s.buffer = append(s.buffer, '\n')
	}
	return s.inTx(ctx, func(tx pgx.Tx) error {
		if b.len() > 0 {
			_, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(s.buffer), "COPY "+quote(p.name)+" ("+p.names()+") FROM STDIN")
			if err != nil {
				return wrap("write", p.name, p.locate(err, b))
			}
		}
		if record.query == "" {
			return nil
		}
		_, err := tx.Exec(ctx, record.query, record.args...)
		return err
	})
}

var copyLine = regexp.MustCompile(`, line (\d+)`)

// locate adds to an error of COPY which row it is about.
func (p *pair) locate(err error, b *batch) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	if pg.Detail != "" {
		err = fmt.Errorf("%w: %s", err, pg.Detail)
	}
	m := copyLine.FindStringSubmatch(pg.Where)
	if m == nil || len(p.key) == 0 {
		return err
	}
	if n, _ := strconv.Atoi(m[1]); n >= 1 && n <= b.len() {
		return fmt.Errorf("row with %s: %w", p.describe(p.keyOf(b.row(n-1))), err)
	}
	return err
}

func (s *postgres) inTx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.writer, fn)
}

func (s *postgres) remove(ctx context.Context, p *pair, b *batch) error {
	query := "DELETE FROM " + quote(p.name) + " WHERE (" + p.keyNames(plain) + ") = ("
	for i, k := range p.key {
		if i > 0 {
			query += ", "
		}
		query += "$" + strconv.Itoa(i+1) + "::text::" + p.columns[k].declared
	}
	query += ")"
	return s.inTx(ctx, func(tx pgx.Tx) error {
		var work pgx.Batch
		for i := range b.len() {
			var args []any
			for _, v := range b.row(i) {
				args = append(args, string(v))
			}
			work.Queue(query, args...)
		}
		return wrap("delete rows of", p.name, tx.SendBatch(ctx, &work).Close())
	})
}

func (s *postgres) exec(ctx context.Context, statements ...statement) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		for _, st := range statements {
			if _, err := tx.Exec(ctx, st.query, st.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *postgres) create(ctx context.Context, query string) error {
	return s.exec(ctx, statement{query: query})
}

func (s *postgres) progress(ctx context.Context) (map[string]progress, error) {
	var exists bool
	if err := s.writer.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", store.CopyTable).Scan(&exists); err != nil || !exists {
		return nil, err
	}
	rows, err := s.writer.Query(ctx, selectProgress)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return readProgress(rows)
}

// finish sets the sequences of the copied tables behind their greatest value, and
// counts for the query planner.
func (s *postgres) finish(ctx context.Context, pairs []*pair) error {
	for _, p := range pairs {
		rows, err := s.writer.Query(ctx, `SELECT a.attname, pg_get_serial_sequence($1, a.attname) FROM pg_attribute a
			WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped AND pg_get_serial_sequence($1, a.attname) IS NOT NULL`, quote(p.name))
		if err != nil {
			return err
		}
		type generated struct{ Column, Sequence string }
		columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[generated])
		if err != nil {
			return err
		}
		for _, g := range columns {
			name := quote(g.Column)
			_, err := s.writer.Exec(ctx, "SELECT setval($1::text::regclass, max("+name+")) FROM "+quote(p.name)+" HAVING max("+name+") IS NOT NULL", g.Sequence)
			if err != nil {
				return fmt.Errorf("set the sequence of %s.%s: %w", p.name, g.Column, err)
			}
		}
		if _, err := s.writer.Exec(ctx, "ANALYZE "+quote(p.name)); err != nil {
			return wrap("analyze", p.name, err)
		}
	}
	return nil
}
