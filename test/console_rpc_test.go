package test

import (
	"strings"
	"testing"

	"kumi/server/servertest"
)

// Operators call functions as a user or as the server, and log in with rows that Nakama
// has written.
func TestConsoleRPC(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		admin, ann := srv.ConsoleAdmin(), srv.User(t, "ann")
		call := func(id string, body any) servertest.Answer {
			t.Helper()
			return admin.Must(t, "POST", "/api/endpoints/rpc/"+id, body)
		}
		if a := call("who", map[string]any{"body": "x"}); a.Body != `{"body":"||x|","error_message":""}` {
			t.Errorf("as the server: %s", a.Body)
		}
		if a := call("WHO", map[string]any{"body": "x", "user_id": ann.ID, "session_vars": map[string]string{"skin": "red"}}); a.Get("body") != ann.ID+"|ann|x|red" {
			t.Errorf("as a user: %s", a.Body)
		}
		if a := call("operator", "{}"); a.Get("body") != "admin" {
			t.Errorf("the operator is %s", a.Body)
		}
		if a := call("fail", "{}"); a.Get("body") != "" || a.Get("error_message") != "not today" {
			t.Errorf("an error: %s", a.Body)
		}
		if a := call("unknown", "{}"); !strings.Contains(a.Get("error_message"), "not found") {
			t.Errorf("an unknown function: %s", a.Body)
		}
		want(t, admin.Do(t, "POST", "/api/endpoints/rpc/who", `{"user_id":"11111111-1111-4111-8111-111111111111"}`), 404, 5, "")
		if a := admin.Must(t, "GET", "/audit/log?action=4", nil); !strings.Contains(a.Body, `"CallRpcEndpoint"`) {
			t.Errorf("the log is %s", a.Body)
		}

		if a := call("nakama_rows", "{}"); a.Get("error_message") != "" {
			t.Fatal(a.Body)
		}
		login := func(name string) servertest.Answer {
			return srv.ConsoleVisitor().Do(t, "POST", "/authenticate", map[string]string{"username": name, "password": "nakama password"})
		}
		old := srv.ConsoleToken(login("oldadmin").Get("token"))
		old.Must(t, "GET", "/user", nil)
		support := srv.ConsoleToken(login("Support@example.com").Get("token"))
		support.Must(t, "GET", "/account", nil)
		want(t, support.Do(t, "GET", "/user", nil), 403, 7, "USER:read")
		want(t, login("gone"), 403, 7, "Invalid credentials.")
	}, servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("who", (ctx, logger, nk, payload) => [ctx.userId || "", ctx.username || "", payload, (ctx.vars || {}).skin || ""].join("|"));
			initializer.registerRpc("operator", (ctx) => ctx.operator);
			initializer.registerRpc("fail", () => { throw { message: "not today", code: 9 }; });
			initializer.registerRpc("nakama_rows", (ctx, logger, nk) => {
				const hash = "$2a$04$WiNsGiJpc19fBSKMHpiDkexAyFRRj2F46.xMvEnjPzdzVNEx/fcgG"; // of "nakama password", with the least cost
				const add = (id, name, acl, disabled) => nk.sqlExec("INSERT INTO console_user (id, username, email, password, acl, disable_time) VALUES ($1, $2, $3, $4, $5, $6)",
					[id, name, name + "@example.com", new Uint8Array(Array.from(hash).map((c) => c.charCodeAt(0))).buffer, acl, disabled]);
				add("aaaaaaaa-1111-4111-8111-111111111111", "oldadmin", '{"admin":true}', "1970-01-01T00:00:00Z");
				add("aaaaaaaa-1111-4111-8111-111111111112", "support", '{"admin":false,"acl":{"ACCOUNT":{"read":true}}}', "1970-01-01T00:00:00Z");
				add("aaaaaaaa-1111-4111-8111-111111111113", "gone", '{"admin":true}', "2024-01-01T00:00:00Z");
			});
		}`))
}
