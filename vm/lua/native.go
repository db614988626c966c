package lua

import (
	"fmt"
	"runtime/debug"

	lua "github.com/yuin/gopher-lua"

	"kumi/store/fault"
	"kumi/vm"
)

// filler makes the functions of a table of Go functions when they are first read.
type filler struct {
	lib  *vm.Library
	full bool
}

// Functions implements vm.Instance. Each call returns a new table, so a script that
// changes one does not affect others.
func (v *VM) Functions(lib *vm.Library) vm.Ref {
	t := v.state.CreateTable(0, 8)
	mt := v.state.CreateTable(0, 1)
	mt.RawSetString("__index", v.function(func(L *lua.LState) int {
		if t, ok := L.Get(1).(*lua.LTable); ok {
			if name, ok := L.Get(2).(lua.LString); ok {
				if n := lib.Lookup(string(name)); n != nil {
					if n.Property {
						return v.callNative(L, n)
					}
					fn := v.native(n)
					if lib.Methods() {
						fn = v.method(t, n)
					}
					t.RawSetString(string(name), fn)
					L.Push(fn)
					return 1
				}
			}
		}
		L.Push(lua.LNil)
		return 1
	}))
	t.Metatable = mt
	if v.natives == nil {
		v.natives = map[*lua.LTable]*filler{}
	}
	v.natives[t] = &filler{lib: lib}
	return t
}

// fill makes all functions of a table made by Functions, before it is iterated.
func (v *VM) fill(t *lua.LTable) {
	plain(t)
	f := v.natives[t]
	if f == nil || f.full {
		return
	}
	f.full = true
	for _, name := range f.lib.Names() {
		if n := f.lib.Lookup(name); t.RawGetString(name) == lua.LNil && !n.Property {
			t.RawSetString(name, v.native(n))
		}
	}
}

// method is native for a function of t that may be called as t.f(…) and as t:f(…).
func (v *VM) method(t *lua.LTable, n *vm.Native) *lua.LFunction {
	return v.function(func(L *lua.LState) int {
		if L.Get(1) == t {
			L.Remove(1)
		}
		return v.callNative(L, n)
	})
}

// native makes a Lua function that calls a Go function.
func (v *VM) native(n *vm.Native) *lua.LFunction {
	return v.function(func(L *lua.LState) int { return v.callNative(L, n) })
}

func (v *VM) callNative(L *lua.LState, n *vm.Native) int {
	if v.nested == len(v.calls) {
		v.calls = append(v.calls, &vm.Call{Local: v.o.Local})
		v.args = append(v.args, nil)
	}
	c := v.calls[v.nested]
	v.nested++
	thread := v.thread
	v.thread = L
	top := L.GetTop()
	level := v.nested - 1
	args := v.args[level][:0]
	for i := range top {
		args = append(args, L.Get(i+1))
	}
	c.Begin(v.ctx, v, args)
	err := v.guarded(n, c)
	v.nested--
	v.thread = thread
	clear(args)
	v.args[level] = args
	if err != nil {
		v.raise(L, n, err)
	}
	out, _ := c.Results()
	for i := range out {
		L.Push(value(out[i].Value))
	}
	return len(out)
}

// guarded runs the body. Panics become errors.
func (v *VM) guarded(n *vm.Native, c *vm.Call) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fault.Wrap(fault.Internal, "internal error in "+n.Name.Snake, fmt.Errorf("panic: %v\n%s", r, debug.Stack()))
		}
	}()
	return vm.CallThrough(v.head, v.o.Journal, n, c)
}
