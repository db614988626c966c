package js_test

import (
	"strings"
	"testing"

	"kumi/vm/js"
)

func TestSharedWrites(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`let n = 0; function f() { n++; }`:                                                                             "n 1:27",
		`let n = 0; n = 1; function InitModule() { n = 2; }`:                                                           "",
		`let n = 0; const f = () => { n += 1; };`:                                                                      "n 1:30",
		`let n = 0; function f(n) { n = 1; }`:                                                                          "",
		`let n = 0; function f({ a: { n } }, [m] = [n]) { n = 1; m = 2; }`:                                             "",
		`let n = 0; function f() { for (const n of []) { n.x = 1; } }`:                                                 "",
		`let n = 0; function f() { if (1) { let n; n = 1; } }`:                                                         "",
		`let n = 0; function f() { try {} catch (n) { n = 1 } }`:                                                       "",
		`let n = 0; function f() { function g() { n = 1; } }`:                                                          "n 1:42",
		`const cache = {}; function f(id) { cache[id].x = 1; delete cache.y; }`:                                        "cache 1:36 cache 1:60",
		`const list = [], m = new Map(); function f() { list.push(1); m.set(1, 2); m.get(1); }`:                        "list 1:48 m 1:62",
		`class Own { set(k) { return k } } const o = new Own(); let p = other(); function f() { o.set(1); p.add(2); }`: "",
		`class Queue {} const q = new Queue(), a = []; function f() { q.push(1); a.push(1); }`:                         "a 1:73",
		`const all = { m: new Map(), o: new Own() }; function f() { all.m.set(1, 2); all.o.set(1, 2); }`:               "all 1:60",
		`var require_a = __commonJS({ "a.js"(exports, module) { let n = 0; n = 1; module.exports = () => n++; } });`:   "n 1:97",
		`var n, init_a = __esm({ "a.ts"() { n = 0; } }); function f() { n++; }`:                                        "n 1:64",
		`(() => { let n = 0; function f() { n = 1; } n = 2; })();`:                                                     "n 1:36",
		`(function () { let n = 0; this.f = () => n++; }).call(this);`:                                                 "n 1:42",
		`function InitModule(ctx, logger, nk, i) { let n = 0; i.registerRpc("f", () => { n++; }); n = 5; }`:            "n 1:81",
		`class Game { n = 0; hit() { this.n++; } } let g; function f() { const g = new Game(); g.n = 1; }`:             "",
		`let n; class A { m() { n = 1; } }`:                                                                            "n 1:24",
		`function f() { let n = 0; return () => n++; }`:                                                                "",
		`function f(state) { state.n = 1; other.n = 2; }`:                                                              "",
		`let n = ;`: "",
	} {
		var got []string
		for _, w := range js.SharedWrites("main.js", source) {
			got = append(got, w.Name+" "+strings.TrimPrefix(w.At, "main.js:"))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s\n\tgives %q, want %q", source, got, want)
		}
	}
}
