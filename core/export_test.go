package core

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/store/fault"
)

func TestAccountExport(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		user, friend := c.user(t, "someone"), c.user(t, "friend")
		group, id := uuid.Must(uuid.NewV4()), uuid.Must(uuid.NewV4())
		exec := func(query string, args ...any) {
			t.Helper()
			if _, err := c.db.Exec(ctx, query, args...); err != nil {
				t.Fatal(err)
			}
		}
		exec("INSERT INTO user_edge (source_id, position, destination_id, state) VALUES ($1, 1, $2, 0), ($2, 1, $1, 0)", user, friend)
		exec("INSERT INTO groups (id, creator_id, name, edge_count) VALUES ($1, $2, 'group', 1)", group, user)
		exec("INSERT INTO group_edge (source_id, position, destination_id, state) VALUES ($1, 1, $2, 0), ($2, 1, $1, 0)", group, user)
		exec("INSERT INTO leaderboard (id) VALUES ('board')")
		exec("INSERT INTO leaderboard_record (leaderboard_id, owner_id, score) VALUES ('board', $1, 7)", user)
		exec(`INSERT INTO message (id, sender_id, username, stream_mode, stream_subject, stream_descriptor, stream_label, content)
			VALUES ($1, $2, 'someone', 2, $3, $3, 'room', '{"a": 1}')`, id, user, uuid.Nil)
		exec("INSERT INTO notification (id, user_id, subject, code, sender_id) VALUES ($1, $2, 'hello', 5, $3)", id, user, uuid.Nil)
		if _, err := c.put(ctx, user, &api.WriteStorageObject{Collection: "c", Key: "k", Value: `{"n":1}`}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := m.WalletUpdate(ctx, user.String(), map[string]int64{"gold": 3}, nil, true); err != nil {
			t.Fatal(err)
		}

		text, err := m.AccountExportId(ctx, user.String())
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		at := func(path ...any) any {
			var v any = got
			for _, step := range path {
				switch step := step.(type) {
				case string:
					m, _ := v.(map[string]any)
					v = m[step]
				case int:
					l, _ := v.([]any)
					if step >= len(l) {
						return nil
					}
					v = l[step]
				}
			}
			return v
		}
		for _, tc := range []struct {
			got  any
			want string
		}{
			{at("account", "user", "username"), "someone"},
			{at("account", "wallet"), `{"gold": 3}`},
			{at("account", "devices", 0, "id"), "device-of-someone"},
			{at("objects", 0, "value"), `{"n": 1}`},
			{at("friends", 0, "user", "username"), "friend"},
			{at("friends", 0, "state"), "0"},
			{at("groups", 0, "name"), "group"},
			{at("messages", 0, "channel_id"), "2...room"},
			{at("messages", 0, "content"), `{"a": 1}`},
			{at("leaderboard_records", 0, "score"), "7"},
			{at("notifications", 0, "subject"), "hello"},
			{at("wallet_ledgers", 0, "changeset"), `{"gold": 3}`},
		} {
			if fmt.Sprint(tc.got) != tc.want {
				t.Errorf("got %v, want %s, in %s", tc.got, tc.want, text)
			}
		}
		_, err = m.AccountExportId(ctx, uuid.Must(uuid.NewV4()).String())
		wantCode(t, "unknown account", err, fault.NotFound)
	})
}

func TestAccountImport(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		m := c.Module()
		user := c.user(t, "someone")
		if _, err := c.put(ctx, user, &api.WriteStorageObject{Collection: "c", Key: "k", Value: `{"n":1}`}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := m.WalletUpdate(ctx, user.String(), map[string]int64{"gold": 3}, nil, true); err != nil {
			t.Fatal(err)
		}
		data, err := m.AccountExportId(ctx, user.String())
		if err != nil {
			t.Fatal(err)
		}
		check := func(what string, id uuid.UUID, a *api.Account, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			again, err := m.AccountExportId(ctx, id.String())
			if err != nil {
				t.Fatal(err)
			}
			if a.User.Username != "someone" || a.Wallet != `{"gold": 3}` || len(a.Devices) != 1 ||
				len(again) != len(data) || c.object(t, "k", id).GetVersion() != version(`{"n":1}`) {
				t.Errorf("%s: got %v, exported again %s, want %s", what, a, again, data)
			}
		}
		if err := c.DeleteAccount(ctx, user); err != nil {
			t.Fatal(err)
		}
		a, err := m.AccountImportId(ctx, data, "")
		check("into nothing", user, a, err)
		if err := m.AccountUpdateId(ctx, user.String(), "renamed", nil, "", "", "", "", ""); err != nil {
			t.Fatal(err)
		}
		a, err = m.AccountImportId(ctx, data, user.String())
		check("over an account", user, a, err)

		_, err = m.AccountImportId(ctx, data, uuid.Must(uuid.NewV4()).String())
		wantCode(t, "while the original is there", err, fault.AlreadyExists)
		for _, bad := range []string{"", "{}", "[]", `{"account":{"user":{"id":"x"}}}`, `{"account":{"wallet":1}}`} {
			_, err := m.AccountImportId(ctx, bad, "")
			wantCode(t, "import of "+bad, err, fault.InvalidArgument)
		}
	})
}
