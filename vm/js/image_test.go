package js_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"kumi/store/fault"
	"kumi/vm"
	"kumi/vm/js"
)

func imageVM(t testing.TB, source string) *js.VM {
	t.Helper()
	p, err := js.Compile("image.js", source)
	if err != nil {
		t.Fatal(err)
	}
	v, err := js.New(context.Background(), p, js.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// copied makes the value of an expression again in another VM, from its image, and
// returns the result of an expression that describes it there.
func copied(t *testing.T, expression, show string, lenient bool) (text string, lost []vm.Untransferable, err error) {
	t.Helper()
	from := imageVM(t, "function make() { return "+expression+" }")
	to := imageVM(t, "function show(state) { return String("+show+") }")
	out, err := from.Invoke(t.Context(), from.Global("make"))
	if err != nil {
		t.Fatal(err)
	}
	image, lost, err := from.Image(out[0], lenient, nil)
	if from.Broken() {
		t.Error("the old VM is broken")
	}
	if err != nil {
		return "", nil, err
	}
	x, err := to.FromImage(image)
	if err != nil {
		t.Fatal(err)
	}
	if again, _, err := to.Image(x, false, nil); err != nil || !lenient && !bytes.Equal(again, image) {
		t.Errorf("%s: the image of the copy differs (%v):\n%q\n%q", expression, err, again, image)
	}
	got, err := to.Invoke(t.Context(), to.Global("show"), x)
	if err != nil {
		t.Fatal(err)
	}
	return to.Str(got[0]), lost, nil
}

func TestImage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expression, show, want string }{
		{`1.5`, `state`, `1.5`},
		{`undefined`, `state === undefined`, `true`},
		{`null`, `state === null`, `true`},
		{`"ü\ud83d\ude00"`, `state`, "ü😀"},
		{`-0`, `Object.is(state, -0)`, `true`},
		{`({b: 1, a: 2, 1: 3})`, `JSON.stringify(state)`, `{"1":3,"b":1,"a":2}`},
		{`JSON.parse('{"__proto__": {"x": 1}}')`, `Object.keys(state) + (state.x === undefined) + (Object.getPrototypeOf(state) === Object.prototype)`, `__proto__truetrue`},
		{`({get x() { return 5 }})`, `state.x`, `5`},
		{`Object.assign([1, , 3], {extra: [1]})`, `state.length + "," + (1 in state) + "," + state.extra + "," + Array.isArray(state)`, `3,false,1,true`},
		{`Object.assign(/x/gy, {lastIndex: 3})`, `state.source + state.flags + state.lastIndex`, `xgy3`},
		{`new Date(NaN)`, `state instanceof Date && isNaN(state)`, `true`},
		{`new Date(5)`, `state.getTime()`, `5`},
		{`[new Number(1), new String("s"), new Boolean(false)]`, `state.map(x => typeof x + x)`, `object1,objects,objectfalse`},
		{`Object.assign(new RangeError("far"), {code: 3})`, `[state instanceof RangeError, state.message, state.code, Object.keys(state), typeof state.stack]`, `true,far,3,code,string`},
		{`new Map([[NaN, new Set([new Map()])]])`, `[...state.get(NaN)][0] instanceof Map`, `true`},
		{`(() => { const m = new Map(); m.set(m, m); return m })()`, `state.get(state) === state`, `true`},
		{`(() => { const s = new Set(); s.add(s); return s })()`, `state.has(state)`, `true`},
		{`(() => { const b = new ArrayBuffer(8); return [b, new Int16Array(b, 2, 2).fill(-1), new DataView(b, 1, 3), new Float64Array([0.5]), new Uint8ClampedArray([300])] })()`,
			`[state[1].buffer === state[0], state[2].getUint8(1), state[2].byteLength, state[1].length, state[3][0], state[4][0], state[4].constructor.name]`, `true,255,3,2,0.5,255,Uint8ClampedArray`},
		{`Object.freeze({a: Object.freeze([1])})`, `(state.a.push(2), state.a)`, `1,2`},
		{`(() => { let l = null; for (let i = 0; i < 3000; i++) l = {l}; return l })()`, `(() => { let n = 0; for (let l = state; l; l = l.l) n++; return n })()`, `3000`},
		{`10n ** 30n`, `state`, `1000000000000000000000000000000`},
		{`({a: -5n, b: 0n, list: [1n, true]})`, `[state.a, state.b, state.list[0] + 1n, state.list[1]]`, `-5,0,2,true`},
		{`"a\ud800"`, `state.length + "," + state.charCodeAt(1)`, `2,55296`},
		{`"\ufffd"`, `state.charCodeAt(0)`, `65533`},
		{`({"ü": 1, "": {"": 2}})`, `state["ü"] + state[""][""]`, `3`},
		{`(() => { const a = []; a[3000000000] = 1; return a })()`, `state.length + "," + Object.keys(state)`, `3000000001,3000000000`},
		{`[, , 1, , ]`, `state.length + "," + Object.keys(state)`, `4,2`},
		{`new Array(3)`, `state.length + "," + Object.keys(state)`, `3,`},
		{`(() => { const e = new TypeError("x"); e.self = e; return {e, list: [e]} })()`, `state.e.self === state.list[0]`, `true`},
		{`(() => { const r = /a/g; r.lastIndex = r; return r })()`, `state.lastIndex === state`, `true`},
		{`Object.assign(Object.create(null), {toString: 1})`, `Object.getPrototypeOf(state) === null && state.toString`, `1`},
	} {
		got, lost, err := copied(t, c.expression, c.show, false)
		if err != nil || got != c.want || len(lost) > 0 {
			t.Errorf("%s: got %q %v %v, want %q", c.expression, got, lost, err, c.want)
		}
	}
}

func TestNoImage(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`({a: [1, () => 1]})`:                                                          `state.a[1] is a function`,
		`({"a b": new (class Unit {})})`:                                               `state["a b"] is an instance of the class Unit`,
		`Object.create({})`:                                                            `state is `,
		`new WeakMap()`:                                                                `state is an instance of the class WeakMap`,
		`[new (class extends Array {})]`:                                               `state[0] is `,
		`new (class MyError extends Error {})`:                                         `state is an instance of the class MyError`,
		`Symbol.iterator`:                                                              `state is a symbol`,
		`({"\ud800": 1, "\ud801": 2})`:                                                 "is a property whose name is no valid Unicode",
		`new Map([[{f() {}}, 1], [1, {f() {}}]])`:                                      `state.keys()[0].f is a function, state.get(1).f is a function`,
		`new Set([0, isNaN])`:                                                          `state.values()[1] is a function`,
		`({get x() { throw new Error("not now") }})`:                                   `state.x: Error: not now`,
		`Array.from({length: 100}, () => isNaN)`:                                       `state[9] is a function, …`,
		`({m: Object.assign(new Map(), {owner: 1})})`:                                  `state.m.owner is a property that was added to a Map`,
		`[Object.assign(new Date(), {zone: "CET"})]`:                                   `state[0].zone is a property that was added to a Date`,
		`Object.assign(new Set([1]), {[Symbol("s")]: 1})`:                              `state[s] is a property that was added to a Set`,
		`Object.assign(/x/, {a: 1})`:                                                   `state.a is a property that was added to a RegExp`,
		`Object.assign(new String("xy"), {a: 1})`:                                      `state.a is a property that was added to a String`,
		`Object.assign(new DataView(new ArrayBuffer(1)), {a: 1})`:                      `state.a is a property that was added to a DataView`,
		`(() => { let l = null; for (let i = 0; i < 6000; i++) l = {l}; return l })()`: `nested too deeply`,
	} {
		_, _, err := copied(t, expression, "", false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", expression, err, want)
		}
	}
}

func TestImageLeniently(t *testing.T) {
	t.Parallel()
	one, gone, err := copied(t, `Object.assign(new Map([[1, 2]]), {owner: 1})`, `state.get(1) + "," + state.owner`, true)
	if text := vm.ListUntransferable(gone); err != nil || one != "2,undefined" || text != `state.owner is a property that was added to a Map` {
		t.Errorf("got %q %q %v", one, text, err)
	}
	got, lost, err := copied(t, `({n: 1, f() {}, list: [isNaN, 2], unit: Object.assign(new (class Unit { hp = 3 }), {g() {}})})`,
		`JSON.stringify(state) + (state.list.length)`, true)
	if want := `{"n":1,"list":[null,2],"unit":{"hp":3}}2`; got != want || err != nil {
		t.Errorf("got %s %v, want %s", got, err, want)
	}
	if text := vm.ListUntransferable(lost); text != `state.f is a function, state.list[0] is a function, state.unit is an instance of the class Unit, which comes as a plain object, state.unit.g is a function` {
		t.Errorf("lost: %s", text)
	}
}

func TestImageErrorHasACode(t *testing.T) {
	t.Parallel()
	_, _, err := copied(t, `isNaN`, "", false)
	var e *vm.UntransferableError
	if !errors.As(err, &e) || fault.CodeOf(err) != fault.FailedPrecondition {
		t.Errorf("%v", err)
	}
}

func BenchmarkImage(b *testing.B) {
	from := imageVM(b, `function make() { const m = new Map(); for (let i = 0; i < 1000; i++) m.set("player" + i, { x: i, y: 2, name: "n" + i, items: [1, 2, 3] }); return m }`)
	to := imageVM(b, "")
	out, err := from.Invoke(b.Context(), from.Global("make"))
	if err != nil {
		b.Fatal(err)
	}
	image, _, err := from.Image(out[0], false, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(image)))
		for b.Loop() {
			if _, _, err := from.Image(out[0], false, image[:0]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := to.FromImage(image); err != nil {
				b.Fatal(err)
			}
		}
	})
}
