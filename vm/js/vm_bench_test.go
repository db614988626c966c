package js_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"kumi/vm"
	"kumi/vm/js"
)

// wide is a table of about as many functions as the real one.
var wide = func() []vm.Func[*host] {
	all := append([]vm.Func[*host]{}, table...)
	for i := range 200 {
		all = append(all, vm.Func[*host]{Name: vm.N(fmt.Sprintf("function_number_%d", i)), Body: table[0].Body})
	}
	return all
}()

// hundred is a module with a hundred functions.
var hundred = func() string {
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "function handler%d(ctx, nk, payload) { const data = JSON.parse(payload); if (data.x > %d) { return JSON.stringify({ y: nk.addUp(data.x) }); } return payload; }\n", i, i)
	}
	b.WriteString("function init(nk) { return nk.addUp(1, 2) }\n")
	return b.String()
}()

func compile(b *testing.B, source string) *js.Program {
	b.Helper()
	p, err := js.Compile("bench.js", source)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// held measures the heap that each result of one keeps alive.
func held(b *testing.B, one func() any) {
	b.Helper()
	const n = 200
	keep := make([]any, n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC() // frees what the first one finalized
	runtime.ReadMemStats(&before)
	for i := range keep {
		keep[i] = one()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/n, "held-B/op")
	runtime.KeepAlive(keep)
}

// BenchmarkNewVM makes VMs with about 200 functions available. The reference is
// "eager", which binds the same functions one by one, as users of goja usually do.
func BenchmarkNewVM(b *testing.B) {
	lib := vm.Bind(vm.JS, &host{}, wide)
	lazy := func(p *js.Program) func() any {
		return func() any {
			v, err := js.New(context.Background(), p, js.Options{}) // no timers, which would keep VMs alive
			if err != nil {
				b.Fatal(err)
			}
			nk := v.Functions(lib)
			return []any{v, nk}
		}
	}
	module, empty := compile(b, hundred), compile(b, "")
	raw := goja.MustCompile("bench.js", hundred, true)
	for _, c := range []struct {
		name string
		make func() any
	}{
		{"empty", lazy(empty)},
		{"module", lazy(module)},
		{"module-eager", func() any {
			rt := goja.New()
			nk := rt.NewObject()
			for _, name := range lib.Names() {
				n := lib.Lookup(name)
				_ = nk.Set(name, func(goja.FunctionCall) goja.Value { _ = n; return nil })
			}
			if _, err := rt.RunProgram(raw); err != nil {
				b.Fatal(err)
			}
			return []any{rt, nk}
		}},
		{"module-one-call", func() any {
			all := lazy(module)().([]any)
			v := all[0].(*js.VM)
			if _, err := v.Invoke(context.Background(), v.Global("init"), all[1]); err != nil {
				b.Fatal(err)
			}
			return all
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.make()
			}
			held(b, c.make)
		})
	}
}

// BenchmarkCall calls small script functions. The reference is "goja", the same function
// called with goja's API, without a deadline.
func BenchmarkCall(b *testing.B) {
	const source = `function echo(ctx, logger, nk, payload) { return payload }
		function add(ctx, logger, nk) { return nk.addUp(1, 2) }
		function touch(ctx, logger, nk) { const s = nk.readScore(); return s.ownerId + s.points }
		function parse(ctx, logger, nk) { return nk.readScore().metadata.a[0] }
		function walk(ctx, logger, nk) { return JSON.stringify(nk.readScore()) }
		function list(ctx, logger, nk) { const { scores } = nk.listScores(); let n = 0; for (const s of scores) n += s.points; return n }`
	p := compile(b, source)
	v, err := js.New(context.Background(), p, js.Options{Limits: vm.Limits{Timeout: 10 * time.Second}})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	nk := v.Functions(vm.Bind(vm.JS, &host{}, wide))
	ctx, cancel := context.WithCancel(context.Background()) // like that of a request
	defer cancel()
	for _, name := range []string{"echo", "add", "touch", "parse", "walk", "list"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			fn := v.Global(name)
			for b.Loop() {
				if _, err := v.Invoke(ctx, fn, v.Nil(), v.Nil(), nk, v.FromStr("hello there, this is a payload")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("goja", func(b *testing.B) {
		b.ReportAllocs()
		rt := goja.New()
		if _, err := rt.RunString(source); err != nil {
			b.Fatal(err)
		}
		echo, _ := goja.AssertFunction(rt.Get("echo"))
		null := goja.Null()
		for b.Loop() {
			if _, err := echo(goja.Undefined(), null, null, null, rt.ToValue("hello there, this is a payload")); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkJSON compares FromJSON with JSON.parse.
func BenchmarkJSON(b *testing.B) {
	const text = `{"level":12,"name":"someone","items":[{"id":1,"count":3},{"id":2,"count":1}],"position":{"x":1.5,"y":-2},"flags":[true,false,null]}`
	v := load(b, "function parse(t) { return JSON.parse(t) }", js.Options{})
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.FromJSON(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("goja", func(b *testing.B) {
		b.ReportAllocs()
		fn, ref := v.Global("parse"), v.FromStr(text)
		for b.Loop() {
			if _, err := v.Invoke(context.Background(), fn, ref); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPool leases and releases a VM, as every call from outside does.
func BenchmarkPool(b *testing.B) {
	p, err := vm.NewPool(context.Background(), vm.PoolOptions{Max: 2, First: load(b, "", js.Options{})})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	b.ReportAllocs()
	for b.Loop() {
		l, _, err := p.Lease(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		l.Release()
	}
}

// BenchmarkResult reads the result of a function, outside of a call.
func BenchmarkResult(b *testing.B) {
	v := load(b, "function f() { return { state: {}, label: 'x' } }", js.Options{Limits: vm.Limits{Timeout: time.Second}})
	out, err := v.Invoke(context.Background(), v.Global("f"))
	if err != nil {
		b.Fatal(err)
	}
	name := vm.N("state")
	b.Run("field", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v.Field(out[0], &name)
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.ToJSON(out[0]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("is", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = v.IsObject(out[0]) && v.IsBool(out[0]) && v.IsFunc(out[0])
		}
	})
}
