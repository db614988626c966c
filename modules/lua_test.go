package modules

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"kumi/core"
	"kumi/store/fault"
)

// answer calls an RPC and fails on an error.
func (w *testServer) answer(t testing.TB, id, payload string) string {
	t.Helper()
	got, err := w.call(t, id, payload)
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	return got
}

func TestLuaFolder(t *testing.T) {
	t.Parallel()
	w := newTestServer(t, map[string]string{
		"b.lua":              `order = (order or "") .. "b"; local rooms = require("game.rooms"); return {rooms = rooms}`,
		"a.lua":              `order = (order or "") .. "a"; require("b")`,
		"game/rooms.lua":     `order = order .. "r"; local nk = require("nakama"); nk.register_rpc(function() return order .. " " .. tostring(require("b").rooms == require("game.rooms")) end, "Order"); return {}`,
		"z.LUA":              `order = order .. "z"`,
		".git/hidden.lua":    `error("not to be loaded")`,
		"node_modules/x.lua": `error("not to be loaded")`,
	})
	if got := w.answer(t, "order", ""); got != "abrz true" {
		t.Errorf("got %q", got)
	}
	var names []string
	for _, m := range w.Modules {
		if m.Runtime != "lua" {
			continue
		}
		names = append(names, m.Name+" "+m.Path+" "+strings.Join(m.RPCs, ","))
	}
	if got := strings.Join(names, "; "); got != "a a.lua ; b b.lua ; game.rooms game/rooms.lua order; z z.LUA " {
		t.Errorf("loaded %q", got)
	}
}

func TestLuaLoadFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"syntax", map[string]string{"a.lua": "local x = 1", "game/b.lua": "\nlocal = 2"}, []string{"game/b.lua:2:"}},
		{"at run time", map[string]string{"game/b.lua": "\n\nerror('no good')"}, []string{"game.b", "game/b.lua:3", "no good"}},
		{"of a required module", map[string]string{"a.lua": "require('b')", "b.lua": "local x = nil + 1"}, []string{"b.lua:1"}},
		{"unknown module", map[string]string{"a.lua": "require('socket')"}, []string{"module socket not found", "a.lua:1"}},
		{"endless", map[string]string{"a.lua": "while true do end"}, []string{"module a", "ran out of time"}},
		{"bad registration", map[string]string{"a.lua": "local nk = require('nakama')\nnk.register_rpc('x')"}, []string{"a.lua:2", "to register_rpc"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := emptyTestServer(t, c.files)
			w.options.CallTimeout = 20 * time.Millisecond
			err := w.load()
			if err == nil {
				t.Fatal("loaded")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q: %v", want, err)
				}
			}
		})
	}
}

func TestLuaTopLevelRunsOnce(t *testing.T) {
	t.Parallel()
	w := emptyTestServer(t, map[string]string{"a.lua": `
		local nk = require("nakama")
		local id = nk.authenticate_custom("custom-top-level", "top_level", true)
		nk.wallet_update(id, {coins = 1}, {}, false)
		nk.run_once(function() nk.wallet_update(id, {coins = 10}, {}, false) end)
		nk.run_once(function(ctx) if ctx.execution_mode == "run_once" then nk.wallet_update(id, {coins = 100}, {}, false) end end)
		nk.register_rpc(function() return nk.json_encode({wallet = nk.account_get_id(id).wallet, id = id ~= nil}) end, "wallet")
	`})
	w.options.LuaMin = 4
	if err := w.load(); err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			got, err := w.call(t, "wallet", "")
			if err != nil || got != `{"id":true,"wallet":{"coins":111}}` {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
	calls.Wait()
}

func TestLuaDivergence(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"calls":         `for _ = 1, math.random(1e15) % 997 do nk.metrics_counter_add("c", {}, 0) end`,
		"registrations": `nk.register_rpc(function() return "" end, "rpc" .. math.random(1e15))`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := emptyTestServer(t, map[string]string{"a.lua": "local nk = require('nakama')\n" + source})
			err := w.load()
			if err == nil {
				t.Fatal("loaded; the chance of that is one in a thousand")
			}
			if !strings.Contains(err.Error(), "differently in each VM") || fault.CodeOf(err) != fault.FailedPrecondition {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLuaStateIsPerVM(t *testing.T) {
	t.Parallel()
	w := emptyTestServer(t, map[string]string{"a.lua": `
		local nk = require("nakama")
		local n = 0
		nk.register_rpc(function() n = n + 1; return tostring(n) end, "count")
	`})
	w.options.LuaMin, w.options.LuaMax = 1, 1
	if err := w.load(); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 3; i++ {
		if got := w.answer(t, "count", ""); got != fmt.Sprint(i) {
			t.Errorf("call %d: got %s", i, got)
		}
	}
}

func TestLuaTimeoutReplacesTheVM(t *testing.T) {
	t.Parallel()
	w := emptyTestServer(t, map[string]string{"a.lua": `
		local nk = require("nakama")
		nk.register_rpc(function() while true do pcall(function() while true do end end) end end, "hang")
		nk.register_rpc(function() return "fine" end, "ok")
	`})
	w.options.LuaMin, w.options.LuaMax = 1, 1
	w.options.CallTimeout = 50 * time.Millisecond
	if err := w.load(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := w.call(t, "hang", ""); fault.CodeOf(err) != fault.DeadlineExceeded || !strings.Contains(err.Error(), "rpc:hang") {
			t.Fatalf("got %v", err)
		}
		if got := w.answer(t, "ok", ""); got != "fine" {
			t.Fatal(got)
		}
	}
}

const luaMatch = `
local nk = require("nakama")
local M = {}
function M.match_init(ctx, params) return {n = params.start or 0, others = package.loaded.other ~= nil}, 10, "label" end
function M.match_join_attempt(ctx, dispatcher, tick, state, presence, metadata) return state, true end
function M.match_join(ctx, dispatcher, tick, state, presences) return state end
function M.match_leave(ctx, dispatcher, tick, state, presences) return state end
function M.match_loop(ctx, dispatcher, tick, state, messages) return state end
function M.match_terminate(ctx, dispatcher, tick, state, grace) return state end
function M.match_signal(ctx, dispatcher, tick, state, data) state.n = state.n + 1; return state, data .. state.n .. tostring(state.others) end
return M`

func TestLuaModuleIsAMatchHandler(t *testing.T) {
	t.Parallel()
	w := newTestServer(t, map[string]string{
		"rooms/duel.lua": luaMatch,
		"other.lua":      `return {}`,
		"half.lua":       `return {match_init = function() return {}, 1, "" end, match_loop = 3}`,
		"early.lua":      `early = require("nakama").match_create("rooms.duel", {start = 41})`,
		"rpc.lua": `local nk = require("nakama")
			nk.register_rpc(function(_, name) return nk.match_create(name, {start = 4}) end, "make")
			nk.register_rpc(function() return early end, "early")
			nk.register_rpc(function(_, id) return nk.match_signal(id, "n=") end, "signal")`,
	})
	id := w.answer(t, "make", "rooms.duel")
	for _, want := range []string{"n=5false", "n=6false"} {
		if got := w.answer(t, "signal", id); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := w.answer(t, "signal", w.answer(t, "early", "")); got != "n=42false" {
		t.Errorf("the match that was made while modules loaded: %q", got)
	}
	if _, err := w.call(t, "make", "half"); err == nil || !strings.Contains(err.Error(), "match_join_attempt not found or not a function") {
		t.Errorf("got %v", err)
	}
	if _, err := w.call(t, "make", "other"); err == nil {
		t.Error("a module without match functions made a match")
	}
}

func TestLuaCheckDoesNotRun(t *testing.T) {
	t.Parallel()
	w := emptyTestServer(t, map[string]string{"a.lua": `error("ran")`})
	w.options.Check = true
	if err := w.load(); err != nil {
		t.Fatal(err)
	}
}

func TestLuaErrorCodes(t *testing.T) {
	t.Parallel()
	w := newTestServer(t, map[string]string{"a.lua": `
		local nk = require("nakama")
		nk.register_rpc(function() error({"not yours", 7}) end, "coded")
		nk.register_rpc(function() error("bad luck") end, "plain")
		nk.register_rpc(function() nk.account_get_id("00000000-0000-4000-8000-000000000000") end, "go")`})
	for id, want := range map[string]struct {
		code    fault.Code
		message string
		logged  bool
	}{
		"coded": {fault.PermissionDenied, "not yours", false},
		"plain": {fault.Internal, "bad luck", true},
	} {
		_, err := w.call(t, id, "")
		if fault.CodeOf(err) != want.code || fault.MessageOf(err, "") != want.message {
			t.Errorf("%s: got %d %q", id, fault.CodeOf(err), fault.MessageOf(err, ""))
		}
		if logged := len(w.log.Lines(want.message, "a.lua")) > 0; logged != want.logged {
			t.Errorf("%s: logged %v", id, logged)
		}
	}
	_, err := w.call(t, "go", "")
	if fault.CodeOf(err) != fault.NotFound {
		t.Errorf("the code of nk's error is lost: %v", err)
	}
}

func TestLuaPrintAndScope(t *testing.T) {
	t.Parallel()
	w := newTestServer(t, map[string]string{"a.lua": `
		local nk = require("nakama")
		print("loading", nk.get_context().env.mood)
		nk.register_rpc(function(ctx, payload) return ctx.username .. ctx.env.mood .. payload end, "who")`})
	if n := len(w.log.Lines("loading\\tfine", `"module":"a"`)); n != 1 {
		t.Errorf("printed %d times", n)
	}
	got, err := w.RPC.Lookup("who").Call(core.WithScope(t.Context(), w.scope("00000000-0000-4000-8000-000000000001", "ann")), "!")
	if err != nil || got != "annfine!" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestLuaReadOnlyGlobals(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"shared.lua": `local M = {list = {1}, deep = {er = {}}}; config = {a = 1}; setmetatable(config, nil); return M`,
		"a.lua": `
			local nk = require("nakama")
			local M = require("shared")
			local Class = setmetatable({}, {__call = function() return "called" end})
			Class.__index = Class
			function Class.name() return "class" end
			own = {}
			local insert = table.insert
			local cases = {
				key = function() M.new = 1 end,
				deep = function() M.deep.er.x = 1 end,
				global = function() config.b = 2 end,
				library = function() string.trim = 1 end,
				insert = function() insert(M.list, 2) end,
				remove = function() table.remove(M.list) end,
				sort = function() table.sort(M.list) end,
				rawset = function() rawset(M, "new", 1) end,
				metatable = function() setmetatable(M, {}) end,
				fine = function()
					fresh = 1; local t = {}; t.x = 1; table.insert(t, 2); table.sort(t); rawset(t, "y", 3); setmetatable(t, Class)
					assert(M.missing == nil and #M.list == 1 and config.a == 1 and not getmetatable(M))
					local n = 0; for _ in pairs(M) do n = n + 1 end
					return n .. t.name() .. Class()
				end,
			}
			nk.register_rpc(function(_, name) return cases[name]() or "" end, "try")`,
	}
	w := newTestServer(t, files)
	for _, name := range []string{"key", "deep", "global", "library", "insert", "remove", "sort", "rawset", "metatable"} {
		_, err := w.call(t, "try", name)
		want := "attempt to modify read only table"
		if name == "metatable" {
			want = "cannot change a protected metatable"
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if got := w.answer(t, "try", "fine"); got != "2classcalled" {
		t.Errorf("got %q", got)
	}

	free := emptyTestServer(t, files)
	free.options.LuaReadOnlyGlobals = false
	if err := free.load(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"key", "deep", "insert", "sort", "rawset"} {
		free.answer(t, "try", name)
	}
}
