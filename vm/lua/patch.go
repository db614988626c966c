package lua

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"kumi/store/fault"
	"kumi/vm"
)

var _ vm.Patcher = (*VM)(nil)

// Inexact implements vm.Patcher.
func (e engine) Inexact(x vm.Ref) string {
	switch lv := x.(type) {
	case nil, *lua.LNilType, lua.LBool:
		return ""
	case lua.LNumber:
		if f := float64(lv); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Sprint(f)
		}
		return ""
	case lua.LString:
		if strings.ContainsRune(string(lv), utf8.RuneError) {
			return "a string that is not valid UTF-8"
		}
		return ""
	case *lua.LTable:
		return e.inexactTable(lv)
	case lua.LValue:
		return "a " + lv.Type().String()
	}
	return fmt.Sprintf("a %T", x)
}

// inexactTable names tables that are not a list, and not an object with strings as keys.
func (e engine) inexactTable(t *lua.LTable) (what string) {
	plain(t)
	if t.Metatable != lua.LNil && !e.readOnly(t) {
		return "a table with a metatable"
	}
	kind, _, _ := e.Data(t)
	n := t.MaxN()
	each(t, func(k, _ lua.LValue) bool {
		switch i, isNumber := k.(lua.LNumber); {
		case kind == vm.KindObject && k.Type() != lua.LTString:
			what = "a table whose keys are not strings"
		case kind == vm.KindList && (!isNumber || i < 1 || int(i) > n || i != lua.LNumber(int(i))):
			what = "a table that is a list and has other keys"
		}
		return what == ""
	})
	return what
}

func (e engine) readOnly(t *lua.LTable) bool {
	return e.vm.readOnly != nil && t.Metatable == lua.LValue(e.vm.readOnly)
}

// Member implements vm.Patcher.
func (e engine) Member(obj vm.Ref, key string) (vm.Ref, bool, error) {
	t, ok := obj.(*lua.LTable)
	if !ok {
		return nil, false, nil
	}
	x := t.RawGet(tableKey(t, key))
	return x, x != lua.LNil, nil
}

// tableKey returns the key that has a name in JSON. A key that the table does not have is a
// number if it could be and all the others are, as in tables of ids.
func tableKey(t *lua.LTable, name string) (key lua.LValue) {
	plain(t)
	key = lua.LString(name)
	if t.RawGet(key) != lua.LNil {
		return key
	}
	keys, numbers := 0, 0
	found := lua.LValue(nil)
	each(t, func(k, _ lua.LValue) bool {
		keys++
		if _, ok := k.(lua.LNumber); ok {
			numbers++
		}
		if k.String() == name {
			found = k
		}
		return found == nil
	})
	if found != nil {
		return found
	}
	if f, err := strconv.ParseFloat(name, 64); err == nil && keys > 0 && keys == numbers && lua.LNumber(f).String() == name {
		return lua.LNumber(f)
	}
	return key
}

// Put implements vm.Patcher.
func (e engine) Put(obj vm.Ref, key string, x vm.Ref) error {
	t, ok := obj.(*lua.LTable)
	if !ok {
		return fault.New(fault.InvalidArgument, "not a table")
	}
	k := tableKey(t, key)
	if e.readOnly(t) {
		return fault.New(fault.InvalidArgument, errReadOnly)
	}
	t.RawSet(k, value(x))
	return nil
}
