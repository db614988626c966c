package transfer_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kumi/internal/testutil"
	"kumi/store"
	"kumi/store/transfer"
)

// localized orders the keys of storage as people of a language do, which is not the
// order of the embedded database: a, _b, B, é.
func localized(t *testing.T, db *store.DB) {
	t.Helper()
	var known bool
	if err := db.Reader().QueryRowContext(t.Context(), "SELECT EXISTS (SELECT 1 FROM pg_collation WHERE collname = 'en-x-icu')").Scan(&known); err != nil {
		t.Fatal(err)
	}
	if known { // PostgreSQL can be built without
		run(t, db, `ALTER TABLE storage ALTER COLUMN collection TYPE varchar(128) COLLATE "en-x-icu", ALTER COLUMN key TYPE varchar(128) COLLATE "en-x-icu"`)
	}
}

// An interrupted copy goes on where it was, however often that happens.
func TestResume(t *testing.T) {
	t.Parallel()
	from, lite, back := nakama(t), embedded(t), empty(t)
	run(t, from, odd...)
	localized(t, from)
	run(t, from, "CREATE TABLE keyless (n int)", "INSERT INTO keyless SELECT generate_series(1, 300)")
	want := mustCopy(t, from, embedded(t), transfer.Options{})
	for _, c := range []struct{ from, to *store.DB }{{from, lite}, {lite, back}} {
		var copied int64
		for runs := 0; ; runs++ {
			ctx, cancel := context.WithCancel(t.Context())
			steps := 1 + rand.IntN(25)
			r, err := transfer.Copy(ctx, c.from, c.to, transfer.Options{Progress: func(transfer.Step, string, int64, int64) {
				if steps--; steps == 0 && runs < 12 {
					cancel()
				}
			}})
			cancel()
			if r != nil {
				copied += r.Copied
			}
			if err == nil {
				if d := cmp.Diff(sums(want), sums(r)); d != "" || runs < 12 || !r.Resumed {
					t.Errorf("%d runs (-want +got): %s", runs, d)
				}
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		// Little is copied twice: what was in flight, and what has no key.
		if copied > want.Rows+12*(2*batchRows+300) {
			t.Errorf("%d rows were copied for %d", copied, want.Rows)
		}
	}
	if d := cmp.Diff(rows(t, from), rows(t, back)); d != "" {
		t.Errorf("rows, by PostgreSQL (-before +after): %s", d)
	}
}

// Two exports do not write to one database; one that follows another closely waits for it
// to let go.
func TestOneExportAtATime(t *testing.T) {
	t.Parallel()
	from, to := embedded(t), empty(t)
	if err := store.Migrate(t.Context(), from); err != nil {
		t.Fatal(err)
	}
	other, err := to.SQL().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), "SELECT pg_advisory_lock($1)", transfer.CopyLock); err != nil {
		t.Fatal(err)
	}
	if _, err := transfer.Copy(t.Context(), from, to, transfer.Options{}); err == nil || !strings.Contains(err.Error(), "another export") {
		t.Fatalf("a second export: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := transfer.Copy(t.Context(), from, to, transfer.Options{})
		done <- err
	}()
	testutil.Eventually(t, "the export waits", func() bool {
		var waits bool
		err := to.SQL().QueryRowContext(t.Context(), "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))").Scan(&waits)
		return err == nil && waits
	})
	if _, err := other.ExecContext(t.Context(), "SELECT pg_advisory_unlock($1)", transfer.CopyLock); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("an export after another has ended: %v", err)
	}
}

// interrupt runs a copy until a table has been copied.
func interrupt(t *testing.T, from, to *store.DB, table string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := transfer.Copy(ctx, from, to, transfer.Options{Progress: func(_ transfer.Step, name string, done, total int64) {
		if name == table && done == total {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted copy: %v", err)
	}
}

// If the source changes between two runs, the copy is that of the last one.
func TestSourceChangesBetweenRuns(t *testing.T) {
	t.Parallel()
	from, lite, back := nakama(t), embedded(t), empty(t)
	run(t, from, odd...)
	localized(t, from)
	run(t, from, "CREATE TABLE keyless (n int)", "INSERT INTO keyless SELECT generate_series(1, 100)")
	changes := []string{
		`UPDATE keyless SET n = 7 WHERE n = 8`,
		// The new alice comes before the old one is gone.
		`UPDATE users SET username = 'alice2' WHERE username = 'alice'`, `UPDATE users SET username = 'alice' WHERE username = 'bob'`, `UPDATE users SET username = 'bob' WHERE username = 'alice2'`,
		`DELETE FROM users WHERE username = 'carol'`,
		`INSERT INTO users (id, username) VALUES ('00000000-0000-4000-8000-000000000001', 'carol')`,
		`UPDATE storage SET value = '{"changed": true}' WHERE collection = 'saves'`,
		`INSERT INTO storage (collection, key, user_id, value, version) SELECT c, 'k', '00000000-0000-0000-0000-000000000000', '{}', '' FROM unnest(ARRAY['a', 'B', '_b', 'É', 'saves', 'Saves', 'zz']) c`,
		`DELETE FROM storage WHERE collection IN ('Z', '_', 'acc_ends')`,
		`DELETE FROM group_edge`,
	}
	interrupt(t, from, lite, "storage")
	run(t, from, changes...)
	r := mustCopy(t, from, lite, transfer.Options{})
	corrected := map[string]int64{}
	for _, table := range r.Tables {
		corrected[table.Name] = table.Corrected
	}
	if corrected["users"] != 4 || corrected["storage"] == 0 || corrected["leaderboard"] != 0 || corrected["keyless"] != 100 {
		t.Errorf("corrected: %v", corrected)
	}
	interrupt(t, lite, back, "storage")
	for _, undo := range []string{
		`DELETE FROM users WHERE username = 'carol'`, `UPDATE storage SET version = 'x' WHERE collection = 'saves'`,
	} {
		if _, err := lite.Exec(t.Context(), undo); err != nil {
			t.Fatal(err)
		}
		run(t, from, undo)
	}
	mustCopy(t, lite, back, transfer.Options{})
	if d := cmp.Diff(rows(t, from), rows(t, back)); d != "" {
		t.Errorf("rows, by PostgreSQL (-before +after): %s", d)
	}
}

// What happens to PostgreSQL during a copy is not in it, and said.
func TestSourceChangesDuringCopy(t *testing.T) {
	t.Parallel()
	from, lite := nakama(t), embedded(t)
	want := sums(mustCopy(t, from, embedded(t), transfer.Options{}))
	changed := false
	r := mustCopy(t, from, lite, transfer.Options{Progress: func(transfer.Step, string, int64, int64) {
		if changed {
			return
		}
		changed = true
		run(t, from, "UPDATE groups SET description = 'new'", "DELETE FROM user_device", "UPDATE users SET edge_count = edge_count")
	}})
	if d := cmp.Diff(want, sums(r)); d != "" {
		t.Errorf("(-before +copy): %s", d)
	}
	if d := cmp.Diff([]string{"groups", "user_device"}, r.Changed); d != "" {
		t.Errorf("changed (-want +got): %s", d)
	}
}

// A copy that is not like the source is an error that names the rows. The next run
// corrects it.
func TestDamagedCopy(t *testing.T) {
	t.Parallel()
	from, lite, back := nakama(t), embedded(t), empty(t)
	for _, c := range []struct{ from, to *store.DB }{{from, lite}, {lite, back}} {
		damaged := false
		_, err := transfer.Copy(t.Context(), c.from, c.to, transfer.Options{Progress: func(step transfer.Step, _ string, _, _ int64) {
			if damaged || step != transfer.Verifying {
				return
			}
			damaged = true
			for _, query := range []string{
				"UPDATE user_device SET push_token_web = 'x' WHERE id = 'device-of-alice-000001'", "DELETE FROM user_device WHERE id = 'device-of-bob-000001'",
				"INSERT INTO user_device (id, user_id) VALUES ('another', '00000000-0000-0000-0000-000000000000')",
			} {
				if _, err := c.to.Exec(t.Context(), query); err != nil {
					t.Error(err)
				}
			}
		}})
		if !errors.Is(err, transfer.ErrDiffers) {
			t.Fatalf("damaged copy: %v", err)
		}
		for _, part := range []string{`table user_device`, `6 rows`, `id "another" is only in the copy`, `id "device-of-alice-000001" is different`, `id "device-of-bob-000001" is missing`} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%v lacks %q", err, part)
			}
		}
		if _, err := c.to.CheckMigrations(t.Context()); err == nil || !strings.Contains(err.Error(), "unfinished copy") {
			t.Errorf("a server would start: %v", err)
		}
		for _, table := range mustCopy(t, c.from, c.to, transfer.Options{}).Tables {
			if want := map[string]int64{"user_device": 3}[table.Name]; table.Corrected != want {
				t.Errorf("%s: %d rows corrected", table.Name, table.Corrected)
			}
		}
	}
}

// Only an empty database, or an unfinished copy of the same source, becomes a copy.
func TestRefused(t *testing.T) {
	t.Parallel()
	from, lite, pg := nakama(t), embedded(t), empty(t)
	refused := func(from, to *store.DB, o transfer.Options, want string) {
		t.Helper()
		if _, err := transfer.Copy(t.Context(), from, to, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	refused(from, pg, transfer.Options{}, "both databases are postgres")
	refused(pg, lite, transfer.Options{}, "no table migration_info")
	refused(from, lite, transfer.Options{Exclude: []string{"nothing"}}, "no table nothing")
	refused(from, lite, transfer.Options{Exclude: []string{"storage"}}, "storage cannot be left out")
	if _, err := store.NewMigrator(pg).Up(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	refused(pg, lite, transfer.Options{}, "3 of 19 migrations")
	run(t, pg, "INSERT INTO users (id, username) VALUES (gen_random_uuid(), 'one')")
	other := embedded(t)
	mustCopy(t, from, other, transfer.Options{})
	refused(other, pg, transfer.Options{}, "has rows in users (1)")
	if status, err := store.NewMigrator(pg).Status(t.Context()); err != nil || !status[3].Applied.IsZero() {
		t.Errorf("a refused target was migrated: %v", err)
	}
	refused(from, other, transfer.Options{}, "has rows in console_acl_template (1)")

	interrupt(t, from, lite, "users")
	refused(nakama(t), lite, transfer.Options{}, "unfinished copy of postgres://")
}

// An error of the target's database says which row it is about.
func TestRefusedRow(t *testing.T) {
	t.Parallel()
	from := nakama(t)
	run(t, from, "UPDATE users SET verify_time = 'infinity' WHERE username = 'alice'")
	_, err := transfer.Copy(t.Context(), from, embedded(t), transfer.Options{})
	if err == nil || !strings.Contains(err.Error(), `write table users: row with id "7a4d0482-fa96-4cca-ae15-343a6aa78c33": column verify_time: the embedded database cannot store the time infinity`) {
		t.Error(err)
	}
	lite := embedded(t)
	run(t, from, "UPDATE users SET verify_time = now()")
	mustCopy(t, from, lite, transfer.Options{})
	if _, err := lite.Exec(t.Context(), "UPDATE users SET edge_count = 3000000000 WHERE username = 'alice'"); err != nil {
		t.Fatal(err)
	}
	_, err = transfer.Copy(t.Context(), lite, empty(t), transfer.Options{})
	if err == nil || !strings.Contains(err.Error(), `write table users: row with id "7a4d0482-fa96-4cca-ae15-343a6aa78c33": ERROR: value "3000000000" is out of range`) {
		t.Error(err)
	}
}

// until is a context that is cancelled when something has happened.
type until struct {
	context.Context
	cancel   context.CancelFunc
	happened func() bool
}

func (u *until) Done() <-chan struct{} {
	if u.Err() == nil && u.happened() {
		u.cancel()
	}
	return u.Context.Done()
}

// Tables of modules have their indexes, also when the copy was interrupted between the
// two.
func TestResumeBeforeFirstRow(t *testing.T) {
	t.Parallel()
	from, file := nakama(t), store.Options{DataDir: t.TempDir()}
	to, other := open(t, file), open(t, file) // of its own, as a handle has locks
	run(t, from, "CREATE TABLE shop (name TEXT PRIMARY KEY, price INT)", "CREATE UNIQUE INDEX shop_price ON shop (price)")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := transfer.Copy(&until{ctx, cancel, func() bool {
		made, err := other.HasTable(t.Context(), "shop")
		return err != nil || made
	}}, from, to, transfer.Options{})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if r := mustCopy(t, from, to, transfer.Options{}); !r.Resumed || len(r.Apart) != 0 {
		t.Errorf("resumed %v, not copied: %v", r.Resumed, r.Apart)
	}
	if _, err := to.CustomExec(t.Context(), "INSERT INTO shop VALUES ('a', 1), ('b', 1)"); err == nil {
		t.Error("two shops with one price")
	}
}
