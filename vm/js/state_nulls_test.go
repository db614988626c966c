package js_test

import (
	"context"
	"testing"

	"kumi/vm"
	"kumi/vm/js"
)

// Each case returns states from several ticks. want lists the paths in the last one
// that are still undefined.
func TestNullState(t *testing.T) {
	t.Parallel()
	// left lists the paths that are undefined or holes.
	const left = `function left(x, path = "", seen = new Set()) {
		if (typeof x !== "object" || x === null || seen.has(x)) return [];
		seen.add(x);
		const keys = Array.isArray(x) ? Array.from(x.keys()) : Object.keys(x);
		return keys.flatMap((k) => x[k] === undefined ? [path + k] : left(x[k], path + k + ".", seen));
	}`
	for name, c := range map[string]struct{ ticks, want string }{
		"new state":        {`[() => ({ a: undefined, b: [, 1, { c: undefined }], d: { e: { f: [undefined] } } })]`, `[]`},
		"changed in place": {`[() => state, () => { state.a = undefined; state.list.push(undefined, { b: undefined }); return state }]`, `[]`},
		"new root":         {`[() => state, () => ({ ...state, a: undefined, b: { c: undefined } })]`, `[]`},
		"new root, twice":  {`[() => state, () => state = { ...state }, () => { state.deep.a = undefined; return { ...state } }]`, `[]`},
		"cycle":            {`[() => { const a = { u: undefined }; a.a = a; a.list = [a, , a]; return { a } }]`, `[]`},
		"shared":           {`[() => { const a = { u: undefined }; return { a, b: a, c: [a] } }]`, `[]`},
		"far down":         {`[() => { let x = { u: undefined }; for (let i = 0; i < 1000; i++) x = { x }; return x }]`, `[]`},
		"many new ones":    {`[() => state, () => { state.many = Array.from({ length: 1500 }, () => ({ u: undefined })); return state }]`, `[]`},
		"one of many is new": {`[() => state = { all: Array.from({ length: 1500 }, () => ({ u: undefined })) },
			() => state = { all: [...state.all] },
			() => state = { all: [...state.all.slice(0, 1000), { u: undefined }, ...state.all.slice(1001)] }]`, `[]`},
		"order changes": {`[() => state = { all: Array.from({ length: 1500 }, () => ({ u: undefined })) },
			() => state = { all: [...state.all.reverse(), { u: undefined }] }]`, `[]`},
		"other root": {`[() => ({ a: { u: undefined } }), () => ({ b: { u: undefined } }), () => 5, () => ({ c: undefined })]`, `[]`},
		// Known objects are not searched completely, so that a tick does not cost more the
		// larger the state is.
		"deep in a large known state": {`[() => state = { all: Array.from({ length: 1500 }, () => ({})) }, () => state,
			() => { state.all[1000].u = undefined; return state },
			() => { state.all[900].u = undefined; return { ...state } }]`, `["all.900.u","all.1000.u"]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := load(t, left+`
				let state = { list: [1], deep: { er: {} } }, result;
				const ticks = `+c.ticks+`;
				function tick() { const f = ticks.shift(); return f && (result = f()) }
				function check() { return left(result) }`, js.Options{})
			var known any
			for {
				out, err := v.Invoke(context.Background(), v.Global("tick"))
				if err != nil {
					t.Fatal(err)
				}
				if v.IsNil(out[0]) {
					break
				}
				known = v.NullState(out[0], known)
			}
			out, err := v.Invoke(context.Background(), v.Global("check"))
			if err != nil {
				t.Fatal(err)
			}
			if text, _ := vm.ToJSON(v, out[0]); string(text) != c.want {
				t.Errorf("undefined are %s, want %s", text, c.want)
			}
		})
	}
}

// A large unchanged state costs no more than a few allocations, also under a new root
// object.
func TestNullStateOfKnownObjects(t *testing.T) { // not parallel: it counts allocations
	for _, name := range []string{"same", "spread"} {
		v := load(t, stateSource(2000), js.Options{})
		tick := func() vm.Ref {
			out, err := v.Invoke(context.Background(), v.Global(name))
			if err != nil {
				t.Fatal(err)
			}
			return out[0]
		}
		var known any
		for range 3 {
			known = v.NullState(tick(), known)
		}
		states := []vm.Ref{tick(), tick(), tick(), tick(), tick(), tick()} // of spread, all share the players
		if n := testing.AllocsPerRun(len(states)-1, func() {
			known = v.NullState(states[0], known)
			states = states[1:]
		}); n > 3 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
