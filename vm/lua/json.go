package lua

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"kumi/store/fault"
	"kumi/vm"
)

// A table with positive whole keys is a list in JSON and its other keys are
// dropped; any other table, the empty one too, is an object with sorted keys.
// Whole numbers have no fraction. Functions are written as strings.

const maxDepth = 200

var errDeep = fault.Newf(fault.InvalidArgument, "a table is nested more than %d deep or contains itself", maxDepth)

// ToJSON implements vm.Engine.
func (e engine) ToJSON(r vm.Ref) ([]byte, error) {
	return e.vm.appendJSON(make([]byte, 0, 64), value(r), 0)
}

func (v *VM) appendJSON(b []byte, x lua.LValue, depth int) ([]byte, error) {
	switch x := x.(type) {
	case *lua.LNilType:
		return append(b, "null"...), nil
	case lua.LBool:
		return strconv.AppendBool(b, bool(x)), nil
	case lua.LNumber:
		return appendNumber(b, float64(x))
	case lua.LString:
		return appendString(b, string(x)), nil
	case *lua.LFunction:
		return appendString(b, x.String()), nil
	case *lua.LTable:
		if depth >= maxDepth {
			return nil, errDeep
		}
		if n := x.MaxN(); n > 0 {
			return v.appendList(b, x, n, depth)
		}
		return v.appendObject(b, x, depth)
	}
	return nil, fault.Newf(fault.InvalidArgument, "a %s has no form in JSON", x.Type())
}

func (v *VM) appendList(b []byte, t *lua.LTable, n, depth int) (_ []byte, err error) {
	b = append(b, '[')
	for i := 1; i <= n; i++ {
		if i > 1 {
			b = append(b, ',')
		}
		if b, err = v.appendJSON(b, t.RawGetInt(i), depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

type pair struct {
	key string
	x   lua.LValue
}

func (v *VM) appendObject(b []byte, t *lua.LTable, depth int) (_ []byte, err error) {
	var few [8]pair
	pairs := few[:0]
	if r := recordOf(t); r != nil {
		pairs = r.all(pairs)
	} else {
		each(t, func(k, x lua.LValue) bool {
			pairs = append(pairs, pair{k.String(), x})
			return true
		})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		}
		return 0
	})
	b = append(b, '{')
	for i, p := range pairs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, p.key), ':')
		if b, err = v.appendJSON(b, p.x, depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendNumber(b []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fault.Newf(fault.InvalidArgument, "the number %v has no form in JSON", f)
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
		return strconv.AppendInt(b, int64(f), 10), nil
	}
	if a := math.Abs(f); a < 1e-6 || a >= 1e21 {
		return strconv.AppendFloat(b, f, 'e', -1, 64), nil
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64), nil
}

func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c >= utf8.RuneSelf {
			if text, err := json.Marshal(s); err == nil {
				return append(b, text...)
			}
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// Export implements vm.Engine.
func (e engine) Export(r vm.Ref) (any, error) { return e.vm.export(value(r), 0) }

func (v *VM) export(x lua.LValue, depth int) (any, error) {
	switch x := x.(type) {
	case *lua.LNilType:
		return nil, nil
	case lua.LBool:
		return bool(x), nil
	case lua.LNumber:
		if f := float64(x); f == math.Trunc(f) && math.Abs(f) < 1<<63 {
			return int64(f), nil
		}
		return float64(x), nil
	case lua.LString:
		return string(x), nil
	case *lua.LTable:
		if depth >= maxDepth {
			return nil, errDeep
		}
		if n := x.MaxN(); n > 0 {
			list := make([]any, n)
			for i := range list {
				var err error
				if list[i], err = v.export(x.RawGetInt(i+1), depth+1); err != nil {
					return nil, err
				}
			}
			return list, nil
		}
		m := map[string]any{}
		var failed error
		each(x, func(k, x lua.LValue) bool {
			m[k.String()], failed = v.export(x, depth+1)
			return failed == nil
		})
		return m, failed
	}
	return nil, fault.Newf(fault.InvalidArgument, "a %s has no form outside of the script", x.Type())
}

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
		return nil, errDeep
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
	return nil, fmt.Errorf("a Go value of type %T has no form in Lua", x)
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
