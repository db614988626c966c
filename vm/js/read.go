package js

import (
	"errors"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"time"

	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

var (
	typeObject      = reflect.TypeFor[*object]()
	typeRecord      = reflect.TypeFor[*record]()
	typeFunctions   = reflect.TypeFor[*functions]()
	typePlain       = reflect.TypeFor[map[string]any]()
	typeArrayBuffer = reflect.TypeFor[goja.ArrayBuffer]()
	typeMap         = reflect.TypeFor[[][2]any]()
	typeSet         = reflect.TypeFor[[]any]() // also of lists, which are tested first
	typeTime        = reflect.TypeFor[time.Time]()
	typeBytes       = reflect.TypeFor[[]byte]()
	typeBig         = reflect.TypeFor[*big.Int]()
)

// Lang implements vm.Engine.
func (v *VM) Lang() vm.Lang { return vm.JS }

// IsNil implements vm.Engine.
func (v *VM) IsNil(x vm.Ref) bool {
	if x == nil {
		return true
	}
	val, ok := x.(goja.Value)
	return !ok || val == nil || goja.IsUndefined(val) || goja.IsNull(val)
}

// IsStr implements vm.Engine.
func (v *VM) IsStr(x vm.Ref) bool { _, ok := x.(goja.String); return ok }

// IsNum implements vm.Engine.
func (v *VM) IsNum(x vm.Ref) bool { val, ok := x.(goja.Value); return ok && goja.IsNumber(val) }

// IsBool implements vm.Engine.
func (v *VM) IsBool(x vm.Ref) bool {
	val, ok := x.(goja.Value)
	return ok && (val.StrictEquals(v.yes()) || val.StrictEquals(v.no()))
}

func (v *VM) yes() goja.Value { return v.rt.ToValue(true) }
func (v *VM) no() goja.Value  { return v.rt.ToValue(false) }

// IsList implements vm.Engine.
func (v *VM) IsList(x vm.Ref) bool {
	o, ok := x.(*goja.Object)
	return ok && o.ClassName() == "Array"
}

// IsObject implements vm.Engine: anything with properties that is not a list, a
// function, binary data or a date.
func (v *VM) IsObject(x vm.Ref) bool {
	o, ok := x.(*goja.Object)
	if !ok {
		return false
	}
	switch o.ClassName() {
	case "Object":
		t := o.ExportType()
		return t == typeObject || t == typeRecord || t == typePlain || (!isBinary(o, t) && t != typePromise)
	case "Error", "Arguments":
		return true
	}
	return false
}

// IsFunc implements vm.Engine.
func (v *VM) IsFunc(x vm.Ref) bool {
	o, ok := x.(*goja.Object)
	if !ok {
		return false
	}
	_, ok = goja.AssertFunction(o)
	return ok
}

// IsBytes implements vm.Engine.
func (v *VM) IsBytes(x vm.Ref) bool {
	o, ok := x.(*goja.Object)
	return ok && o.ClassName() == "Object" && isBinary(o, o.ExportType())
}

// isBinary recognizes ArrayBuffer, typed arrays and DataView.
func isBinary(o *goja.Object, t reflect.Type) bool {
	if t == typeArrayBuffer {
		return true
	}
	if t == nil || t.Kind() != reflect.Slice || o.ClassName() == "Array" {
		return false
	}
	switch t.Elem().Kind() {
	case reflect.Uint8, reflect.Int8, reflect.Uint16, reflect.Int16, reflect.Uint32, reflect.Int32,
		reflect.Float32, reflect.Float64, reflect.Int64, reflect.Uint64:
		return true
	}
	return false
}

// Str implements vm.Engine.
func (v *VM) Str(x vm.Ref) string {
	if val, ok := x.(goja.Value); ok {
		return val.String()
	}
	return ""
}

// Int implements vm.Engine.
func (v *VM) Int(x vm.Ref) (int64, bool) {
	val, ok := x.(goja.Value)
	if !ok || !goja.IsNumber(val) {
		return v.bigInt(val)
	}
	f := val.ToFloat()
	if f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0, false
	}
	return val.ToInteger(), true
}

// Float implements vm.Engine.
func (v *VM) Float(x vm.Ref) float64 {
	if val, ok := x.(goja.Value); ok {
		return val.ToFloat()
	}
	return 0
}

// Bool implements vm.Engine.
func (v *VM) Bool(x vm.Ref) bool {
	val, ok := x.(goja.Value)
	return ok && val.ToBoolean()
}

// Bytes implements vm.Engine.
func (v *VM) Bytes(x vm.Ref) []byte {
	if b := v.View(x); b != nil {
		return append([]byte{}, b...)
	}
	return nil
}

// View implements vm.Engine.
func (v *VM) View(x vm.Ref) []byte {
	o, ok := x.(*goja.Object)
	if !ok {
		return nil
	}
	switch data := o.Export().(type) {
	case goja.ArrayBuffer:
		return some(data.Bytes())
	case []byte:
		return some(data)
	}
	buffer, ok := o.Get("buffer").(*goja.Object)
	if !ok {
		return nil
	}
	data, ok := buffer.Export().(goja.ArrayBuffer)
	if !ok {
		return nil
	}
	from, size := o.Get("byteOffset").ToInteger(), o.Get("byteLength").ToInteger()
	all := data.Bytes()
	if from < 0 || size < 0 || from+size > int64(len(all)) {
		return nil
	}
	return some(all[from : from+size])
}

// some returns b, but never nil.
func some(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Field implements vm.Engine.
func (v *VM) Field(obj vm.Ref, n *vm.Name) vm.Ref { return v.FieldNamed(obj, n.Camel) }

// FieldNamed implements vm.Engine.
func (v *VM) FieldNamed(obj vm.Ref, key string) vm.Ref {
	o, ok := obj.(*goja.Object)
	if !ok {
		return goja.Null()
	}
	var x goja.Value
	if v.running > 0 {
		x = o.Get(key)
	} else if err := v.guard(func() { x = o.Get(key) }); err != nil {
		return goja.Null()
	}
	if x == nil {
		return goja.Null()
	}
	return x
}

// EachField implements vm.Engine.
func (v *VM) EachField(obj vm.Ref, visit func(key string, x vm.Ref) bool) {
	o, ok := obj.(*goja.Object)
	if !ok {
		return
	}
	_ = v.guard(func() {
		for _, key := range o.Keys() {
			x := o.Get(key)
			if x == nil {
				x = goja.Undefined()
			}
			if !visit(key, x) {
				return
			}
		}
	})
}

// Len implements vm.Engine.
func (v *VM) Len(list vm.Ref) int {
	o, ok := list.(*goja.Object)
	if !ok {
		return 0
	}
	if n := o.Get("length"); n != nil {
		return int(n.ToInteger())
	}
	return 0
}

// Index implements vm.Engine.
func (v *VM) Index(list vm.Ref, i int) vm.Ref {
	if x, ok := v.plainItem(list, i); ok {
		return x
	}
	return v.FieldNamed(list, strconv.Itoa(i))
}

// fromCallback converts an error of script code that a Go function called.
func (v *VM) fromCallback(err error) error {
	e := v.scriptError(err)
	var se *vm.ScriptError
	if errors.As(e, &se) {
		return &thrown{ScriptError: se, vm: v, orig: err}
	}
	return e
}

// Call implements vm.Engine. Promises are returned as they are, since a nested call
// cannot wait for them.
func (v *VM) Call(fn vm.Ref, args ...vm.Ref) (vm.Ref, error) {
	f, _ := fn.(goja.Value)
	call, ok := goja.AssertFunction(f)
	if !ok {
		return nil, fault.New(fault.Internal, "not a function")
	}
	if v.journal.On() && v.depth > 0 {
		return vm.CallbackJournaled(v.journal, &v.frames[v.depth-1].call, fn, args, func() (vm.Ref, error) { return v.callback(call, args) })
	}
	return v.callback(call, args)
}

func (v *VM) callback(call goja.Callable, args []vm.Ref) (vm.Ref, error) {
	ret, err := v.apply(call, nil, args)
	if err != nil {
		return nil, v.fromCallback(err)
	}
	return ret, nil
}

// SetNamed implements vm.Engine. Read-only properties are not changed.
func (v *VM) SetNamed(obj vm.Ref, key string, x vm.Ref) {
	o, ok := obj.(*goja.Object)
	if !ok {
		return
	}
	val, ok := x.(goja.Value)
	if !ok {
		val = goja.Null()
	}
	_ = v.guard(func() { _ = o.Set(key, val) })
}
