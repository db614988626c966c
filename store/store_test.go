package store_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"go.uber.org/goleak"

	"kumi/store"
	"kumi/store/storetest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("rapid.nofailfile", "true") // a failure prints its seed; tests leave no files
	storetest.Main(m, func() error { return goleak.Find() })
}

func addUser(t testing.TB, db *store.DB, name string) uuid.UUID {
	t.Helper()
	id := uuid.Must(uuid.NewV4())
	if _, err := db.Exec(t.Context(), "INSERT INTO users (id, username) VALUES ($1, $2)", id, name); err != nil {
		t.Fatalf("add user %s: %v", name, err)
	}
	return id
}

func count(t testing.TB, db *store.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.Reader().QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestValuesRoundTrip(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		id := uuid.Must(uuid.NewV4())
		at := time.Date(2024, 2, 29, 23, 59, 58, 123456789, time.FixedZone("", 3600))
		meta, err := db.Dialect().JSON(`{"long":1, "b" : [1e2,true], "b":"x"}`)
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Exec(ctx, `INSERT INTO users (id, username, metadata, password, create_time) VALUES ($1, $2, $3, $4, $5)`,
			id, "mia", meta, []byte{0, 1, 2}, at)
		if err != nil {
			t.Fatal(err)
		}
		var (
			gotID            uuid.UUID
			name, gotMeta    string
			display          sql.NullString
			password         []byte
			created, updated time.Time
			disabled, latest time.Time
			edges            int32
		)
		err = db.Reader().QueryRowContext(ctx, `SELECT id, username, display_name, metadata, password, create_time, update_time,
			disable_time, edge_count, (SELECT max(create_time) FROM users WHERE id = $1) FROM users WHERE id = $1`, id).
			Scan(&gotID, &name, &display, &gotMeta, &password, &created, &updated, &disabled, &edges, &latest)
		if err != nil {
			t.Fatal(err)
		}
		want := at.UTC().Truncate(time.Microsecond)
		if gotID != id || name != "mia" || display.Valid || len(password) != 3 || edges != 0 {
			t.Errorf("got %v %q %v %v %d", gotID, name, display, password, edges)
		}
		if created != want || latest != want || disabled != store.Epoch {
			t.Errorf("times: got %v, %v, %v; want %v twice and the epoch", created, latest, disabled, want)
		}
		if d := time.Since(updated); d < -time.Minute || d > time.Minute {
			t.Errorf("update_time %v is not now", updated)
		}
		if gotMeta != `{"b": "x", "long": 1}` {
			t.Errorf("metadata %s", gotMeta)
		}
		if n := count(t, db, "SELECT count(*) FROM users WHERE create_time = $1", at); n != 1 {
			t.Errorf("found %d users by their exact time", n)
		}
		if n := count(t, db, "SELECT count(*) FROM users WHERE id "+db.Dialect().AnyOf("$1", "uuid"), []uuid.UUID{id, uuid.Nil}); n != 2 {
			t.Errorf("found %d users by a list of ids, want 2", n)
		}
		if n := count(t, db, "SELECT count(*) FROM users WHERE username "+db.Dialect().AnyOf("$1", "text"), []string{"mia", "x"}); n != 1 {
			t.Errorf("found %d users by a list of names, want 1", n)
		}
	})
}

func TestTxUndoesOnError(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		boom := context.DeadlineExceeded
		err := db.Tx(t.Context(), func(ctx context.Context, q store.Querier) error {
			if _, err := q.ExecContext(ctx, "INSERT INTO users (id, username) VALUES ($1, 'gone')", uuid.Must(uuid.NewV4())); err != nil {
				return err
			}
			return boom
		})
		if err != boom {
			t.Errorf("error came back as %v", err)
		}
		if n := count(t, db, "SELECT count(*) FROM users WHERE username = 'gone'"); n != 0 {
			t.Error("the row is still there")
		}
	})
}

func TestDialectFragments(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		d := db.Dialect()
		id := addUser(t, db, "Größe_1")
		addUser(t, db, "other")
		for query, want := range map[string]int{
			"username LIKE 'größe%'":               0,
			"username LIKE 'Größe%'":               1,
			d.ILike("username", `'GRöSSE%'`):       0,
			d.ILike("username", `'GRößE\_%'`):      1,
			d.ILike("username", `'GRößE\%'`):       0,
			"length(username) = 7":                 1,
			d.Greatest("edge_count", "3") + " = 3": 3,
			d.Least("NULL", "edge_count") + " = 0": 3,
			"create_time <= " + d.Now():            3,
			"create_time > to_timestamp(1)":        3,
			"verify_time = to_timestamp(0)":        3,
		} {
			if n := count(t, db, "SELECT count(*) FROM users WHERE "+query); n != want {
				t.Errorf("%s: %d users, want %d", query, n, want)
			}
		}
		for _, list := range []any{[]string{id.String()}, []uuid.UUID{id}} {
			if n := count(t, db, "SELECT count(*) FROM users WHERE id "+d.AnyOf("$1", "uuid"), list); n != 1 {
				t.Errorf("%T: found %d", list, n)
			}
		}
		if n := count(t, db, "SELECT count(*) FROM users WHERE edge_count "+d.AnyOf("$1", "int"), []int64{0, 7}); n != 3 {
			t.Errorf("list of numbers: found %d", n)
		}
		if n := count(t, db, "SELECT count(*) FROM users WHERE username IN ("+store.Placeholders(1, 3)+")", "a", "other", "b"); n != 1 {
			t.Errorf("placeholders: found %d", n)
		}
		err := db.Tx(t.Context(), func(ctx context.Context, q store.Querier) error {
			var name string
			return q.QueryRowContext(ctx, "SELECT username FROM users WHERE id = $1"+d.ForUpdate(), id).Scan(&name)
		})
		if err != nil {
			t.Error(err)
		}
		if err := db.Reader().QueryRowContext(t.Context(), "SELECT username FROM users WHERE id = $1", uuid.Must(uuid.NewV4())).Scan(new(string)); err != sql.ErrNoRows {
			t.Errorf("no row: %v", err)
		}
	})
}

// Brief statements on SQLite do not end with their context, and belong to its
// transaction.
func TestBrief(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
			ctx = db.Brief(ctx)
			if !db.InTx(ctx) {
				t.Error("a brief context has no transaction")
			}
			_, err := q.ExecContext(ctx, insertUser, newID(), "brief")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		var n int
		err = db.Reader().QueryRowContext(db.Brief(ctx), "SELECT count(*) FROM users WHERE username = 'brief'").Scan(&n)
		switch {
		case db.Dialect() == store.Postgres && !errors.Is(err, context.Canceled):
			t.Errorf("on PostgreSQL: %v", err)
		case db.Dialect() == store.SQLite && (err != nil || n != 1):
			t.Errorf("on SQLite: %d rows, %v", n, err)
		}
	})
}
