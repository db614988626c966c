package js_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"kumi/store/fault"
	"kumi/vm"
	"kumi/vm/js"
)

// TestBoundsWithoutNames has what would end the process, hold it, or take its
// memory, in programs whose source does not say so.
func TestBoundsWithoutNames(t *testing.T) {
	t.Parallel()
	const n = `const n = (...p) => p.join(""); `
	for name, body := range map[string]string{
		"flat":                      `const a = []; a.push(a); a[n("fl", "at")](Infinity)`,
		"flat in eval":              `(0, eval)("let a=[];a[0]=a;a.fl" + "at(Infinity)")`,
		"flat in a function":        `n[n("const", "ructor")]("let a=[];a[0]=a;a.fl" + "at(Infinity)")()`,
		"wide flat":                 `let a = [1]; for (let i = 0; i < 40; i++) a = [a, a]; a[n("fl", "at")](100)`,
		"repeat":                    `"x"[n("rep", "eat")](2 ** 40)`,
		"fill":                      `const a = []; a[n("len", "gth")] = 2 ** 32 - 1; a.fill(0)`,
		"source":                    `n[n("const", "ructor")]("[".repeat(2e5) + "]".repeat(2e5))`,
		"source of a generator":     `(function* () {})[n("const", "ructor")]("[".repeat(2e5))`,
		"source, async":             `(async () => {})[n("const", "ructor")]("[".repeat(2e5))`,
		"source, async method":      `({ async m() {} }).m[n("const", "ructor")]("[".repeat(2e5))`,
		"buffer":                    `new globalThis[n("Array", "Buffer")](2 ** 40)`,
		"class of binary data":      `new bytes[n("const", "ructor")](2 ** 40)`,
		"message of an error":       `try { null.x } catch (e) { e[n("mess", "age")] = e; return String(e) }`,
		"toString of an expression": `const o = {}; o[n("to", "String")] = /x/[n("to", "String")]; o[n("sou", "rce")] = o; return "" + o`,
		"String as toString":        `const o = {}; o[n("to", "String")] = String.bind(null, o); return "" + o`,
		"a getter that is built in": `const o = {}; Object.defineProperty(o, "x", { get: Reflect.get.bind(null, o, "x") }); o.x`,
		"entries as a getter":       `const o = {}; Object.defineProperty(o, "x", { enumerable: true, get: Object.entries.bind(null, o) }); o.x`,
		"toJSON that is stringify":  `const o = {}; o.toJSON = JSON.stringify.bind(JSON, o); JSON.stringify(o)`,
		"valueOf that is abs":       `const o = {}; o[n("value", "Of")] = Math.abs.bind(null, o); return +o`,
		"proxies":                   `const P = globalThis[n("Pro", "xy")]; let p = {}; for (let i = 0; i < 1e5; i++) p = new P(p, {}); p.x`,
		"concat":                    `[].concat(...Array(1000).fill(Array(1e5).fill(1)))`,
		"entries of a text":         `Object.entries("x".repeat(2e6))`,
		"spread of a text":          `return { ..."x".repeat(2e6) }`,
		"join of bytes":             `new Uint8Array(6e7).join("")`,
		"bytes of a list":           `new Uint8Array({ length: 6e7 })`,
		"sort":                      `new Array(2e6).fill(1).sort()`,
		"set of a text":             `new Set("x".repeat(6e6))`,
		"expression on a text":      `"x".repeat(6e6).match(/x/g)`,
		"replace by an expression":  `"x".repeat(6e6).replace(/x/g, "")`,
		"exec":                      `/x/g.exec("y".repeat(6e6))`,
		"encodeURIComponent":        `encodeURIComponent(" ".repeat(6e7))`,
		"encodeURIComponent of ä":   `encodeURIComponent("ä".repeat(2e7))`,
		"normalize":                 `"\ufdfa".repeat(6e6).normalize("NFKD")`,
		"String.raw":                `String.raw({ raw: new Array(1e5).fill("x".repeat(1e6)) })`,
		"doubling":                  `let s = "x"; for (;;) s += s`,
		"a template":                "let s = 'x'; for (;;) s = `${s}${s}`",
		"doubling ä":                `let s = "ä"; for (;;) s = s + s`,
		"long text of a BigInt":     `BigInt("9".repeat(3e6)).toString()`,
		"large power":               `const a = 2n; return a ** 100000000n`,
		"doubling in a function":    `Function("let s = 'x'; for (;;) s += s")()`,
		"squares":                   `let x = 3n; for (;;) x *= x`,
		"shift":                     `const a = 1n; return a << 3000000000n`,
		"shift the other way":       `const a = 1n; return a >> -3000000000n`,
		"asUintN":                   `return BigInt.asUintN(1e12, -1n)`,
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			v := load(t, "function main(nk, bytes) {"+n+body+"\n}\nfunction after() { return String([1, [2]]) }", js.Options{Limits: vm.Limits{Timeout: 30 * time.Second}})
			_, err := v.Invoke(context.Background(), v.Global("main"), v.Functions(vm.Bind(vm.JS, newHost(), table)), v.FromBytes([]byte("ab")))
			if err == nil || fault.CodeOf(err) == fault.DeadlineExceeded {
				t.Fatalf("got %v", err)
			}
			if text := err.Error(); !strings.Contains(text, "deep") && !strings.Contains(text, "large") && !strings.Contains(text, "ested") {
				t.Errorf("%q does not say what is wrong", text)
			}
			if out, err := v.Invoke(context.Background(), v.Global("after")); err != nil || v.Str(out[0]) != "1,2" {
				t.Errorf("afterwards: %v", err)
			}
			t.Log(time.Since(began))
		})
	}
}

// TestBuiltinsAreReadOnly changes what the language brings: no later call may
// find anything of it.
func TestBuiltinsAreReadOnly(t *testing.T) {
	t.Parallel()
	const probe = `function probe() {
		const o = {}, found = [];
		for (const k in o) found.push(k);
		return [found, JSON.parse("[1]"), Math.random() === 4, typeof gg, [1, 2].map(x => x + 1), "ab".at(0), /b/.test("abc"), Math.zz, Map.prototype.foo, String(new TypeError("x")),
			[..."ab"], typeof URL.zz, Object.keys.zz, (function* () {}).constructor.zz, new Date(0).getTime(), [].map.zz].join("|")
	}`
	for _, change := range []string{
		`JSON.parse = () => "hacked"`, `Object.prototype.polluted = 1`, `Array.prototype.foo = 1`, `Math.random = () => 4`, `globalThis.gg = 1`, `JSON = {}`,
		`globalThis.Math = {}`, `Math.zz = 1`, `delete Array.prototype.map`, `delete globalThis.Map`, `Object.defineProperty(Array.prototype, "map", { value: 1 })`,
		`Array.prototype[Symbol.iterator] = () => 1`, `String.prototype.at = () => 1`, `/x/.__proto__.test = () => 1`, `/x/.constructor.prototype.exec = 1`, `Map.prototype.foo = 1`,
		`Map.foo = 1`, `Promise.prototype.then = 1`, `Error.prototype.toString = () => 1`, `try { null.x } catch (e) { e.__proto__.__proto__.toString = () => 1 }`, `[].__proto__.map = 1`,
		`Object.setPrototypeOf(Array.prototype, null)`, `Object.setPrototypeOf(globalThis, {})`, `Object.getPrototypeOf(globalThis).console = 1`, `URL.zz = 1`, `URL = 1`, `Object.keys.zz = 1`,
		`[].map.zz = 1`, `(function* () {}).constructor.zz = 1`, `(async () => {}).constructor.prototype.zz = 1`, `[][Symbol.iterator]().__proto__.next = () => ({ done: true })`,
		`Date.prototype.getTime = () => 1`, `Object.assign(Array.prototype, { map: 1 })`, `Reflect.defineProperty(Array.prototype, "foo", { value: 1, enumerable: true }) || fail()`,
		`Array.prototype.__defineGetter__("map", () => 1)`, `new Uint8Array(1).__proto__.fill = 1`, `(1).__proto__.toFixed = 1`, `BigInt.prototype.toString = 1`, `Symbol.prototype.zz = 1`,
	} {
		t.Run(change, func(t *testing.T) {
			t.Parallel()
			v := load(t, probe+"\nfunction main() {"+change+"}", js.Options{Limits: vm.Limits{Timeout: 20 * time.Second}})
			fresh := load(t, probe, js.Options{})
			if err := v.FreezeGlobals(); err != nil {
				t.Fatal(err)
			}
			if _, err := v.Invoke(context.Background(), v.Global("main")); err == nil {
				t.Error("no error")
			}
			got, err := v.Invoke(context.Background(), v.Global("probe"))
			want, wantErr := fresh.Invoke(context.Background(), fresh.Global("probe"))
			if err != nil || wantErr != nil || v.Str(got[0]) != fresh.Str(want[0]) {
				t.Errorf("afterwards %v %v", err, wantErr)
				if err == nil && wantErr == nil {
					t.Errorf("got  %s\nwant %s", v.Str(got[0]), fresh.Str(want[0]))
				}
			}
		})
	}
}

// What is done while a program loads stays, and ordinary objects may have what
// they inherit for themselves.
func TestReadOnlyBuiltinsLetTheRestPass(t *testing.T) {
	t.Parallel()
	v := load(t, `
		Array.prototype.last = function () { return this[this.length - 1] };
		String.prototype.at = function () { return "polyfilled" };
		globalThis.shared = { n: 1 };
		var counter = 0; let cache = {}; var list = [];
		function Old() { Error.call(this); this.message = "m" }
		Old.prototype = Object.create(Error.prototype);
		Old.prototype.constructor = Old; Old.prototype.name = "Old";
		class Mine extends Map { get(k) { return super.get(k) || "none" } }
		function main() {
			counter++; cache.x = counter;
			const o = {}; o.toString = () => "own"; o.constructor = 5; o.valueOf = 1; o.hasOwnProperty = 2;
			const e = new Error("x"); e.name = "Changed"; e.message = "y"; e.toString = () => "z";
			function F() {} F.prototype.toString = () => "F"; F.call = 1; F.prototype.constructor = 3;
			const a = [1]; a.map = () => "own map"; a.last = 5; const m = new Mine(); m.get2 = 1; m.set("k", 1); m.has = 4;
			const d = Object.create(Array.prototype); d.push = 1;
			const r = /x/g; r.lastIndex = 2; r.exec = () => null;
			const before = Object.getOwnPropertyDescriptor(Array.prototype, "map");
			return [String(o), o.constructor, Object.keys(o), e.name, e.message, e.toString(), String(new F()), F.call, a.map(), a.last, [1, 2].last(), "x".at(), m.get("k"), m.get("q"), m.has, d.push,
				r.lastIndex, r.test("x"), String(new Old()), new Old() instanceof Error, counter, cache.x, shared.n, before.writable, before.set, typeof before.value, Object.isFrozen(Array.prototype),
				"assigned: " + Object.assign({}, { toString: 1 }).toString, JSON.stringify({ toJSON: undefined, constructor: 1 }), [..."ab"].length, Object.entries({ a: 1 }).flat().join()].join("|")
		}`, js.Options{})
	if err := v.FreezeGlobals(); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"1", "2"} {
		out, err := v.Invoke(context.Background(), v.Global("main"))
		if err != nil {
			t.Fatal(err)
		}
		want := "own|5|toString,constructor,valueOf,hasOwnProperty|Changed|y|z|F|1|own map|5|2|polyfilled|1|none|4|1|2|false|Old: m|true|" + n + "|" + n + `|1|false||function|true|assigned: 1|{"constructor":1}|2|a,1`
		if got := v.Str(out[0]); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
