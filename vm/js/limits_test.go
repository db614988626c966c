package js_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"kumi/store/fault"
	"kumi/vm"
	"kumi/vm/js"
)

func TestMain(m *testing.M) {
	js.LimitMatching(500 * time.Millisecond)
	verify(m)
}

// Arguments with which built-in functions would take all memory or never return: each
// must give an error that says so.
func TestSizes(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"repeat":                 `"x".repeat(2 ** 30)`,
		"repeat for ever":        `"xy".repeat(2 ** 50)`,
		"padStart":               `"x".padStart(2 ** 33)`,
		"padEnd":                 `"x".padEnd(2 ** 40)`,
		"fill":                   `new Array(2 ** 32 - 1).fill(0)`,
		"join":                   `Array(2 ** 32 - 1).join("x")`,
		"template of a list":     "const s = `${new Array(2 ** 32 - 1)}`",
		"map":                    `Array(2 ** 32 - 1).map(() => 1)`,
		"sort":                   `Array(2 ** 32 - 1).sort()`,
		"concat":                 `Array(2 ** 32 - 1).concat([1])`,
		"indexOf":                `const a = []; a.length = 2 ** 32 - 1; a.indexOf(5)`,
		"Array.from":             `Array.from({ length: 1e9 })`,
		"join of long texts":     `new Array(1e5).fill("x".repeat(1e6)).join("")`,
		"join with long texts":   `new Array(1e5).join("x".repeat(1e6))`,
		"list of long texts":     `const s = "" + new Array(1e5).fill("x".repeat(1e6))`,
		"concat of long texts":   `"".concat(...new Array(100).fill("x".repeat(1e6)))`,
		"replaceAll":             `"x".repeat(1e4).replaceAll("x", "y".repeat(1e5))`,
		"replace":                `"x".repeat(1e4).replace(/x/g, "y".repeat(1e5))`,
		"replace with the text":  "\"x\".repeat(1e4).replace(/x/g, \"$`$'\")",
		"replace with itself":    `"x".repeat(1e5).replace(/x+/, "$&".repeat(1e4))`,
		"replace with an object": `"x".repeat(1e4).replace(/x/g, { toString: () => "y".repeat(1e5) })`,
		"split":                  `"x".repeat(2e7).split("")`,
		"spread of a text":       `[..."x".repeat(2e7)]`,
		"Array.from a text":      `Array.from("x".repeat(2e7))`,
		"BigInt of a long text":  `BigInt("9".repeat(2e5))`,
		"text of a BigInt":       `(1n << 3000000000n).toString()`,
		"large power":            `const a = 2n; return a ** 100000000n`,
		"large power, constant":  `return 2n ** 1000000000000n`,
		"large power, assigned":  `let a = 3n; a **= 100000000n; return String(a)`,
		"shift":                  `const a = 1n; return a << 3000000000n`,
		"shift the other way":    `const a = 1n; return a >> -3000000000n`,
		"asUintN":                `return BigInt.asUintN(1e12, -1n)`,
		"wide flat":              `let a = [1]; for (let i = 0; i < 40; i++) a = [a, a]; a.flat(100)`,
		"flat of itself":         `const a = []; a.push(a); a.flat(Infinity)`,
		"concat of many":         `[].concat(...Array(1000).fill(Array(1e5).fill(1)))`,
		"join of bytes":          `new Uint8Array(2e7).join("")`,
		"bytes of a list":        `new Uint8Array({ length: 6e9 })`,
		"normalize":              `"\ufdfa".repeat(4e6).normalize("NFKD")`,
		"encodeURIComponent":     `encodeURIComponent(" ".repeat(3e7))`,
		"expression on a text":   `"x".repeat(5e6).match(/x/g)`,
		"ArrayBuffer":            `new ArrayBuffer(2 ** 40)`,
		"Uint8Array":             `new Uint8Array(2 ** 33)`,
		"Float64Array":           `new Float64Array(2 ** 31)`,
		"subclass of Uint8Array": `class U extends Uint8Array {}; new U(2 ** 33)`,
		"JSON too deep":          `JSON.parse("[".repeat(1e5))`,
		"doubling":               `let s = "x"; for (;;) s += s`,
		"doubling, long":         `let s = "x"; for (;;) s = s + "-" + s`,
		"doubling, added":        `let s = "x"; for (;;) s += "-" + s`,
		"doubling, template":     "let s = 'é'; for (;;) s = `${s} and ${s}`",
		"doubling, elsewhere":    `let s = "x"; const f = () => (s += s); for (;;) [1].forEach(f)`,
		"doubling, property":     `const o = { a: { s: "x" } }; for (;;) o.a.s += "-" + o.a.s`,
		"doubling, this":         `class A { s = "x"; grow() { this.s = this.s + this.s } } const a = new A(); for (;;) a.grow()`,
		"long list to Go":        `nk.keep(new Array(2 ** 32 - 1))`,
		"long list of objects":   `const l = []; l.length = 2 ** 32 - 1; nk.names(l)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := eval(t, body, js.Options{Limits: vm.Limits{Timeout: 2 * time.Minute}})
			if code := fault.CodeOf(err); code != fault.ResourceExhausted && code != fault.InvalidArgument && code != fault.Internal || err == nil {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), "large") && !strings.Contains(err.Error(), "deep") && !strings.Contains(err.Error(), "elements") {
				t.Errorf("%q does not name the cause", err)
			}
		})
	}
}

// A replacement string that is replaced by a function gives the same result.
func TestReplaceByTheRules(t *testing.T) {
	t.Parallel()
	got, err := eval(t, `
		const long = "-".repeat(9000), w = (s) => s.split("-").join("");
		const both = (s, p, r) => { const a = s.replace(p, r), b = (s + long).replace(p, r + long); return a + long === b.replace(long, "") ? w(a) : "differs: " + w(b) };
		const text = "a".repeat(0) + "john smith";
		return [both(text, "john", "<$&>"), both(text, /(\w+) (\w+)/, "$2, $1 $$ $3 $0 $10 $01"), both(text, /(?<first>\w+) (?<last>\w+)/, "$<last>$<first>$<none>$<"),
			both(text, "john", "$<x>$"), both(text, /(x)?john/, "[$1]"), "aXbX".replaceAll("X", "$&$&"), "x".replace("x", undefined), "x".replace("x"),
			"abc".replace("b", (m, at, s) => m + at + s), String(10n), BigInt("12") + 1n, BigInt.asIntN(8, 257n), typeof BigInt(1), BigInt(1).constructor === BigInt,
			Object(1n) instanceof BigInt, [..."äb"].length, "a".concat(1, "b"), [1, null, "x"].join("-")].join("|")`, js.Options{})
	want := `"<john> smith|smith, john $ $3 $0 john0 john|smithjohn$<|$<x>$ smith|[] smith|aXXbXX|undefined|undefined|ab1abcc|10|13|1|bigint|true|true|2|a1b|1--x"`
	if err != nil || strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(fmt.Sprint(got)) != want {
		t.Errorf("got  %s %v\nwant %s", got, err, want)
	}
}

// The wrappers do not change ordinary calls.
func TestSizesLetTheRestPass(t *testing.T) {
	t.Parallel()
	got, err := eval(t, `
		class U extends Uint8Array { sum() { return this.reduce((a, b) => a + b, 0) } }
		const u = new U([1, 2, 3]), a = Array(3).fill(1), b = new ArrayBuffer(8);
		return ["ab".repeat(2), "x".padStart(3, "-"), "x".padEnd(2), a.join(), Array.from({ length: 2 }, (_, i) => i), [3, 1, 2].sort(),
			u.sum(), u instanceof U, u instanceof Uint8Array, u.constructor === U, Uint8Array.from([1]).length, Uint8Array.of(1, 2).length,
			new Uint8Array(b, 2, 3).length, new Uint8Array([5])[0], Uint8Array.BYTES_PER_ELEMENT, Uint8Array.name, b instanceof ArrayBuffer, b.constructor === ArrayBuffer,
			ArrayBuffer.isView(u), u.subarray(1) instanceof U, new Uint8Array(2).map(() => 7)[1], JSON.parse('{"a":[{"b":"[[[["}]}', (k, v) => v), "repeat" in String.prototype,
			(() => { let s = "é", n = 3, l = []; s += s; n += n; n = n + n; s = s + "-" + s; l = l + l; const o = { get s() { n++; return "p" }, set s(x) { l = x } }; o.s += o.s; return [s, n, l] })(), Object.keys(Array.prototype), [1, [2]].flat(), "x".repeat.name, Array.isArray(a), [..."ab"].map((x, i, l) => x + i + l.length)]`, js.Options{})
	want := `["abab","--x","x ","1,1,1",[0,1],[1,2,3],6,true,true,true,1,2,3,5,1,"Uint8Array",true,true,true,true,7,{"a":[{"b":"[[[["}]},true,["éé-éé",14,"pp"],[],[1,2],"repeat",true,["a02","b12"]]`
	if err != nil || got != want {
		t.Errorf("got  %s %v\nwant %s", got, err, want)
	}
}

func TestExpressionThatBacktracks(t *testing.T) {
	t.Parallel()
	_, err := eval(t, `return /^(a+)+(?=b)$/.test("a".repeat(50) + "c")`, js.Options{Limits: vm.Limits{Timeout: 100 * time.Millisecond}})
	if fault.CodeOf(err) != fault.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
}

// JSON.parse and JSON.stringify end soon after their call is stopped.
func TestLargeJSONNoticesTheDeadline(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"parse", "stringify"} {
		took := func(limit time.Duration) (time.Duration, error) {
			v := load(t, `
				const text = "[" + '{"a":[1,2,3]},'.repeat(200000) + "1]", rows = new Array(1000).fill(new Array(1000).fill(123456));
				function parse() { JSON.parse(text); }
				function stringify() { JSON.stringify(rows); }`, js.Options{})
			v.SetTimeout(limit)
			began := time.Now()
			_, err := v.Invoke(context.Background(), v.Global(name))
			return time.Since(began), err
		}
		var whole, stopped time.Duration
		for range 5 { // on a busy machine either may be late
			var err error
			if whole, err = took(0); err != nil {
				t.Fatal(err)
			}
			if stopped, err = took(whole / 10); fault.CodeOf(err) != fault.DeadlineExceeded {
				t.Errorf("%s: got %v", name, err)
			}
			if stopped < whole/2 {
				break
			}
		}
		if stopped >= whole/2 {
			t.Errorf("%s took %v with a limit of a tenth of the %v it takes", name, stopped, whole)
		}
	}
}

// The tests of memory are not parallel: the guard measures the heap of the process. They
// begin with a collection, since the collector otherwise waits for a heap as large as
// that of earlier tests.

// Calls that take memory bit by bit are stopped. The scripts take only what is needed
// for that, and then loop, since they may be stopped late on a busy machine: the guard
// does not stop a call while it waits.
func TestMemory(t *testing.T) {
	for name, body := range map[string]string{
		"long strings":   `const l = []; for (let s = "x".repeat(2 ** 22);;) if (l.length < 64) l.push(s + l.length)`,
		"a growing list": `const l = []; for (;;) if (l.length < 1e6) l.push([1, 2, 3])`,
		"caught":         `const l = [], s = "x".repeat(1e3); for (;;) try { if (l.length < 3000) l.push(s.repeat(100)) } catch {}`,
		"in timers":      `const l = [], s = "x".repeat(1e3); setInterval(() => { for (let i = 0; i < 1e5; i++) if (i < 1000 && l.length < 3e4) l.push(s.repeat(10)) }, 0); return new Promise(() => {})`,
	} {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			guard := vm.NewGuard(vm.GuardOptions{Call: 64 << 20})
			defer guard.Close()
			v := load(t, "function main() {"+body+"}", js.Options{Limits: vm.Limits{Timeout: time.Minute}, Guard: guard})
			_, err := v.Invoke(context.Background(), v.Global("main"))
			if fault.CodeOf(err) != fault.ResourceExhausted || !strings.Contains(err.Error(), "64 MB") || !v.Broken() {
				t.Errorf("got %v, broken %v", err, v.Broken())
			}
			guard.Stops(func(l vm.Lang, r vm.Reason, n uint64) {
				if want := l == vm.JS && r == vm.StoppedMemory; (n == 1) != want {
					t.Errorf("%d calls counted in language %v for reason %v", n, l, r)
				}
			})
		})
	}
}

// Garbage does not count as growth.
func TestMemoryOfGarbage(t *testing.T) {
	runtime.GC()
	guard := vm.NewGuard(vm.GuardOptions{Call: 64 << 20})
	defer guard.Close()
	v := load(t, `const s = "x".repeat(1000); function main() { let n = 0; for (let i = 0; i < 3000; i++) n += s.repeat(100).length; return n }`, js.Options{Guard: guard})
	if out, err := v.Invoke(context.Background(), v.Global("main")); err != nil || v.Float(out[0]) != 3e8 {
		t.Errorf("a call that makes garbage: %v", err)
	}
}

// A call that waits is not stopped for what another does to the heap meanwhile,
// neither then nor when it continues.
func TestMemoryOfOthers(t *testing.T) {
	runtime.GC()
	guard := vm.NewGuard(vm.GuardOptions{Call: 64 << 20})
	defer guard.Close()
	const source = `
		async function waits(nk) { await nk.othersGrew(); let n = 0; for (let i = 0; i < 3e6; i++) n += i; return n }
		function grows() { const l = []; for (;;) if (l.length < 1e6) l.push([1, 2, 3]) }`
	waiting, grew := make(chan struct{}), make(chan struct{})
	lib := vm.Bind(vm.JS, struct{}{}, []vm.Func[struct{}]{{Name: vm.N("others_grew"), Async: true, Body: func(_ struct{}, c *vm.Call) error {
		return c.Later(func(context.Context) func(c *vm.Call) error {
			close(waiting)
			<-grew
			return func(c *vm.Call) error { return nil }
		})
	}}})
	p, err := vm.NewPool(t.Context(), vm.PoolOptions{Max: 2, New: func(context.Context) (vm.Instance, error) {
		return load(t, source, js.Options{Guard: guard, Limits: vm.Limits{Timeout: time.Minute}}), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	call := func(name string) error {
		l, ctx, err := p.Lease(t.Context())
		if err != nil {
			return err
		}
		defer l.Release()
		v := l.Instance()
		_, err = v.Invoke(ctx, v.Global(name), v.Functions(lib))
		return err
	}
	waited := make(chan error, 1)
	go func() { waited <- call("waits") }()
	select {
	case <-waiting:
	case err := <-waited:
		t.Fatalf("the call did not wait: %v", err)
	}
	if err := call("grows"); fault.CodeOf(err) != fault.ResourceExhausted {
		t.Errorf("the call that grows: %v", err)
	}
	close(grew)
	if err := <-waited; err != nil {
		t.Errorf("the call that waits: %v", err)
	}
}

// Code that a program evaluates has the limits of built-in functions, too.
func TestEvaluatedCodeIsLimited(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`"x".repeat(2 ** 40)`:                                   `a string of 1099511627776 is too large: the maximum is 67108864`,
		`new Array(2 ** 31).fill(1)`:                            `an array of 2147483648 is too large: the maximum is 16777216`,
		`const f = () => f(); try { f() } catch (e) { e.name }`: `RangeError`,
	} {
		v := load(t, `function main(source) { return (0, eval)(source) }`, js.Options{})
		out, err := v.Invoke(t.Context(), v.Global("main"), v.FromStr(source))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = v.Str(out[0])
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
}
