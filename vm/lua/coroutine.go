package lua

import lua "github.com/yuin/gopher-lua"

// A coroutine is a thread with a stack of its own, which must poll the same
// deadline. gopher-lua would give it a context derived from ours.

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

// sharedYield refuses what Lua 5.1 refuses too and gopher-lua stumbles over: to
// leave a function of Go, pcall for one, in the middle.
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

// maxResumed is how many coroutines may have resumed one another: each takes
// some of Go's stack, whose end would be the end of the server.
const maxResumed = 200

func (v *VM) resume(L *lua.LState, resume lua.LGFunction) int {
	if v.resumed == maxResumed {
		L.RaiseError("stack overflow: more than %d coroutines have resumed one another", maxResumed)
	}
	v.resumed++
	defer func() { v.resumed-- }()
	return resume(L)
}
