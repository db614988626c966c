package lua

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"kumi/vm"
)

// guard is a running protected call.
type guard struct {
	base    int // its first register; all from here are discarded if it fails
	trace   bool
	stack   string         // the stack of the error, if trace is set
	handler *lua.LFunction // of xpcall
}

// maxGuards is the maximum nesting of protected calls. Lua itself has 200.
const maxGuards = 1000

// protect calls the function below nargs arguments on the stack of L, and leaves the
// results there. An error is returned, with the stack where it was raised if trace is
// set.
//
// When an error is raised, gopher-lua closes the upvalues of all frames, even of those
// that continue. After that a local variable there and the closures over it are
// separate variables. Here only the upvalues of discarded frames are closed; see
// upvalues.go. gopher-lua's PCall also needs room for the handler on the stack, which
// may be full. So the handler is called by a Go function between PCall and the
// function.
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
	if g.handler != nil { // not called yet, as the stack was full
		v.handle(L, g.handler, fail)
		L.SetTop(at - 1)
	}
	return fail, g.stack
}

// runGuarded is the Go function that protect calls: it calls its first argument with
// the others, and handles errors before the stack is unwound.
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

// failure returns the error with which a script or gopher-lua panicked, and whether it
// is a stack overflow.
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

// isOverflow recognizes gopher-lua's messages for stack overflows.
func isOverflow(text string) bool {
	return text == "lua callstack overflow" || strings.HasSuffix(text, "registry overflow") || strings.HasSuffix(text, "stack overflow")
}

// handle calls the handler of xpcall, which may change the error.
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
	const limit = 20
	n := 0
	for level := 0; ; level++ {
		frame, ok := L.GetStack(level)
		if !ok {
			break
		}
		if _, err := L.GetInfo("Sln", frame, lua.LNil); err != nil || frame.What == "G" || frame.Source == "" {
			continue
		}
		if n++; n > limit {
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
