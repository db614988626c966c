package js_test

import (
	"testing"

	"kumi/vm"
	"kumi/vm/js"
)

// Recursion of tens of thousands of calls works. Endless recursion is a RangeError that
// scripts can catch and continue.
func TestRecursion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body, want string
		stack      int // 0: the default
	}{
		"flood fill of 160 by 160": {`
			const size = 160, grid = Array.from({ length: size }, () => new Array(size).fill(0));
			const fill = (x, y) => {
				if (x < 0 || y < 0 || x >= size || y >= size || grid[y][x]) return 0;
				grid[y][x] = 1;
				return 1 + fill(x + 1, y) + fill(x - 1, y) + fill(x, y + 1) + fill(x, y - 1);
			};
			return fill(0, 0)`, `25600`, 0},
		"caught": {`
			let depth = 0;
			const f = () => { depth++; f() };
			try { f() } catch (e) { return [e instanceof RangeError, e.message, depth > 40000, String(e.stack).length > 0] }`,
			`[true,"Maximum call stack size exceeded",true,true]`, 0},
		"caught deep within": {`
			const f = (n) => { try { return f(n + 1) } catch (e) { return n > 2000 } };
			return f(0)`, `true`, 5000},
		"finally runs": {`
			let n = 0;
			const f = () => { try { f() } finally { n++ } };
			try { f() } catch (e) { return [e.name, n > 2000] }`, `["RangeError",true]`, 5000},
		"through a built-in function": {`
			let depth = 0;
			const f = () => [1].forEach(() => { depth++; f() });
			try { f() } catch (e) { return [e.name, depth > 1000] }`, `["RangeError",true]`, 5000},
		"through a getter": {`
			const o = { get x() { return this.x } };
			try { return o.x } catch (e) { return e.name }`, `"RangeError"`, 5000},
		"through toString": {`
			const o = { toString() { return "" + this } };
			try { return "" + o } catch (e) { return e.name }`, `"RangeError"`, 5000},
		"through toJSON": {`
			const o = { toJSON() { return JSON.parse(JSON.stringify(this)) } };
			try { return JSON.stringify(o) } catch (e) { return "caught" }`, `"caught"`, 5000},
		"through replace": {`
			const f = () => "x".replace(/x/, f);
			try { return f() } catch (e) { return e.name }`, `"RangeError"`, 5000},
		"through a proxy": {`
			const p = new Proxy({}, { get(t, k, r) { return r[k] } });
			try { return p.x } catch (e) { return e.name }`, `"RangeError"`, 5000},
		"through Go": {`
			const f = () => nk.callBack(f);
			try { return f() } catch (e) { return e.name }`, `"RangeError"`, 5000},
		"through sort": {`
			const f = () => [2, 1].sort(f);
			try { return f() } catch (e) { return e.name }`, `"RangeError"`, 5000},
		"in a timer": {`
			return new Promise((done) => setTimeout(() => {
				const f = () => f() + 1;
				try { f() } catch (e) { done(e.name) }
			}, 0))`, `"RangeError"`, 5000},
		"of an async function": {`
			const f = async () => { try { await f() } catch (e) { throw e } };
			return f().catch((e) => e.name)`, `"RangeError"`, 5000},
		"through generators": {`
			const tree = { children: [] };
			tree.children.push(tree);
			const walk = function* (t) { for (const c of t.children) yield* walk(c) };
			try { for (const t of walk(tree)); } catch (e) { return e.message }`, `"built-in functions are nested more than 2000 levels deep"`, 5000},
		"an error made far down": {`
			const f = (n) => n ? f(n - 1) : new Error("far");
			return f(4000).message`, `"far"`, 5000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := eval(t, c.body, js.Options{Limits: vm.Limits{Stack: c.stack}})
			if err != nil || got != c.want {
				t.Errorf("got %v %v, want %s", got, err, c.want)
			}
		})
	}
}
