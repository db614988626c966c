package vm_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kumi/store/fault"
	"kumi/vm"
	"kumi/vm/js"
	"kumi/vm/lua"
)

type imaging interface {
	vm.Instance
	vm.Imager
	vm.Engine
}

type noHandlers struct{}

func (noHandlers) Handler(string) vm.Ref { return nil }

// imagingVM starts a VM with a source of its language.
func imagingVM(t testing.TB, lang vm.Lang, source string) imaging {
	t.Helper()
	var v imaging
	if lang == vm.JS {
		p, err := js.Compile("image.js", source)
		if err != nil {
			t.Fatal(err)
		}
		if v, err = js.New(context.Background(), p, js.Options{}); err != nil {
			t.Fatal(err)
		}
	} else {
		m, err := lua.Compile("image", "image.lua", source)
		if err != nil {
			t.Fatal(err)
		}
		p, err := lua.NewProgram(m)
		if err != nil {
			t.Fatal(err)
		}
		l, err := lua.New(lua.Options{Program: p, Handlers: noHandlers{}})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Load(context.Background()); err != nil {
			t.Fatal(err)
		}
		v = l
	}
	t.Cleanup(v.Close)
	return v
}

// imageOf returns the image of an expression's value.
func imageOf(t testing.TB, lang vm.Lang, expression string, lenient bool) ([]byte, []vm.Untransferable, error) {
	t.Helper()
	source := "function make() { return " + expression + " }"
	if lang == vm.Lua {
		source = "function make() return " + expression + " end"
	}
	v := imagingVM(t, lang, source)
	out, err := v.Invoke(t.Context(), v.Global("make"))
	if err != nil {
		t.Fatal(err)
	}
	return v.Image(out[0], lenient, nil)
}

// shown makes the value of an image and returns the text of an expression over state.
func shown(t testing.TB, lang vm.Lang, image []byte, show string) string {
	t.Helper()
	source := "function show(state) { return String(" + show + ") }"
	if lang == vm.Lua {
		source = "function show(state) return tostring(" + show + ") end"
	}
	v := imagingVM(t, lang, source)
	x, err := v.FromImage(image)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := v.Image(x, false, nil)
	if err != nil || !bytes.Equal(again, image) {
		t.Errorf("the image of the copy differs (%v):\n%q\n%q", err, again, image)
	}
	out, err := v.Invoke(t.Context(), v.Global("show"), x)
	if err != nil {
		t.Fatal(err)
	}
	return v.Str(out[0])
}

func TestImage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ js, jsShow, lua, luaShow, want string }{
		"nothing":       {`null`, `state === null`, `nil`, `state == nil`, "true"},
		"boolean":       {`[true, false]`, `state[0] && !state[1]`, `{true, false}`, `state[1] and not state[2]`, "true"},
		"whole number":  {`-7`, `state`, `-7`, `state`, "-7"},
		"large number":  {`9007199254740993`, `state === 2 ** 53`, `9007199254740993`, `state == 2 ^ 53`, "true"},
		"fraction":      {`[0.1 + 0.2]`, `state[0] === 0.1 + 0.2`, `{0.1 + 0.2}`, `state[1] == 0.1 + 0.2`, "true"},
		"negative zero": {`-0`, `1 / state === -Infinity`, `-0 / 1`, `1 / state == -math.huge`, "true"},
		"not a number":  {`[NaN, -Infinity]`, `isNaN(state[0]) && state[1] < 0`, `{0 / 0, -math.huge}`, `state[1] ~= state[1] and state[2] < 0`, "true"},
		"text":          {`"ü😀"`, `state`, `"ü😀"`, `state`, "ü😀"},
		"nested":        {`({a: {b: [1, {c: 2}]}})`, `state.a.b[1].c`, `{a = {b = {1, {c = 2}}}}`, `state.a.b[2].c`, "2"},
		"empty":         {`({a: {}, b: []})`, `Object.keys(state.a).length + state.b.length`, `{a = {}, b = {}}`, `#state.a + #state.b`, "0"},
		"shared":        {`(() => { const x = {}; return {a: x, b: [x]} })()`, `state.a === state.b[0]`, `(function() local x = {} return {a = x, b = {x}} end)()`, `state.a == state.b[1]`, "true"},
		"cycle":         {`(() => { const x = {}; x.x = x; return x })()`, `state.x === state`, `(function() local x = {} x.x = x return x end)()`, `state.x == state`, "true"},
		"order":         {`({z: 1, b: 2, a: 3})`, `Object.keys(state).join()`, `(function() local t = {} t.z = 1 t.b = 2 t.a = 3 return t end)()`, `(function() local k = {} for key in pairs(state) do k[#k + 1] = key end return table.concat(k, ",") end)()`, "z,b,a"},
		"gaps":          {`[1, , 3]`, `state.length + "," + (1 in state)`, `{1, nil, 3, n = 3}`, `state[3] .. "," .. tostring(state[2] ~= nil)`, "3,false"},
		"repeated keys": {`[{x: 1, y: 2}, {y: 3, x: 4}]`, `state[0].x + state[1].x`, `{{x = 1, y = 2}, {y = 3, x = 4}}`, `state[1].x + state[2].x`, "5"},
		"keys of any type": {`new Map([[1.5, "a"], [true, "b"], ["1", "c"], [1, "d"]])`, `state.get(1.5) + state.get(true) + state.get("1") + state.get(1)`,
			`{[1.5] = "a", [true] = "b", ["1"] = "c", [1] = "d"}`, `state[1.5] .. state[true] .. state["1"] .. state[1]`, "abcd"},
		"objects as keys": {`(() => { const k = {n: 1}; return {k, m: new Map([[k, "v"]])} })()`, `state.m.get(state.k)`, `(function() local k = {n = 1} return {k = k, m = {[k] = "v"}} end)()`, `state.m[state.k]`, "v"},
		"bytes":           {`new Uint8Array([0, 255, 128])`, `state.join()`, `"\0\255\128"`, `table.concat({state:byte(1, -1)}, ",")`, "0,255,128"},
		"linked list": {`(() => { let l = null; for (let i = 0; i < 4000; i++) l = {l}; return l })()`, `(() => { let n = 0; for (let l = state; l; l = l.l) n++; return n })()`,
			`(function() local l for i = 1, 4000 do l = {l = l} end return l end)()`, `(function() local n, l = 0, state while l do n, l = n + 1, l.l end return n end)()`, "4000"},
	} {
		for lang, x := range map[vm.Lang][2]string{vm.JS: {c.js, c.jsShow}, vm.Lua: {c.lua, c.luaShow}} {
			image, lost, err := imageOf(t, lang, x[0], false)
			if err != nil || len(lost) > 0 {
				t.Errorf("%s in %s: %v %v", name, lang, err, lost)
				continue
			}
			if got := shown(t, lang, image, x[1]); got != c.want {
				t.Errorf("%s in %s: %s, want %s", name, lang, got, c.want)
			}
			if again, _, _ := imageOf(t, lang, x[0], false); !bytes.Equal(image, again) {
				t.Errorf("%s in %s: two images of the same value differ", name, lang)
			}
		}
	}
}

func TestNoImage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ js, lua, want, lost string }{
		{`({a: [1, () => 1]})`, `{a = {[1] = 1, [2] = print}}`, "is a function", "is a function"},
		{`({u: new (class Unit { hp = 3 })})`, `{u = setmetatable({hp = 3}, {})}`, "state.u is a", "state.u is a"},
		{`(() => { let l = null; for (let i = 0; i < 6000; i++) l = {l}; return l })()`, `(function() local l for i = 1, 6000 do l = {l = l} end return l end)()`, "nested too deeply", ""},
		{`(() => { const s = "x".repeat(1 << 20); return Array.from({length: 70}, () => [s]) })()`, `(function() local s, t = ("x"):rep(2 ^ 20), {} for i = 1, 70 do t[i] = {s} end return t end)()`, "larger than 64 MB", ""},
	} {
		for lang, x := range map[vm.Lang]string{vm.JS: c.js, vm.Lua: c.lua} {
			if _, _, err := imageOf(t, lang, x, false); err == nil || !strings.Contains(err.Error(), c.want) || fault.CodeOf(err) != fault.FailedPrecondition {
				t.Errorf("%s: %v, want %q", x, err, c.want)
			}
			if c.lost == "" {
				continue
			}
			_, lost, err := imageOf(t, lang, x, true)
			if err != nil || !strings.Contains(vm.ListUntransferable(lost), c.lost) {
				t.Errorf("%s: %v, %v, want %q", x, err, lost, c.lost)
			}
		}
	}
}

// TestBrokenImage reads images that are cut off, changed, of another language or version.
func TestBrokenImage(t *testing.T) {
	t.Parallel()
	for lang, x := range map[vm.Lang]string{vm.JS: `({a: [1, new Map([["k", 2n]])], d: new Date(5)})`, vm.Lua: `{a = {1, {k = 2}}, [1.5] = true}`} {
		image, _, err := imageOf(t, lang, x, false)
		if err != nil {
			t.Fatal(err)
		}
		v := imagingVM(t, lang, "")
		refused := func(what string, image []byte) {
			if _, err := v.FromImage(image); fault.CodeOf(err) != fault.InvalidArgument {
				t.Errorf("%s in %s: %v", what, lang, err)
			}
		}
		for n := range image {
			refused(fmt.Sprintf("the first %d bytes", n), image[:n])
		}
		refused("something behind it", append(slices.Clone(image), 0))
		newer := slices.Clone(image)
		newer[2]++
		refused("a newer version", newer)
		other := slices.Clone(image)
		other[3] ^= 'j' ^ 'l'
		refused("another language", other)
		if v.Broken() {
			t.Errorf("%s: the VM is broken", lang)
		}
	}
}

func FuzzImageJS(f *testing.F) {
	fuzzImage(f, vm.JS, `1`, `[1, , -0, "a\ud800"]`, `({a: {b: new Map([[1, new Set([2n])]])}, "7": null, u: undefined})`, `new Float64Array([1])`,
		`new DataView(new ArrayBuffer(3), 1)`, `[/x/g, {y: new RangeError("z")}]`, `[new Date(1), new Number(2), Object.create(null)]`,
		`(() => { const a = []; a[99999] = a; return a })()`)
}

func FuzzImageLua(f *testing.F) {
	fuzzImage(f, vm.Lua, `1`, `{1, nil, 3, a = {b = {true}}, [1.5] = "\255"}`, `(function() local t = {} t[t] = t t[70000] = 1 return t end)()`)
}

// fuzzImage checks that any bytes are either refused or make a value that has an image.
func fuzzImage(f *testing.F, lang vm.Lang, seeds ...string) {
	for _, x := range seeds {
		image, _, err := imageOf(f, lang, x, false)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(image)
	}
	v := imagingVM(f, lang, "")
	f.Fuzz(func(t *testing.T, image []byte) {
		x, err := v.FromImage(image)
		if v.Broken() {
			t.Fatalf("the VM is broken: %v", err)
		}
		if err != nil {
			if fault.CodeOf(err) != fault.InvalidArgument {
				t.Fatalf("%v", err)
			}
			return
		}
		first, _, err := v.Image(x, true, nil)
		if err != nil {
			return // too deep by a level
		}
		y, err := v.FromImage(first)
		if err != nil {
			t.Fatalf("the image of what was read is refused: %v", err)
		}
		second, _, err := v.Image(y, true, nil)
		if err != nil || lang == vm.JS && !bytes.Equal(first, second) {
			t.Fatalf("the image changed (%v):\n%q\n%q", err, first, second)
		}
	})
}

// TestImageOfAnything makes random values with both engines and compares them with
// what their images give.
func TestImageOfAnything(t *testing.T) {
	t.Parallel()
	for _, lang := range []vm.Lang{vm.JS, vm.Lua} {
		from, to := imagingVM(t, lang, ""), imagingVM(t, lang, "")
		rapid.Check(t, func(t *rapid.T) {
			value := anything(lang, 4).Draw(t, "value")
			x, err := from.FromAny(value)
			if err != nil {
				t.Fatal(err)
			}
			image, _, err := from.Image(x, false, []byte("before"))
			if err != nil {
				t.Fatal(err)
			}
			image = image[len("before"):]
			y, err := to.FromImage(image)
			if err != nil {
				t.Fatal(err)
			}
			want, err := from.ToJSON(x)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := to.ToJSON(y); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s (%v), want %s", got, err, want)
			}
			if again, _, err := to.Image(y, false, nil); err != nil || !bytes.Equal(again, image) {
				t.Fatalf("the image of the copy differs (%v):\n%q\n%q", err, again, image)
			}
		})
	}
}

func anything(lang vm.Lang, depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.String().AsAny(), rapid.Bool().AsAny(), rapid.Int64Range(-1<<53, 1<<53).AsAny(),
		rapid.Float64().Filter(func(f float64) bool { return !math.IsInf(f, 0) }).AsAny(),
	}
	if lang == vm.JS {
		scalars = append(scalars, rapid.Just[any](nil))
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return anything(lang, depth-1) })
	return rapid.OneOf(append(scalars,
		rapid.SliceOfN(inner, 0, 6).AsAny(), rapid.MapOfN(rapid.StringN(0, 8, 16), inner, 0, 6).AsAny())...)
}
