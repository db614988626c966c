package js

import (
	"math"
	"math/big"
	"time"

	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

// noData returns the error for a value that is not data.
func noData(what string) error {
	return fault.New(fault.InvalidArgument, what+" cannot be represented outside of JavaScript")
}

// ToJSON implements vm.Engine.
func (v *VM) ToJSON(x vm.Ref) (text []byte, err error) {
	if e := v.guard(func() { text, err = vm.ToJSON(v, x) }); e != nil {
		return nil, e
	}
	return text, err
}

// Export implements vm.Engine.
func (v *VM) Export(x vm.Ref) (out any, err error) {
	if e := v.guard(func() { out, err = vm.Export(v, x) }); e != nil {
		return nil, e
	}
	return out, err
}

// Expired implements vm.Engine.
func (v *VM) Expired() error {
	if v.running == 0 {
		return nil
	}
	return v.callCtx().Err()
}

// Date implements vm.Engine.
func (v *VM) Date(x vm.Ref) time.Time {
	if o, ok := x.(*goja.Object); ok {
		t, _ := o.Export().(time.Time)
		return t
	}
	return time.Time{}
}

// Data implements vm.Engine.
func (v *VM) Data(x vm.Ref) (vm.Kind, vm.Ref, error) {
	val, ok := x.(goja.Value)
	if !ok || val == nil || goja.IsUndefined(val) || goja.IsNull(val) {
		return vm.KindNil, x, nil
	}
	o, ok := val.(*goja.Object)
	if !ok {
		return v.primitive(val)
	}
	if v.isPlain(o) {
		return vm.KindObject, o, nil
	}
	if o.ClassName() == "Array" {
		return vm.KindList, o, nil
	}
	t := o.ExportType()
	switch {
	case t == typeTime || o.ClassName() == "Date":
		if math.IsNaN(o.ToNumber().ToFloat()) {
			return 0, nil, noData("an invalid date")
		}
		return vm.KindDate, o, nil
	case v.IsFunc(o):
		return 0, nil, noData("a function")
	case t == typePromise:
		return 0, nil, fault.New(fault.InvalidArgument, "a promise cannot be represented outside of JavaScript: await it")
	case isBinary(o, t):
		if t == typeBytes || t == typeArrayBuffer {
			return vm.KindBytes, o, nil
		}
		return vm.KindList, o, nil // a typed array is a list of numbers
	}
	switch o.ClassName() {
	case "Number":
		return v.primitive(o.ToNumber())
	case "String":
		return v.primitive(o.ToString())
	case "Boolean":
		b, _ := o.Export().(bool)
		return vm.KindBool, v.FromBool(b), nil
	}
	if kind, items := v.Collection(o); kind != "" {
		return vm.KindList, v.listOf(kind, items), nil
	}
	return v.plain(o)
}

// primitive is Data for values that are not objects.
func (v *VM) primitive(x goja.Value) (vm.Kind, vm.Ref, error) {
	switch {
	case goja.IsString(x):
		return vm.KindString, x, nil
	case goja.IsNumber(x):
		return vm.KindNumber, x, nil
	case x.ExportType() == typeBig:
		return vm.KindBigInt, x, nil
	case v.IsBool(x):
		return vm.KindBool, x, nil
	}
	return 0, nil, noData("a symbol")
}

// plain is Data for objects that are not instances of a built-in class.
func (v *VM) plain(o *goja.Object) (kind vm.Kind, x vm.Ref, err error) {
	kind, x = vm.KindObject, o
	guarded := v.guard(func() {
		toJSON, ok := goja.AssertFunction(o.Get("toJSON"))
		if !ok {
			return
		}
		stands := v.must(toJSON(o, v.rt.ToValue("")))
		if same, ok := stands.(*goja.Object); ok && v.IsObject(same) {
			x = same // its own toJSON is not called
			return
		}
		kind, x, err = v.Data(stands)
	})
	if guarded != nil {
		return 0, nil, guarded
	}
	return kind, x, err
}

// listOf returns a list of the entries of a Map, or of the values of a Set.
func (v *VM) listOf(kind string, items []vm.Ref) vm.Ref {
	if kind == "Map" {
		entries := make([]vm.Ref, 0, len(items)/2)
		for ; len(items) > 1; items = items[2:] {
			entries = append(entries, v.rt.NewArray(items[0], items[1]))
		}
		items = entries
	}
	return v.rt.NewArray(items...)
}

// Members implements vm.Engine.
func (v *VM) Members(to []vm.Member, obj vm.Ref) ([]vm.Member, error) {
	o, ok := obj.(*goja.Object)
	if !ok {
		return to, nil
	}
	if to, ok = v.plainMembers(to, o); ok {
		return to, nil
	}
	err := v.guard(func() {
		for _, key := range o.Keys() {
			if x := o.Get(key); x != nil && !goja.IsUndefined(x) {
				to = append(to, vm.Member{Key: key, Value: x})
			}
		}
	})
	return to, err
}

// bigInt is Int for a BigInt.
func (v *VM) bigInt(x goja.Value) (int64, bool) {
	if x == nil || x.ExportType() != typeBig {
		return 0, false
	}
	n, ok := x.Export().(*big.Int)
	return n.Int64(), ok && n.IsInt64()
}
