package js_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"kumi/store/fault"
	"kumi/vm"
	"kumi/vm/js"
)

func transferVM(t testing.TB, source string) *js.VM {
	t.Helper()
	p, err := js.Compile("transfer.js", source)
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

// transferred transfers the value of an expression to another VM and returns the
// result of an expression that describes it there.
func transferred(t *testing.T, expression, show string, lenient bool) (text string, lost []vm.Untransferable, err error) {
	t.Helper()
	from := transferVM(t, "function make() { return "+expression+" }")
	to := transferVM(t, "function show(state) { return String("+show+") }")
	out, err := from.Invoke(t.Context(), from.Global("make"))
	if err != nil {
		t.Fatal(err)
	}
	copied, lost, err := to.Transfer(from, out[0], lenient)
	if from.Broken() {
		t.Error("the old VM is broken")
	}
	if err != nil {
		return "", nil, err
	}
	got, err := to.Invoke(t.Context(), to.Global("show"), copied)
	if err != nil {
		t.Fatal(err)
	}
	return to.Str(got[0]), lost, nil
}

func TestTransfer(t *testing.T) {
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
	} {
		got, lost, err := transferred(t, c.expression, c.show, false)
		if err != nil || got != c.want || len(lost) > 0 {
			t.Errorf("%s: got %q %v %v, want %q", c.expression, got, lost, err, c.want)
		}
	}
}

func TestTransferRefuses(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`({a: [1, () => 1]})`:                        `state.a[1] is a function`,
		`({"a b": new (class Unit {})})`:             `state["a b"] is an instance of the class Unit`,
		`Object.create({})`:                          `state is `,
		`new WeakMap()`:                              `state is an instance of the class WeakMap`,
		`[new (class extends Array {})]`:             `state[0] is `,
		`new (class MyError extends Error {})`:       `state is an instance of the class MyError`,
		`Symbol.iterator`:                            `state is a symbol`,
		`new Map([[{f() {}}, 1], [1, {f() {}}]])`:    `state.keys()[0].f is a function, state.get(1).f is a function`,
		`new Set([0, isNaN])`:                        `state.values()[1] is a function`,
		`({get x() { throw new Error("not now") }})`: `not now`,
		`Array.from({length: 100}, () => isNaN)`:     `state[9] is a function, …`,
		`(() => { let l = null; for (let i = 0; i < 6000; i++) l = {l}; return l })()`: `nested too deeply`,
	} {
		_, _, err := transferred(t, expression, "", false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", expression, err, want)
		}
	}
}

func TestTransferLeniently(t *testing.T) {
	t.Parallel()
	got, lost, err := transferred(t, `({n: 1, f() {}, list: [isNaN, 2], unit: Object.assign(new (class Unit { hp = 3 }), {g() {}})})`,
		`JSON.stringify(state) + (state.list.length)`, true)
	if want := `{"n":1,"list":[null,2],"unit":{"hp":3}}2`; got != want || err != nil {
		t.Errorf("got %s %v, want %s", got, err, want)
	}
	if text := vm.ListUntransferable(lost); text != `state.f is a function, state.list[0] is a function, state.unit is an instance of the class Unit, which comes as a plain object, state.unit.g is a function` {
		t.Errorf("lost: %s", text)
	}
}

func TestTransferErrorHasACode(t *testing.T) {
	t.Parallel()
	_, _, err := transferred(t, `isNaN`, "", false)
	var e *vm.TransferError
	if !errors.As(err, &e) || fault.CodeOf(err) != fault.FailedPrecondition {
		t.Errorf("%v", err)
	}
}

func BenchmarkTransfer(b *testing.B) {
	from := transferVM(b, `function make() { const m = new Map(); for (let i = 0; i < 1000; i++) m.set("player" + i, { x: i, y: 2, name: "n" + i, items: [1, 2, 3] }); return m }`)
	to := transferVM(b, "")
	out, err := from.Invoke(b.Context(), from.Global("make"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := to.Transfer(from, out[0], false); err != nil {
			b.Fatal(err)
		}
	}
}
