package test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"kumi/server/servertest"
	"kumi/store/storetest"
)

// onBothDatabases runs a test with a console on either database.
func onBothDatabases(t *testing.T, run func(t *testing.T, srv *servertest.Server), options ...servertest.Option) {
	t.Helper()
	for name, database := range map[string]servertest.Option{"sqlite": servertest.Flags(), "postgres": servertest.Postgres()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, servertest.Start(t, append([]servertest.Option{servertest.Console(), database}, options...)...))
		})
	}
}

// want fails unless an answer has a status, a code and a text.
func want(t *testing.T, a servertest.Answer, status, code int, text string) {
	t.Helper()
	if a.Status != status || a.Code() != code || !strings.Contains(a.Body, text) {
		t.Errorf("got %d %s, want %d with code %d and %q", a.Status, a.Body, status, code, text)
	}
}

const goodPassword = "correct horse battery"

// Operators are invited, log in, are limited to their rights, and lose their sessions
// with them; what they do is recorded.
func TestConsoleOperators(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		admin, visitor := srv.ConsoleAdmin(), srv.ConsoleVisitor()
		add := func(name, rights string) servertest.Answer {
			return admin.Do(t, "POST", "/user", `{"username":"`+name+`","email":"`+name+`@Example.com","acl":`+rights+`}`)
		}
		want(t, visitor.Do(t, "GET", "/user", nil), 401, 16, "authentication")
		want(t, add("a", `{"USER":{"read":true}}`), 400, 3, "Username")
		want(t, add("admin", `{"USER":{"read":true}}`), 400, 3, "reserved")
		want(t, add("nobody", `{"SOMETHING":{"read":true}}`), 400, 3, "at least some permissions")
		added := admin.Must(t, "POST", "/user", `{"username":"Ann","email":"Ann@Example.com","acl":{"USER":{"read":true,"write":true},"SETTINGS":{"write":true}}}`)
		if added.Get("user.username") != "ann" || added.Get("user.email") != "ann@example.com" || added.Get("user.acl.USER.delete") != "false" ||
			added.Get("user.acl.HIRO_ENERGY.read") != "false" || added.Get("user.mfa_enabled") != "false" {
			t.Errorf("added %s", added.Body)
		}
		want(t, admin.Do(t, "POST", "/user", `{"username":"other","email":"ann@example.com","acl":{"USER":{"read":true}}}`), 409, 6, "Email")

		invite := map[string]string{"code": added.Get("token"), "password": "short"}
		want(t, visitor.Do(t, "POST", "/authenticate/password_change", invite), 400, 3, "12")
		invite["password"] = goodPassword
		want(t, visitor.Do(t, "POST", "/authenticate", map[string]string{"username": "ann", "password": goodPassword}), 401, 16, "Invalid credentials.")
		visitor.Must(t, "POST", "/authenticate/password_change", invite)
		want(t, visitor.Do(t, "POST", "/authenticate/password_change", invite), 401, 16, "Token invalid.")
		ann := srv.ConsoleLogin(t, "ANN@example.com", goodPassword)
		if a := ann.Must(t, "GET", "/user", nil); !strings.Contains(a.Body, `"ann"`) || strings.Contains(a.Body, `"admin"`) {
			t.Errorf("users: %s", a.Body)
		}

		// Nobody grants or takes more than it has, nor changes itself.
		want(t, ann.Do(t, "POST", "/user", `{"username":"bob","email":"bob@example.com","acl":{"USER":{"delete":true}}}`), 400, 3, "rights that you do not have")
		want(t, ann.Do(t, "PUT", "/user/ann", `{"acl":{"USER":{"read":true}}}`), 400, 9, "your own")
		want(t, ann.Do(t, "POST", "/user", `{"username":"ann","email":"ann@example.com","acl":{"USER":{"read":true}}}`), 400, 9, "your own")
		want(t, ann.Do(t, "DELETE", "/user?username=ann", nil), 403, 7, "USER:delete")
		bob := admin.Add(t, "bob", goodPassword, `{"ACCOUNT":{"read":true}}`)
		want(t, ann.Do(t, "POST", "/user/bob/reset/password", "{}"), 403, 7, "rights that you do not have")
		want(t, bob.Do(t, "GET", "/user", nil), 403, 7, "USER:read")
		want(t, ann.Do(t, "PUT", "/user/nobody", `{"acl":{"USER":{"read":true}}}`), 404, 5, "not found")

		// A change of rights ends the sessions, and so do a log-out and a reset.
		changed := admin.Must(t, "PUT", "/user/bob", `{"acl":{"USER":{"read":true}}}`)
		if changed.Get("acl.USER.read") != "true" || changed.Get("acl.ACCOUNT.read") != "false" {
			t.Errorf("changed to %s", changed.Body)
		}
		want(t, bob.Do(t, "GET", "/user", nil), 401, 16, "Token invalid.")
		token := visitor.Must(t, "POST", "/authenticate", map[string]string{"username": "bob", "password": goodPassword}).Get("token")
		bob = srv.ConsoleToken(token)
		bob.Must(t, "GET", "/user", nil)
		visitor.Must(t, "POST", "/authenticate/logout", map[string]string{"token": token})
		visitor.Must(t, "POST", "/authenticate/logout", map[string]string{"token": "x"})
		want(t, bob.Do(t, "GET", "/user", nil), 401, 16, "Token invalid.")
		code := ann.Must(t, "POST", "/user/bob/reset/password", "{}").Get("code")
		want(t, visitor.Do(t, "POST", "/authenticate", map[string]string{"username": "bob", "password": goodPassword}), 401, 16, "Invalid")
		visitor.Must(t, "POST", "/authenticate/password_change", map[string]string{"code": code, "password": "another " + goodPassword})
		srv.ConsoleLogin(t, "bob", "another "+goodPassword)
		admin.Must(t, "DELETE", "/user?username=bob", nil)
		want(t, admin.Do(t, "DELETE", "/user?username=bob", nil), 400, 3, "not found")

		// A token of another kind is no log-in.
		want(t, srv.ConsoleToken(code).Do(t, "GET", "/status", nil), 401, 16, "Token invalid.")

		log := admin.Must(t, "GET", "/audit/log?limit=100", nil).Body
		for _, part := range []string{`"AddUser"`, `"UpdateUser"`, `"DeleteUser"`, `"ResetUserPassword"`, `"AuthenticatePasswordChange"`, "ann@example.com"} {
			if !strings.Contains(log, part) {
				t.Errorf("the audit log lacks %s", part)
			}
		}
		if strings.Contains(log, goodPassword) || strings.Contains(log, code) {
			t.Error("the audit log has secrets")
		}
	})
}

// After some wrong passwords there is a lock-out, for the right one too.
func TestConsoleLockOut(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	admin := srv.ConsoleAdmin()
	admin.Add(t, "ann", goodPassword, `{"USER":{"read":true}}`)
	try := func(name, password string) servertest.Answer {
		return srv.ConsoleVisitor().Do(t, "POST", "/authenticate", map[string]string{"username": name, "password": password})
	}
	for range 4 {
		want(t, try("ann", "wrong"), 401, 16, "Invalid credentials.")
	}
	srv.ConsoleLogin(t, "ann", goodPassword) // forgets them
	for range 5 {
		want(t, try("ann", "wrong"), 401, 16, "Invalid credentials.")
	}
	want(t, try("ann", goodPassword), 429, 8, "Try again later.")
	srv.ConsoleLogin(t, "admin", "password") // another account
	for i := range 5 {                       // and then the address
		_ = try("nobody"+string(rune('0'+i)), "wrong")
	}
	want(t, try("admin", "password"), 429, 8, "Try again later.")
	want(t, admin.Do(t, "GET", "/status", nil), 429, 8, "Try again later.")
}

// The default password works on this machine only; a visitor from elsewhere sets another
// one with the code of the log, which then counts everywhere.
func TestConsoleFirstVisit(t *testing.T) {
	t.Parallel()
	for name, elsewhere := range map[string]http.Header{
		"proxy": {"X-Forwarded-For": {"192.0.2.1"}}, "page": {"Origin": {"https://example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log servertest.Journal
			srv := servertest.Start(t, servertest.Console(), log.Keep())
			remote, visitor := srv.ConsoleAdmin(), srv.ConsoleVisitor()
			remote.Header, visitor.Header = elsewhere, elsewhere
			login := map[string]string{"username": "admin", "password": "password"}
			want(t, remote.Do(t, "GET", "/status", nil), 403, 7, "default password")
			want(t, visitor.Do(t, "POST", "/authenticate", login), 403, 7, "default password")
			text := log.String()
			at := strings.Index(text, "one-time code ")
			if at < 0 {
				t.Fatalf("there is no code in the log:\n%s", text)
			}
			code := text[at+len("one-time code "):][:20]
			want(t, visitor.Do(t, "POST", "/authenticate/first_visit", map[string]string{"code": "0123", "password": goodPassword}), 401, 16, "Invalid")
			visitor.Must(t, "POST", "/authenticate/first_visit", map[string]string{"code": code, "password": goodPassword})
			want(t, visitor.Do(t, "POST", "/authenticate/first_visit", map[string]string{"code": code, "password": goodPassword}), 400, 9, "replaced already")
			want(t, srv.ConsoleAdmin().Do(t, "GET", "/status", nil), 401, 16, "Invalid")
			login["password"] = goodPassword
			srv.ConsoleToken(visitor.Must(t, "POST", "/authenticate", login).Get("token")).Must(t, "GET", "/user", nil)
		})
	}
	// A password of the configuration works everywhere.
	srv := servertest.Start(t, servertest.Console(), servertest.Flags("--console.password", goodPassword))
	visitor := srv.ConsoleVisitor()
	visitor.Header.Set("X-Forwarded-For", "192.0.2.1")
	visitor.Must(t, "POST", "/authenticate", map[string]string{"username": "admin", "password": goodPassword})
}

// The form of responses and errors is the protocol's.
func TestConsoleForm(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	admin := srv.ConsoleAdmin()
	setting := admin.Must(t, "POST", "/setting/utc_toggle", `{"value":"true"}`)
	var fields map[string]any
	if err := json.Unmarshal([]byte(setting.Body), &fields); err != nil || fields["name"] != "utc_toggle" || fields["value"] != "true" {
		t.Errorf("setting %s", setting.Body)
	}
	if _, ok := fields["update_time_sec"].(string); !ok {
		t.Errorf("a 64-bit number is not a string: %s", setting.Body)
	}
	want(t, admin.Do(t, "POST", "/setting/other", `{"value":"true"}`), 400, 3, "other")
	want(t, admin.Do(t, "GET", "/setting/other", nil), 404, 5, "not found")
	if a := admin.Must(t, "GET", "/setting?names=utc_toggle", nil); !strings.Contains(a.Body, `"acl_resources":["ACCOUNT",`) {
		t.Errorf("settings %s", a.Body)
	}
	if a := admin.Must(t, "GET", "/acl/template", nil); a.Body != `{"templates":[]}` {
		t.Errorf("no templates: %s", a.Body)
	}
	if a := admin.Do(t, "GET", "/account/x/wallet-ledger", nil); a.Status != 404 || !strings.Contains(a.Body, `"details":[]`) || !strings.Contains(a.Body, "wallet-ledger") {
		t.Errorf("an unknown path: %d %s", a.Status, a.Body)
	}
	want(t, admin.Do(t, "PATCH", "/user", nil), 404, 5, "PATCH /v2/console/user")
	want(t, admin.Do(t, "POST", "/setting/utc_toggle", `{"value":`), 400, 3, "")
	want(t, admin.Do(t, "GET", "/audit/log?limit=x", nil), 400, 3, "limit")
	want(t, admin.Do(t, "POST", "/setting/utc_toggle", `{"value":"`+strings.Repeat("x", 5<<20)+`"}`), 400, 3, "console.max_message_size_bytes")
	admin.Must(t, "POST", "/acl/template", `{"name":"support","description":"players","acl":{"ACCOUNT":{"read":true}},"somethingElse":1}`)
	want(t, admin.Do(t, "POST", "/acl/template", `{"name":"support"}`), 409, 6, "template")
	a := admin.Must(t, "GET", "/acl/template", nil)
	var list struct {
		Templates []struct{ ID, Name string }
	}
	if err := json.Unmarshal([]byte(a.Body), &list); err != nil || len(list.Templates) != 1 {
		t.Fatalf("templates %s", a.Body)
	}
	id := list.Templates[0].ID
	if a := admin.Must(t, "PUT", "/acl/template/"+id, `{"name":"helpers"}`); a.Get("id") != id || a.Get("name") != "helpers" || a.Get("acl.ACCOUNT.read") != "false" {
		t.Errorf("changed template %s", a.Body)
	}
	admin.Must(t, "DELETE", "/acl/template/"+id, nil)
	admin.Must(t, "DELETE", "/acl/template/"+id, nil)

	// Pages through the log, forwards and back.
	var all, seen []string
	for _, e := range entries(t, admin.Must(t, "GET", "/audit/log?limit=100", nil)) {
		all = append(all, e.ID)
	}
	page := admin.Must(t, "GET", "/audit/log?limit=2", nil)
	first := page.Body
	for {
		for _, e := range entries(t, page) {
			seen = append(seen, e.ID)
		}
		if page.Get("next_cursor") == "" {
			break
		}
		page = admin.Must(t, "GET", "/audit/log?limit=2&cursor="+page.Get("next_cursor"), nil)
	}
	if len(all) < 5 || strings.Join(seen, " ") != strings.Join(all, " ") {
		t.Errorf("pages have %v, the log %v", seen, all)
	}
	for page.Get("prev_cursor") != "" {
		page = admin.Must(t, "GET", "/audit/log?limit=2&cursor="+page.Get("prev_cursor"), nil)
	}
	var got, wantFirst struct{ Entries []struct{ ID string } }
	_, _ = json.Unmarshal([]byte(page.Body), &got), json.Unmarshal([]byte(first), &wantFirst)
	if len(got.Entries) != 2 || got.Entries[0] != wantFirst.Entries[0] {
		t.Errorf("back at %s, the first page was %s", page.Body, first)
	}
	for query, n := range map[string]int{"username=admin": len(all), "username=ann": 0, "resource=SETTINGS": 1, "action=1": 1, "action=DELETE": 2,
		"after=2030-01-01T00:00:00Z": 0, "before=2020-01-01T00:00:00Z": 0, "after=2020-01-01T00:00:00Z": len(all)} {
		if got := entries(t, admin.Must(t, "GET", "/audit/log?limit=100&"+query, nil)); len(got) != n {
			t.Errorf("%s: %d entries, want %d", query, len(got), n)
		}
	}
	if a := admin.Must(t, "GET", "/audit/log/users", nil); a.Body != `{"usernames":["admin"]}` {
		t.Errorf("the names in the log: %s", a.Body)
	}
}

func entries(t *testing.T, a servertest.Answer) []struct{ ID string } {
	t.Helper()
	var list struct{ Entries []struct{ ID string } }
	if err := json.Unmarshal([]byte(a.Body), &list); err != nil {
		t.Fatalf("%s: %v", a.Body, err)
	}
	return list.Entries
}

// The console shows what the server is, without secrets.
func TestConsoleAbout(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console(),
		servertest.Flags("--runtime.env", "API_TOKEN=hidden1", "--social.steam.publisher_key", "hidden2", "--session.encryption_key", "hidden3"),
		servertest.Module("index.js", `function InitModule(ctx, logger, nk, initializer) { initializer.registerRpc("js_hello", () => "hi"); }`),
		servertest.Module("main.lua", `require("nakama").register_rpc(function() return "hi" end, "lua_hello")`))
	admin := srv.ConsoleAdmin()
	srv.User(t, "ann")
	status := admin.Must(t, "GET", "/status", nil)
	for _, part := range []string{`"session_count":0`, `"match_count":0`, `"party_count":0`, `"avg_latency_ms":`, `"health":0`, `"timestamp":"`} {
		if !strings.Contains(status.Body, part) {
			t.Errorf("the status lacks %s: %s", part, status.Body)
		}
	}
	config := admin.Must(t, "GET", "/config", nil)
	for _, secret := range []string{"hidden", "defaultkey", "defaultencryptionkey", "defaulthttpkey", "defaultsigningkey", "defaultmfastorageencryptionkey32"} {
		if strings.Contains(config.Body, secret) {
			t.Errorf("the configuration shows %s", secret)
		}
	}
	var shown struct {
		Social struct{ Steam map[string]any }
	}
	if err := json.Unmarshal([]byte(config.Get("config")), &shown); err != nil || shown.Social.Steam["publisher_key"] == "" {
		t.Errorf("the configuration is %s", config.Get("config"))
	}
	if !strings.Contains(config.Body, `{"field":"console.password",`) || config.Get("server_version") == "" {
		t.Errorf("warnings of %s", config.Body)
	}
	runtime := admin.Must(t, "GET", "/runtime", nil)
	for _, part := range []string{`"js_rpc_functions":["js_hello"]`, `"lua_rpc_functions":["lua_hello"]`, `"go_rpc_functions":[`, "main.lua", `"mod_time":"`} {
		if !strings.Contains(runtime.Body, part) {
			t.Errorf("the runtime lacks %s: %s", part, runtime.Body)
		}
	}
}

// A token signed with the documented key is no log-in: the server has a key of its own.
func TestConsoleDefaultKey(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"id":"00000000-0000-0000-0000-000000000000","usn":"admin","exp":4102444800}`))
	token := signed(t, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."+claims, "defaultsigningkey")
	want(t, srv.ConsoleToken(token).Do(t, "GET", "/user", nil), 401, 16, "Token invalid.")
	srv = servertest.Start(t, servertest.Console(), servertest.Flags("--console.signing_key", "another"))
	token = signed(t, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."+claims, "another")
	srv.ConsoleToken(token).Must(t, "GET", "/user", nil)
}

// signed returns a token with its signature.
func signed(t *testing.T, content, key string) string {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(content))
	return content + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// A log-out holds on all servers on the database, for the administrator too.
func TestConsoleLogOutOnAllServers(t *testing.T) {
	t.Parallel()
	options := []servertest.Option{servertest.Console(), servertest.Flags("--database.address", storetest.Postgres(t), "--console.password", "another password")}
	one, two := servertest.Start(t, options...), servertest.Start(t, options...)
	admin := one.ConsoleLogin(t, "admin", "another password")
	ann := admin.Add(t, "ann", goodPassword, `{"USER":{"read":true}}`)
	again := one.ConsoleLogin(t, "ann", goodPassword)
	for _, op := range []*servertest.Operator{admin, ann} {
		here := two.ConsoleToken(op.Token())
		here.Must(t, "GET", "/user", nil)
		op.Must(t, "POST", "/authenticate/logout", map[string]string{"token": op.Token()})
		want(t, here.Do(t, "GET", "/user", nil), 401, 16, "Token invalid.")
	}
	two.ConsoleToken(again.Token()).Must(t, "GET", "/user", nil)
}
