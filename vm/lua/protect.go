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

// maxGuards is how many protected calls may run within one another. Lua itself has
// 200.
const maxGuards = 1000

// protect calls the function under nargs arguments on the stack of L. Its
// results are left there; an error is returned, with the stack at which it was
// raised when trace is set.
//
// gopher-lua on its own closes the upvalues of all frames when an error is
// raised, those of the frames that go on living included, after which a local
// and the closures over it part ways. Here only those of the frames that die
// are closed; see upvalues.go. Its PCall also needs room for a handler on a stack
// that may have none left, so the work of a handler is done by a function of Go
// between PCall and the function that is called.
func (v *VM) protect(L *lua.LState, nargs int, trace bool, handler *lua.LFunction) (*lua.ApiError, string) {
	if len(v.guards) == maxGuards {
		L.RaiseError("stack overflow: more than %d protected calls within one another", maxGuards)
	}
	at := L.GetTop() - nargs
	base := registers(L) - nargs - 1
	v.guards = append(v.guards, guard{base: base, trace: trace, handler: handler})
	thread, nested, had := v.thread, v.nested, hasErrorFunc(L)
	v.thread = L
	L.Insert(v.entry, at)
	setErrorFunc(L, true)
	err := L.PCall(nargs+1, lua.MultRet, nil)
	v.thread, v.nested = thread, nested
	setErrorFunc(L, had)
	g := v.guards[len(v.guards)-1]
	v.guards = v.guards[:len(v.guards)-1]
	if err == nil {
		return nil, ""
	}
	fail := err.(*lua.ApiError)
	if g.handler != nil { // there was no room for it
		v.handle(L, g.handler, fail)
		L.SetTop(at - 1)
	}
	return fail, g.stack
}

// runGuarded is the function of Go in protect: it calls its first argument with
// the others, and deals with an error before the stack is unwound.
func (v *VM) runGuarded(L *lua.LState) int {
	level := len(v.guards)
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		v.guards = v.guards[:level]
		fail, overflow := v.failure(L, r)
		g := &v.guards[level-1]
		if g.trace {
			g.stack = traceback(L)
		}
		if h := g.handler; h != nil && !overflow {
			g.handler = nil
			v.handle(L, h, fail)
		}
		closeUpvalues(L, g.base+1)
		fail.StackTrace = "known" // or PCall makes one
		panic(fail)
	}()
	L.Call(L.GetTop()-1, lua.MultRet)
	return L.GetTop()
}

// failure is what a script or gopher-lua panicked with, and whether that was the
// end of a stack.
func (v *VM) failure(L *lua.LState, r any) (_ *lua.ApiError, overflow bool) {
	fail, ok := r.(*lua.ApiError)
	if !ok {
		fail = &lua.ApiError{Type: lua.ApiErrorPanic, Object: lua.LString(fmt.Sprint(r))}
	}
	if s, ok := fail.Object.(lua.LString); ok && isOverflow(string(s)) {
		fail.Type, fail.Object = lua.ApiErrorRun, lua.LString(where(L, 0)+"stack overflow")
		v.o.Guard.Stopped(vm.Lua, vm.StoppedStack)
		return fail, true
	}
	return fail, false
}

// isOverflow knows the words that gopher-lua has for the end of its stacks.
func isOverflow(text string) bool {
	return text == "lua callstack overflow" || strings.HasSuffix(text, "registry overflow") || strings.HasSuffix(text, "stack overflow")
}

// handle lets the handler of xpcall change an error.
func (v *VM) handle(L *lua.LState, handler *lua.LFunction, fail *lua.ApiError) {
	defer func() {
		if r := recover(); r != nil {
			fail.Object = lua.LString("error in error handling")
		}
	}()
	L.Push(handler)
	L.Push(fail.Object)
	L.Call(1, 1)
	fail.Object = L.Get(-1)
}

// traceback lists the Lua frames of a thread, innermost first, one per line.
func traceback(L *lua.LState) string {
	var b strings.Builder
	const most = 20
	n := 0
	for level := 0; ; level++ {
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
