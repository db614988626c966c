package test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// arena is a match whose every answer has a greeting in front, which is how the
// test sees what code runs. Its state has values of all kinds that can be transferred.
const arenaTS = `
	const greeting = "one";
	function report(state) {
		const view = new Uint8Array(state.bytes);
		return [greeting, state.n, [...state.players.keys()].map(k => state.players.get(k).username).join("+"), state.tags.has("x"), state.when.toISOString(),
			state.self === state, state.list[0] === state.list[1], state.shared === state.list[0], view[1], state.view[0], state.view.buffer === state.bytes,
			state.big, String(state.pattern), state.sparse.length, 1 in state.sparse, state.nothing === undefined && "nothing" in state, state.error.message, Object.getPrototypeOf(state.bare) === null,
			state.key.get(state.list[0])].join(",");
	}
	const arena = {
		matchInit(ctx, logger, nk, params) {
			const shared = { a: 1 };
			const bytes = new Uint8Array([1, 2, 3]).buffer;
			const state: any = { n: 0, players: new Map(), tags: new Set(["x"]), when: new Date(86400000), list: [shared, shared], shared, bytes, view: new Uint8Array(bytes, 1, 2),
				big: 10n, pattern: /a+/gi, sparse: [1, , 3], nothing: undefined, error: new TypeError("oh"), bare: Object.create(null), key: new Map([[shared, "found"]]) };
			state.self = state;
			EXTRA
			return { state, tickRate: 20, label: "arena" };
		},
		matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
		matchJoin(ctx, logger, nk, d, tick, state, presences) { for (const p of presences) state.players.set(p.userId, p); return { state }; },
		matchLeave(ctx, logger, nk, d, tick, state, presences) { for (const p of presences) state.players.delete(p.userId); return { state }; },
		matchLoop(ctx, logger, nk, d, tick, state, messages) {
			for (const m of messages) {
				state.n++;
				d.broadcastMessage(1, report(state) + "," + nk.binaryToString(m.data));
			}
			return { state };
		},
		matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }),
		matchSignal: (ctx, logger, nk, d, tick, state, data) => ({ state, data: data === "ctx" ? [ctx.moduleVersion, ctx.matchLabel, ctx.matchTickRate].join() : greeting }),
		RELOAD
	};
	export function InitModule(ctx, logger, nk, initializer) {
		initializer.registerMatch("arena", arena);
		initializer.registerRpc("start", () => nk.matchCreate("arena", {}));
		initializer.registerRpc("signal", (ctx, logger, nk, id) => nk.matchSignal(id, "hello"));
		initializer.registerRpc("ctx", (ctx, logger, nk, id) => nk.matchSignal(id, "ctx"));
	}`

const arenaReport = ",ann,true,1970-01-02T00:00:00.000Z,true,true,true,2,2,true,10,/a+/gi,3,false,true,oh,true,found,"

const arenaLua = `
	local nk = require("nakama")
	local greeting = "one"
	local M = {}
	function M.match_init(ctx, params)
		local shared = { a = 1 }
		local state = { n = 0, players = {}, list = { shared, shared }, shared = shared, keyed = { [shared] = "found", [true] = "yes", [2.5] = "half" } }
		state.self = state
		EXTRA
		return state, 20, "arena"
	end
	local function report(state)
		local names = {}
		for _, p in pairs(state.players) do names[#names + 1] = p.username end
		return table.concat({ greeting, state.n, table.concat(names, "+"), tostring(state.self == state), tostring(state.list[1] == state.list[2]), tostring(state.shared == state.list[1]),
			state.keyed[state.shared], state.keyed[true], state.keyed[2.5] }, ",")
	end
	function M.match_join_attempt(ctx, d, tick, state, presence, metadata) return state, true end
	function M.match_join(ctx, d, tick, state, presences) for _, p in ipairs(presences) do state.players[p.user_id] = p end return state end
	function M.match_leave(ctx, d, tick, state, presences) for _, p in ipairs(presences) do state.players[p.user_id] = nil end return state end
	function M.match_loop(ctx, d, tick, state, messages)
		for _, m in ipairs(messages) do
			state.n = state.n + 1
			d.broadcast_message(1, report(state) .. "," .. m.data)
		end
		return state
	end
	function M.match_terminate(ctx, d, tick, state) return state end
	function M.match_signal(ctx, d, tick, state, data)
		if data == "ctx" then return state, ctx.module_version .. "," .. ctx.match_label .. "," .. ctx.match_tick_rate end
		return state, greeting
	end
	RELOAD
	return M`

const arenaLuaMain = `
	local nk = require("nakama")
	nk.register_rpc(function() return nk.match_create("arena", {}) end, "start")
	nk.register_rpc(function(ctx, id) return nk.match_signal(id, "hello") end, "signal")
	nk.register_rpc(function(ctx, id) return nk.match_signal(id, "ctx") end, "ctx")`

const arenaLuaReport = ",ann,true,true,true,found,yes,half,"

// arenaCase is the arena in one language.
type arenaCase struct {
	file, source, report string
	options              []servertest.Option
}

var arenas = map[string]arenaCase{
	"typescript": {"index.ts", arenaTS, arenaReport, nil},
	"lua":        {"arena.lua", arenaLua, arenaLuaReport, []servertest.Option{servertest.Module("main.lua", arenaLuaMain)}},
}

// code is the arena's source with something more in init and as match_reload.
func (a arenaCase) code(greeting, extra, reload string) string {
	return strings.NewReplacer(`"one"`, `"`+greeting+`"`, "EXTRA", extra, "RELOAD", reload).Replace(a.source)
}

// match is a running arena with ann in it.
type arenaMatch struct {
	*servertest.Server
	arenaCase
	log  *servertest.Journal
	sock *servertest.Socket
	id   string
}

func startArena(t *testing.T, a arenaCase, mode, extra string) *arenaMatch {
	t.Helper()
	m := &arenaMatch{arenaCase: a, log: &servertest.Journal{}}
	m.Server = servertest.Start(t, append(a.options, m.log.Keep(), servertest.Flags("--runtime.match_reload="+mode, "--runtime.js_match_state_nulls=false"), servertest.Module(a.file, a.code("one", extra, "")))...)
	m.id, _ = m.RPC(t, "start", "")
	m.sock = m.User(t, "ann").Socket(t)
	if e := m.sock.Call(t, "match_join", `{"match_id":"`+m.id+`"}`); e["error"] != nil {
		t.Fatalf("join: %s", e["error"])
	}
	return m
}

// say sends something to the match and gives its answer.
func (m *arenaMatch) say(t *testing.T, text string) string {
	t.Helper()
	m.sock.Send(t, `{"match_data_send":{"match_id":"`+m.id+`","op_code":"1","data":"`+base64.StdEncoding.EncodeToString([]byte(text))+`"}}`)
	var d struct{ Data []byte }
	if err := json.Unmarshal(m.sock.Expect(t, "match_data")["match_data"], &d); err != nil {
		t.Fatal(err)
	}
	return string(d.Data)
}

func (m *arenaMatch) greeting(t *testing.T) string {
	t.Helper()
	got, a := m.RPC(t, "signal", m.id)
	if a.Status != 200 {
		t.Fatalf("signal: %d %s", a.Status, a.Body)
	}
	return got
}

func (m *arenaMatch) reload(t *testing.T, greeting, extra, reload string) {
	t.Helper()
	m.Write(t, m.file, m.code(greeting, extra, reload))
	if err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func eachArena(t *testing.T, test func(t *testing.T, language string, a arenaCase)) {
	for language, a := range arenas {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			test(t, language, a)
		})
	}
}

func TestPinnedMatchEndsAsItBegan(t *testing.T) {
	t.Parallel()
	eachArena(t, func(t *testing.T, language string, a arenaCase) {
		m := startArena(t, a, "pin", "")
		old := m.Modules()
		m.reload(t, "two", "", "")
		if got, want := m.say(t, "a"), "one,1"+a.report+"a"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got := m.greeting(t); got != "one" {
			t.Errorf("signal: %s", got)
		}
		// A new match runs the new code.
		m.id, _ = m.RPC(t, "start", "")
		if got := m.greeting(t); got != "two" {
			t.Errorf("signal of a new match: %s", got)
		}
		for _, p := range old.Pools {
			servertest.Eventually(t, "the pool of the old code is empty", func() bool { return p.Stats().Allocated == 0 })
		}
	})
}

func TestSwappedMatchKeepsItsState(t *testing.T) {
	t.Parallel()
	eachArena(t, func(t *testing.T, language string, a arenaCase) {
		m := startArena(t, a, "swap", "")
		if got, want := m.say(t, "a"), "one,1"+a.report+"a"; got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
		n := 1
		for _, greeting := range []string{"two", "three"} {
			m.reload(t, greeting, "", "")
			servertest.Eventually(t, "the match runs the new code", func() bool { return m.greeting(t) == greeting })
			n++
			if got, want := m.say(t, "b"), greeting+","+string(rune('0'+n))+a.report+"b"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		if got, _ := m.RPC(t, "ctx", m.id); got != m.Modules().Version+",arena,20" {
			t.Errorf("ctx: %s", got)
		}
		if lines := m.log.Lines("keeping the old code"); len(lines) > 0 {
			t.Errorf("warnings: %s", lines)
		}
	})
}

func TestStateThatCannotBeConvertedKeepsTheMatch(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ language, extra, want string }{
		"function":       {"typescript", `state.players.fire = 1; state.weapon = { fire: () => 1 };`, `state.weapon.fire is a function`},
		"class":          {"typescript", `class Unit { hp = 1 } state.units = [1, new Unit()];`, `state.units[1] is an instance of the class Unit`},
		"in a map":       {"typescript", `state.key.set("k", { "a b": Symbol("s") });`, `state.key.get(\"k\")[\"a b\"] is a symbol`},
		"symbol key":     {"typescript", `state.odd = { [Symbol("s")]: 1 };`, `a property with a symbol as key`},
		"promise":        {"typescript", `state.later = Promise.resolve(1);`, `state.later is a promise`},
		"server object":  {"typescript", `state.nk = nk;`, `state.nk is an object of the server's functions`},
		"map's subclass": {"typescript", `class Mine extends Map {} state.mine = new Mine();`, `state.mine is an instance of the class Mine`},
		"lua function":   {"lua", `state.fire = function() end`, `state.fire is a function`},
		"metatable":      {"lua", `state.units = { setmetatable({}, { __index = {} }) }`, `state.units[1] is a table with a metatable`},
		"coroutine":      {"lua", `state.co = coroutine.create(function() end)`, `state.co is a coroutine`},
		"lua server":     {"lua", `state.nk = nk`, `state.nk is a table of the server's functions`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := arenas[c.language]
			m := startArena(t, a, "swap", c.extra)
			m.reload(t, "two", c.extra, "")
			servertest.Eventually(t, "the log says why", func() bool {
				return len(m.log.Lines(`"level":"warn"`, "keeping the old code", c.want, m.id)) > 0
			})
			if got, want := m.say(t, "a"), "one,1"+a.report+"a"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestMatchReloadConvertsState(t *testing.T) {
	t.Parallel()
	reload := map[string][3]string{ // what is in the state, the converter, one that fails
		"typescript": {
			`class Unit { hp = 1 } (state as any).unit = new Unit(); (state as any).fire = () => 1;`,
			`matchReload(ctx, logger, nk, d, tick, state) { class Unit { hp = 0; hit() { return ++this.hp } } state.n = 100 * Object.assign(new Unit(), state.unit).hit(); d.broadcastMessage(1, "reloaded"); return { state }; },`,
			`matchReload() { throw new Error("no way"); },`,
		},
		"lua": {
			`state.unit = setmetatable({ hp = 1 }, { __index = {} }) state.fire = function() end`,
			`function M.match_reload(ctx, d, tick, state) state.n = 100 * (state.unit.hp + 1) d.broadcast_message(1, "reloaded") return state end`,
			`function M.match_reload(ctx, d, tick, state) error("no way") end`,
		},
	}
	eachArena(t, func(t *testing.T, language string, a arenaCase) {
		extra, convert, fail := reload[language][0], reload[language][1], reload[language][2]
		m := startArena(t, a, "swap", extra)
		m.reload(t, "bad", "", fail)
		servertest.Eventually(t, "the log says that it failed", func() bool {
			return len(m.log.Lines(`"level":"warn"`, "keeping the old code", "no way", m.id)) > 0
		})
		if got, want := m.say(t, "a"), "one,1"+a.report+"a"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		m.reload(t, "two", "", convert)
		servertest.Eventually(t, "the match runs the new code", func() bool { return m.greeting(t) == "two" })
		m.sock.Expect(t, "match_data") // what the converter sent
		if got, want := m.say(t, "b"), "two,201"+a.report+"b"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if len(m.log.Lines("is incomplete", "state.unit is", "state.fire is a function")) == 0 {
			t.Error("the log does not say what was left out")
		}
	})
}

// TestSwapOfManyMatches has matches begin, run and end while the code changes.
func TestSwapOfManyMatches(t *testing.T) {
	t.Parallel()
	a := arenas["typescript"]
	m := startArena(t, a, "swap", "")
	ids := []string{m.id}
	for i := range 10 {
		m.Write(t, a.file, a.code("g"+string(rune('0'+i)), "", ""))
		if err := m.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			id, _ := m.RPC(t, "start", "")
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		m.id = id
		servertest.Eventually(t, "every match runs the last code", func() bool { return m.greeting(t) == "g9" })
	}
	if lines := m.log.Lines("keeping the old code"); len(lines) > 0 {
		t.Errorf("warnings: %s", lines)
	}
}
