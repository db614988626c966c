package lua

import (
	"errors"
	"math"

	lua "github.com/yuin/gopher-lua"

	"kumi/vm"
)

// engine implements vm.Engine for a VM.
type engine struct{ vm *VM }

// Lang implements vm.Engine.
func (e engine) Lang() vm.Lang { return vm.Lua }

// IsNil implements vm.Engine.
func (e engine) IsNil(r vm.Ref) bool { return r == nil || r == vm.Ref(lua.LNil) }

// IsStr implements vm.Engine.
func (e engine) IsStr(r vm.Ref) bool { _, ok := r.(lua.LString); return ok }

// IsNum implements vm.Engine.
func (e engine) IsNum(r vm.Ref) bool { _, ok := r.(lua.LNumber); return ok }

// IsBool implements vm.Engine.
func (e engine) IsBool(r vm.Ref) bool { _, ok := r.(lua.LBool); return ok }

// IsList implements vm.Engine. An empty table is a list, too.
func (e engine) IsList(r vm.Ref) bool {
	t, ok := r.(*lua.LTable)
	return ok && isList(t)
}

func isList(t *lua.LTable) bool {
	plain(t)
	if t.MaxN() > 0 {
		return true
	}
	k, _ := t.Next(lua.LNil)
	return k == lua.LNil
}

// IsObject implements vm.Engine.
func (e engine) IsObject(r vm.Ref) bool { _, ok := r.(*lua.LTable); return ok }

// IsFunc implements vm.Engine.
func (e engine) IsFunc(r vm.Ref) bool { _, ok := r.(*lua.LFunction); return ok }

// IsBytes implements vm.Engine.
func (e engine) IsBytes(r vm.Ref) bool { _, ok := r.(lua.LString); return ok }

// Str implements vm.Engine.
func (e engine) Str(r vm.Ref) string {
	switch v := r.(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return v.String()
	}
	return ""
}

// Int implements vm.Engine. Fractions are truncated, since Lua modules rely on that.
func (e engine) Int(r vm.Ref) (int64, bool) {
	n, ok := r.(lua.LNumber)
	if !ok {
		return 0, false
	}
	f := math.Trunc(float64(n))
	if !(f >= math.MinInt64 && f < math.MaxInt64) { // NaN fails too
		return 0, false
	}
	return int64(f), true
}

// Float implements vm.Engine.
func (e engine) Float(r vm.Ref) float64 {
	n, _ := r.(lua.LNumber)
	return float64(n)
}

// Bool implements vm.Engine.
func (e engine) Bool(r vm.Ref) bool { b, _ := r.(lua.LBool); return bool(b) }

// Bytes implements vm.Engine.
func (e engine) Bytes(r vm.Ref) []byte {
	s, _ := r.(lua.LString)
	return []byte(s)
}

// View implements vm.Engine.
func (e engine) View(r vm.Ref) []byte { return e.Bytes(r) }

// Field implements vm.Engine.
func (e engine) Field(obj vm.Ref, n *vm.Name) vm.Ref { return e.FieldNamed(obj, n.Snake) }

// FieldNamed implements vm.Engine.
func (e engine) FieldNamed(obj vm.Ref, key string) vm.Ref {
	t, ok := obj.(*lua.LTable)
	if !ok {
		return lua.LNil
	}
	if r := recordOf(t); r != nil {
		return r.field(key)
	}
	return t.RawGetString(key)
}

// EachField implements vm.Engine: first the elements of a list, then the other keys
// in the order in which they were first set.
func (e engine) EachField(obj vm.Ref, visit func(key string, v vm.Ref) bool) {
	t, ok := obj.(*lua.LTable)
	if !ok {
		return
	}
	each(t, func(k, x lua.LValue) bool { return visit(k.String(), x) })
}

func each(t *lua.LTable, visit func(k, x lua.LValue) bool) {
	plain(t)
	for k, x := t.Next(lua.LNil); k != lua.LNil; k, x = t.Next(k) {
		if !visit(k, x) {
			return
		}
	}
}

// Len implements vm.Engine.
func (e engine) Len(list vm.Ref) int {
	t, ok := list.(*lua.LTable)
	if !ok {
		return 0
	}
	return t.MaxN()
}

// Index implements vm.Engine.
func (e engine) Index(list vm.Ref, i int) vm.Ref {
	t, ok := list.(*lua.LTable)
	if !ok {
		return lua.LNil
	}
	return t.RawGetInt(i + 1)
}

// SetNamed implements vm.Engine.
func (e engine) SetNamed(obj vm.Ref, key string, x vm.Ref) {
	if t, ok := obj.(*lua.LTable); ok {
		plain(t)
		t.RawSetString(key, value(x))
	}
}

// Nil implements vm.Engine.
func (e engine) Nil() vm.Ref { return lua.LNil }

// FromStr implements vm.Engine.
func (e engine) FromStr(s string) vm.Ref { return lua.LString(s) }

// FromInt implements vm.Engine.
func (e engine) FromInt(n int64) vm.Ref { return lua.LNumber(n) }

// FromFloat implements vm.Engine.
func (e engine) FromFloat(f float64) vm.Ref { return lua.LNumber(f) }

// FromBool implements vm.Engine.
func (e engine) FromBool(b bool) vm.Ref { return lua.LBool(b) }

// FromBytes implements vm.Engine.
func (e engine) FromBytes(b []byte) vm.Ref { return lua.LString(b) }

// TakeBytes implements vm.Engine.
func (e engine) TakeBytes(b []byte) vm.Ref { return lua.LString(b) }

// List implements vm.Engine.
func (e engine) List(refs []vm.Ref) vm.Ref {
	t := e.vm.state.CreateTable(len(refs), 0)
	for i, r := range refs {
		t.RawSetInt(i+1, value(r))
	}
	return t
}

// Object implements vm.Engine.
func (e engine) Object(l *vm.Layout, values []vm.Ref) vm.Ref {
	t := e.vm.state.CreateTable(0, len(values))
	for i, r := range values {
		if x := value(r); x != lua.LNil {
			t.RawSetString(l.Names[i].Snake, x)
		}
	}
	return t
}

var errNotFunction = errors.New("not a function")

// Call implements vm.Engine.
func (e engine) Call(fn vm.Ref, args ...vm.Ref) (vm.Ref, error) {
	f, ok := fn.(*lua.LFunction)
	if !ok {
		return nil, errNotFunction
	}
	v := e.vm
	if v.o.Journal.On() && v.nested > 0 {
		return vm.CallbackJournaled(v.o.Journal, v.calls[v.nested-1], fn, args, func() (vm.Ref, error) { return v.callback(f, args) })
	}
	return v.callback(f, args)
}

func (v *VM) callback(f *lua.LFunction, args []vm.Ref) (vm.Ref, error) {
	L := v.thread
	base := L.GetTop()
	L.Push(f)
	for _, a := range args {
		L.Push(value(a))
	}
	fail, trace := v.protect(L, len(args), true, nil)
	if fail != nil {
		L.SetTop(base)
		return nil, v.scriptError(fail, trace)
	}
	var result lua.LValue = lua.LNil
	if L.GetTop() > base {
		result = L.Get(base + 1)
	}
	L.SetTop(base)
	return result, nil
}
