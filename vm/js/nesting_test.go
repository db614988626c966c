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

// Values nested so deep that built-in functions would use up the stack, which ends the
// process: each case must end with an error, and the VM must still work.
func TestNesting(t *testing.T) {
	t.Parallel()
	const (
		list   = `let a = []; for (let i = 0; i < 1e4; i++) a = [a]; ` // deeper than any limit
		object = `let a = {}; for (let i = 0; i < 1e4; i++) a = { a }; `
	)
	for name, body := range map[string]string{
		"String":              list + `return String(a)`,
		"join":                list + `return a.join()`,
		"template":            list + "return `${a}`",
		"toLocaleString":      list + `return a.toLocaleString()`,
		"flat":                list + `return a.flat(Infinity)`,
		"stringify a list":    list + `return JSON.stringify(a)`,
		"stringify an object": object + `return JSON.stringify(a)`,
		"stringify, indented": object + `return JSON.stringify(a, null, 1)`,
		"stringify, replaced": object + `return JSON.stringify(a, (k, x) => x)`,
		"stringify getters":   `class A { get x() { return 1 } toJSON() { return { x: new A() } } } return JSON.stringify(new A())`,
		"stringify many":      `let a = ["x".repeat(1e6)]; for (let i = 0; i < 100; i++) a = [a, a]; return JSON.stringify(a)`,
		"join many":           `let a = ["x".repeat(1e6)]; for (let i = 0; i < 100; i++) a = [a, a]; return String(a)`,
		"reviver":             `JSON.parse("[0,0]", function (k, x) { if (k == "0") this[1] = [0, 0]; return x })`,
		"result":              object + `return a`,
		"result, list":        list + `return a`,
		"long list as result": `const a = []; a.length = 2 ** 32 - 1; return a`,
		"to Go":               object + `nk.keep(a)`,
		"to JSON in Go":       list + `nk.toJson(a)`,
		"message of an error": `const e = new Error("a"); e.message = e; return String(e)`,
		"eval, parentheses":   `eval("(".repeat(2e5) + ")".repeat(2e5))`,
		"eval, short":         `eval("(".repeat(1e4) + ")".repeat(1e4))`,
		"eval, arrows":        `(0, eval)("a=>".repeat(8e4) + "1")`,
		"Function":            `new Function("return " + "!".repeat(3e5) + "1")`,
		"proxies":             `let p = {}; for (let i = 0; i < 2000; i++) p = new Proxy(p, {}); return p.x`,
		"revocable proxies":   `let p = {}; for (let i = 0; i < 2000; i++) p = Proxy.revocable(p, {}).proxy; return p.x`,
		"proxy as prototype":  `const x = {}, p = new Proxy(x, {}); Object.setPrototypeOf(x, p); return x.q`,
		"proxy as __proto__":  `const x = {}, p = new Proxy(x, {}); x.__proto__ = p; return x.q`,
		"proxy as handler":    `const h = {}, p = new Proxy({}, h); Reflect.setPrototypeOf(h, p); return p.q`,
		"apply":               `return Math.max.apply(null, { length: 2 ** 32 - 1 })`,
		"Reflect.construct":   `return Reflect.construct(Array, { length: 2 ** 32 - 1 })`,
		"spread":              `return [...Array(2 ** 32 - 1)]`,
		"rest":                `const [...r] = Array(2 ** 32 - 1)`,
		"Set of a list":       `return new Set(Array(2 ** 32 - 1)).size`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := load(t, "function main(nk) {"+body+"\n}\nfunction after() { return String([1, [2]]) }", js.Options{Limits: vm.Limits{Timeout: time.Minute}})
			out, err := v.Invoke(context.Background(), v.Global("main"), v.Functions(vm.Bind(vm.JS, newHost(), table)))
			if err == nil {
				_, err = v.ToJSON(out[0])
			}
			if err == nil || fault.CodeOf(err) == fault.DeadlineExceeded {
				t.Fatalf("got %v", err)
			}
			if text := err.Error(); !strings.Contains(text, "deep") && !strings.Contains(text, "large") && !strings.Contains(text, "Cyclic") && !strings.Contains(text, "cyclic") {
				t.Errorf("%q does not name the cause", text)
			}
			if out, err := v.Invoke(context.Background(), v.Global("after")); err != nil || v.Str(out[0]) != "1,2" {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// The limits of nesting do not change ordinary calls.
func TestNestingLetsTheRestPass(t *testing.T) {
	t.Parallel()
	got, err := eval(t, `
		const p = new Proxy({ a: 1 }, { get: (o, k) => o[k] + 1 }), F = (() => 1).constructor, r = Proxy.revocable([1], {});
		class G extends Function { constructor() { super("return 5") } }
		const o = Object.setPrototypeOf({}, { b: 2 }), q = {}; q.__proto__ = o;
		return [String([1, [2, [3]]]), [1, [2, [3]]].flat(Infinity), p.a, r.proxy.length, eval("1 + 1"), new Function("a", "b", "return a + b")(1, 2), F === Function,
			(() => 1) instanceof Function, Function.prototype === Object.getPrototypeOf(() => 1), new G()(), Math.max.apply(null, [1, 2]), q.b, Function.name,
			JSON.stringify({ a: [], b: [{}, { c: 1 }] }, null, 1), JSON.parse("[1,{\"a\":2}]", (k, x) => typeof x === "number" ? x + 1 : x), String(new TypeError("x")), [..."ab", ...[1]]]`, js.Options{})
	want := `["1,2,3",[1,2,3],2,1,2,3,true,true,true,5,2,2,"Function","{\n \"a\": [],\n \"b\": [\n  {},\n  {\n   \"c\": 1\n  }\n ]\n}",[2,{"a":3}],"TypeError: x",["a","b",1]]`
	if err != nil || got != want {
		t.Errorf("got  %s %v\nwant %s", got, err, want)
	}
}
