package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"kumi/internal/testutil"
	"kumi/store"
)

// limited opens a database on which modules may keep others from writing for a
// short time only.
func limited(t *testing.T, log *testutil.Log) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir(), TransactionTimeout: 50 * time.Millisecond, Logger: zerolog.New(log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	return db
}

func wantEnded(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "forgotten_test.go") || !strings.Contains(err.Error(), "transaction_timeout_ms") {
		t.Errorf("%s: got %v, want an error that names the place and the setting", what, err)
	}
}

// A transaction that a Go module forgets is rolled back once others wait, and
// the module is told where it began it.
func TestForgottenTransaction(t *testing.T) {
	t.Parallel()
	var log testutil.Log
	db := limited(t, &log)
	tx, err := db.SQL().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(insertUser, newID(), "lost"); err != nil {
		t.Fatal(err)
	}
	open, err := tx.Query("SELECT username FROM users")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := db.Exec(t.Context(), insertUser, newID(), newID().String()); err != nil {
			t.Fatalf("another's write: %v", err)
		}
	}
	for open.Next() {
	}
	wantEnded(t, "its rows", open.Err())
	_ = open.Close()
	_, err = tx.Exec(insertUser, newID(), "late")
	wantEnded(t, "its next statement", err)
	wantEnded(t, "its commit", tx.Commit())
	if n := count(t, db, "SELECT count(*) FROM users WHERE username IN ('lost', 'late')"); n != 0 {
		t.Error("what it wrote is there")
	}
	if !strings.Contains(log.String(), "forgotten_test.go") {
		t.Errorf("the log does not name the place: %s", log.String())
	}
	if _, err := db.SQL().ExecContext(t.Context(), insertUser, newID(), "next"); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

// Rows of a changing statement that a Go module forgets are closed.
func TestForgottenRows(t *testing.T) {
	t.Parallel()
	db := limited(t, &testutil.Log{})
	rows, err := db.SQL().QueryContext(t.Context(), insertUser+" RETURNING username", newID(), "kept")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), insertUser, newID(), "other"); err != nil {
		t.Fatal(err)
	}
	_ = rows.Close()
	if n := count(t, db, "SELECT count(*) FROM users WHERE username IN ('kept', 'other')"); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

// A slow statement of a script does not hold up everybody's writes.
func TestSlowStatementOfScript(t *testing.T) {
	t.Parallel()
	db := limited(t, &testutil.Log{})
	ended := make(chan error, 1)
	go func() {
		_, err := db.CustomExec(context.WithoutCancel(t.Context()), "INSERT INTO users (id, username) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "+
			"SELECT gen_random_uuid(), 'slow-' || i FROM n")
		ended <- err
	}()
	for {
		select {
		case err := <-ended:
			if err == nil || !strings.Contains(err.Error(), "transaction_timeout_ms") {
				t.Errorf("the slow statement: %v", err)
			}
			if n := count(t, db, "SELECT count(*) FROM users WHERE username LIKE 'slow-%'"); n != 0 {
				t.Errorf("%d rows of it are there", n)
			}
			return
		default:
		}
		if _, err := db.Exec(t.Context(), insertUser, newID(), newID().String()); err != nil {
			t.Fatalf("another's write: %v", err)
		}
	}
}

// A transaction that nobody waits for may take its time.
func TestLongTransactionAlone(t *testing.T) {
	t.Parallel()
	db := limited(t, &testutil.Log{})
	tx, err := db.SQL().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(insertUser, newID(), "slow"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // longer than it may while others wait
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
}

// Writes with the context of a call in which a transaction is open join it.
func TestWritesJoinTransactionOfCall(t *testing.T) {
	t.Parallel()
	db := limited(t, &testutil.Log{})
	for _, commit := range []bool{true, false} {
		ctx := store.WithCall(t.Context())
		tx, err := db.SQL().BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(ctx, insertUser, newID(), "own"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(ctx, insertUser, newID(), "joined"); err != nil {
			t.Fatal(err)
		}
		refused := errors.New("no")
		err = db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
			if _, err := q.ExecContext(ctx, insertUser, newID(), "undone"); err != nil {
				return err
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Errorf("a failed write: %v", err)
		}
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM users WHERE username IN ('own', 'joined', 'undone')").Scan(&n); err != nil || n != 2 {
			t.Errorf("the transaction sees %d rows, %v; want 2", n, err)
		}
		end, want := tx.Rollback, 0
		if commit {
			end, want = tx.Commit, 2
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if n := count(t, db, "SELECT count(*) FROM users WHERE username IN ('own', 'joined')"); n != want {
			t.Errorf("%d rows after the end, want %d", n, want)
		}
		if _, err := db.Exec(ctx, "DELETE FROM users WHERE username IN ('own', 'joined')"); err != nil {
			t.Fatal(err)
		}
	}
}
