package test

import (
	"encoding/json"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// failing are functions that end with errors, in each language.
var failing = map[string][2]string{
	"javascript": {"index.js", `
function InitModule(ctx, logger, nk, i) {
	const fails = {
		sql: () => nk.sqlQuery("SELECT 1 FROM nosuchtable"),
		http: () => nk.httpRequest("http://127.0.0.1:1/secret", "get"),
		endless: () => { for (;;) {} },
		deep: () => { const f = (n) => f(n + 1) + 1; return f(0); },
		again: () => { try { nk.sqlQuery("SELECT 1 FROM nosuchtable"); } catch (e) { throw new Error("says " + e.message); } },
		own: () => { throw { message: "mine", code: 5 }; },
		text: () => { throw { message: "mine", code: "5" }; },
		beyond: () => { throw { message: "mine", code: 99 }; },
		name: () => { throw { message: "mine", code: "ENOENT" }; },
		object: () => { throw { a: 1, b: { c: 2 } }; },
		match: () => nk.matchSignal("4ec4f126-3f9d-11e7-84ef-b7c182b36521.", ""),
		version: () => { nk.storageWrite([{ collection: "c", key: "k", userId: null, value: {}, version: "x" }]); },
		poor: (ctx) => { nk.walletUpdate(ctx.userId, { gold: -1 }); },
		cause: () => { throw new Error("outer", { cause: new Error("inner", { cause: "innermost" }) }); },
		many: () => { throw new AggregateError([new Error("first"), { second: 2 }], "all failed"); },
		rejects: async () => { await Promise.reject("plain"); },
	};
	for (const [name, fn] of Object.entries(fails)) i.registerRpc(name, fn);
	i.registerBeforeGetAccount(fails.sql);
	i.registerRtBefore("StatusUpdate", fails.sql);
}`},
	"lua": {"main.lua", `
local nk = require("nakama")
local fails = {
	sql = function() nk.sql_query("SELECT 1 FROM nosuchtable") end,
	http = function() nk.http_request("http://127.0.0.1:1/secret", "get") end,
	endless = function() while true do end end,
	deep = function() local function f(n) return f(n + 1) + 1 end return f(0) end,
	again = function() local ok, e = pcall(nk.sql_query, "SELECT 1 FROM nosuchtable") error("says " .. e) end,
	own = function() error({ message = "mine", code = 5 }) end,
	text = function() error({ message = "mine", code = "5" }) end,
	beyond = function() error({ message = "mine", code = 99 }) end,
	name = function() error({ message = "mine", code = "ENOENT" }) end,
	object = function() error({ a = 1, b = { c = 2 } }) end,
	match = function() nk.match_signal("4ec4f126-3f9d-11e7-84ef-b7c182b36521.", "") end,
	version = function() nk.storage_write({{ collection = "c", key = "k", value = {}, version = "x" }}) end,
	poor = function(ctx) nk.wallet_update(ctx.user_id, { gold = -1 }) end,
}
for name, fn in pairs(fails) do nk.register_rpc(fn, name) end
nk.register_req_before(fails.sql, "GetAccount")
nk.register_rt_before(fails.sql, "StatusUpdate")`},
}

// The text of a module's error reaches the caller; the text of an internal error is only
// logged.
func TestErrorsOfModules(t *testing.T) {
	t.Parallel()
	const general = "An internal error occurred."
	cases := []struct {
		rpc     string
		code    int
		message string
		log     []string // in one line; nil for no line
	}{
		{"sql", 13, general, []string{"nosuchtable"}},
		{"http", 14, "Something the request needs is not available.", []string{"127.0.0.1:1/secret"}},
		{"endless", 4, "the script ran out of time (limit 300ms)", []string{"FILE"}},
		{"deep", 13, "DEEP", []string{"stack"}},
		{"again", 13, "says ", []string{"says ", "nosuchtable"}},
		{"own", 5, "mine", nil},
		{"text", 5, "mine", nil},
		{"beyond", 13, "mine", nil},
		{"object", 13, `{"a":1,"b":{"c":2}}`, nil},
		{"match", 5, "match not found", []string{`"error":"match not found"`}},
		{"version", 3, "Storage write rejected - version check failed.", nil}, // as a client's own write
		{"poor", 3, "negative", nil},
	}
	for language, module := range failing {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			var log servertest.Journal
			srv := servertest.Start(t, log.Keep(), servertest.Module(module[0], module[1]), servertest.Flags("--runtime.call_timeout_ms", "300",
				"--runtime.js_stack_size", "2000", "--runtime.lua_call_stack_size", "2000")) // the end of the stack before that of the time
			ann := srv.User(t, "ann")
			socket := ann.Socket(t)
			for _, c := range cases {
				want := c.message
				if c.rpc == "deep" {
					want = map[string]string{"javascript": "RangeError: Maximum call stack size exceeded", "lua": "stack overflow"}[language]
				}
				_, a := ann.RPC(t, c.rpc, "")
				prefix := c.rpc == "again" || c.rpc == "deep" || c.rpc == "poor"
				if got := a.Get("message"); a.Code() != c.code || got != want && !(prefix && strings.Contains(got, want)) {
					t.Errorf("%s: code %d and %q, want %d and %q", c.rpc, a.Code(), got, c.code, want)
				}
				if c.rpc != "again" && strings.Contains(a.Body, module[0]) {
					t.Errorf("%s: the answer names a file: %s", c.rpc, a.Body)
				}
				env := socket.Call(t, "rpc", `{"id":"`+c.rpc+`"}`)
				if got := env.Field("error", "message"); got != want && !(prefix && strings.Contains(got, want)) {
					t.Errorf("%s over a socket: %q, want %q", c.rpc, got, want)
				}
				for i, text := range c.log {
					c.log[i] = strings.ReplaceAll(text, "FILE", module[0]+":")
				}
				if lines := log.Lines(append([]string{`RPC function \"` + c.rpc + `\"`, "script function failed"}, c.log...)...); c.log != nil && len(lines) == 0 {
					t.Errorf("%s: the log has no line with %q", c.rpc, c.log)
				}
				for i, text := range c.log {
					c.log[i] = strings.ReplaceAll(text, module[0]+":", "FILE")
				}
			}
			if a := ann.Do(t, "GET", "/v2/account", ""); a.Get("message") != general {
				t.Errorf("a before hook: %s", a.Body)
			}
			if got := socket.Call(t, "status_update", `{"status":"x"}`).Field("error", "message"); got != general {
				t.Errorf("a realtime before hook: %q", got)
			}
		})
	}
}

// The log has the whole error: its causes, the errors it contains and their stacks.
func TestErrorsInTheLog(t *testing.T) {
	t.Parallel()
	var log servertest.Journal
	srv := servertest.Start(t, log.Keep(), servertest.Module(failing["javascript"][0], failing["javascript"][1]))
	for rpc, want := range map[string][]string{
		"cause":   {"outer", "caused by: Error: inner", "caused by: innermost"},
		"many":    {"all failed", "error 1: Error: first", `error 2: {"second":2}`},
		"rejects": {"plain", "index.js:"},
	} {
		srv.RPC(t, rpc, "")
		found := false
		for _, line := range log.Lines(`RPC function \"` + rpc + `\"`) {
			var v struct{ Stack string }
			_ = json.Unmarshal([]byte(line), &v)
			found = true
			for _, text := range want {
				if !strings.Contains(v.Stack, text) {
					t.Errorf("%s: the stack lacks %q:\n%s", rpc, text, v.Stack)
				}
			}
		}
		if !found {
			t.Errorf("%s: not in the log", rpc)
		}
	}
}
