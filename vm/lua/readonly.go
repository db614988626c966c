package lua

import lua "github.com/yuin/gopher-lua"

const errReadOnly = "attempt to modify read only table"

// FreezeGlobals keeps what modules share from being changed by calls. Every VM
// has its own copy, so such a change would be seen by some calls and not by
// others, which is hardly ever meant.
//
// All tables that can be reached from global variables and from the values of
// modules refuse new keys and the functions of the table library. The table of
// globals itself, and tables with a metatable of their own, stay as they are.
// gopher-lua asks nobody before it overwrites a key that exists, so that much
// stays possible; it changes this VM only.
func (v *VM) FreezeGlobals() {
	mark := v.state.CreateTable(0, 2)
	mark.RawSetString("__metatable", lua.LFalse)
	mark.RawSetString("__newindex", sharedRefuse)
	v.readOnly = mark
	seen := map[*lua.LTable]bool{v.state.G.Global: true, v.loaded: true}
	each(v.state.G.Global, func(_, x lua.LValue) bool { v.freeze(x, seen); return true })
	each(v.loaded, func(_, x lua.LValue) bool { v.freeze(x, seen); return true })
}

func (v *VM) freeze(x lua.LValue, seen map[*lua.LTable]bool) {
	t, ok := x.(*lua.LTable)
	if !ok || seen[t] || v.natives[t] != nil {
		return
	}
	seen[t] = true
	plain(t)
	if t.Metatable == lua.LNil {
		t.Metatable = v.readOnly
	}
	each(t, func(_, x lua.LValue) bool { v.freeze(x, seen); return true })
}

var sharedRefuse = &lua.LFunction{IsG: true, GFunction: func(L *lua.LState) int {
	L.RaiseError(errReadOnly)
	return 0
}}

// guard is fn, which changes its first argument, for tables that may be changed.
func (v *VM) guard(fn *lua.LFunction) *lua.LFunction {
	return v.function(func(L *lua.LState) int {
		t, ok := L.Get(1).(*lua.LTable)
		if ok {
			plain(t)
		}
		if ok && v.readOnly != nil && t.Metatable == lua.LValue(v.readOnly) {
			L.RaiseError(errReadOnly)
		}
		return fn.GFunction(L)
	})
}
