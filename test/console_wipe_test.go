package test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// wipeModule fills a game with something in every table.
const wipeModule = `
	function InitModule(ctx, logger, nk, initializer) {
		initializer.registerStorageIndex("cards", "cards", "", ["power"], ["power"], 100, false);
		nk.leaderboardCreate("weekly", false, "desc", "best");
		initializer.registerRpc("fill", (ctx, logger, nk, payload) => {
			nk.storageWrite([
				{collection: "cards", key: "dragon", userId: ctx.userId, value: {power: 9, big: "x"}, permissionRead: 2, permissionWrite: 0},
				{collection: "cards", key: "rat", userId: ctx.userId, value: {power: 1}},
				{collection: "cards", key: "house", userId: "00000000-0000-0000-0000-000000000000", value: {power: 5}},
			]);
			nk.walletUpdate(ctx.userId, {gold: 7}, {why: "start"}, true);
			nk.notificationSend(ctx.userId, "hello", {}, 10, null, true);
			nk.accountUpdateId(ctx.userId, null, "Ann the Great", null, null, null, null, {level: 3});
			nk.leaderboardRecordWrite("weekly", ctx.userId, ctx.username, 10);
			nk.groupCreate(ctx.userId, "guild of " + ctx.username);
		});
		initializer.registerRpc("boards", (ctx, logger, nk) => JSON.stringify(nk.leaderboardRecordsList("weekly", [], 10).records || []));
	}`

// An export of an account makes the same account on another server, and replaces what an
// account has.
func TestConsoleAccountImport(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		admin, ann := srv.ConsoleAdmin(), srv.User(t, "ann")
		if _, a := ann.RPC(t, "fill", ""); a.Status != http.StatusOK {
			t.Fatal(a.Body)
		}
		export := func(of *servertest.Operator, id string) map[string]json.RawMessage {
			t.Helper()
			var e map[string]json.RawMessage
			if err := json.Unmarshal([]byte(of.Must(t, "GET", "/account/"+id+"/export", nil).Body), &e); err != nil {
				t.Fatal(err)
			}
			return e
		}
		first := export(admin, ann.ID)
		want(t, admin.Do(t, "POST", "/account", map[string]any{"data": first}), 409, 6, "account")
		want(t, admin.Do(t, "POST", "/account", `{}`), 400, 3, "export")

		other := servertest.Start(t, servertest.Console())
		there := other.ConsoleAdmin()
		a := there.Must(t, "POST", "/account", map[string]any{"data": first})
		if a.Get("account.user.id") != ann.ID || a.Get("account.user.display_name") != "Ann the Great" {
			t.Errorf("the new account is %s", a.Body)
		}
		second := export(there, ann.ID)
		for _, part := range []string{"objects", "notifications", "wallet_ledgers"} {
			if string(first[part]) != string(second[part]) || len(first[part]) < 3 {
				t.Errorf("%s: exported %s, after the import %s", part, first[part], second[part])
			}
		}
		want(t, there.Do(t, "POST", "/account", map[string]any{"id": "11111111-1111-4111-8111-111111111111", "data": first}), 409, 6, "belongs to another")

		bob := srv.User(t, "bob")
		if _, a := bob.RPC(t, "fill", ""); a.Status != http.StatusOK {
			t.Fatal(a.Body)
		}
		admin.Must(t, "PUT", "/storage/cards/old/"+bob.ID, `{"value":"{}"}`)
		admin.Must(t, "PUT", "/account/"+bob.ID+"/import", `{"data":{"account":{"user":{"username":"ann","metadata":"{\"a\":1}"},"wallet":"{\"gold\":1}"},
			"objects":[{"collection":"cards","key":"cat","value":"{\"power\":4}","version":"v1","permission_read":1}]}}`)
		account := admin.Must(t, "GET", "/account/"+bob.ID, nil)
		if account.Get("account.user.username") != "bob" || account.Get("account.wallet") != `{"gold": 1}` || account.Get("account.user.metadata") != `{"a": 1}` {
			t.Errorf("the account is %s", account.Body)
		}
		if a := admin.Must(t, "GET", "/storage?user_id="+bob.ID, nil); strings.Count(a.Body, `"collection":`) != 1 || !strings.Contains(a.Body, `"version":"v1"`) {
			t.Errorf("the objects are %s", a.Body)
		}
		servertest.Eventually(t, "the index follows", func() bool {
			a := admin.Must(t, "POST", "/storage/index/cards/query", `{"query":"+value.power:4"}`)
			b := admin.Must(t, "POST", "/storage/index/cards/query", `{"query":"+value.power:9"}`)
			return strings.Contains(a.Body, bob.ID) && !strings.Contains(b.Body, bob.ID)
		})
		want(t, admin.Do(t, "PUT", "/account/11111111-1111-4111-8111-111111111111/import", map[string]any{"data": first}), 404, 5, "")
		if log := admin.Must(t, "GET", "/audit/log", nil).Body; !strings.Contains(log, "ImportAccount") || strings.Contains(log, "the Great") {
			t.Errorf("the log is %s", log)
		}
	}, servertest.Module("index.js", wipeModule))
}

// Storage indexes are listed and searched.
func TestConsoleStorageIndexes(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		admin, ann := srv.ConsoleAdmin(), srv.User(t, "ann")
		if _, a := ann.RPC(t, "fill", ""); a.Status != http.StatusOK {
			t.Fatal(a.Body)
		}
		servertest.Eventually(t, "the index has all objects", func() bool {
			list := admin.Must(t, "GET", "/storage/indexes", nil).Body
			return list == `{"indexes":[{"collection":"cards","index":"cards","key":"","fields":["power"],"sortable_fields":["power"],"max_entries":100,"index_only":false,"entries":3}]}`
		})
		query := func(body string) servertest.Answer { return admin.Do(t, "POST", "/storage/index/cards/query", body) }
		a := query(`{"query":"value.power:>=2","limit":1,"order":["-value.power"]}`)
		if a.Status != http.StatusOK || !strings.Contains(a.Body, `"key":"dragon"`) || a.Get("next_cursor") == "" {
			t.Fatalf("the first page is %d %s", a.Status, a.Body)
		}
		a = query(`{"query":"value.power:>=2","limit":1,"order":["-value.power"],"cursor":"` + a.Get("next_cursor") + `"}`)
		if !strings.Contains(a.Body, `"key":"house"`) || strings.Contains(a.Body, `"rat"`) {
			t.Errorf("the second page is %d %s", a.Status, a.Body)
		}
		want(t, query(`{"query":"+","limit":101}`), 400, 3, "limit")
		want(t, admin.Do(t, "POST", "/storage/index/nothing/query", "{}"), 404, 5, "nothing")
	}, servertest.Module("index.js", wipeModule))
}

// Operators with the right to do so delete all storage, all accounts, or everything.
func TestConsoleWipes(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		admin, ann := srv.ConsoleAdmin(), srv.User(t, "ann")
		fill := func(u *servertest.User) {
			t.Helper()
			if _, a := u.RPC(t, "fill", ""); a.Status != http.StatusOK {
				t.Fatal(a.Body)
			}
		}
		entries := func(n string) {
			t.Helper()
			servertest.Eventually(t, "the index has "+n+" entries", func() bool {
				return strings.Contains(admin.Must(t, "GET", "/storage/indexes", nil).Body, `"entries":`+n+`}`)
			})
		}
		fill(ann)
		entries("3")
		admin.Must(t, "DELETE", "/storage", nil)
		if a := admin.Must(t, "GET", "/storage", nil); !strings.Contains(a.Body, `"objects":[]`) {
			t.Errorf("storage has %s", a.Body)
		}
		entries("0")
		if a := ann.Do(t, http.MethodGet, "/v2/account", ""); a.Status != http.StatusOK {
			t.Errorf("an account: %d %s", a.Status, a.Body)
		}

		ann2 := srv.User(t, "ann2")
		fill(ann2)
		socket := ann2.Socket(t)
		admin.Must(t, "DELETE", "/account", nil)
		socket.Closed(t)
		if a := ann2.Do(t, http.MethodGet, "/v2/account", ""); a.Status != http.StatusUnauthorized {
			t.Errorf("a token of a deleted account: %d %s", a.Status, a.Body)
		}
		for path, part := range map[string]string{"/account": `"users":[{"id":"00000000`, "/group": `"groups":[]`, "/leaderboard/weekly/records?limit=10": `"records":[]`,
			"/storage": `"key":"house"`, "/leaderboard": `"weekly"`} {
			if a := admin.Must(t, "GET", path, nil); !strings.Contains(a.Body, part) || strings.Contains(a.Body, ann2.ID) {
				t.Errorf("%s: %s", path, a.Body)
			}
		}
		entries("1")

		// New players begin as if nobody had been there.
		bob := srv.User(t, "ann")
		if a := bob.Do(t, http.MethodGet, "/v2/account", ""); a.Status != http.StatusOK {
			t.Errorf("a new account: %d %s", a.Status, a.Body)
		}
		fill(bob)
		if text, _ := bob.RPC(t, "boards", ""); !strings.Contains(text, `"rank":1`) && !strings.Contains(text, `"rank":"1"`) {
			t.Errorf("the records are %s", text)
		}
		admin.Must(t, "DELETE", "/all", nil)
		for path, part := range map[string]string{"/account": `"users":[{"id":"00000000`, "/storage": `"objects":[]`, "/leaderboard": `"leaderboards":[]`, "/notification": `"notifications":[]`} {
			if a := admin.Must(t, "GET", path, nil); !strings.Contains(a.Body, part) {
				t.Errorf("%s: %s", path, a.Body)
			}
		}
		admin.Must(t, "GET", "/audit/log", nil)
		fillAgain := srv.User(t, "eve")
		if a := fillAgain.Do(t, http.MethodGet, "/v2/account", ""); a.Status != http.StatusOK {
			t.Errorf("a new account: %d %s", a.Status, a.Body)
		}
	}, servertest.Module("index.js", wipeModule))
}

// Extensions, profiles, and help for whoever guesses a path.
func TestConsoleOddPaths(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	admin := srv.ConsoleAdmin()
	if a := admin.Must(t, "GET", "/extensions", nil); a.Body != `{"hiro":false,"hiro_systems":null,"satori":false,"pages":[]}` {
		t.Errorf("extensions are %s", a.Body)
	}
	want(t, admin.Do(t, "GET", "/satori/template", nil), 400, 9, "satori.server_key")
	want(t, admin.Do(t, "POST", "/satori/direct-message", "{}"), 400, 9, "satori.server_key")
	want(t, admin.Do(t, "GET", "/account/x/wallet-ledger", nil), 404, 5, "docs/console.md")
	want(t, admin.Do(t, "PUT", "/storage", "{}"), 404, 5, "There is GET, DELETE for this path.")

	debug := func(path, authorization string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+srv.ConsoleAddr().String()+"/debug/pprof/"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			req.SetBasicAuth("admin", authorization)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("Content-Type")
	}
	for _, path := range []string{"", "heap", "goroutine?debug=1", "profile?seconds=1", "profile_js?seconds=1"} {
		for password, status := range map[string]int{"": 401, "wrong": 403, "password": 200} {
			if got, _ := debug(path, password); got != status {
				t.Errorf("%s with %q: %d", path, password, got)
			}
		}
	}
	if status, _ := debug("cmdline", "password"); status != 404 {
		t.Errorf("the command line: %d", status)
	}
}
