package lua

import lua "github.com/yuin/gopher-lua"

// A coroutine is a thread with its own stack. It must poll the same deadline as the
// main thread, while gopher-lua would give it a derived context.

func (v *VM) coroutineCreate(L *lua.LState) int {
	n := stock()["coroutine"]["create"].(*lua.LFunction).GFunction(L)
	L.Get(-1).(*lua.LState).SetContext(v.deadline)
	return n
}

func (v *VM) coroutineWrap(L *lua.LState) int {
	n := stock()["coroutine"]["wrap"].(*lua.LFunction).GFunction(L)
	wrapped := L.Get(-1).(*lua.LFunction)
	thread := wrapped.Upvalues[0].Value().(*lua.LState)
	thread.SetContext(v.deadline)
	L.Pop(1)
	L.Push(L.NewClosure(func(L *lua.LState) int { return v.resume(L, wrapped.GFunction) }, thread))
	return n
}

func (v *VM) coroutineResume(L *lua.LState) int {
	return v.resume(L, stock()["coroutine"]["resume"].(*lua.LFunction).GFunction)
}

// sharedYield is coroutine.yield. Like Lua 5.1, but unlike gopher-lua, it raises an
// error if there is a Go function, such as pcall, on the stack of the coroutine.
var sharedYield = &lua.LFunction{IsG: true, GFunction: func(L *lua.LState) int {
	for level := 1; L.Parent != nil; level++ {
		frame, ok := L.GetStack(level)
		if !ok {
			break
		}
		if _, err := L.GetInfo("S", frame, lua.LNil); err == nil && frame.What == "G" {
			L.RaiseError("attempt to yield across metamethod/C-call boundary")
		}
	}
	return -1
}}

// maxResumed is the maximum number of coroutines that have resumed each other. Each
// takes some of the Go stack, whose overflow ends the process.
const maxResumed = 200

func (v *VM) resume(L *lua.LState, resume lua.LGFunction) int {
	if v.resumed == maxResumed {
		L.RaiseError("stack overflow: more than %d coroutines have resumed one another", maxResumed)
	}
	v.resumed++
	defer func() { v.resumed-- }()
	return resume(L)
}
