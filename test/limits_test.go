package test

import (
	"net/http"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// hang is a module that never ends wherever it is called.
var hang = map[string]servertest.Option{
	"javascript": servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("echo", (ctx, logger, nk, payload) => payload);
			initializer.registerRpc("hang", () => { while (true) {} });
			initializer.registerRpc("recurse", () => { const f = (n) => 1 + f(n + 1); return String(f(0)); });
			initializer.registerRpc("start", (ctx, logger, nk) => nk.matchCreate("hanging", {}));
			initializer.registerBeforeUpdateAccount(() => { for (;;) {} });
			initializer.registerRtBefore("MatchCreate", () => { for (;;) {} });
			initializer.registerMatch("hanging", {
				matchInit: () => ({ state: {}, tickRate: 10, label: "" }),
				matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
				matchJoin: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchLeave: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchLoop: (ctx, logger, nk, d, tick, state, messages) => { if (messages.length) while (true) {} return { state }; },
				matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchSignal: (ctx, logger, nk, d, tick, state) => ({ state }),
			});
		}`),
	"lua": func(t testing.TB, s *servertest.Setup) {
		servertest.Module("main.lua", `
			local nk = require("nakama")
			local function forever() while true do end end
			nk.register_rpc(function(ctx, payload) return payload end, "echo")
			nk.register_rpc(function() while true do pcall(forever) end end, "hang")
			nk.register_rpc(function() local function f(n) return 1 + f(n + 1) end return tostring(f(0)) end, "recurse")
			nk.register_rpc(function() return nk.match_create("hanging", {}) end, "start")
			nk.register_req_before(forever, "UpdateAccount")
			nk.register_rt_before(forever, "MatchCreate")`)(t, s)
		servertest.Module("hanging.lua", `
			return {
				match_init = function() return {}, 10, "" end,
				match_join_attempt = function(ctx, d, tick, state) return state, true end,
				match_join = function(ctx, d, tick, state) return state end,
				match_leave = function(ctx, d, tick, state) return state end,
				match_loop = function(ctx, d, tick, state, messages)
					if #messages > 0 then while true do end end
					return state
				end,
				match_terminate = function(ctx, d, tick, state) return state end,
				match_signal = function(ctx, d, tick, state) return state, "" end,
			}`)(t, s)
	},
}

// A script that never ends is stopped, its caller gets an error, and everybody
// else is served meanwhile.
func TestHangingScripts(t *testing.T) {
	t.Parallel()
	for language, module := range hang {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, module, servertest.Flags(
				"--runtime.call_timeout_ms", "300", "--runtime.tick_timeout_ms", "300",
				"--runtime.js_stack_size", "2000", "--runtime.lua_call_stack_size", "2000", // recursion ends before the time does
				"--runtime.js_max_count", "4", "--runtime.lua_max_count", "4"))
			other := srv.User(t, "other").Socket(t)
			echo := func(when string) {
				t.Helper()
				if got := other.Call(t, "rpc", `{"id":"echo","payload":"x"}`).Field("rpc", "payload"); got != "x" {
					t.Fatalf("another session's echo %s gave %q", when, got)
				}
			}
			user := srv.User(t, "victim")
			sock := user.Socket(t)

			// Two hang at once over REST while another session goes on.
			done := make(chan servertest.Answer, 2)
			for range 2 {
				go func() {
					_, a := user.RPC(t, "hang", "")
					done <- a
				}()
			}
			echo("while two RPCs hang")
			for range 2 {
				if a := <-done; a.Status != http.StatusGatewayTimeout || a.Code() != 4 {
					t.Errorf("a hanging RPC answered %d %s, want 504 with code 4", a.Status, a.Body)
				}
			}
			if _, a := user.RPC(t, "recurse", ""); a.Status != http.StatusInternalServerError {
				t.Errorf("endless recursion answered %d %s, want 500", a.Status, a.Body)
			}
			if a := user.Do(t, http.MethodPut, "/v2/account", `{"display_name":"x"}`); a.Status != http.StatusGatewayTimeout {
				t.Errorf("a hanging before hook answered %d %s, want 504", a.Status, a.Body)
			}
			if e := sock.Call(t, "match_create", `{}`); e["error"] == nil || !strings.Contains(string(e["error"]), `"code":7`) {
				t.Errorf("a hanging realtime hook answered %s, want error 7", e)
			}

			// A match whose loop hangs ends alone and closes its player's socket.
			id, a := srv.RPC(t, "start", "")
			if a.Status != http.StatusOK {
				t.Fatalf("start match: %d %s", a.Status, a.Body)
			}
			if e := sock.Call(t, "match_join", `{"match_id":"`+id+`"}`); e["match"] == nil {
				t.Fatalf("join: %s", e)
			}
			sock.Send(t, `{"match_data_send":{"match_id":"`+id+`","op_code":"1","data":"e30="}}`)
			echo("while a match hangs")
			sock.Closed(t)
			echo("after the match was ended")
			if e := other.Call(t, "match_join", `{"match_id":"`+id+`"}`); !strings.Contains(string(e["error"]), `"code":4`) {
				t.Errorf("joining the ended match answered %s, want error 4", e)
			}
		})
	}
}
