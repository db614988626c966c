package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store"
	"kumi/store/storetest"
)

func TestConstraintErrorsAreTheSame(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		id := addUser(t, db, "taken")
		for _, col := range []string{"email", "facebook_id", "google_id", "gamecenter_id", "steam_id", "custom_id", "facebook_instant_game_id", "apple_id"} {
			if _, err := db.Exec(ctx, "UPDATE users SET "+col+" = 'x' WHERE id = $1", id); err != nil {
				t.Fatal(err)
			}
			_, err := db.Exec(ctx, "INSERT INTO users (id, username, "+col+") VALUES ($1, $2, 'x')", uuid.Must(uuid.NewV4()), col)
			if name, ok := store.IsUnique(err); !ok || name != "users_"+col+"_key" {
				t.Errorf("%s: %q, %v, %v", col, name, ok, err)
			}
		}
		board := `INSERT INTO leaderboard (id) VALUES ('b')`
		if _, err := db.Exec(ctx, board); err != nil {
			t.Fatal(err)
		}
		record := `INSERT INTO leaderboard_record (leaderboard_id, owner_id) VALUES ('b', '` + id.String() + `')`
		device := `INSERT INTO user_device (id, user_id) VALUES ('d', '` + id.String() + `')`
		for _, s := range []string{record, device} {
			if _, err := db.Exec(ctx, s); err != nil {
				t.Fatal(err)
			}
		}
		for query, want := range map[string]string{
			"INSERT INTO users (id, username) VALUES (gen_random_uuid(), 'taken')":     "users_username_key",
			"INSERT INTO users (id, username) VALUES ('" + id.String() + "', 'other')": "users_pkey",
			device: "user_device_pkey",
			record: "leaderboard_record_pkey",
			board:  "leaderboard_pkey",
			"INSERT INTO setting (name) VALUES ('utc_toggle')":                                                        "setting_name_uniq",
			"INSERT INTO leaderboard_record (leaderboard_id, owner_id, score) VALUES ('b', '" + id.String() + "', 1)": "leaderboard_record_owner_id_leaderboard_id_expiry_time_key",
		} {
			_, err := db.Exec(ctx, query)
			if name, ok := store.IsUnique(err); !ok || name != want {
				t.Errorf("%s: got %q, %v (%v), want %s", query, name, ok, err, want)
			}
		}
		_, err := db.Exec(ctx, "UPDATE users SET edge_count = -1 WHERE id = $1", id)
		if name, ok := store.IsCheck(err); !ok || name != "users_edge_count_check" {
			t.Errorf("check: %q, %v", name, err)
		}
		_, err = db.Exec(ctx, "INSERT INTO groups (id, creator_id, name) VALUES (gen_random_uuid(), $1, 'g')", id)
		if name, ok := store.IsCheck(err); !ok || name != "groups_check" {
			t.Errorf("check: %q, %v", name, err)
		}
		if _, err = db.Exec(ctx, "UPDATE users SET username = $1 WHERE id = $2", strings.Repeat("ä", 129), id); !store.IsTooLong(err) {
			t.Errorf("129 characters: %v", err)
		}
		if _, ok := store.IsCheck(err); ok {
			t.Error("too long text counts as a check")
		}
		if _, err = db.Exec(ctx, "UPDATE users SET username = $1 WHERE id = $2", strings.Repeat("ä", 128), id); err != nil {
			t.Errorf("128 characters: %v", err)
		}
		if _, err = db.Exec(ctx, "UPDATE users SET username = NULL WHERE id = $1", id); !store.IsNotNull(err) {
			t.Errorf("null: %v", err)
		}
		if _, err = db.Exec(ctx, "INSERT INTO user_device (id, user_id) VALUES ('e', $1)", uuid.Must(uuid.NewV4())); !store.IsForeignKey(err) {
			t.Errorf("foreign key: %v", err)
		}
		for name, arg := range map[string]string{"not utf-8": "a\xff", "zero byte": "a\x00b"} {
			if _, err = db.Exec(ctx, "UPDATE users SET username = $1 WHERE id = $2", arg, id); !store.IsInvalidText(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err = db.Exec(ctx, "UPDATE users SET metadata = $1 WHERE id = $2", `{"a":`, id); !store.IsInvalidText(err) {
			t.Errorf("bad json: %v", err)
		}
		for _, is := range []func(error) (string, bool){store.IsUnique, store.IsCheck} {
			if _, ok := is(context.Canceled); ok {
				t.Error("some other error counts as a violation")
			}
		}
	})
}

func TestCascades(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		id, other := addUser(t, db, "a"), addUser(t, db, "b")
		err := db.Tx(ctx, func(ctx context.Context, q store.Querier) error {
			for _, s := range []string{
				"INSERT INTO storage (collection, key, user_id, version) VALUES ('c', 'k', $1, '')",
				"INSERT INTO user_device (id, user_id) VALUES ('d', $1)",
				"INSERT INTO user_edge (source_id, destination_id, position) VALUES ($1, '" + other.String() + "', 1)",
				"INSERT INTO user_edge (destination_id, source_id, position) VALUES ($1, '" + other.String() + "', 1)",
				"INSERT INTO purchase (transaction_id, product_id, user_id) VALUES ('t', 'p', $1)",
			} {
				if _, err := q.ExecContext(ctx, s, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(ctx, "DELETE FROM users WHERE id = $1", id); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"storage", "user_device", "user_edge"} {
			if n := count(t, db, "SELECT count(*) FROM "+table); n != 0 {
				t.Errorf("%s has %d rows of a deleted user", table, n)
			}
		}
		if n := count(t, db, "SELECT count(*) FROM purchase WHERE user_id = $1", uuid.Nil); n != 1 {
			t.Error("the purchase did not fall to the system user")
		}
	})
}

func TestQuery(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		res, err := db.CustomQuery(ctx, "INSERT INTO users (id, username) VALUES ($1, 'q') RETURNING username, edge_count, create_time, display_name", uuid.Must(uuid.NewV4()))
		if err != nil || len(res.Rows) != 1 || res.Columns[2] != "create_time" {
			t.Fatalf("%+v, %v", res, err)
		}
		if row := res.Rows[0]; row[0] != "q" || row[1] != int64(0) || row[3] != nil {
			t.Errorf("row %v", row)
		}
		if at, ok := res.Rows[0][2].(time.Time); !ok || at.Location() != time.UTC {
			t.Errorf("create_time is %T %v", res.Rows[0][2], res.Rows[0][2])
		}
		if n := count(t, db, "SELECT count(*) FROM users WHERE username = 'q'"); n != 1 {
			t.Error("the row was not committed")
		}
		res, err = db.CustomQuery(ctx, "WITH gone AS (SELECT id FROM users WHERE username = 'q') DELETE FROM users WHERE id IN (SELECT id FROM gone) RETURNING id")
		if err != nil || len(res.Rows) != 1 {
			t.Errorf("with … delete: %+v, %v", res, err)
		}
		if _, err := db.Exec(ctx, "INSERT INTO leaderboard (id, authoritative) VALUES ('l', true)"); err != nil {
			t.Fatal(err)
		}
		res, err = db.CustomQuery(ctx, "SELECT authoritative, create_time, greatest(1, NULL, 3), least(2, 1), md5('a') FROM leaderboard")
		if err != nil || len(res.Rows) != 1 {
			t.Fatalf("%+v, %v", res, err)
		}
		if row := res.Rows[0]; row[0] != true || row[2] != int64(3) || row[3] != int64(1) || row[4] != "0cc175b9c0f1b6a831c399e269772661" {
			t.Errorf("row %v", row)
		}
		if _, err := db.CustomQuery(ctx, "SELECT nothing FROM nowhere"); err == nil {
			t.Error("no error for a table that does not exist")
		}
	})
}
