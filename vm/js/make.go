package js

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"time"

	"github.com/dop251/goja"

	"kumi/vm"
)

// Nil implements vm.Engine.
func (v *VM) Nil() vm.Ref { return goja.Null() }

// FromStr implements vm.Engine.
func (v *VM) FromStr(s string) vm.Ref { return v.rt.ToValue(s) }

// FromInt implements vm.Engine. Beyond 2^53 the number loses precision.
func (v *VM) FromInt(n int64) vm.Ref { return v.rt.ToValue(n) }

// FromFloat implements vm.Engine.
func (v *VM) FromFloat(f float64) vm.Ref { return v.rt.ToValue(f) }

// FromBool implements vm.Engine.
func (v *VM) FromBool(b bool) vm.Ref { return v.rt.ToValue(b) }

// FromBytes implements vm.Engine. The bytes are copied.
func (v *VM) FromBytes(b []byte) vm.Ref { return v.TakeBytes(append([]byte{}, b...)) }

// TakeBytes implements vm.Engine.
func (v *VM) TakeBytes(b []byte) vm.Ref { return v.rt.ToValue(v.rt.NewArrayBuffer(b)) }

// FromJSON implements vm.Engine.
func (v *VM) FromJSON(text string) (vm.Ref, error) {
	x, err := v.parseJSON(text)
	if err != nil {
		return nil, err
	}
	return x, nil
}

// List implements vm.Engine.
func (v *VM) List(refs []vm.Ref) vm.Ref { return v.rt.NewArray(refs...) }

// Object implements vm.Engine.
func (v *VM) Object(l *vm.Layout, values []vm.Ref) vm.Ref {
	o := &object{keys: make([]string, 0, len(values)), vals: make([]goja.Value, 0, len(values))}
	for i, ref := range values {
		if x, ok := ref.(goja.Value); ok {
			o.put(l.Names[i].Camel, x)
		}
	}
	return v.rt.NewDynamicObject(o)
}

// maxDepth is how deep values from Go may be nested.
const maxDepth = 200

// FromAny implements vm.Engine.
func (v *VM) FromAny(x any) (vm.Ref, error) {
	val, err := v.fromAny(x, 0)
	if err != nil {
		return nil, err
	}
	return val, nil
}

func (v *VM) fromAny(x any, depth int) (goja.Value, error) {
	if depth > maxDepth {
		return nil, errors.New("the value is nested too deeply or contains itself")
	}
	switch x := x.(type) {
	case nil:
		return goja.Null(), nil
	case goja.Value:
		return x, nil
	case string, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, *big.Int:
		return v.rt.ToValue(x), nil
	case []byte:
		return v.FromBytes(x).(goja.Value), nil
	case vm.ByteList:
		return v.byteList(x), nil
	case time.Time:
		return v.rt.New(v.rt.Get("Date"), v.rt.ToValue(x.UnixMilli()))
	case json.Number:
		return v.parseJSON(x.String())
	case json.RawMessage:
		return v.parseJSON(string(x))
	case []any:
		return list(v, x, depth)
	case []string:
		return list(v, x, depth)
	case []map[string]any:
		return list(v, x, depth)
	case map[string]any:
		return objectOf(v, x, depth)
	case map[string]string:
		return objectOf(v, x, depth)
	case map[string][]string:
		return objectOf(v, x, depth)
	}
	return v.reflected(reflect.ValueOf(x), depth)
}

// byteList returns an array of numbers that converts to the text of the bytes where
// a string is expected.
func (v *VM) byteList(b []byte) goja.Value {
	vals := make([]any, len(b))
	for i, c := range b {
		vals[i] = c
	}
	out := v.rt.NewArray(vals...)
	text := v.rt.ToValue(func(goja.FunctionCall) goja.Value { return v.rt.ToValue(string(b)) })
	_ = out.DefineDataProperty("toString", text, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	return out
}

func list[T any](v *VM, items []T, depth int) (goja.Value, error) {
	vals := make([]any, len(items))
	for i, item := range items {
		x, err := v.fromAny(item, depth+1)
		if err != nil {
			return nil, err
		}
		vals[i] = x
	}
	return v.rt.NewArray(vals...), nil
}

func objectOf[T any](v *VM, m map[string]T, depth int) (goja.Value, error) {
	o := &object{keys: make([]string, 0, len(m)), vals: make([]goja.Value, 0, len(m))}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		x, err := v.fromAny(m[key], depth+1)
		if err != nil {
			return nil, err
		}
		o.put(key, x)
	}
	return v.rt.NewDynamicObject(o), nil
}

// reflected converts rare types: named types, other lists and maps, pointers to
// scalars.
func (v *VM) reflected(x reflect.Value, depth int) (goja.Value, error) {
	switch x.Kind() {
	case reflect.String:
		return v.rt.ToValue(x.String()), nil
	case reflect.Bool:
		return v.rt.ToValue(x.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.rt.ToValue(x.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v.rt.ToValue(x.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return v.rt.ToValue(x.Float()), nil
	case reflect.Pointer:
		if x.IsNil() {
			return goja.Null(), nil
		}
		return v.fromAny(x.Elem().Interface(), depth+1)
	case reflect.Slice, reflect.Array:
		items := make([]any, x.Len())
		for i := range items {
			items[i] = x.Index(i).Interface()
		}
		return list(v, items, depth)
	case reflect.Map:
		if x.Type().Key().Kind() == reflect.String {
			m := make(map[string]any, x.Len())
			for it := x.MapRange(); it.Next(); {
				m[it.Key().String()] = it.Value().Interface()
			}
			return objectOf(v, m, depth)
		}
	}
	return nil, fmt.Errorf("a Go %s cannot be represented in JavaScript", x.Type())
}
