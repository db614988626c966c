package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store"
	"kumi/store/storetest"
)

const insertUser = "INSERT INTO users (id, username) VALUES ($1, $2)"

func newID() uuid.UUID { return uuid.Must(uuid.NewV4()) }

// hold keeps the SQLite writer busy until the returned function is called, so
// that what is started meanwhile lands in one batch.
func hold(t *testing.T, db *store.DB) (release func()) {
	t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	var once sync.Once // it may run again when a neighbour loses the transaction
	go func() {
		ended <- db.Tx(context.WithoutCancel(t.Context()), func(context.Context, store.Querier) error {
			once.Do(func() { close(begun) })
			<-end
			return nil
		})
	}()
	<-begun
	return func() {
		close(end)
		if err := <-ended; err != nil {
			t.Errorf("holding transaction: %v", err)
		}
	}
}

// queued waits until n transactions wait for the writer.
func queued(t *testing.T, db *store.DB, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for db.Stats().WriteQueue < n {
		if ctx.Err() != nil {
			t.Fatalf("%d transactions wait, want %d", db.Stats().WriteQueue, n)
		}
		runtime.Gosched()
	}
}

func TestConcurrentWritersAreAllAcknowledged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const writers, each = 20, 25
		var wg sync.WaitGroup
		var bad atomic.Int32
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					err := db.Tx(t.Context(), func(ctx context.Context, q store.Querier) error {
						if _, err := q.ExecContext(ctx, insertUser, newID(), fmt.Sprintf("u%d-%d", w, i)); err != nil {
							return err
						}
						switch i % 5 {
						case 3:
							return errors.New("no")
						case 4:
							panic("no")
						}
						return nil
					})
					if (err != nil) != (i%5 >= 3) {
						t.Errorf("writer %d, write %d: %v", w, i, err)
					}
					if err != nil {
						bad.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if n := count(t, db, "SELECT count(*) FROM users WHERE username <> ''"); n != writers*each-int(bad.Load()) || n != writers*each*3/5 {
			t.Errorf("%d rows, %d failures", n, bad.Load())
		}
	})
}

// In one batch: a failure, a panic, a violated constraint, an ended goroutine
// and a lost transaction, with innocent writes between them.
func TestBatchIsolatesFailures(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	release := hold(t, db)
	type call = func(ctx context.Context, q store.Querier) error
	insert := func(ctx context.Context, q store.Querier, name string) error {
		_, err := q.ExecContext(ctx, insertUser, newID(), name)
		return err
	}
	slow, cancelSlow := context.WithCancel(t.Context())
	defer cancelSlow()
	results := map[string]chan error{}
	var order []string
	start := func(name string, ctx context.Context, fn call) {
		ch := make(chan error, 1)
		results[name] = ch
		order = append(order, name)
		go func() { ch <- db.Tx(ctx, fn) }()
		queued(t, db, len(order))
	}
	good := func(name string) {
		start(name, t.Context(), func(ctx context.Context, q store.Querier) error { return insert(ctx, q, name) })
	}
	good("good1")
	start("error", t.Context(), func(ctx context.Context, q store.Querier) error {
		_ = insert(ctx, q, "undone1")
		return errors.New("own error")
	})
	good("good2")
	start("panic", t.Context(), func(ctx context.Context, q store.Querier) error {
		_ = insert(ctx, q, "undone2")
		panic("boom")
	})
	start("swallowed", t.Context(), func(ctx context.Context, q store.Querier) error {
		_ = insert(ctx, q, "undone3")
		_ = insert(ctx, q, "good1") // taken; the error is ignored, the transaction must fail all the same
		return nil
	})
	good("good3")
	start("goexit", t.Context(), func(ctx context.Context, q store.Querier) error {
		_ = insert(ctx, q, "undone4")
		runtime.Goexit()
		return nil
	})
	good("good4")
	// Interrupting a write makes SQLite give up the whole transaction.
	start("interrupted", slow, func(ctx context.Context, q store.Querier) error {
		time.AfterFunc(20*time.Millisecond, cancelSlow)
		_, err := q.ExecContext(ctx, `INSERT INTO users (id, username) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
			SELECT gen_random_uuid(), 'undone-' || i FROM n`)
		return err
	})
	good("good5")
	good("good6")
	release()

	want := map[string]string{"error": "own error", "panic": "boom", "swallowed": "UNIQUE", "goexit": "ended its goroutine", "interrupted": "cancel"}
	for _, name := range order {
		err := <-results[name]
		if text, fails := want[name]; fails != (err != nil) || fails && !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %q", name, err, text)
		}
	}
	if n := count(t, db, "SELECT count(*) FROM users WHERE username LIKE 'good%'"); n != 6 {
		t.Errorf("%d of 6 good writes are there", n)
	}
	if n := count(t, db, "SELECT count(*) FROM users WHERE username LIKE 'undone%'"); n != 0 {
		t.Errorf("%d rows of failed writes are there", n)
	}
}

func TestCancelledBeforeStartIsSkipped(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	release := hold(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	ran := false
	go func() {
		done <- db.Tx(ctx, func(context.Context, store.Querier) error { ran = true; return nil })
	}()
	queued(t, db, 1)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	release()
	addUser(t, db, "after")
	if ran {
		t.Error("the function ran though its caller had left")
	}
}

func TestNestedTx(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var leaked context.Context
		err := db.Tx(t.Context(), func(ctx context.Context, q store.Querier) error {
			leaked = ctx
			if _, err := q.ExecContext(ctx, insertUser, newID(), "a"); err != nil {
				return err
			}
			err := db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
				if _, err := q.ExecContext(ctx, insertUser, newID(), "b"); err != nil {
					return err
				}
				_, err := q.ExecContext(ctx, insertUser, newID(), "a")
				return err
			})
			if name, ok := store.IsUnique(err); !ok || name != "users_username_key" {
				return fmt.Errorf("inner: %w", err)
			}
			if _, err := db.Exec(ctx, insertUser, newID(), "c"); err != nil {
				return err
			}
			var n int // own writes are visible
			if err := q.QueryRowContext(ctx, "SELECT count(*) FROM users WHERE username IN ('a', 'c')").Scan(&n); err != nil || n != 2 {
				return fmt.Errorf("query: %d, %w", n, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, db, "SELECT count(*) FROM users WHERE username IN ('a', 'c')"); n != 2 {
			t.Errorf("%d rows, want a and c", n)
		}
		// A context that outlives its transaction starts a new one.
		if _, err := db.Exec(leaked, insertUser, newID(), "d"); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestTxRefusesToGoOnAfterAnError(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addUser(t, db, "a")
		err := db.Tx(t.Context(), func(ctx context.Context, q store.Querier) error {
			_, first := q.ExecContext(ctx, insertUser, newID(), "a")
			if _, err := q.ExecContext(ctx, insertUser, newID(), "b"); err == nil {
				t.Error("the second statement was run")
			}
			return first
		})
		if _, ok := store.IsUnique(err); !ok {
			t.Errorf("got %v", err)
		}
	})
}

// Rows that a function forgot to close must not hold up those after it.
func TestLeakedRowsAreClosed(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	for i := range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
			rows, err := q.QueryContext(ctx, "SELECT id FROM users")
			if err == nil {
				rows.Next() // and no Close, no further Next
			}
			if i%2 == 0 {
				cancel() // database/sql closes them at the same time as the writer
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	addUser(t, db, "after")
}

// The handle of Go modules and the writer take turns.
func TestSharedHandleBesideWriter(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range 25 {
					if _, err := db.Exec(t.Context(), insertUser, newID(), fmt.Sprintf("w%d-%d", w, i)); err != nil {
						t.Error(err)
					}
				}
			})
			wg.Go(func() {
				for i := range 25 {
					tx, err := db.SQL().BeginTx(t.Context(), nil)
					if err != nil {
						t.Error(err)
						return
					}
					var n int
					if err := tx.QueryRow("SELECT count(*) FROM users").Scan(&n); err != nil {
						t.Error(err)
					}
					if _, err := tx.Exec(insertUser, newID(), fmt.Sprintf("s%d-%d", w, i)); err != nil {
						t.Error(err)
					}
					if err := tx.Commit(); err != nil {
						t.Error(err)
					}
					var back string
					if err := db.SQL().QueryRowContext(t.Context(), insertUser+" RETURNING username", newID(), fmt.Sprintf("r%d-%d", w, i)).Scan(&back); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n := count(t, db, "SELECT count(*) FROM users WHERE username <> ''"); n != 300 {
			t.Errorf("%d rows, want 300", n)
		}
	})
}

func TestCloseRunsWhatIsQueued(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	release := hold(t, db)
	done := make(chan error, 1)
	go func() {
		_, err := db.Exec(t.Context(), insertUser, newID(), "last")
		done <- err
	}()
	queued(t, db, 1)
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	release()
	if err := errors.Join(<-done, <-closed); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), insertUser, newID(), "late"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("write on a closed database: %v", err)
	}
	if leftover, _ := filepath.Glob(filepath.Join(dir, "*-wal")); len(leftover) != 0 {
		t.Errorf("the write-ahead log was left behind: %v", leftover)
	}
}

func TestReaderCannotWrite(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	if _, err := db.Reader().ExecContext(t.Context(), insertUser, newID(), "x"); err == nil {
		t.Error("a reader wrote")
	}
}
