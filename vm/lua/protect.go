package lua

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"kumi/vm"
)

// guard is one protected call that runs.
type guard struct {
	base    int // of its registers; everything from here on dies when it fails
	trace   bool
	stack   string         // where it failed, when trace is set
	handler *lua.LFunction // the script's own, of xpcall
}

// protect calls the function under nargs arguments on the stack of L. Its
// results are left there; an error is returned, with the stack at which it was
// raised when trace is set.
//
// gopher-lua on its own closes the upvalues of all frames when an error is
// raised, those of the frames that go on living included, after which a local
// and the closures over it part ways. Here only those of the frames that die
// are closed; see upvalues.go.
func (v *VM) protect(L *lua.LState, nargs int, trace bool, handler *lua.LFunction) (*lua.ApiError, string) {
	base := registers(L) - nargs - 1
	v.guards = append(v.guards, guard{base: base, trace: trace, handler: handler})
	thread, nested, had := v.thread, v.nested, hasErrorFunc(L)
	v.thread = L
	err := L.PCall(nargs, lua.MultRet, v.onFail)
	v.thread, v.nested = thread, nested
	setErrorFunc(L, had)
	g := v.guards[len(v.guards)-1]
	v.guards = v.guards[:len(v.guards)-1]
	if err == nil {
		return nil, ""
	}
	closeUpvalues(L, base+1) // none are left unless the handler could not run
	fail := err.(*lua.ApiError)
	if s, ok := fail.Object.(lua.LString); ok && s == "lua callstack overflow" {
		fail.Object = lua.LString("stack overflow")
		v.o.Guard.Stopped(vm.Lua, vm.StoppedStack)
	}
	return fail, g.stack
}

// failed runs where an error was raised, before the stack is unwound.
func (v *VM) failed(L *lua.LState) int {
	g := &v.guards[len(v.guards)-1]
	if g.trace {
		g.stack = traceback(L)
	}
	result := L.Get(1)
	if h := g.handler; h != nil {
		g.handler = nil
		L.Push(h)
		L.Push(result)
		L.Call(1, 1)
		result = L.Get(-1)
	}
	closeUpvalues(L, g.base+1)
	L.Push(result)
	return 1
}

// traceback lists the Lua frames of a thread, innermost first, one per line.
func traceback(L *lua.LState) string {
	var b strings.Builder
	const most = 20
	n := 0
	for level := 1; ; level++ {
		frame, ok := L.GetStack(level)
		if !ok {
			break
		}
		if _, err := L.GetInfo("Sln", frame, lua.LNil); err != nil || frame.What == "G" || frame.Source == "" {
			continue
		}
		if n++; n > most {
			b.WriteString("\n...")
			break
		}
		if n > 1 {
			b.WriteByte('\n')
		}
		name := frame.Name
		if name == "" || name == "?" || name == "main chunk" || strings.HasPrefix(name, "<") || strings.HasPrefix(name, "(") {
			name = fmt.Sprintf("function at line %d", frame.LineDefined)
		}
		if frame.LineDefined <= 0 {
			name = "main chunk"
		}
		fmt.Fprintf(&b, "%s (%s:%d)", name, frame.Source, frame.CurrentLine)
	}
	return b.String()
}

// pcall and xpcall are the functions of the base library.

func (v *VM) pcall(L *lua.LState) int {
	fn := L.CheckAny(1)
	if fn.Type() != lua.LTFunction && L.GetMetaField(fn, "__call").Type() != lua.LTFunction {
		L.Push(lua.LFalse)
		L.Push(lua.LString("attempt to call a " + fn.Type().String() + " value"))
		return 2
	}
	if fail, _ := v.protect(L, L.GetTop()-1, false, nil); fail != nil {
		L.Push(lua.LFalse)
		L.Push(fail.Object)
		return 2
	}
	L.Insert(lua.LTrue, 1)
	return L.GetTop()
}

func (v *VM) xpcall(L *lua.LState) int {
	fn, handler := L.CheckFunction(1), L.CheckFunction(2)
	top := L.GetTop()
	L.Push(fn)
	for i := 3; i <= top; i++ {
		L.Push(L.Get(i))
	}
	if fail, _ := v.protect(L, max(top-2, 0), false, handler); fail != nil {
		L.Push(lua.LFalse)
		L.Push(fail.Object)
		return 2
	}
	L.Insert(lua.LTrue, top+1)
	return L.GetTop() - top
}
