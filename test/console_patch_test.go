package test

import (
	"encoding/json"
	"testing"

	"kumi/server/servertest"
)

// mixed are matches whose state has more than its JSON shows. They count ticks, and the
// state says whether the values that JSON does not show are still what they were.
var mixed = map[string][]servertest.Option{
	"javascript": {servertest.Module("index.js", `
		class Hero { constructor() { this.hp = 3; } }
		const set = new Set(["a"]), bytes = new Uint8Array([1, 2]), hero = new Hero(), inner = { a: 1, b: 2 };
		const same = (ctx, logger, nk, d, tick, state) => ({ state });
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("create", (ctx, logger, nk) => nk.matchCreate("m"));
			initializer.registerMatch("m", {
				matchInit: () => ({ tickRate: 20, label: "", state: {
					ticks: 0, score: 0 / 0, name: "x", gone: 1, list: [1, 2], inner, hero, ids: { 1001: { hp: 1 } }, fixed: Object.freeze({ a: 1 }),
					opaque: set, bytes, call: () => 5, many: [{ of: set }],
				} }),
				matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
				matchJoin: same, matchLeave: same, matchTerminate: same, matchSignal: same,
				matchLoop: (ctx, logger, nk, d, tick, state) => {
					state.ticks++;
					state.intact = state.opaque === set && state.bytes === bytes && state.call() === 5 && state.many[0].of === set && state.inner === inner &&
						state.hero === hero && Object.getPrototypeOf(state) === Object.prototype;
					state.ok = state.ids[1001].hp === 2;
					return { state };
				},
			});
		}`)},
	"lua": {servertest.Module("m.lua", `
		local opaque, inner = { 1, 2, more = 3 }, { a = 1, b = 2 }
		local hero = setmetatable({ hp = 3 }, { __index = { name = "h" } })
		local bytes = "\255\1"
		local M = {}
		function M.match_init()
			return {
				ticks = 0, score = 0 / 0, name = "x", gone = 1, list = { 1, 2 }, inner = inner, hero = hero, ids = { [1001] = { hp = 1 } },
				opaque = opaque, bytes = bytes, call = function() return 5 end, many = { { of = opaque } },
			}, 20, ""
		end
		function M.match_join_attempt(c, d, t, state) return state, true end
		function M.match_join(c, d, t, state) return state end
		M.match_leave, M.match_terminate, M.match_signal = M.match_join, M.match_join, M.match_join
		function M.match_loop(c, d, t, state)
			state.ticks = state.ticks + 1
			state.intact = state.opaque == opaque and state.opaque.more == 3 and state.bytes == bytes and state.call() == 5 and state.many[1].of == opaque and
				state.inner == inner and state.hero == hero and state.hero.name == "h"
			state.ok = state.ids[1001].hp == 2
			return state
		end
		return M`), servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_rpc(function() return nk.match_create("m") end, "create")`)},
}

// A patch changes what it names. Everything else stays as it is, also what JSON cannot show,
// and ticks that have passed are not undone.
func TestConsolePatchesMatchState(t *testing.T) {
	t.Parallel()
	for language, options := range mixed {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, append([]servertest.Option{servertest.Console(), servertest.Dev()}, options...)...)
			admin := srv.ConsoleLogin(t, "admin", "password")
			id, _ := srv.RPC(t, "create", "")
			live := admin.Live(t)
			live.Subscribe(1, "match", `{"id":"`+id+`"}`)
			type state struct {
				Ticks, Score int
				Name         string
				Gone         *int
				List         []int
				Inner        struct{ A, B, C int }
				Hero         struct{ HP int }
				New          *struct{ X int }
				Intact, OK   bool
			}
			until := func(is func(s state) bool) state {
				t.Helper()
				var s state
				servertest.Until(live, 1, func(n news) bool {
					s = state{}
					return n.State != nil && json.Unmarshal([]byte(n.State.JSON), &s) == nil && is(s)
				})
				return s
			}
			before := until(func(s state) bool { return s.Ticks > 2 && s.Intact })
			patch := func(patch string) servertest.Answer {
				t.Helper()
				return admin.Do(t, "POST", "/match/"+id+"/state", map[string]string{"patch": patch})
			}
			// A patch that fails in its last member changes none of the others.
			for member, part := range map[string]string{
				`"opaque":[]`: "opaque", `"opaque":{"0":1}`: "opaque", `"bytes":"AQI="`: "bytes", `"call":null,"many":[]`: "many[0].of", `"call":6`: "call",
				`"hero":7`: "hero", `"inner":{"a":9},"many":{"0":{"of":1}}`: "many[0].of",
			} {
				want(t, patch(`{"name":"wrong",`+member+`}`), 400, 3, part+": ")
			}
			want(t, patch(`[]`), 400, 3, "The state")
			if language == "javascript" {
				want(t, patch(`{"name":"wrong","fixed":{"b":1}}`), 400, 3, "fixed.b: ")
			}

			if a := patch(` {"score":5,"gone":null,"never":null,"list":[3],"inner":{"a":7,"c":8},"hero":{"hp":4},"ids":{"1001":{"hp":2}},"new":{"x":1,"y":null}}`); a.Status != 200 {
				t.Fatal(a)
			}
			s := until(func(s state) bool { return s.Score == 5 && s.OK })
			if !s.Intact || s.Name != "x" || s.Gone != nil || len(s.List) != 1 || s.Inner != struct{ A, B, C int }{7, 2, 8} || s.Hero.HP != 4 || s.New == nil || s.New.X != 1 || s.Ticks < before.Ticks {
				t.Errorf("the state is %+v", s)
			}
			if a := patch(`{}`); a.Status != 200 {
				t.Fatal(a)
			}
			after := s.Ticks
			until(func(s state) bool { return s.Ticks > after && s.Intact && s.OK })
			if a := patch(`{"opaque":null,"__proto__":{"name":"y"}}`); a.Status != 200 {
				t.Fatal(a)
			}
		})
	}
}
