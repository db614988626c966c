package store_test

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"kumi/internal/testenv"
	"kumi/store"
	"kumi/store/storetest"
)

func TestPostgresRetriesSerializationFailures(t *testing.T) {
	t.Parallel()
	db := storetest.PostgresDB(t)
	for _, c := range []struct{ failures, runs int }{{2, 3}, {100, 5}} {
		runs := 0
		err := db.Tx(t.Context(), func(ctx context.Context, q store.Querier) error {
			if runs++; runs <= c.failures {
				_, err := q.ExecContext(ctx, "DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$")
				return err
			}
			return nil
		})
		if runs != c.runs || (err != nil) != (c.failures >= c.runs) {
			t.Errorf("%d failures: ran %d times, %v", c.failures, runs, err)
		}
	}
	runs := 0
	_ = db.Tx(t.Context(), func(context.Context, store.Querier) error { runs++; return errors.New("no") })
	if runs != 1 {
		t.Errorf("an ordinary error was tried %d times", runs)
	}
}

func TestCreateDatabase(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	first := u.String()
	u.Path += "_Made by \"test\""
	address := u.String()
	if _, err := store.Open(t.Context(), store.Options{Address: address}); !errors.Is(err, store.ErrNoDatabase) || !strings.Contains(err.Error(), "kumi migrate up") {
		t.Errorf("open before it exists: %v", err)
	}
	for _, want := range []bool{true, false} {
		if created, err := store.CreateDatabase(t.Context(), address); created != want || err != nil {
			t.Errorf("created %v, %v; want %v", created, err, want)
		}
	}
	db, err := store.Open(t.Context(), store.Options{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	admin, err := store.Open(t.Context(), store.Options{Address: first})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	name := strings.ReplaceAll(strings.TrimPrefix(u.Path, "/"), `"`, `""`)
	if _, err := admin.SQL().ExecContext(t.Context(), `DROP DATABASE "`+name+`"`); err != nil {
		t.Error(err)
	}
	if created, err := store.CreateDatabase(t.Context(), ""); created || err != nil {
		t.Errorf("sqlite: %v, %v", created, err)
	}
}

// Where the trigram extension may not be created, everything else must work
// and the log must say what is missing.
func TestMigrateWithoutRightsForTheExtension(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(storetest.EmptyPostgres(t))
	if err != nil {
		t.Fatal(err)
	}
	owner, err := store.Open(t.Context(), store.Options{Address: u.String()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = owner.Close() }()
	role := "limited_" + strings.TrimPrefix(u.Path, "/kumi_test_")
	if _, err := owner.SQL().ExecContext(t.Context(), "CREATE ROLE "+role+" LOGIN"); err != nil {
		testenv.Skip(t, "no right to create roles: "+err.Error())
	}
	defer func() {
		if _, err := owner.SQL().Exec("DROP OWNED BY " + role + "; DROP ROLE " + role); err != nil {
			t.Error(err)
		}
	}()
	if _, err := owner.SQL().ExecContext(t.Context(), "GRANT USAGE, CREATE ON SCHEMA public TO "+role); err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	var log bytes.Buffer
	db, err := store.Open(t.Context(), store.Options{Address: u.String(), Logger: zerolog.New(&log)})
	if err != nil {
		testenv.Skip(t, "the server asks the new role for a password: "+err.Error())
	}
	defer func() { _ = db.Close() }()
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if _, err := db.CheckMigrations(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "CREATE EXTENSION pg_trgm") {
		t.Errorf("no word about the extension in %s", log.String())
	}
	addUser(t, db, "works")
}

func TestPasswordsStayOutOfErrors(t *testing.T) {
	t.Parallel()
	_, err := store.Open(t.Context(), store.Options{Address: "user:geheim@127.0.0.1:1/db?connect_timeout=1"})
	if err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("got %v", err)
	}
}

func TestFullSync(t *testing.T) {
	t.Parallel()
	for full, want := range map[bool]int{false: 1, true: 2} {
		db, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir(), FullSync: full})
		if err != nil {
			t.Fatal(err)
		}
		var got int
		if err := db.Reader().QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&got); err != nil || got != want {
			t.Errorf("FullSync %v: synchronous is %d, %v; want %d", full, got, err, want)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
