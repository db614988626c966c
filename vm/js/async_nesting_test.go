package js_test

import (
	"testing"

	"kumi/vm/js"
)

// Endless recursion of async functions is a RangeError that scripts can catch, and soon
// found. Afterwards the VM either works or is broken, so that a pool replaces it.
func TestAsyncRecursion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"arrow":                  {`const f = async () => f(); return f().catch((e) => [e instanceof RangeError, e.message])`, `[true,"Maximum call stack size exceeded"]`},
		"function":               {`let n = 0; async function f() { n++; await f() }; return f().catch((e) => [e.name, n > 1000])`, `["RangeError",true]`},
		"strict function":        {`const f = async function () { "use strict"; return [await f(), this] }; return f().catch((e) => e.name)`, `"RangeError"`},
		"method":                 {`const o = { async f() { return o.f() } }; return o.f().catch((e) => e.name)`, `"RangeError"`},
		"method of a class":      {`class A { static async f() { return A.f() } }; return A.f().catch((e) => e.name)`, `"RangeError"`},
		"after an await":         {`const f = async () => f(); return (async () => { await null; try { return await f() } catch (e) { return e.name } })()`, `"RangeError"`},
		"in a plain recursion":   {`const g = async () => 1, f = () => { g(); f() }; try { f() } catch (e) { return e.name }`, `"RangeError"`},
		"this and arguments":     {`const o = { n: 1, async f(a) { return [this.n, a, arguments.length] } }; return o.f(2)`, `[1,2,1]`},
		"a list of awaits":       {`const f = async (n) => { await null; return n ? 1 + await f(n - 1) : 0 }; return f(5000)`, `5000`},
		"many at the same time":  {`const f = async (n) => { await null; return n }; return Promise.all(Array.from({ length: 5000 }, (_, i) => f(i))).then((x) => x.length)`, `5000`},
		"of a few hundred calls": {`const f = async (n) => n ? 1 + await f(n - 1) : 0; return f(900)`, `900`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := load(t, `function main() {`+c.body+`}; async function answer() { await null; return 42 }`, js.Options{})
			out, err := v.Invoke(t.Context(), v.Global("main"))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := v.ToJSON(out[0]); err != nil || string(got) != c.want {
				t.Errorf("got %s %v, want %s", got, err, c.want)
			}
			if broken := v.Broken(); broken != (name == "in a plain recursion") {
				t.Errorf("broken: %v", broken)
			} else if broken {
				return
			}
			if out, err := v.Invoke(t.Context(), v.Global("answer")); err != nil || v.Str(out[0]) != "42" {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// An uncaught one is the error of the call.
func TestAsyncRecursionIsNotCaught(t *testing.T) {
	t.Parallel()
	v := load(t, `async function f() { return f() }`, js.Options{})
	if _, err := v.Invoke(t.Context(), v.Global("f")); err == nil || err.Error() != "RangeError: Maximum call stack size exceeded" {
		t.Errorf("got %v", err)
	}
}
