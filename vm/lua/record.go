package lua

import (
	"unsafe"

	lua "github.com/yuin/gopher-lua"

	"kumi/vm"
)

// record is a table whose content is outside of it: values that are converted from Go
// when they are first read, or the properties of a JSON object. Building a Lua table
// is a large part of the cost of a call, and most are read once or twice. The table is
// empty, and a metatable that scripts cannot see provides the content, until the table
// is iterated, used often, or changed other than by setting an existing key. Then it
// becomes a plain table for good. Code that reads tables without metatables must call
// plain first.
type record struct {
	table lua.LTable // the value for scripts; must be the first field, see recordOf
	vm    *VM
	uses  int
	wrote bool // scripts changed something

	layout *vm.Layout
	source vm.Source
	vals   []lua.LValue // by position in the layout; nil: not read yet

	pairs []vm.Member // the content of a record without source; all values are lua.LValues
}

// often is the number of uses after which a plain table is cheaper.
const often = 24

// maxPairs is the maximum number of keys of a record without source, since they are
// searched one by one.
const maxPairs = 12

// recordMeta is the metatable of all records, and of no other tables. It never changes,
// and scripts cannot see it.
var recordMeta *lua.LTable

func init() { // not an initializer, since its functions refer to it
	L := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer L.Close()
	t := L.CreateTable(0, 2)
	t.RawSetString("__index", &lua.LFunction{IsG: true, GFunction: indexRecord})
	t.RawSetString("__newindex", &lua.LFunction{IsG: true, GFunction: writeRecord})
	recordMeta = t
}

// Record implements vm.Engine. A property whose conversion fails is absent.
func (e engine) Record(l *vm.Layout, s vm.Source) vm.Ref {
	if len(l.Names) > maxRoom {
		return e.vm.record(&record{layout: l, source: s})
	}
	r := &roomyRecord{record: record{layout: l, source: s}}
	r.vals = r.room[:len(l.Names)]
	return e.vm.record(&r.record)
}

// roomyRecord is a record of few properties, with their values in the same allocation.
type roomyRecord struct {
	record
	room [maxRoom]lua.LValue
}

const maxRoom = 6

func (v *VM) record(r *record) *lua.LTable {
	r.vm, r.table.Metatable = v, recordMeta
	return &r.table
}

// decoded makes a table for a JSON object. The keys must differ, and the values must
// not be nil.
func (v *VM) decoded(pairs []vm.Member) *lua.LTable {
	if n := len(pairs); n > 0 && n <= maxPairs {
		return v.record(&record{pairs: append(make([]vm.Member, 0, n), pairs...)})
	}
	t := v.state.CreateTable(0, len(pairs))
	for _, p := range pairs {
		t.RawSetString(p.Key, value(p.Value))
	}
	return t
}

// recordOf returns the record of a table, nil for a plain table.
func recordOf(t *lua.LTable) *record {
	if t.Metatable != lua.LValue(recordMeta) {
		return nil
	}
	// The table is the first field of its record. Other ways to find the record would
	// need a map: gopher-lua's tables have no field for it, and a metatable for each
	// record takes as long to make as a plain table.
	return (*record)(unsafe.Pointer(t))
}

// plain turns a record into a plain table.
func plain(t *lua.LTable) {
	r := recordOf(t)
	if r == nil {
		return
	}
	pairs := r.all(make([]vm.Member, 0, maxPairs))
	*t = *r.vm.state.CreateTable(0, len(pairs))
	for _, p := range pairs {
		t.RawSetString(p.Key, value(p.Value))
	}
	r.layout, r.source, r.vals, r.pairs = nil, nil, nil, nil
}

// all appends the content, in order.
func (r *record) all(to []vm.Member) []vm.Member {
	if r.source == nil {
		return append(to, r.pairs...)
	}
	for i := range r.layout.Names {
		if x := r.value(i); x != lua.LNil {
			to = append(to, vm.Member{Key: r.layout.Names[i].Snake, Value: x})
		}
	}
	return to
}

// value returns a property by position.
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

// field returns a property by name.
func (r *record) field(name string) lua.LValue {
	if r.source != nil {
		if i, ok := r.layout.Position(vm.Lua, name); ok {
			return r.value(i)
		}
		return lua.LNil
	}
	for i := range r.pairs {
		if r.pairs[i].Key == name {
			return value(r.pairs[i].Value)
		}
	}
	return lua.LNil
}

// set sets a property. It returns false if that needs a plain table, which keeps the
// keys in the order in which they were first set, even after they were deleted.
func (r *record) set(name string, x lua.LValue) bool {
	if x == lua.LNil {
		return false
	}
	if r.source != nil {
		i, ok := r.layout.Position(vm.Lua, name)
		if !ok || r.value(i) == lua.LNil {
			return false
		}
		r.vals[i] = x
		return true
	}
	for i := range r.pairs {
		if r.pairs[i].Key == name {
			r.pairs[i].Value = x
			return true
		}
	}
	if len(r.pairs) == maxPairs {
		return false
	}
	r.pairs = append(r.pairs, vm.Member{Key: name, Value: x})
	return true
}

// used counts a use.
func (r *record) used() {
	if r.uses++; r.uses >= often {
		plain(&r.table)
	}
}

func indexRecord(L *lua.LState) int {
	var x lua.LValue = lua.LNil
	if name, ok := L.Get(2).(lua.LString); ok {
		if r := recordOf(L.CheckTable(1)); r != nil {
			x = r.field(string(name))
			r.used()
		}
	}
	L.Push(x)
	return 1
}

func writeRecord(L *lua.LState) int {
	t, key, x := L.CheckTable(1), L.Get(2), L.Get(3)
	if r := recordOf(t); r != nil {
		r.wrote = true
		if name, ok := key.(lua.LString); ok && r.set(string(name), x) {
			r.used()
			return 0
		}
		plain(t)
	}
	L.RawSet(t, key, x)
	return 0
}

// Recorded implements vm.Recorder.
func (v *VM) Recorded(x vm.Ref) vm.Recorded {
	if t, ok := x.(*lua.LTable); ok {
		if r := recordOf(t); r != nil && r.source != nil {
			return r
		}
	}
	return nil
}

// Pristine implements vm.Recorder.
func (v *VM) Pristine(x vm.Ref) bool {
	r, ok := v.Recorded(x).(*record)
	return ok && !r.wrote
}

// Source implements vm.Recorded.
func (r *record) Source() vm.Source { return r.source }

// Touched implements vm.Recorded. A record that lost a property is a plain table.
func (r *record) Touched(i int) (vm.Ref, bool) {
	if r.vals == nil || r.vals[i] == nil { // not read
		return nil, false
	}
	if r.vals[i] == lua.LNil {
		return nil, r.source.Has(i) // its conversion failed
	}
	return r.vals[i], true
}

// Extended implements vm.Recorded. A record that got a property is a plain table.
func (r *record) Extended() bool { return false }

// asPlain wraps a function of gopher-lua whose arguments may be records.
func asPlain(fn *lua.LFunction) *lua.LFunction {
	return &lua.LFunction{IsG: true, Env: fn.Env, Upvalues: fn.Upvalues, GFunction: func(L *lua.LState) int {
		if t, ok := L.Get(1).(*lua.LTable); ok {
			plain(t)
		}
		return fn.GFunction(L)
	}}
}
