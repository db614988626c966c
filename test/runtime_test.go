package test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// tour is the same module in each language: RPCs, hooks on both kinds of calls
// and a match, written the way each language is written.
var tour = map[string][]servertest.Option{
	"typescript": {servertest.Module("index.ts", `
		import { shout } from "./lib/shout";
		const seen: string[] = [];
		class Counter { n = 0; add(x: number) { return (this.n += x); } }
		export function InitModule(ctx, logger, nk, initializer) {
			const counter = new Counter();
			for (const id of ["echo", "again"]) initializer.registerRpc(id, (ctx, logger, nk, payload: string) => payload);
			initializer.registerRpc("shout", (ctx, logger, nk, payload) => shout(payload));
			initializer.registerRpc("who", (ctx) => JSON.stringify({ user: ctx.userId ?? null, name: ctx.username ?? null, mode: ctx.executionMode }));
			initializer.registerRpc("fail", () => { throw { message: "no such thing", code: 5 }; });
			initializer.registerRpc("crash", () => { throw new Error("boom"); });
			initializer.registerRpc("start", (ctx, logger, nk, payload) => nk.matchCreate(payload || "counter", { from: 10 }));
			initializer.registerRpc("signal", (ctx, logger, nk, payload) => nk.matchSignal(payload, "how much"));
			initializer.registerBeforeUpdateAccount((ctx, logger, nk, req) => { if (req.displayName === "forbidden") throw { message: "not that name", code: 7 }; req.displayName = shout(req.displayName); return req; });
			initializer.registerBeforeGetUsers(() => null);
			initializer.registerAfterUpdateAccount((ctx, logger, nk, out, req) => { nk.storageWrite([{ collection: "log", key: "after", userId: ctx.userId, value: { name: req.displayName } }]); });
			initializer.registerRtBefore("MatchCreate", (ctx, logger, nk, envelope) => { envelope.matchCreate.name = "rewritten"; return envelope; });
			initializer.registerRtAfter("MatchLeave", (ctx, logger, nk, out, envelope) => { nk.storageWrite([{ collection: "log", key: "left", userId: ctx.userId, value: { id: envelope.matchLeave.matchId } }]); });
			initializer.registerRtBefore("StatusUpdate", () => { throw new Error("not today"); });
			initializer.registerMatch("counter", {
				matchInit: (ctx, logger, nk, params) => ({ state: { counter, total: new Map([["n", params.from]]) }, tickRate: 20, label: "counting" }),
				matchJoinAttempt: (ctx, logger, nk, d, tick, state, presence, metadata) => ({ state, accept: metadata?.key === "open", rejectMessage: "wrong key" }),
				matchJoin: (ctx, logger, nk, d, tick, state, presences) => { d.broadcastMessage(1, JSON.stringify({ joined: presences.length })); return { state }; },
				matchLeave: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchLoop: (ctx, logger, nk, d, tick, state, messages) => {
					for (const m of messages) {
						const n = state.total.get("n") + Number(nk.binaryToString(m.data));
						state.total.set("n", n);
						d.broadcastMessage(2, String(n), null, m.sender);
					}
					return { state };
				},
				matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchSignal: (ctx, logger, nk, d, tick, state, data) => ({ state, data: data + ": " + state.total.get("n") }),
			});
		}`), servertest.Module("lib/shout.ts", `export const shout = (s: string): string => s.toUpperCase();`)},
	"lua": {servertest.Module("main.lua", `
		local nk = require("nakama")
		local shout = require("lib.shout")
		for _, id in ipairs({ "echo", "again" }) do
			nk.register_rpc(function(ctx, payload) return payload end, id)
		end
		nk.register_rpc(function(ctx, payload) return shout(payload) end, "shout")
		nk.register_rpc(function(ctx) return nk.json_encode({ user = ctx.user_id, name = ctx.username, mode = ctx.execution_mode }) end, "who")
		nk.register_rpc(function() error({ "no such thing", 5 }) end, "fail")
		nk.register_rpc(function() error("boom") end, "crash")
		nk.register_rpc(function(ctx, payload) return nk.match_create(payload ~= "" and payload or "counter", { from = 10 }) end, "start")
		nk.register_rpc(function(ctx, payload) return nk.match_signal(payload, "how much") end, "signal")
		nk.register_req_before(function(ctx, req)
			if req.display_name == "forbidden" then error({ "not that name", 7 }) end
			req.display_name = shout(req.display_name)
			return req
		end, "UpdateAccount")
		nk.register_req_before(function() return nil end, "GetUsers")
		nk.register_req_after(function(ctx, out, req)
			nk.storage_write({ { collection = "log", key = "after", user_id = ctx.user_id, value = { name = req.display_name } } })
		end, "UpdateAccount")
		nk.register_rt_before(function(ctx, envelope) envelope.match_create.name = "rewritten" return envelope end, "MatchCreate")
		nk.register_rt_after(function(ctx, out, envelope)
			nk.storage_write({ { collection = "log", key = "left", user_id = ctx.user_id, value = { id = envelope.match_leave.match_id } } })
		end, "MatchLeave")
		nk.register_rt_before(function() error("not today") end, "StatusUpdate")`),
		servertest.Module("lib/shout.lua", `return function(s) return s:upper() end`),
		servertest.Module("counter.lua", `
		local nk = require("nakama")
		local M = {}
		function M.match_init(ctx, params) return { total = params.from }, 20, "counting" end
		function M.match_join_attempt(ctx, d, tick, state, presence, metadata) return state, metadata.key == "open", "wrong key" end
		function M.match_join(ctx, d, tick, state, presences) d.broadcast_message(1, nk.json_encode({ joined = #presences })) return state end
		function M.match_leave(ctx, d, tick, state) return state end
		function M.match_loop(ctx, d, tick, state, messages)
			for _, m in ipairs(messages) do
				state.total = state.total + tonumber(m.data)
				d.broadcast_message(2, tostring(state.total), nil, m.sender)
			end
			return state
		end
		function M.match_terminate(ctx, d, tick, state) return state end
		function M.match_signal(ctx, d, tick, state, data) return state, data .. ": " .. state.total end
		return M`)},
}

// each runs a test on a server for every language of the tour, on both
// databases.
func each(t *testing.T, test func(t *testing.T, srv *servertest.Server)) {
	for language, options := range tour {
		for database, more := range map[string][]servertest.Option{"SQLite": nil, "PostgreSQL": {servertest.Postgres()}} {
			t.Run(language+"/"+database, func(t *testing.T) {
				t.Parallel()
				test(t, servertest.Start(t, append(more, options...)...))
			})
		}
	}
}

func TestRPCDoors(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, srv *servertest.Server) {
		ann := srv.User(t, "ann")
		sock := ann.Socket(t)
		const auth = "Basic ZGVmYXVsdGh0dHBrZXk6"

		for _, c := range []struct {
			name, method, path, auth, body string
			status                         int
			want                           string
		}{
			{"POST with a session", "POST", "/v2/rpc/echo", "Bearer " + ann.Token, `"hi"`, 200, `{"payload":"hi"}`},
			{"another id of the loop", "POST", "/v2/rpc/again", "Bearer " + ann.Token, `"hi"`, 200, `{"payload":"hi"}`},
			{"id in other case", "POST", "/v2/rpc/ECHO", "Bearer " + ann.Token, `"hi"`, 200, `{"payload":"hi"}`},
			{"code of another file", "POST", "/v2/rpc/shout", "Bearer " + ann.Token, `"hi"`, 200, `{"payload":"HI"}`},
			{"GET has no payload", "GET", "/v2/rpc/echo?http_key=defaulthttpkey", "", "", 200, `{"payload":""}`},
			{"key as Basic user", "POST", "/v2/rpc/echo", auth, `"hi"`, 200, `{"payload":"hi"}`},
			{"unwrap", "POST", "/v2/rpc/echo?unwrap", "Bearer " + ann.Token, `{"a":1}`, 200, `{"a":1}`},
			{"body not a string", "POST", "/v2/rpc/echo", "Bearer " + ann.Token, `{"a":1}`, 400, `"code":3`},
			{"no authentication", "POST", "/v2/rpc/echo", "", `"hi"`, 401, `"code":16`},
			{"wrong key", "POST", "/v2/rpc/echo?http_key=nope", "", `"hi"`, 401, `"code":16`},
			{"unknown id", "POST", "/v2/rpc/nothing", "Bearer " + ann.Token, `"hi"`, 404, `"code":5`},
			{"coded error", "POST", "/v2/rpc/fail", "Bearer " + ann.Token, `""`, 404, `"message":"no such thing"`},
			{"plain error", "POST", "/v2/rpc/crash", "Bearer " + ann.Token, `""`, 500, `boom`},
		} {
			a := srv.Do(t, c.method, c.path, c.auth, c.body)
			if a.Status != c.status || !strings.Contains(a.Body, c.want) {
				t.Errorf("%s: %d %s, want %d with %s", c.name, a.Status, a.Body, c.status, c.want)
			}
		}

		// ctx tells players from servers.
		who, _ := ann.RPC(t, "who", "")
		if !strings.Contains(who, ann.ID) || !strings.Contains(who, `"rpc"`) {
			t.Errorf("who of a player: %s", who)
		}
		if who, _ = srv.RPC(t, "who", ""); strings.Contains(who, ann.ID) || strings.Contains(who, "ann") {
			t.Errorf("who of a server: %s", who)
		}

		// Over the socket.
		if e := sock.Call(t, "rpc", `{"id":"Shout","payload":"hi"}`); e.Field("rpc", "payload") != "HI" || e.Field("rpc", "id") != "Shout" {
			t.Errorf("socket rpc: %s", e["rpc"])
		}
		for body, code := range map[string]string{`{"id":"","payload":""}`: "3", `{"id":"nothing"}`: "6", `{"id":"fail"}`: "7"} {
			if e := sock.Call(t, "rpc", body); !strings.Contains(string(e["error"]), `"code":`+code) {
				t.Errorf("socket rpc %s: %s, want error %s", body, e, code)
			}
		}
	})
}

func TestHooks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, srv *servertest.Server) {
		ann := srv.User(t, "ann")
		sock := ann.Socket(t)
		stored := func(key string) string {
			t.Helper()
			a := ann.Do(t, http.MethodPost, "/v2/storage", `{"object_ids":[{"collection":"log","key":"`+key+`","user_id":"`+ann.ID+`"}]}`)
			var body struct{ Objects []struct{ Value string } }
			if err := json.Unmarshal([]byte(a.Body), &body); err != nil || len(body.Objects) != 1 {
				t.Fatalf("read %s: %d %s", key, a.Status, a.Body)
			}
			return body.Objects[0].Value
		}

		if a := ann.Do(t, http.MethodPut, "/v2/account", `{"display_name":"quiet"}`); a.Status != 200 || a.Body != "{}" {
			t.Fatalf("update: %d %s", a.Status, a.Body)
		}
		if got := ann.Do(t, http.MethodGet, "/v2/account", "").Get("user.display_name"); got != "QUIET" {
			t.Errorf("the before hook's change gave display name %q", got)
		}
		if got := stored("after"); got != `{"name": "QUIET"}` {
			t.Errorf("the after hook saw %s", got)
		}
		if a := ann.Do(t, http.MethodPut, "/v2/account", `{"display_name":"forbidden"}`); a.Status != 403 || a.Get("message") != "not that name" {
			t.Errorf("coded rejection: %d %s", a.Status, a.Body)
		}
		if a := ann.Do(t, http.MethodGet, "/v2/user?ids="+ann.ID, ""); a.Status != 404 || a.Code() != 5 {
			t.Errorf("nil from a before hook: %d %s, want 404", a.Status, a.Body)
		}

		// Realtime: the name was rewritten, so two unnamed creations meet.
		first := sock.Call(t, "match_create", `{"name":"mine"}`).Field("match", "match_id")
		second := srv.User(t, "ben").Socket(t).Call(t, "match_create", `{}`).Field("match", "match_id")
		if first == "" || first != second {
			t.Errorf("rewritten names gave %q and %q", first, second)
		}
		if e := sock.Call(t, "status_update", `{"status":"hi"}`); !strings.Contains(string(e["error"]), `"code":7`) {
			t.Errorf("error in a realtime hook: %s, want error 7", e)
		}
		sock.Call(t, "match_leave", `{"match_id":"`+first+`"}`)
		sock.Call(t, "ping", `{}`) // after hooks of a session run before its next message
		if got := stored("left"); !strings.Contains(got, first) {
			t.Errorf("the realtime after hook saw %s", got)
		}
	})
}

func TestAuthoritativeMatch(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, srv *servertest.Server) {
		ann, ben := srv.User(t, "ann"), srv.User(t, "ben")
		a, b := ann.Socket(t), ben.Socket(t)
		id, answer := srv.RPC(t, "start", "")
		if answer.Status != 200 || !strings.HasSuffix(id, ".nakama") {
			t.Fatalf("create: %d %s", answer.Status, answer.Body)
		}
		if e := a.Call(t, "match_join", `{"match_id":"`+id+`","metadata":{"key":"shut"}}`); !strings.Contains(string(e["error"]), "wrong key") || !strings.Contains(string(e["error"]), `"code":5`) {
			t.Errorf("refused join: %s", e)
		}
		for _, s := range []*servertest.Socket{a, b} {
			e := s.Call(t, "match_join", `{"match_id":"`+id+`","metadata":{"key":"open"}}`)
			if e.Field("match", "label") != "counting" {
				t.Fatalf("join: %s", e)
			}
			s.Expect(t, "match_data") // "joined"
		}
		a.Expect(t, "match_data") // ben's
		a.Send(t, `{"match_data_send":{"match_id":"`+id+`","op_code":"5","data":"NQ=="}}`)
		for _, s := range []*servertest.Socket{a, b} {
			e := s.Expect(t, "match_data")
			// "15", from ann.
			if e.Field("match_data", "data") != "MTU=" || !strings.Contains(string(e["match_data"]), ann.ID) {
				t.Errorf("broadcast: %s", e["match_data"])
			}
		}
		if got, a := srv.RPC(t, "signal", id); got != "how much: 15" {
			t.Errorf("signal: %q %s", got, a.Body)
		}
		if e := a.Call(t, "match_join", `{"match_id":"`+id+`"}`); e["match"] == nil {
			t.Errorf("join again: %s", e)
		}
		if e := b.Call(t, "match_join", `{"match_id":"00000000-0000-4000-8000-000000000000.nakama"}`); !strings.Contains(string(e["error"]), `"code":4`) {
			t.Errorf("unknown match: %s", e)
		}
	})
}

// A function of one language starts the match of another, and the first of Go,
// Lua and JavaScript wins a name.
func TestLanguagesTogether(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t,
		servertest.Module("index.js", `
			function InitModule(ctx, logger, nk, initializer) {
				initializer.registerRpc("where", () => "javascript");
				initializer.registerRpc("only_js", () => "javascript");
				initializer.registerRpc("lua_match", (ctx, logger, nk) => nk.matchCreate("arena", {}));
				initializer.registerRpc("signal", (ctx, logger, nk, id) => nk.matchSignal(id, ""));
			}`),
		servertest.Module("deep/er/where.lua", `require("nakama").register_rpc(function() return "lua" end, "Where")`),
		servertest.Module("arena.lua", `
			local keep = function(ctx, d, tick, state) return state end
			return {
				match_init = function() return {}, 1, "" end, match_join_attempt = keep, match_join = keep,
				match_leave = keep, match_loop = keep, match_terminate = keep,
				match_signal = function(ctx, d, tick, state) return state, "from lua" end,
			}`))
	for id, want := range map[string]string{"where": "lua", "only_js": "javascript"} {
		if got, a := srv.RPC(t, id, ""); got != want {
			t.Errorf("%s answered %q %s, want %s", id, got, a.Body, want)
		}
	}
	id, _ := srv.RPC(t, "lua_match", "")
	if got, a := srv.RPC(t, "signal", id); got != "from lua" {
		t.Errorf("signal from JavaScript to a Lua match: %q %s", got, a.Body)
	}
}

// A module that cannot be loaded fails the start with an error that says where.
func TestBrokenModules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, source string
		want         []string
	}{
		"TypeScript syntax":    {"index.ts", "const a = 1;\nlet = = 2;\n", []string{"index.ts:2"}},
		"missing import":       {"index.ts", "import { x } from './gone';\nexport function InitModule() { x(); }\n", []string{"index.ts:1", "gone"}},
		"error in InitModule":  {"index.ts", "export function InitModule() {\n  throw new Error('cannot start');\n}\n", []string{"index.ts:2", "cannot start"}},
		"no InitModule":        {"index.js", "var a = 1;\n", []string{"InitModule"}},
		"unknown hook":         {"index.js", "function InitModule(c, l, n, i) { i.registerRtBefore('ChanelJoin', () => 1); }\n", []string{"ChanelJoin", "ChannelJoin"}},
		"match without a loop": {"index.js", "function InitModule(c, l, n, i) { i.registerMatch('m', { matchInit: () => 1 }); }\n", []string{"matchJoinAttempt"}},
		"Lua syntax":           {"a/b.lua", "local x = 1\nlocal y = = 2\n", []string{"a/b.lua", "2"}},
		"Lua error":            {"b.lua", "\nerror('cannot start')\n", []string{"b.lua:2", "cannot start"}},
		"Lua missing require":  {"b.lua", "require('gone')\n", []string{"b.lua:1", "gone"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := servertest.TryStart(t, servertest.Module(c.file, c.source))
			if err == nil {
				t.Fatal("the server started")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

// Events that modules raise while they load reach the handlers, whichever of
// the two came first.
func TestEventsRaisedWhileLoading(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t,
		servertest.Module("first.lua", `
			local nk = require("nakama")
			nk.event("from_lua", { n = "1" }, 1)
			nk.register_rpc(function()
				local objects = nk.storage_list("", "events", 100)
				local names = {}
				for _, o in ipairs(objects) do table.insert(names, o.key) end
				return table.concat(names, " ")
			end, "raised")`),
		servertest.Module("index.js", `
			function InitModule(ctx, logger, nk, initializer) {
				nk.event("from_js", { n: "2" });
				initializer.registerEvent((ctx, logger, nk, event) => {
					nk.storageWrite([{ collection: "events", key: event.name, value: {} }]);
				});
			}`))
	servertest.Eventually(t, "both events", func() bool {
		got, _ := srv.RPC(t, "raised", "")
		return strings.Contains(got, "from_lua") && strings.Contains(got, "from_js")
	})
}
