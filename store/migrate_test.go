package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kumi/store"
	"kumi/store/storetest"
)

const migrations = 19

// eachEmpty runs test on databases without tables.
func eachEmpty(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	run := func(name string, options func(t *testing.T) store.Options) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := store.Open(t.Context(), options(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			test(t, db)
		})
	}
	run("sqlite", func(t *testing.T) store.Options { return store.Options{DataDir: t.TempDir()} })
	run("postgres", func(t *testing.T) store.Options { return store.Options{Address: storetest.EmptyPostgres(t)} })
}

func TestMigrateUpDownRedoStatus(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		m := store.NewMigrator(db)
		if _, err := db.CheckMigrations(ctx); err == nil || !strings.Contains(err.Error(), "migrate up") {
			t.Errorf("check of an empty database: %v", err)
		}
		ids, err := m.Up(ctx, 3)
		if err != nil || len(ids) != 3 || ids[0] != "20180103142001_initial_schema.sql" {
			t.Fatalf("up 3: %v, %v", ids, err)
		}
		if _, err := db.CheckMigrations(ctx); err == nil || !strings.Contains(err.Error(), "3 of 19") {
			t.Errorf("check after 3: %v", err)
		}
		if ids, err = m.Up(ctx, -1); err != nil || len(ids) != migrations-3 {
			t.Fatalf("up: %v, %v", ids, err)
		}
		if ids, err = m.Up(ctx, -1); err != nil || len(ids) != 0 {
			t.Errorf("up again: %v, %v", ids, err)
		}
		if warning, err := db.CheckMigrations(ctx); warning != "" || err != nil {
			t.Errorf("check when migrated: %q, %v", warning, err)
		}
		if n := count(t, db, "SELECT count(*) FROM users WHERE username = '' AND id = '00000000-0000-0000-0000-000000000000'"); n != 1 {
			t.Error("no system user")
		}
		if n := count(t, db, "SELECT count(*) FROM setting WHERE name = 'utc_toggle' AND value = 'false'"); n != 1 {
			t.Error("no seed setting")
		}
		if id, err := m.Redo(ctx); err != nil || id != "20260319134532-add-display-name-index.sql" {
			t.Errorf("redo: %s, %v", id, err)
		}
		addUser(t, db, "kept")

		// One by one down and up again: every section must work on what the
		// others leave.
		for i := range migrations - 1 {
			if ids, err := m.Down(ctx, 1); err != nil || len(ids) != 1 {
				t.Fatalf("down %d: %v, %v", i, ids, err)
			}
		}
		if n := count(t, db, "SELECT count(*) FROM users WHERE username = 'kept'"); n != 1 {
			t.Error("going down to the first schema lost a user")
		}
		for i := range migrations - 1 {
			if ids, err := m.Up(ctx, 1); err != nil || len(ids) != 1 {
				t.Fatalf("up %d: %v, %v", i, ids, err)
			}
		}
		if ids, err := m.Down(ctx, -1); err != nil || len(ids) != migrations {
			t.Fatalf("down all: %v, %v", ids, err)
		}
		if err := store.Migrate(ctx, db); err != nil {
			t.Fatalf("up after down: %v", err)
		}

		// A newer server was here.
		if _, err := db.Exec(ctx, "INSERT INTO migration_info (id) VALUES ('20990101000000-future.sql')"); err != nil {
			t.Fatal(err)
		}
		warning, err := db.CheckMigrations(ctx)
		if err != nil || !strings.Contains(warning, "newer") {
			t.Errorf("check of a newer database: %q, %v", warning, err)
		}
		status, err := m.Status(ctx)
		if err != nil || len(status) != migrations+1 || !status[migrations].Unknown || status[0].Applied.IsZero() {
			t.Errorf("status: %+v, %v", status, err)
		}
	})
}

// A database that Nakama migrated is recognised by the rows of its table
// alone: nothing may be run on it.
func TestMigrateLeavesNakamaDatabaseAlone(t *testing.T) {
	t.Parallel()
	eachEmpty(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		if _, err := db.SQL().ExecContext(ctx, "CREATE TABLE migration_info (id text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT "+
			map[store.Dialect]string{store.SQLite: "(now())", store.Postgres: "now()"}[db.Dialect()]+")"); err != nil {
			t.Fatal(err)
		}
		status, err := store.NewMigrator(db).Status(ctx)
		if err != nil || len(status) != migrations {
			t.Fatalf("status: %d, %v", len(status), err)
		}
		for _, s := range status {
			if _, err := db.Exec(ctx, "INSERT INTO migration_info (id) VALUES ($1)", s.ID); err != nil {
				t.Fatal(err)
			}
		}
		if ids, err := store.NewMigrator(db).Up(ctx, -1); err != nil || len(ids) != 0 {
			t.Errorf("up did %v, %v", ids, err)
		}
		if _, err := db.CheckMigrations(ctx); err != nil {
			t.Error(err)
		}
	})
}

// The two schemas must agree in everything that SQL written for the one could
// notice in the other.
func TestSchemasAgree(t *testing.T) {
	t.Parallel()
	pg := storetest.PostgresDB(t)
	lite := storetest.SQLite(t)

	columns := func(db *store.DB, query string) []string {
		res, err := db.CustomQuery(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, row := range res.Rows {
			out = append(out, strings.ToLower(strings.TrimSpace(fmt.Sprintln(row...))))
		}
		slices.Sort(out)
		return out
	}
	want := columns(pg, `SELECT table_name::text, column_name::text, CASE is_nullable WHEN 'YES' THEN 'null' ELSE 'not null' END,
		CASE data_type WHEN 'character varying' THEN 'varchar(' || character_maximum_length || ')'
			WHEN 'timestamp with time zone' THEN 'timestamptz' WHEN 'bytea' THEN 'blob'
			WHEN 'uuid' THEN 'text' WHEN 'jsonb' THEN 'text' ELSE data_type END
		FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'migration_info'`)
	got := columns(lite, `SELECT m.name, c.name, CASE c."notnull" WHEN 0 THEN 'null' ELSE 'not null' END, c.type
		FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name <> 'migration_info'`)
	if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
		t.Errorf("columns (-postgres +sqlite):\n%s", d)
	}

	res, err := pg.CustomQuery(t.Context(), `SELECT conname::text, contype::text FROM pg_constraint
		WHERE connamespace = 'public'::regnamespace AND conrelid <> 'migration_info'::regclass
		UNION ALL SELECT indexname::text, 'i' FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT IN (SELECT conname FROM pg_constraint)`)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := lite.CustomQuery(t.Context(), "SELECT group_concat(sql, ' ') FROM sqlite_master")
	if err != nil {
		t.Fatal(err)
	}
	text := schema.Rows[0][0].(string)
	for _, row := range res.Rows {
		word := "CONSTRAINT "
		if row[1] == "i" {
			word = "INDEX "
		}
		if name := row[0].(string); !strings.Contains(text, word+name+" ") {
			t.Errorf("sqlite has no %s%s", word, name)
		}
	}
}
