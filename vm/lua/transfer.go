package lua

import (
	lua "github.com/yuin/gopher-lua"

	"kumi/store/fault"
	"kumi/vm"
)

var _ vm.Transferer = (*VM)(nil)

// Transfer implements vm.Transferer for tables with any keys, strings, numbers
// and booleans. Functions, coroutines and userdata cannot be transferred, and
// tables only without their metatable.
func (v *VM) Transfer(from vm.Instance, x vm.Ref, lenient bool) (copied vm.Ref, lost []vm.Untransferable, err error) {
	old, ok := from.(*VM)
	if !ok {
		return nil, nil, fault.New(fault.FailedPrecondition, "the value comes from another language")
	}
	c := &transfer{from: old, to: v, lenient: lenient, seen: map[*lua.LTable]*lua.LTable{}}
	c.path.Text = keyText
	out := c.value(value(x))
	switch {
	case c.failed != nil:
		return nil, nil, c.failed
	case len(c.lost) > 0 && !lenient:
		return nil, nil, &vm.TransferError{List: c.lost}
	}
	return out, c.lost, nil
}

// transfer is the state of one Transfer.
type transfer struct {
	from, to *VM
	lenient  bool
	seen     map[*lua.LTable]*lua.LTable
	path     vm.Path
	lost     []vm.Untransferable
	failed   error
}

// maxTransferDepth is the maximum nesting depth of tables.
const maxTransferDepth = 5000

func (c *transfer) lose(what string) {
	if len(c.lost) <= vm.MaxUntransferable {
		c.lost = append(c.lost, vm.Untransferable{Path: c.path.In("state"), What: what})
	}
}

// value copies a value; Lua's nil if it cannot be copied.
func (c *transfer) value(x lua.LValue) lua.LValue {
	switch x := x.(type) {
	case *lua.LTable:
		return c.table(x)
	case *lua.LFunction:
		c.lose("a function")
	case *lua.LState:
		c.lose("a coroutine")
	case *lua.LUserData, lua.LChannel:
		c.lose("a " + x.Type().String())
	default:
		return x
	}
	return lua.LNil
}

func (c *transfer) table(t *lua.LTable) lua.LValue {
	if done := c.seen[t]; done != nil {
		return done
	}
	plain(t)
	switch {
	case c.failed != nil || len(c.lost) > vm.MaxUntransferable && !c.lenient:
		return lua.LNil // after an error
	case c.path.Depth() > maxTransferDepth:
		c.failed = fault.Newf(fault.FailedPrecondition, "%s is nested too deeply", c.path.In("state"))
		return lua.LNil
	case c.from.natives[t] != nil:
		c.lose("a table of the server's functions")
		return lua.LNil
	case t.Metatable == lua.LNil, c.from.readOnly != nil && t.Metatable == lua.LValue(c.from.readOnly):
	case c.lenient:
		c.lose("a table with a metatable, which comes without it")
	default:
		c.lose("a table with a metatable")
		return lua.LNil
	}
	out := c.to.state.CreateTable(t.MaxN(), 0)
	c.seen[t] = out
	each(t, func(k, x lua.LValue) bool {
		c.path.Enter(step(k))
		key, item := c.value(k), c.value(x)
		c.path.Leave()
		if key != lua.LNil && item != lua.LNil {
			out.RawSet(key, item)
		}
		return true
	})
	return out
}

// step returns the step of a path for a key.
func step(k lua.LValue) vm.Step {
	switch k := k.(type) {
	case lua.LNumber:
		if k == lua.LNumber(int(k)) {
			return vm.Step{Index: int(k)}
		}
	case lua.LString:
		if k != "" {
			return vm.Step{Key: string(k)}
		}
	}
	return vm.Step{Of: k}
}

// keyText formats a key that is neither a string nor an integer.
func keyText(k any) string {
	switch k := k.(type) {
	case lua.LNumber, lua.LBool:
		return "[" + k.(lua.LValue).String() + "]"
	case lua.LString:
		return `[""]`
	case lua.LValue:
		return "[" + k.Type().String() + "]"
	}
	return "[?]"
}
