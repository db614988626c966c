package lua

import (
	lua "github.com/yuin/gopher-lua"

	"kumi/vm"
)

// record is a table whose values come from Go when they are first read. Until
// it is written to, listed or read often it is empty, and a metatable that
// scripts cannot see answers for it; then it becomes a plain table, which it
// stays. Whatever looks at tables past their metatables must ask plain first.
type record struct {
	table lua.LTable // what scripts hold
	meta  lua.LTable // its metatable

	vm     *VM
	layout *vm.Layout
	source vm.Source
	vals   []lua.LValue // by position; nil: not read yet
	reads  int
}

// often is how many reads it takes until a plain table is cheaper.
const often = 24

// String and Type make a record an LValue: its metatable's own metatable, where
// it is found again. No script gets hold of it.
func (r *record) String() string       { return "record" }
func (r *record) Type() lua.LValueType { return lua.LTUserData }

// recordMeta is what all metatables of records are copies of: they share its
// entries, which never change.
var recordMeta = func() lua.LTable {
	L := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer L.Close()
	t := L.CreateTable(0, 2)
	t.RawSetString("__index", &lua.LFunction{IsG: true, GFunction: indexRecord})
	t.RawSetString("__newindex", &lua.LFunction{IsG: true, GFunction: writeRecord})
	return *t
}()

// Record implements vm.Engine. A property that cannot be made is absent.
func (e engine) Record(l *vm.Layout, s vm.Source) vm.Ref {
	r := &record{meta: recordMeta, vm: e.vm, layout: l, source: s}
	r.meta.Metatable = r
	r.table.Metatable = &r.meta
	return &r.table
}

// recordOf is the record that a table is, nil when it is a plain table.
func recordOf(t *lua.LTable) *record {
	if mt, ok := t.Metatable.(*lua.LTable); ok {
		if r, ok := mt.Metatable.(*record); ok && t == &r.table {
			return r
		}
	}
	return nil
}

// plain makes a record a plain table.
func plain(t *lua.LTable) {
	r := recordOf(t)
	if r == nil {
		return
	}
	n := 0
	for i := range r.layout.Names {
		if r.value(i) != lua.LNil {
			n++
		}
	}
	*t = *r.vm.state.CreateTable(0, n)
	for i, x := range r.vals {
		if x != lua.LNil {
			t.RawSetString(r.layout.Names[i].Snake, x)
		}
	}
	r.meta, r.layout, r.source, r.vals = lua.LTable{}, nil, nil, nil
}

// value reads a property by position.
func (r *record) value(i int) lua.LValue {
	if r.vals == nil {
		r.vals = make([]lua.LValue, len(r.layout.Names))
	}
	if x := r.vals[i]; x != nil {
		return x
	}
	var x lua.LValue = lua.LNil
	if r.source.Has(i) {
		if ref, err := r.source.Get(r.vm, i); err == nil {
			x = value(ref)
		}
	}
	r.vals[i] = x
	return x
}

// field reads a property by name.
func (r *record) field(name string) lua.LValue {
	if i, ok := r.layout.Position(vm.Lua, name); ok {
		return r.value(i)
	}
	return lua.LNil
}

func indexRecord(L *lua.LState) int {
	var x lua.LValue = lua.LNil
	t := L.CheckTable(1)
	if name, ok := L.Get(2).(lua.LString); ok {
		if r := recordOf(t); r != nil {
			x = r.field(string(name))
			if r.reads++; r.reads >= often {
				plain(t)
			}
		}
	}
	L.Push(x)
	return 1
}

func writeRecord(L *lua.LState) int {
	t := L.CheckTable(1)
	plain(t)
	L.RawSet(t, L.Get(2), L.Get(3))
	return 0
}

// Recorded implements vm.Recorder.
func (v *VM) Recorded(x vm.Ref) vm.Recorded {
	if t, ok := x.(*lua.LTable); ok {
		if r := recordOf(t); r != nil {
			return r
		}
	}
	return nil
}

// Source implements vm.Recorded.
func (r *record) Source() vm.Source { return r.source }

// Touched implements vm.Recorded. What was written to is a record no more.
func (r *record) Touched(i int) (vm.Ref, bool) {
	if r.vals == nil || r.vals[i] == nil {
		return nil, false
	}
	if r.vals[i] == lua.LNil {
		return nil, r.source.Has(i) // it could not be made
	}
	return r.vals[i], true
}

// Extended implements vm.Recorded.
func (r *record) Extended() bool { return false }

// asPlain is a function of gopher-lua for tables that may be records.
func asPlain(fn *lua.LFunction) *lua.LFunction {
	return &lua.LFunction{IsG: true, Env: fn.Env, Upvalues: fn.Upvalues, GFunction: func(L *lua.LState) int {
		if t, ok := L.Get(1).(*lua.LTable); ok {
			plain(t)
		}
		return fn.GFunction(L)
	}}
}
