package lua_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	golua "github.com/yuin/gopher-lua"

	"kumi/vm"
	"kumi/vm/lua"
)

const fib = `function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end`

// BenchmarkFib compares a call with a deadline with plain gopher-lua.
func BenchmarkFib(b *testing.B) {
	b.Run("interpreter alone", func(b *testing.B) {
		L := golua.NewState()
		defer L.Close()
		if err := L.DoString(fib); err != nil {
			b.Fatal(err)
		}
		fn := L.GetGlobal("fib")
		for b.Loop() {
			if err := L.CallByParam(golua.P{Fn: fn, NRet: 1, Protect: true}, golua.LNumber(20)); err != nil {
				b.Fatal(err)
			}
			L.Pop(1)
		}
	})
	b.Run("under a deadline", func(b *testing.B) {
		v := start(b, fib, options{timeout: time.Minute})
		fn := v.Global("fib")
		for b.Loop() {
			if _, err := v.Invoke(context.Background(), fn, v.FromInt(20)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkInvoke(b *testing.B) {
	v := start(b, `local nk = require("nakama"); function empty() end; function native() return nk.add(1, 2) end`, options{timeout: time.Minute})
	for _, name := range []string{"empty", "native"} {
		fn := v.Global(name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Invoke(context.Background(), fn); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkNew measures a VM that uses the usual libraries.
func BenchmarkNew(b *testing.B) {
	const source = `local nk = require("nakama")
local M = {}
function M.f(t) for k, v in pairs(t) do table.insert(t, string.format("%s", tostring(v))) end return pcall(nk.add, 1, 2) end
return M`
	m, err := lua.Compile("main", "main.lua", source)
	if err != nil {
		b.Fatal(err)
	}
	p, err := lua.NewProgram(m)
	if err != nil {
		b.Fatal(err)
	}
	var keep []vm.Instance
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for b.Loop() {
		v, err := lua.New(lua.Options{Program: p, Libraries: map[string]*vm.Library{"nakama": library}})
		if err == nil {
			err = v.Load(context.Background())
		}
		if err != nil {
			b.Fatal(err)
		}
		keep = append(keep, v)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(keep)), "kept-B/vm")
	runtime.KeepAlive(keep)
}

func BenchmarkJSON(b *testing.B) {
	v := start(b, `function f(x) return x end`, options{})
	const text = `{"id":"abc","score":12,"items":[{"name":"sword","n":1},{"name":"shield","n":2}],"ok":true}`
	b.ReportAllocs()
	for b.Loop() {
		x, err := v.FromJSON(text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := v.ToJSON(x); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRecord makes the table of a Go value and reads one property of it. The
// reference is "plain", where all six properties are made at once.
func BenchmarkRecord(b *testing.B) {
	v := start(b, `function name(t) return t.name end`, options{})
	fn := v.Global("name")
	reads := 0
	for _, c := range []struct {
		name string
		make func() vm.Ref
	}{
		{"record", func() vm.Ref { return v.Record(fruitLayout, fruit{&reads}) }},
		{"plain", func() vm.Ref { return plainFruit(v) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Invoke(context.Background(), fn, c.make()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
