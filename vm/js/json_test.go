package js_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"pgregory.net/rapid"

	"kumi/vm/js"
)

// both returns a function that calls f of a script in a VM and in plain goja.
func both(t testing.TB, source string) func(arg string) (ours, theirs string) {
	t.Helper()
	v := load(t, source, js.Options{})
	fn := v.Global("f")
	rt := goja.New()
	if _, err := rt.RunString(`"use strict"; ` + source); err != nil {
		t.Fatal(err)
	}
	theirs, _ := goja.AssertFunction(rt.Get("f"))
	return func(arg string) (string, string) {
		a, err := v.Invoke(context.Background(), fn, v.FromStr(arg))
		if err != nil {
			t.Fatalf("%s: %v", arg, err)
		}
		b, err := theirs(goja.Undefined(), rt.ToValue(arg))
		if err != nil {
			t.Fatalf("%s, goja: %v", arg, err)
		}
		return v.Str(a[0]), b.String()
	}
}

// expressions generates JavaScript expressions for all kinds of values.
func expressions() *rapid.Generator[string] {
	simple := rapid.SampledFrom([]string{
		`0`, `-0`, `1`, `-1`, `255`, `0.1`, `1/3`, `1e15`, `999999999999999`, `-1e15`, `1e21`, `1e-7`, `5e-324`, `2**53`, `2**53+2`, `123456789012345680000`, `NaN`, `Infinity`, `-Infinity`,
		`true`, `false`, `null`, `undefined`, `() => 1`, `Symbol("s")`, `10n`, `""`, `"text"`, `"a\"b\\c/d"`, `"\b\f\n\r\t\0\x1f\x7f"`, `"é"`, `"\u2028\u2029"`, `"日本"`, `"\u{1f600}"`, `"\ud83d"`, `"\ude00x"`, `"\ufffd"`, `"a long text with é in it, more than sixteen"`,
		`"<a>&"`, `new Date(0)`, `new Date(NaN)`, `new Map([[1, 2]])`, `new Set([1])`, `/x/g`, `new Number(3)`, `new String("boxed")`, `new Boolean(false)`, `Object(1n)`, `new Uint8Array([1, 2])`, `new ArrayBuffer(2)`, `new Error("e")`,
		`[,]`, `[1,,2]`, `[undefined, () => 1, Symbol()]`, `Object.assign([1], {extra: 2})`, `Object.assign([1], {toJSON() { return "list" }})`, `new Array(3)`, `(() => { const a = [1, 2, 3]; a.length = 1; return a })()`, `(() => { const a = []; a[5] = 1; return a })()`,
		`{ toJSON(k) { return "made " + k } }`, `{ toJSON: 5 }`, `{ get a() { return 1 } }`, `{ get a() { throw new RangeError("no") } }`, `{ a: undefined, b: () => 1, c: Symbol() }`, `{ 2: "b", 1: "a", x: 0, "01": 1 }`,
		`{ ["__proto__"]: 1 }`, `{ __proto__: { inherited: 1 }, own: 2 }`, `{ __proto__: { toJSON() { return "by prototype" } } }`, `Object.create(null)`, `Object.assign(Object.create(null), { a: 1 })`, `{ "é": 1, "\ud800": 2 }`, `{ [Symbol("k")]: 1, a: 2 }`,
		`Object.freeze({ a: 1 })`, `Object.defineProperty({ a: 1 }, "hidden", { value: 2 })`, `Object.defineProperty({ a: 1 }, "b", { value: 2, enumerable: true })`, `Object.defineProperty([1, 2], "0", { get() { return 9 } })`,
		`(() => { const o = { a: 1, b: 2, c: 3 }; delete o.b; o.b = 4; return o })()`, `new (class A { constructor() { this.x = 1 } get y() { return 2 } })()`, `new (class B { #p = 1; q = 2 })()`, `new (class C extends Array {})(1, 2)`, `new Proxy({ a: 1 }, {})`, `new Proxy([1], {})`,
		`(() => { const o = {}; o.self = o; return o })()`, `(() => { const a = []; a.push([a]); return a })()`, `(() => { const s = { x: 1 }; return { a: s, b: s } })()`, `JSON.parse('{"b":[1,{"a":null}],"a":1}')`, `globalThis.Math`, `(function () { return arguments })(1, 2)`,
		`(() => { const o = { a: { toJSON() { o.b = 2; delete o.c; o.d = 4; return 1 } }, b: 1, c: 3 }; return o })()`, `(() => { const a = [{ toJSON() { a.length = 2; return 1 } }, 2, 3, 4]; return a })()`,
		`{ x: { toJSON() { return JSON.stringify({ a: [1] }) } }, y: 1 }`, `new (class D { toJSON() { return { made: [this.constructor.name] } } })()`,
		`"0123456789".repeat(100)`, `Array.from({ length: 300 }).reduce((x) => ({ x }), 1)`,
	})
	key := rapid.SampledFrom([]string{`a`, `b`, `name`, `toJSON`, `"1"`, `"x y"`, `"é"`, `"\n"`, `""`, `["__proto__"]`, `constructor`, `length`})
	var gen func(depth int) *rapid.Generator[string]
	gen = func(depth int) *rapid.Generator[string] {
		if depth == 0 {
			return simple
		}
		return rapid.OneOf(simple,
			rapid.Custom(func(t *rapid.T) string {
				return "[" + strings.Join(rapid.SliceOfN(gen(depth-1), 0, 4).Draw(t, "items"), ", ") + "]"
			}),
			rapid.Custom(func(t *rapid.T) string {
				var parts []string
				for range rapid.IntRange(0, 4).Draw(t, "keys") {
					parts = append(parts, key.Draw(t, "key")+": "+gen(depth-1).Draw(t, "value"))
				}
				return "{" + strings.Join(parts, ", ") + "}"
			}))
	}
	return gen(3)
}

// TestStringifyAsGoja compares JSON.stringify with goja's.
func TestStringifyAsGoja(t *testing.T) {
	t.Parallel()
	run := both(t, `function f(source) {
		const x = (0, eval)("(" + source + ")");
		const say = (g) => { try { const r = g(); return typeof r + " " + r + (r && r.length) } catch (e) { return e.name + ": " + e.message } };
		return [say(() => JSON.stringify(x)), say(() => JSON.stringify(x, null)), say(() => JSON.stringify(x, undefined, undefined)), say(() => (JSON.stringify(x, null, 2) || "").replace(/\n +/g, "\n")), // goja's indentation is wrong after empty lists
			say(() => JSON.stringify(x, ["a", "b"])), say(() => JSON.stringify(x, (k, y) => k === "a" ? undefined : y === undefined ? "undefined" : y)), say(() => JSON.stringify({x, y: [x, 1, x]}))].join("\n") }`)
	rapid.Check(t, func(t *rapid.T) {
		source := expressions().Draw(t, "source")
		if ours, theirs := run(source); ours != theirs {
			t.Fatalf("%s\n%s\ngoja:\n%s", source, ours, theirs)
		}
	})
}

// jsonTexts generates JSON, and almost valid JSON.
func jsonTexts() *rapid.Generator[string] {
	whole := rapid.Custom(func(t *rapid.T) string {
		var value func(depth int) string
		space := rapid.SampledFrom([]string{"", "", "", " ", "\n\t", "\r "})
		simple := rapid.SampledFrom([]string{`0`, `-0`, `12`, `-1.5`, `1e3`, `1E-2`, `123456789012345`, `12345678901234567890`, `0.1`, `true`, `false`, `null`, `""`, `"a"`, `"é\n"`, `"\u0041\ud83d\ude00"`, `"日本語"`, `"\"\\\/\b\f\n\r\t"`, `"\u0000"`, `"a text of more than sixteen characters"`})
		keys := rapid.SampledFrom([]string{`"a"`, `"b"`, `"a"`, `"2"`, `"1"`, `"01"`, `"__proto__"`, `"constructor"`, `"toString"`, `""`, `"é"`, `"\u0061"`, `"4294967295"`})
		value = func(depth int) string {
			if depth == 0 {
				return simple.Draw(t, "simple")
			}
			s := space.Draw(t, "space")
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				return s + simple.Draw(t, "simple") + s
			case 1:
				var items []string
				for range rapid.IntRange(0, 4).Draw(t, "n") {
					items = append(items, value(depth-1))
				}
				return "[" + s + strings.Join(items, s+","+s) + "]"
			}
			var items []string
			for range rapid.IntRange(0, 5).Draw(t, "n") {
				items = append(items, keys.Draw(t, "key")+s+":"+s+value(depth-1))
			}
			return "{" + s + strings.Join(items, s+","+s) + "}"
		}
		return value(3)
	})
	broken := rapid.Custom(func(t *rapid.T) string {
		text := whole.Draw(t, "text")
		at := rapid.IntRange(0, len(text)).Draw(t, "at")
		return text[:at] + rapid.SampledFrom([]string{"", ",", "]", "}", "x", `"`, "1", "-", "\x01", "\\"}).Draw(t, "insert") + text[min(len(text), at+rapid.IntRange(0, 1).Draw(t, "drop")):]
	})
	return rapid.OneOf(whole, broken)
}

const describing = `function describe(x, depth = 0) {
	if (typeof x === "string") return "s" + x.length + [...x].map((c) => c.codePointAt(0)).join(".");
	if (typeof x === "number") return "n" + (Object.is(x, -0) ? "-0" : x);
	if (x === null || typeof x !== "object") return String(x);
	const proto = Object.getPrototypeOf(x);
	const kind = Array.isArray(x) ? "list" + x.length : proto === Object.prototype ? "object" : "strange";
	return kind + Object.isExtensible(x) + "(" + Object.getOwnPropertyNames(x).map((k) => {
		const d = Object.getOwnPropertyDescriptor(x, k);
		return k + d.writable + d.enumerable + d.configurable + describe(d.value, depth + 1);
	}).join() + ")" + Object.keys(x).join() + (JSON.stringify(x, null, 1) || "").replace(/\n +/g, "\n");
}
`

// TestParseAsGoja compares JSON.parse with goja's.
func TestParseAsGoja(t *testing.T) {
	t.Parallel()
	run := both(t, describing+`function f(text) {
		let x;
		try { x = JSON.parse(text) } catch (e) { return e.name + (e instanceof SyntaxError) }
		let out = describe(x);
		out += describe(JSON.parse(text, (k, y) => typeof y === "number" ? y + 1 : y));
		if (x !== null && typeof x === "object") { // it must behave like any other object
			x[Symbol.for("s")] = 1;
			x.added = 1;
			Object.defineProperty(x, "hidden", { value: 1, configurable: true });
			Object.defineProperty(x, "made", { get() { return 5 }, enumerable: true, configurable: true });
			out += describe(Object.getOwnPropertySymbols(x).length) + x.made + JSON.stringify(x) + JSON.stringify({ ...x }) + delete x.a + ("a" in x);
			for (const k in x) out += k;
			Object.freeze(x);
			try { x.more = 1 } catch (e) { out += e.name }
			out += Object.isFrozen(x) + describe(Object.getOwnPropertyNames(x).join());
		}
		return out }`)
	rapid.Check(t, func(t *rapid.T) {
		text := jsonTexts().Draw(t, "text")
		ours, theirs := run(text)
		if ours != theirs {
			t.Fatalf("%s\n%s\ngoja:\n%s", text, ours, theirs)
		}
		if valid := json.Valid([]byte(text)); valid == strings.HasPrefix(ours, "SyntaxError") {
			t.Fatalf("%s is valid: %v, and became %s", text, valid, ours)
		}
	})
}

func TestParseArguments(t *testing.T) {
	t.Parallel()
	run := both(t, describing+`function f(source) {
		try { return describe((0, eval)(source)) } catch (e) { return e.name } }`)
	for _, source := range []string{
		`JSON.parse("1")`, `JSON.parse(12)`, `JSON.parse(null)`, `JSON.parse(true)`, `JSON.parse(Symbol("s"))`, `JSON.parse([3])`, `JSON.parse(new String("[1]"))`, `JSON.parse({ toString() { return "{}" } })`, `JSON.parse({ toString() { throw new RangeError() } })`,
		`JSON.parse()`, `JSON.parse(undefined)`, `JSON.parse("")`, `JSON.parse(" ")`, `JSON.parse("1", undefined)`, `JSON.parse("[1]", 5)`, `JSON.parse("[1]", function (k, v) { return k === "" ? this[k] : v + 1 })`,
		`JSON.parse("\ufeff1")`, `JSON.parse("\u00a01")`, `JSON.parse("\"\u2028\"")`, `JSON.parse.name + JSON.parse.length + JSON.stringify.name + JSON.stringify.length`, `Object.keys(JSON).length`, `typeof JSON.parse + typeof JSON.stringify`,
		`new JSON.parse("1")`, `const { parse, stringify } = JSON; stringify(parse("[1]"))`, `JSON.stringify()`, `JSON.stringify(undefined)`, `JSON.stringify("x")`, `JSON.stringify(null)`, `JSON.stringify(5)`, `JSON.stringify([1], null, "")`, `JSON.stringify({a: [1]}, null, "--")`,
		`Object.prototype.toJSON = function () { return 7 }; const r = JSON.stringify([{a: 1}, 2]); delete Object.prototype.toJSON; r`,
		`Array.prototype.toJSON = function () { return 7 }; const q = JSON.stringify({a: [1]}); delete Array.prototype.toJSON; q`,
		`Object.setPrototypeOf(Array.prototype, { toJSON() { return 8 } }); const p = JSON.stringify({a: [1]}); Object.setPrototypeOf(Array.prototype, Object.prototype); p`,
		`Object.defineProperty(Object.prototype, "a", { set() { throw new Error("set") }, configurable: true }); const o = JSON.parse('{"a":1}'); delete Object.prototype.a; o`,
	} {
		if ours, theirs := run(source); ours != theirs {
			t.Errorf("%s: %s, goja: %s", source, ours, theirs)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	v := load(t, `function f(text) { try { JSON.parse(text) } catch (e) { return e instanceof SyntaxError ? e.name + ": " + e.message : String(e) } }`, js.Options{})
	for text, want := range map[string]string{
		`{"a":1,}`:                       "SyntaxError: JSON.parse: expected a property name in quotes at position 7",
		`["é","` + "\U0001f600" + `",x]`: `SyntaxError: JSON.parse: unexpected 'x' at position 10`,
		``:                               "SyntaxError: JSON.parse: it ends too early at position 0",
		`[1] 2`:                          "SyntaxError: JSON.parse: there is more after the value at position 4",
	} {
		out, err := v.Invoke(context.Background(), v.Global("f"), v.FromStr(text))
		if err != nil || v.Str(out[0]) != want {
			t.Errorf("%s: %v, %v; want %s", text, out, err, want)
		}
	}
	for _, n := range []int{4000, 6000} {
		out, err := v.Invoke(context.Background(), v.Global("f"), v.FromStr(strings.Repeat("[", n)+strings.Repeat("]", n)))
		if refused := err != nil || strings.Contains(fmt.Sprint(out[0]), "levels deep"); refused != (n == 6000) {
			t.Errorf("%d levels: %v, %v", n, out, err)
		}
	}
}

// BenchmarkJSONBuiltin measures JSON.parse and JSON.stringify beside goja's.
func BenchmarkJSONBuiltin(b *testing.B) {
	const text = `{"counter":12,"name":"someone","items":[{"id":1,"count":3},{"id":2,"count":1}],"position":{"x":1.5,"y":-2},"flags":[true,false,null]}`
	const source = `const value = JSON.parse('` + text + `'), dated = { ...value, at: new Date(0) };
		class Item { constructor(id) { this.id = id; this.count = 1 } }
		const classes = { ...value, items: [new Item(1), new Item(2)] };
		function parse(text) { return JSON.parse(text) }
		function stringify() { return JSON.stringify(value) }
		function stringifyDate() { return JSON.stringify(dated) }
		function stringifyClasses() { return JSON.stringify(classes) }
		function stringifyIndented() { return JSON.stringify(value, null, 2) }`
	v := load(b, source, js.Options{})
	rt := goja.New()
	if _, err := rt.RunString(source); err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"parse", "stringify", "stringifyDate", "stringifyClasses", "stringifyIndented"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			fn, arg := v.Global(name), v.FromStr(text)
			for b.Loop() {
				if _, err := v.Invoke(context.Background(), fn, arg); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+" goja", func(b *testing.B) {
			b.ReportAllocs()
			fn, _ := goja.AssertFunction(rt.Get(name))
			arg := rt.ToValue(text)
			for b.Loop() {
				if _, err := fn(goja.Undefined(), arg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
