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
	db := open(t, store.Options{DataDir: t.TempDir()})
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Fatalf("migrate sqlite: %v", err)
	}
	return db
}

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
