package storetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kumi/internal/testenv"
	"kumi/store"
)

// Postgres returns the address of an empty, migrated database for this test alone, or
// skips the test if there is no PostgreSQL.
func Postgres(t testing.TB) string {
	t.Helper()
	s := require(t)
	name, err := s.take(t.Context())
	if err != nil {
		t.Fatalf("create test database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := s.giveBack(ctx, name); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	return s.database(name)
}

// EmptyPostgres is [Postgres] without tables, for tests of migrations.
func EmptyPostgres(t testing.TB) string {
	t.Helper()
	return require(t).temporary(t, "template0")
}

// temporary returns the address of a copy of a database for this test alone.
func (s *server) temporary(t testing.TB, template string) string {
	t.Helper()
	name := randomName()
	if err := s.create(t.Context(), name, template); err != nil {
		t.Fatalf("create test database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := s.drop(ctx, name); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	return s.database(name)
}

// require returns the server, or skips the test if there is none.
func require(t testing.TB) *server {
	t.Helper()
	shared.Do(func() { shared.server, shared.skip, shared.err = start() })
	if shared.err != nil {
		t.Fatalf("start PostgreSQL for tests: %v", shared.err)
	}
	if shared.server == nil {
		testenv.Skip(t, shared.skip)
	}
	return shared.server
}

func (s *server) makeTemplate() error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	s.template = randomName()
	if err := s.create(ctx, s.template, "template0"); err != nil {
		return fmt.Errorf("create template database: %w", err)
	}
	db, err := store.Open(ctx, store.Options{Address: s.database(s.template)})
	if err != nil {
		return err
	}
	if err := errors.Join(store.Migrate(ctx, db), db.Close()); err != nil {
		return err
	}
	s.pristine, err = s.stateOf(ctx, s.template)
	if err != nil {
		return fmt.Errorf("read template database: %w", err)
	}
	return nil
}

// take returns a database that equals the template: one that a test has returned, or a
// copy. A copy costs the server some 100 ms of CPU time, which is most of what a small
// test costs.
func (s *server) take(ctx context.Context) (string, error) {
	s.mu.Lock()
	if n := len(s.free); n > 0 {
		name := s.free[n-1]
		s.free = s.free[:n-1]
		s.mu.Unlock()
		return name, nil
	}
	s.mu.Unlock()
	name := randomName()
	return name, s.create(ctx, name, s.template)
}

// giveBack restores the template's rows for the next test. A database that cannot be
// restored, because its schema was changed or a client is still connected, is dropped.
func (s *server) giveBack(ctx context.Context, name string) error {
	if err := s.restore(ctx, name); err != nil {
		return s.drop(ctx, name)
	}
	s.mu.Lock()
	s.free = append(s.free, name)
	s.mu.Unlock()
	return nil
}

func (s *server) create(ctx context.Context, name, template string) error {
	return s.admin(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template)
}

func (s *server) drop(ctx context.Context, name string) error {
	return s.admin(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

// state is what tests may change in a database.
type state struct {
	schema string // a hash of the definitions
	tables []table
}

// table is a table of the template with its rows, as JSON.
type table struct{ name, rows string }

func (s *server) stateOf(ctx context.Context, name string) (st state, err error) {
	c, err := pgx.Connect(ctx, s.database(name))
	if err != nil {
		return st, err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if err := c.QueryRow(ctx, schemaHash).Scan(&st.schema); err != nil {
		return st, err
	}
	rows, err := c.Query(ctx, "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
	if err != nil {
		return st, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return st, err
	}
	for _, name := range names {
		t := table{name: name}
		if err := c.QueryRow(ctx, "SELECT coalesce(json_agg(t)::text, '') FROM "+name+" t").Scan(&t.rows); err != nil {
			return st, err
		}
		st.tables = append(st.tables, t)
	}
	return st, nil
}

// restore makes a database equal to the template, or returns why that is not possible.
func (s *server) restore(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, s.database(name))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	var sessions int
	var schema string
	for {
		// A session that its client has closed takes a moment to end.
		err := c.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'").Scan(&sessions)
		if err != nil {
			return err
		}
		if sessions == 0 {
			break
		}
		if _, err := c.Exec(ctx, "SELECT pg_sleep(0.005)"); err != nil {
			return err
		}
	}
	if err := c.QueryRow(ctx, schemaHash).Scan(&schema); err != nil {
		return err
	}
	if schema != s.pristine.schema {
		return errors.New("the schema was changed")
	}
	var sql strings.Builder
	// In this role PostgreSQL does not check foreign keys, so the order does not matter.
	sql.WriteString("BEGIN; SET LOCAL session_replication_role = replica;")
	for _, t := range s.pristine.tables {
		fmt.Fprintf(&sql, "DELETE FROM %s;", t.name)
		if t.rows != "" {
			fmt.Fprintf(&sql, "INSERT INTO %s SELECT * FROM json_populate_recordset(NULL::%[1]s, '%s');", t.name, strings.ReplaceAll(t.rows, "'", "''"))
		}
	}
	sql.WriteString("COMMIT")
	_, err = c.Exec(ctx, sql.String())
	return err
}

// schemaHash returns a hash of the definitions in a database: schemas, columns,
// constraints, indexes, functions, types, triggers and settings.
const schemaHash = `
WITH own AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
SELECT md5(string_agg(part::text, ';' ORDER BY part::text)) FROM (
	SELECT row(nspname) AS part FROM own
	UNION ALL SELECT row(own.nspname, relname, relkind, relpersistence) FROM pg_class JOIN own ON own.oid = relnamespace
	UNION ALL SELECT row(relname, attname, atttypid::regtype, atttypmod, attnotnull, pg_get_expr(adbin, adrelid))
		FROM pg_class c JOIN own ON own.oid = relnamespace JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0
		LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
	UNION ALL SELECT row(conrelid::regclass, conname, pg_get_constraintdef(c.oid)) FROM pg_constraint c JOIN own ON own.oid = connamespace
	UNION ALL SELECT row(proname, prosrc) FROM pg_proc JOIN own ON own.oid = pronamespace
	UNION ALL SELECT row(typname, typtype) FROM pg_type JOIN own ON own.oid = typnamespace
	UNION ALL SELECT row(tgrelid::regclass, tgname) FROM pg_trigger WHERE NOT tgisinternal
	UNION ALL SELECT row(extname, extversion) FROM pg_extension
	UNION ALL SELECT row(setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase WHERE datname = current_database()
) AS definitions`

func randomName() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return "kumi_test_" + hex.EncodeToString(b[:])
}
