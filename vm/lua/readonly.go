package lua

import lua "github.com/yuin/gopher-lua"

const errReadOnly = "attempt to modify read only table"

// FreezeGlobals prevents calls from changing shared tables. Every VM has its own copy,
// so some calls would see such a change and others not, which is hardly ever intended.
//
// All tables that can be reached from global variables and from the values of modules
// reject new keys, and changes by the table library. The table of globals itself and
// tables with a metatable are not protected. Existing keys can still be overwritten,
// as gopher-lua has no hook for that; it affects this VM only.
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

// guard wraps fn, which changes the table that is its first argument, so that it
// rejects read-only tables.
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
