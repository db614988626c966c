package test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/server/servertest"
)

// The same indexes in each language, with a filter, and an RPC that lists them.
var indexModules = map[string]servertest.Option{
	"javascript": servertest.Module("index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			initializer.registerStorageIndex("Builds", "builds", "", ["level", "class"], ["level"], 100);
			initializer.registerStorageIndex("main", "builds", "main", ["level"], [], 100, true);
			if (true) {
				initializer.registerStorageIndexFilter("Builds", (ctx, logger, nk, w) =>
					w.collection === "builds" && w.key !== "" && w.userId.length === 36 && w.version.length === 32 &&
					w.permissionRead + w.permissionWrite > 0 && !w.value.draft);
			}
			initializer.registerRpc("save", (ctx, logger, nk, payload) => {
				nk.storageWrite([{ collection: "builds", key: payload, userId: "00000000-0000-0000-0000-000000000000", value: { level: 100 } }]);
				return String(nk.storageIndexList("Builds", "+value.level:100").objects.length);
			});
			initializer.registerRpc("search", (ctx, logger, nk, payload) => {
				const p = JSON.parse(payload);
				const r = nk.storageIndexList(p.index, p.query, p.limit || undefined, p.order, p.caller, p.cursor);
				return JSON.stringify({ found: r.objects.map(o => o.key + JSON.stringify(o.value)), cursor: r.cursor || "" });
			});
		}`),
	"lua": servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_storage_index("Builds", "builds", "", { "level", "class" }, { "level" }, 100)
		nk.register_storage_index("main", "builds", "main", { "level" }, {}, 100, true)
		nk.register_storage_index_filter("Builds", function(ctx, w)
			return w.collection == "builds" and w.key ~= "" and #w.user_id == 36 and #w.version == 32 and
				w.permission_read + w.permission_write > 0 and not w.value.draft
		end)
		nk.register_rpc(function(ctx, payload)
			nk.storage_write({ { collection = "builds", key = payload, value = { level = 100 } } })
			return tostring(#nk.storage_index_list("Builds", "+value.level:100"))
		end, "save")
		nk.register_rpc(function(ctx, payload)
			local p = nk.json_decode(payload)
			local objects, cursor = nk.storage_index_list(p.index, p.query, p.limit > 0 and p.limit or nil, p.order or {}, p.caller, p.cursor)
			local found = {}
			for _, o in ipairs(objects) do table.insert(found, o.key .. nk.json_encode(o.value)) end
			return '{"found":' .. (#found > 0 and nk.json_encode(found) or "[]") .. ',"cursor":"' .. (cursor or "") .. '"}'
		end, "search")`),
	"go": servertest.Flags("--runtime.env", "index=go"),
}

func init() { golang.Register("index", goIndex) }

func goIndex(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["index"] != "go" {
		return nil
	}
	for _, err := range []error{
		initializer.RegisterStorageIndex("Builds", "builds", "", []string{"level", "class"}, []string{"level"}, 100, false),
		initializer.RegisterStorageIndex("main", "builds", "main", []string{"level"}, nil, 100, true),
		initializer.RegisterStorageIndexFilter("Builds", func(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, w *runtime.StorageWrite) bool {
			return w.Collection == "builds" && w.Key != "" && len(w.UserID) == 36 && len(w.Version) == 32 &&
				w.PermissionRead+w.PermissionWrite > 0 && !strings.Contains(w.Value, "draft")
		}),
		initializer.RegisterRpc("save", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, payload string) (string, error) {
			if _, err := nk.StorageWrite(ctx, []*runtime.StorageWrite{{Collection: "builds", Key: payload, Value: `{"level":100}`, PermissionRead: 1}}); err != nil {
				return "", err
			}
			list, _, err := nk.StorageIndexList(ctx, "", "Builds", "+value.level:100", 100, nil, "")
			return text(int64(len(list.GetObjects()))), err
		}),
		initializer.RegisterRpc("search", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, payload string) (string, error) {
			var p searchPayload
			if err := json.Unmarshal([]byte(payload), &p); err != nil {
				return "", err
			}
			if p.Limit == 0 {
				p.Limit = 100
			}
			list, cursor, err := nk.StorageIndexList(ctx, p.Caller, p.Index, p.Query, p.Limit, p.Order, p.Cursor)
			if err != nil {
				return "", err
			}
			out := searchResult{Cursor: cursor}
			for _, o := range list.Objects {
				out.Found = append(out.Found, o.Key+o.Value)
			}
			text, err := json.Marshal(out)
			return string(text), err
		}),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

type searchPayload struct {
	Index  string   `json:"index"`
	Query  string   `json:"query"`
	Limit  int      `json:"limit"`
	Order  []string `json:"order,omitempty"`
	Caller string   `json:"caller,omitempty"`
	Cursor string   `json:"cursor,omitempty"`
}

type searchResult struct {
	Found  []string `json:"found"`
	Cursor string   `json:"cursor"`
}

// search calls the RPC and returns the keys of the objects.
func search(t *testing.T, srv *servertest.Server, p searchPayload) (keys []string, r searchResult) {
	t.Helper()
	payload, _ := json.Marshal(p)
	text, a := srv.RPC(t, "search", string(payload))
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%s: %d %s", payload, a.Status, a.Body)
	}
	for _, f := range r.Found {
		key, _, _ := strings.Cut(f, "{")
		keys = append(keys, key)
	}
	return keys, r
}

func writeBuild(t *testing.T, u *servertest.User, key, value string, read int) {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"objects": []any{map[string]any{"collection": "builds", "key": key, "value": value, "permission_read": read}}})
	if a := u.Do(t, "PUT", "/v2/storage", string(body)); a.Status != 200 {
		t.Fatalf("write %s: %d %s", key, a.Status, a.Body)
	}
}

// Indexes that a module registers answer lists by query, order, cursor and caller, in
// every language and on both databases.
func TestStorageIndex(t *testing.T) {
	t.Parallel()
	for language, module := range indexModules {
		for database, option := range map[string]servertest.Option{"sqlite": servertest.Flags(), "postgres": nil} {
			t.Run(language+"/"+database, func(t *testing.T) {
				t.Parallel()
				if option == nil {
					option = servertest.Postgres()
				}
				var log servertest.Journal
				// One VM: the filter is called in the one of the call that writes.
				srv := servertest.Start(t, module, option, log.Keep(), servertest.Flags("--runtime.js_max_count", "1", "--runtime.lua_max_count", "1"))
				servertest.Eventually(t, "both indexes are complete", func() bool { return len(log.Lines("storage index complete")) == 2 })
				ann, bob := srv.User(t, "ann"), srv.User(t, "bob")
				writeBuild(t, ann, "a1", `{"level":1,"class":"mage","extra":1}`, 2)
				writeBuild(t, ann, "a2", `{"level":5,"class":"knight"}`, 1)
				writeBuild(t, ann, "a3", `{"level":7,"class":"mage","draft":true}`, 2)
				writeBuild(t, ann, "main", `{"level":3,"class":"mage"}`, 2)
				writeBuild(t, bob, "b1", `{"level":9,"class":"mage"}`, 0)
				writeBuild(t, bob, "b2", `{"class":"knight"}`, 2)
				writeBuild(t, bob, "b3", `{"extra":1}`, 2)
				writeBuild(t, bob, "gone", `{"level":2}`, 2)
				if a := bob.Do(t, "PUT", "/v2/storage/delete", `{"object_ids":[{"collection":"builds","key":"gone"}]}`); a.Status != 200 {
					t.Fatal(a.Body)
				}
				for _, test := range []struct {
					p    searchPayload
					want string
				}{
					{searchPayload{Index: "Builds", Order: []string{"-value.level"}}, "b1 a2 main a1 b2"},
					{searchPayload{Index: "Builds", Order: []string{"value.level"}}, "a1 main a2 b1 b2"},
					{searchPayload{Index: "Builds", Query: "+value.class:mage +value.level:>=3", Order: []string{"level"}}, "main b1"},
					{searchPayload{Index: "Builds", Query: "value.class:knight", Caller: ann.ID}, "a2 b2"},
					{searchPayload{Index: "Builds", Query: "+value.class:knight", Caller: bob.ID}, "b2"},
					{searchPayload{Index: "Builds", Query: "+user_id:" + bob.ID}, "b1 b2"},
					{searchPayload{Index: "Builds", Query: "+value.extra:1"}, ""},
					{searchPayload{Index: "main"}, "main"},
				} {
					if got, _ := search(t, srv, test.p); strings.Join(got, " ") != test.want {
						t.Errorf("%+v: %q, want %q", test.p, got, test.want)
					}
				}
				// The index-only one has its fields, the other one the object.
				if _, r := search(t, srv, searchPayload{Index: "main"}); !slices.Equal(r.Found, []string{`main{"level":3}`}) {
					t.Errorf("index only: %q", r.Found)
				}
				if _, r := search(t, srv, searchPayload{Index: "Builds", Query: "+key:a1"}); len(r.Found) != 1 || !strings.Contains(r.Found[0], "extra") {
					t.Errorf("whole object: %q", r.Found)
				}
				// Pages.
				p := searchPayload{Index: "Builds", Order: []string{"-value.level"}, Limit: 2}
				var all []string
				for {
					keys, r := search(t, srv, p)
					if all = append(all, keys...); r.Cursor == "" {
						break
					}
					p.Cursor = r.Cursor
				}
				if got := strings.Join(all, " "); got != "b1 a2 main a1 b2" {
					t.Errorf("in pages: %q", got)
				}
				// What was deleted with an account, and what changes so that the filter
				// refuses it, is gone.
				if a := bob.Do(t, "DELETE", "/v2/account", ""); a.Status != 200 {
					t.Fatal(a.Body)
				}
				writeBuild(t, ann, "a2", `{"level":5,"class":"knight","draft":true}`, 1)
				if got, _ := search(t, srv, searchPayload{Index: "Builds", Order: []string{"-level"}}); strings.Join(got, " ") != "main a1" {
					t.Errorf("after an account was deleted: %q", got)
				}
				for i := range 3 {
					if got, a := srv.RPC(t, "save", fmt.Sprint("saved", i)); got != fmt.Sprint(i+1) {
						t.Errorf("after %d writes of a module its list has %q: %s", i+1, got, a.Body)
					}
				}
				_, a := srv.RPC(t, "search", `{"index":"builds","query":"","limit":1}`)
				if !strings.Contains(a.Body, "not found") {
					t.Errorf("an unknown index: %s", a.Body)
				}
			})
		}
	}
}

// A reload builds indexes that are new or have other fields from what is stored.
func TestStorageIndexReload(t *testing.T) {
	t.Parallel()
	source := func(fields string) string {
		return fmt.Sprintf(`
			local nk = require("nakama")
			local fields = { %s }
			if #fields > 0 then nk.register_storage_index("i", "builds", "", fields, fields, 100) end
			nk.register_rpc(function(ctx, payload)
				local ok, objects = pcall(nk.storage_index_list, "i", payload, 10, {})
				return ok and tostring(#objects) or "none"
			end, "count")`, fields)
	}
	srv := servertest.Start(t, servertest.Module("main.lua", source("")))
	ann := srv.User(t, "ann")
	for i := range 5 {
		writeBuild(t, ann, fmt.Sprint("k", i), fmt.Sprintf(`{"level":%d,"class":"mage"}`, i), 1)
	}
	for _, step := range []struct{ fields, query, want string }{
		{``, ``, "none"}, {`"level"`, `+value.level:>=2`, "3"}, {`"level"`, `+value.class:mage`, "0"},
		{`"level", "class"`, `+value.class:mage`, "5"}, {`"class"`, `+value.level:>=2`, "0"}, {``, ``, "none"}, {`"class"`, ``, "5"},
	} {
		srv.Write(t, "main.lua", source(step.fields))
		if err := srv.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		servertest.Eventually(t, fmt.Sprintf("%+v", step), func() bool {
			got, _ := srv.RPC(t, "count", step.query)
			return got == step.want
		})
	}
}

// The examples of the guide find opponents.
func TestStorageIndexGuide(t *testing.T) {
	t.Parallel()
	for name, source := range servertest.Examples(t, "../docs/storage-index.md") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, servertest.Module(name, source))
			for i := range 12 {
				u := srv.User(t, fmt.Sprint("player", i))
				value := fmt.Sprintf(`{"rating":%d,"region":"eu","open":true,"draft":%t}`, 1000+10*i, i == 11)
				body, _ := json.Marshal(map[string]any{"objects": []any{map[string]any{"collection": "defense", "key": "main", "value": value, "permission_read": 2}}})
				if a := u.Do(t, "PUT", "/v2/storage", string(body)); a.Status != 200 {
					t.Fatal(a.Body)
				}
			}
			me := srv.User(t, "player5")
			var found []int
			for payload := `{"rating":1050,"region":"eu"}`; payload != ""; {
				text, a := me.RPC(t, "opponents", payload)
				var r struct {
					Found  []struct{ Rating int }
					Cursor string
				}
				if err := json.Unmarshal([]byte(text), &r); err != nil {
					t.Fatalf("%d %s", a.Status, a.Body)
				}
				for _, o := range r.Found {
					found = append(found, o.Rating)
				}
				payload = ""
				if r.Cursor != "" {
					payload = fmt.Sprintf(`{"rating":1050,"region":"eu","cursor":%q}`, r.Cursor)
				}
			}
			if want := []int{1100, 1090, 1080, 1070, 1060, 1040, 1030, 1020, 1010, 1000}; !slices.Equal(found, want) {
				t.Errorf("found %d, want %d", found, want)
			}
		})
	}
}
