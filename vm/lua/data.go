package lua

import (
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"kumi/store/fault"
	"kumi/vm"
)

// A table with positive integer keys is converted to a list, without its other keys;
// any other table, including an empty one, to an object whose keys are strings.
// Functions become strings, as in Nakama.

// Data implements vm.Engine.
func (e engine) Data(x vm.Ref) (vm.Kind, vm.Ref, error) {
	switch lv := x.(type) {
	case nil, *lua.LNilType:
		return vm.KindNil, x, nil
	case lua.LBool:
		return vm.KindBool, x, nil
	case lua.LNumber:
		return vm.KindNumber, x, nil
	case lua.LString:
		return vm.KindString, x, nil
	case *lua.LFunction:
		return vm.KindString, lua.LString(lv.String()), nil
	case *lua.LTable:
		if n := lv.MaxN(); n > 0 && !sparse(lv, n) {
			return vm.KindList, x, nil
		}
		return vm.KindObject, x, nil
	case lua.LValue:
		return 0, nil, fault.Newf(fault.InvalidArgument, "a %s cannot be represented outside of Lua", lv.Type())
	}
	return 0, nil, fault.Newf(fault.InvalidArgument, "a %T cannot be represented outside of Lua", x)
}

// minSparse is the length up to which every table with positive integer keys is a
// list.
const minSparse = 64

// sparse tells whether more than three quarters of a list are holes. The keys of such
// a table are numbers such as ids, not positions, so it is not a list.
func sparse(t *lua.LTable, n int) bool {
	if n <= minSparse {
		return false
	}
	used := 0
	for i := 1; i <= n && used <= n/4; i++ {
		if t.RawGetInt(i) != lua.LNil {
			used++
		}
	}
	return used <= n/4
}

// Members implements vm.Engine. The keys are sorted, since tables have no order.
func (e engine) Members(to []vm.Member, obj vm.Ref) ([]vm.Member, error) {
	t, ok := obj.(*lua.LTable)
	if !ok {
		return to, nil
	}
	from := len(to)
	if r := recordOf(t); r != nil {
		to = r.all(to)
	} else {
		each(t, func(k, x lua.LValue) bool {
			to = append(to, vm.Member{Key: k.String(), Value: x})
			return true
		})
	}
	slices.SortFunc(to[from:], func(a, b vm.Member) int { return strings.Compare(a.Key, b.Key) })
	return to, nil
}

// Date implements vm.Engine. Lua has no dates.
func (e engine) Date(vm.Ref) time.Time { return time.Time{} }

// Expired implements vm.Engine.
func (e engine) Expired() error {
	if e.vm.depth == 0 {
		return nil
	}
	return e.vm.ctx.Err()
}

// ToJSON implements vm.Engine.
func (e engine) ToJSON(x vm.Ref) ([]byte, error) { return vm.ToJSON(e, x) }

// Export implements vm.Engine.
func (e engine) Export(x vm.Ref) (any, error) { return vm.Export(e, x) }
