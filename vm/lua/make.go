package lua

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"kumi/vm"
)

// maxDepth is how deep values from Go may be nested.
const maxDepth = 200

// FromAny implements vm.Engine.
func (e engine) FromAny(x any) (vm.Ref, error) {
	lv, err := e.vm.fromAny(x, 0)
	if err != nil {
		return nil, err
	}
	return lv, nil
}

func (v *VM) fromAny(x any, depth int) (lua.LValue, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("a Go value is nested more than %d levels deep", maxDepth)
	}
	switch x := x.(type) {
	case nil:
		return lua.LNil, nil
	case lua.LValue:
		return x, nil
	case bool:
		return lua.LBool(x), nil
	case string:
		return lua.LString(x), nil
	case []byte:
		return lua.LString(x), nil
	case int:
		return lua.LNumber(x), nil
	case int8:
		return lua.LNumber(x), nil
	case int16:
		return lua.LNumber(x), nil
	case int32:
		return lua.LNumber(x), nil
	case int64:
		return lua.LNumber(x), nil
	case uint:
		return lua.LNumber(x), nil
	case uint8:
		return lua.LNumber(x), nil
	case uint16:
		return lua.LNumber(x), nil
	case uint32:
		return lua.LNumber(x), nil
	case uint64:
		return lua.LNumber(x), nil
	case float32:
		return lua.LNumber(x), nil
	case float64:
		return lua.LNumber(x), nil
	case json.Number:
		f, err := x.Float64()
		return lua.LNumber(f), err
	case time.Time:
		return lua.LNumber(x.Unix()), nil
	case time.Duration:
		return lua.LNumber(x), nil
	case []any:
		return list(v, x, depth)
	case []string:
		return list(v, x, depth)
	case []map[string]any:
		return list(v, x, depth)
	case []map[string]string:
		return list(v, x, depth)
	case map[string]any:
		return table(v, x, depth)
	case map[string]string:
		return table(v, x, depth)
	case map[string][]string:
		return table(v, x, depth)
	case map[string]int64:
		return table(v, x, depth)
	case map[string]float64:
		return table(v, x, depth)
	case map[string]bool:
		return table(v, x, depth)
	}
	return nil, fmt.Errorf("a Go value of type %T cannot be represented in Lua", x)
}

func list[T any](v *VM, xs []T, depth int) (lua.LValue, error) {
	t := v.state.CreateTable(len(xs), 0)
	for i, x := range xs {
		lv, err := v.fromAny(x, depth+1)
		if err != nil {
			return nil, err
		}
		t.RawSetInt(i+1, lv)
	}
	return t, nil
}

func table[T any](v *VM, m map[string]T, depth int) (lua.LValue, error) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	t := v.state.CreateTable(0, len(m))
	for _, k := range keys {
		lv, err := v.fromAny(m[k], depth+1)
		if err != nil {
			return nil, err
		}
		t.RawSetString(k, lv)
	}
	return t, nil
}
