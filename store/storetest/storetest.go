// Package storetest provides databases for tests: a fresh, migrated SQLite
// file and, if PostgreSQL is available, a fresh, migrated PostgreSQL database.
// It is for tests only, and may be used from any goroutine of a test.
//
// PostgreSQL is the server at KUMI_TEST_POSTGRES (an address where databases
// may be created), otherwise one started for this test binary from installed
// binaries. A package that uses it needs a TestMain:
//
//	func TestMain(m *testing.M) { storetest.Main(m) }
package storetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"kumi/store"
)

// Each runs test as a subtest on a fresh SQLite database and, if available, on
// a fresh PostgreSQL database. The subtests run in parallel.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, PostgresDB(t))
	})
}

// SQLite returns a fresh, migrated database that is closed with the test.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	dir := t.TempDir()
	if err := WriteSQLite(dir); err != nil {
		t.Fatalf("migrate sqlite: %v", err)
	}
	return open(t, store.Options{DataDir: dir})
}

// WriteSQLite puts a fresh, migrated database into a data folder. It is
// migrated once per test binary and copied from then on.
func WriteSQLite(dir string) error {
	file, err := migrated()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, sqliteFile), file, 0o600)
}

// sqliteFile is the name that the store gives the database in a data folder.
const sqliteFile = "kumi.db"

var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "kumi-sqlite-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{DataDir: dir})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(store.Migrate(ctx, db), db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, sqliteFile))
})

// PostgresDB returns a fresh, migrated database that is closed with the test,
// or skips the test.
func PostgresDB(t testing.TB) *store.DB {
	t.Helper()
	return open(t, store.Options{Address: Postgres(t), MaxOpenConns: 10})
}

func open(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("open database: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	return db
}
