package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/dop251/goja"
	lua "github.com/yuin/gopher-lua"
)

// The same function as in modules/, for the script engines alone.
const (
	fibJS  = `function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }`
	fibLua = `local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
		function run() return fib(20) end`
)

// compute compares fib(20) in a server, less the cost of an empty call, with
// the cost in the script engine alone.
func compute(ctx context.Context, t *tabler) ([][]float64, error) {
	s, err := t.start(ctx, "", "")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var out []float64
	for _, language := range []struct {
		name string
		raw  func() (func() error, error)
	}{{"js", rawJS}, {"lua", rawLua}} {
		call, err := language.raw()
		if err != nil {
			return nil, err
		}
		raw, err := costOf(t.duration, call)
		if err != nil {
			return nil, err
		}
		var calls [2]float64
		for i, name := range []string{"fib", "echo"} {
			r, err := t.run(ctx, s, job{bench: fmt.Sprintf("rpc-ws --connections 1 --rpc %s_%s", name, language.name)})
			if err != nil {
				return nil, err
			}
			calls[i] = r.find("", "server").CPU
		}
		out = append(out, (calls[0]-calls[1])/micros(raw))
	}
	return [][]float64{out}, nil
}

// costOf returns the CPU time of one call in this process.
func costOf(d time.Duration, call func() error) (time.Duration, error) {
	self := &process{pid: os.Getpid()}
	before, err := self.cpu()
	if err != nil {
		return 0, err
	}
	calls := time.Duration(0)
	for begin := time.Now(); time.Since(begin) < d; calls++ {
		if err := call(); err != nil {
			return 0, err
		}
	}
	after, err := self.cpu()
	return (after - before) / calls, err
}

func rawJS() (func() error, error) {
	vm := goja.New()
	if _, err := vm.RunString(fibJS); err != nil {
		return nil, err
	}
	fib, _ := goja.AssertFunction(vm.Get("fib"))
	return func() error { _, err := fib(nil, vm.ToValue(20)); return err }, nil
}

func rawLua() (func() error, error) {
	l := lua.NewState()
	if err := l.DoString(fibLua); err != nil {
		return nil, err
	}
	run := l.GetGlobal("run")
	return func() error { return l.CallByParam(lua.P{Fn: run, Protect: true}) }, nil
}
