package test

import (
	"testing"

	"kumi/server/servertest"
)

// stateModule is a match whose signals change its state, in place or as a new object,
// and tell what a later callback finds there.
var stateModule = servertest.Module("index.js", `
	const show = (x) => JSON.stringify(x, (k, v) => v === undefined ? "undefined" : v);
	const open = (board) => board.every((v) => v !== null);
	const steps = {
		at_first: (s) => show([open(s.board), s.board, s.none, s.deep.list[0].none]),
		put: (s) => { s.board = new Array(3); s.found = [].find(() => true); return "" },
		after_put: (s) => show([open(s.board), s.board, s.found]),
		put_deeper: (s) => { s.games.one = { board: [, 1], none: undefined }; return "" },
		after_deeper: (s) => show([s.games.one.board, s.games.one.none]),
		put_many: (s) => { s.many = Array.from({ length: 1000 }, () => ({ none: undefined })); return "" },
		after_many: (s) => show(s.many.filter((x) => x.none !== null).length),
		same: (s) => { s.tail.length = 3; return "" },
		after_same: (s) => show([s.tail, Object.isFrozen(s.frozen), s.map.get("a") === undefined, typeof s.move]),
		after_spread: (s) => show([s.extra, s.fresh, s.many.length]),
	};
	class State {
		constructor() {
			this.board = new Array(9); this.none = undefined; this.deep = { list: [{ none: undefined }] };
			this.games = {}; this.tail = []; this.frozen = Object.freeze([1]); this.map = new Map(); this.self = this;
		}
		move() {}
	}
	const step = (ctx, logger, nk, d, tick, state) => ({ state });
	function InitModule(ctx, logger, nk, initializer) {
		initializer.registerRpc("start", (ctx, logger, nk) => nk.matchCreate("m"));
		initializer.registerRpc("step", (ctx, logger, nk, payload) => { const p = JSON.parse(payload); return nk.matchSignal(p.id, p.step) });
		initializer.registerMatch("m", {
			matchInit: () => ({ state: new State(), tickRate: 1, label: "" }),
			matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
			matchJoin: step, matchLeave: step, matchLoop: step, matchTerminate: step,
			matchSignal: (ctx, logger, nk, d, tick, state, name) => name === "spread"
				? { data: "", state: { ...state, extra: undefined, fresh: { list: [, { none: undefined }] } } } // a new root object
				: { data: steps[name](state), state },
		});
	}`)

// Between callbacks undefined and holes in the state of a match become null, as in
// Nakama; a setting keeps them.
func TestNullsInMatchState(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options []servertest.Option
		want    map[string]string
	}{
		"as in Nakama": {nil, map[string]string{
			"at_first":     `[false,[null,null,null,null,null,null,null,null,null],null,null]`,
			"after_put":    `[false,[null,null,null],null]`,
			"after_deeper": `[[null,1],null]`,
			"after_many":   `0`,
			"after_same":   `[[null,null,null],true,true,"function"]`,
			"after_spread": `[null,{"list":[null,{"none":null}]},1000]`,
		}},
		"kept": {[]servertest.Option{servertest.Flags("--runtime.js_match_state_nulls=false")}, map[string]string{
			"at_first":     `[true,["undefined","undefined","undefined","undefined","undefined","undefined","undefined","undefined","undefined"],"undefined","undefined"]`,
			"after_put":    `[true,["undefined","undefined","undefined"],"undefined"]`,
			"after_deeper": `[["undefined",1],"undefined"]`,
			"after_many":   `1000`,
			"after_same":   `[["undefined","undefined","undefined"],true,true,"function"]`,
			"after_spread": `["undefined",{"list":["undefined",{"none":"undefined"}]},1000]`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, append(c.options, stateModule)...)
			id, a := srv.RPC(t, "start", "")
			if id == "" {
				t.Fatal(a.Body)
			}
			for _, step := range []string{"at_first", "put", "after_put", "put_deeper", "after_deeper", "put_many", "after_many", "same", "after_same", "spread", "after_spread"} {
				got, a := srv.RPC(t, "step", `{"id":"`+id+`","step":"`+step+`"}`)
				if got != c.want[step] {
					t.Errorf("%s: got %q %s, want %s", step, got, a.Body, c.want[step])
				}
			}
		})
	}
}
