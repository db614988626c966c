package lua

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// openPackage makes the table package. Its loaders find package.preload, the Go
// libraries and the modules of the program, but no files.
func (v *VM) openPackage(globals *lua.LTable) {
	L := v.state
	v.loaded = L.CreateTable(0, 8)
	preload := L.CreateTable(0, 0)
	loaders := L.CreateTable(2, 0)
	loaders.RawSetInt(1, v.function(func(L *lua.LState) int {
		fn := preload.RawGetString(L.CheckString(1))
		if fn == lua.LNil {
			fn = lua.LString(fmt.Sprintf("no field package.preload['%s']", L.CheckString(1)))
		}
		L.Push(fn)
		return 1
	}))
	loaders.RawSetInt(2, v.function(v.loader))
	L.G.Registry.RawSetString("_LOADED", v.loaded)
	L.G.Registry.RawSetString("_LOADERS", loaders)
	if v.o.Program.needs("package") {
		t := L.CreateTable(0, 8)
		t.RawSetString("loaded", v.loaded)
		t.RawSetString("preload", preload)
		t.RawSetString("loaders", loaders)
		t.RawSetString("path", lua.LString(""))
		t.RawSetString("cpath", lua.LString(""))
		t.RawSetString("config", lua.LString("/\n;\n?\n!\n-\n"))
		t.RawSetString("loadlib", stock()["package"]["loadlib"])
		t.RawSetString("seeall", stock()["package"]["seeall"])
		globals.RawSetString("package", t)
	}
}

// require is Lua's own, with the loaders of openPackage.
func require(L *lua.LState) int { return stock()[""]["require"].(*lua.LFunction).GFunction(L) }

func (v *VM) loader(L *lua.LState) int {
	name := L.CheckString(1)
	if lib := v.o.Libraries[name]; lib != nil {
		L.Push(v.function(func(L *lua.LState) int {
			L.Push(v.Functions(lib).(lua.LValue))
			return 1
		}))
		return 1
	}
	if m := v.o.Program.modules[name]; m != nil {
		L.Push(v.function(func(L *lua.LState) int { return v.evaluate(L, m) }))
		return 1
	}
	L.Push(lua.LString(fmt.Sprintf("no module '%s' in the modules folder", name)))
	return 1
}

// evaluate runs a module's code.
func (v *VM) evaluate(L *lua.LState, m *Module) int {
	outer := v.module
	v.enter(m.Name)
	defer v.enter(outer)
	L.Push(L.NewFunctionFromProto(m.proto))
	L.Push(lua.LString(m.Name))
	L.Call(1, 1)
	return 1
}

func (v *VM) enter(module string) {
	v.module = module
	if v.o.Enter != nil {
		v.o.Enter(module)
	}
}
