package js

import (
	"reflect"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

// Built-in functions of goja cannot be interrupted, and memory that Go does not
// get ends the process. So those that make something as large as they are told
// to, or walk as far, first check how much that is.
const (
	mostKeys   = 1 << 20 // of what is asked for its keys
	mostSorted = 1 << 20 // elements, sorted without a function
	mostItems  = 4 << 20 // elements that become a collection, or numbers that are sorted
)

// deepestText is how far JSON may nest.
const deepestText = 5000

func init() {
	bound("String.prototype.repeat", before(func(v *VM, fc goja.FunctionCall) {
		if n := fc.Argument(0).ToFloat(); n > 0 && n*float64(length(fc.This)) > vm.MaxString {
			v.tooLarge("a string", n*float64(length(fc.This)), vm.MaxString)
		}
	}))
	for _, name := range []string{"padStart", "padEnd"} {
		bound("String.prototype."+name, before(func(v *VM, fc goja.FunctionCall) {
			if n := fc.Argument(0).ToFloat(); n > vm.MaxString {
				v.tooLarge("a string", n, vm.MaxString)
			}
		}))
	}
	for _, name := range []string{
		"at", "concat", "copyWithin", "entries", "every", "fill", "filter", "find", "findIndex", "findLast", "findLastIndex", "flat", "flatMap", "forEach",
		"includes", "indexOf", "join", "keys", "lastIndexOf", "map", "pop", "push", "reduce", "reduceRight", "reverse", "shift", "slice", "some", "sort",
		"splice", "toLocaleString", "toReversed", "toSorted", "toSpliced", "toString", "unshift", "values", "with",
	} {
		bound("Array.prototype."+name, before(func(v *VM, fc goja.FunctionCall) { v.fitsList(fc.This, vm.MaxList) }))
	}
	sorted := func(most float64) around {
		return before(func(v *VM, fc goja.FunctionCall) {
			if goja.IsUndefined(fc.Argument(0)) {
				v.fitsList(fc.This, most)
			}
		})
	}
	const typed = "Object.getPrototypeOf(Uint8Array.prototype)."
	for _, name := range []string{"sort", "toSorted"} {
		bound("Array.prototype."+name, sorted(mostSorted))
		bound(typed+name, sorted(mostItems))
	}
	for _, name := range []string{"join", "toString", "toLocaleString"} {
		bound(typed+name, before(func(v *VM, fc goja.FunctionCall) {
			v.fitsList(fc.This, mostItems)
			if n := length(fc.Argument(0)); n > 64 { // between all of them
				v.fitsText(n * int(lengthOf(fc.This)))
			}
		}))
	}
	bound("Array.prototype.concat", before(func(v *VM, fc goja.FunctionCall) {
		n := 0.0
		for _, x := range append([]goja.Value{fc.This}, fc.Arguments...) {
			if n++; v.IsList(x) {
				n += lengthOf(x)
			}
		}
		if n > vm.MaxList {
			v.tooLarge("a list", n, vm.MaxList)
		}
	}))
	boundSymbol("Array.prototype", goja.SymIterator, before(func(v *VM, fc goja.FunctionCall) { v.fitsList(fc.This, vm.MaxList) }))
	boundSymbol("Object.getPrototypeOf(Uint8Array.prototype)", goja.SymIterator, before(func(v *VM, fc goja.FunctionCall) { v.fitsList(fc.This, vm.MaxList) }))
	bound("Array.from", before(func(v *VM, fc goja.FunctionCall) { v.fitsList(fc.Argument(0), vm.MaxList) }))
	for _, name := range []string{
		"Object.keys", "Object.values", "Object.entries", "Object.getOwnPropertyNames", "Object.getOwnPropertyDescriptors", "Object.freeze", "Object.seal",
		"Object.isFrozen", "Object.isSealed", "Object.assign", "Object.defineProperties", "Reflect.ownKeys",
	} {
		bound(name, before(func(v *VM, fc goja.FunctionCall) {
			for _, x := range fc.Arguments {
				v.fitsKeys(x)
			}
		}))
	}
	for _, name := range []string{"Object.fromEntries", "Object.groupBy", "Map.groupBy", "Promise.all", "Promise.race", "Promise.any", "Promise.allSettled"} {
		bound(name, before(func(v *VM, fc goja.FunctionCall) { v.fitsItems(fc.Argument(0)) }))
	}
	for _, class := range []string{"Map", "Set", "WeakMap", "WeakSet", "AggregateError"} {
		boundNew(class, func(v *VM, args []goja.Value) []goja.Value {
			if len(args) > 0 {
				v.fitsItems(args[0])
			}
			return args
		})
	}
	for _, c := range []struct {
		class string
		size  float64
	}{
		{"ArrayBuffer", 1}, {"Uint8Array", 1}, {"Int8Array", 1}, {"Uint8ClampedArray", 1}, {"Uint16Array", 2}, {"Int16Array", 2}, {"Uint32Array", 4},
		{"Int32Array", 4}, {"Float32Array", 4}, {"Float64Array", 8}, {"BigUint64Array", 8}, {"BigInt64Array", 8},
	} {
		boundNew(c.class, func(v *VM, args []goja.Value) []goja.Value { return v.boundMaking(args, c.size) })
	}
}

// boundMaking checks what becomes binary data of so many bytes per element.
func (v *VM) boundMaking(args []goja.Value, size float64) []goja.Value {
	if len(args) == 0 {
		return args
	}
	switch o, ok := args[0].(*goja.Object); {
	case !ok:
		if n := args[0].ToFloat(); n*size > vm.MaxString {
			v.tooLarge("memory", n*size, vm.MaxString)
		}
	case size == 1 && o.ExportType() == typeBuffer && len(args) > 0:
	default:
		if o.ExportType() != typeBuffer {
			if n := lengthOf(o); n*size > vm.MaxString || n > vm.MaxList && !v.IsBytes(o) {
				v.tooLarge("memory", n*size, vm.MaxString)
			}
		}
	}
	return args
}

var typeBuffer = reflect.TypeFor[goja.ArrayBuffer]()

// lengthOf is the length that an object says it has.
func lengthOf(x goja.Value) float64 {
	o, ok := x.(*goja.Object)
	if !ok {
		return 0
	}
	if insides.known && insides.of(o).table == insides.array {
		return float64(inside{insides.of(o).data}.length())
	}
	if n := o.Get("length"); n != nil {
		return max(n.ToFloat(), 0)
	}
	return 0
}

// fitsList bounds what is gone through as a list.
func (v *VM) fitsList(x goja.Value, most float64) {
	if n := lengthOf(x); n > most {
		v.tooLarge("an array", n, most)
	}
}

// fitsItems bounds what a collection is made of.
func (v *VM) fitsItems(x goja.Value) {
	if s, ok := x.(goja.String); ok && s.Length() > mostItems {
		v.tooLarge("a list of the pieces of a string", float64(s.Length()), mostItems)
	}
	if v.IsList(x) {
		v.fitsList(x, mostItems)
	}
}

// fitsKeys bounds what is asked for its keys.
func (v *VM) fitsKeys(x goja.Value) {
	n := 0.0
	switch o, ok := x.(*goja.Object); {
	case ok && (v.IsList(o) || v.IsBytes(o)):
		n = lengthOf(o)
	case !ok:
		if s, ok := x.(goja.String); ok {
			n = float64(s.Length())
		}
	}
	if n > mostKeys {
		v.tooLarge("a list of keys", n, mostKeys)
	}
}

// checkNesting refuses JSON text that nests too deep.
func (v *VM) checkNesting(x goja.Value) {
	if text, ok := stringOf(x); ok && nesting(text) > deepestText {
		v.throw(fault.Newf(fault.InvalidArgument, "the JSON is nested more than %d levels deep", deepestText))
	}
}

// length is how many characters a value has as a string, which is only asked
// for where it is one.
func length(x goja.Value) int {
	if s, ok := x.(goja.String); ok {
		return s.Length()
	}
	return 64
}

func (v *VM) tooLarge(what string, n, most float64) {
	v.throw(fault.Newf(fault.ResourceExhausted, "%s of %.0f is too large: the most is %.0f", what, n, most))
}

// nesting is how deep the brackets of a JSON text go.
func nesting(text string) (most int) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted:
			switch c {
			case '\\':
				i++
			case '"':
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '[', c == '{':
			if depth++; depth > most {
				most = depth
			}
		case c == ']', c == '}':
			depth--
		}
	}
	return most
}

var limitMatching sync.Once

// LimitMatching bounds how long one match of a regular expression may take, for
// the whole process: the first call counts, and it comes before anything is
// compiled. goja takes a match that was cut off for none, so d must be no less
// than the limit of a call, which has passed by then: it is stopped before it
// can act on that. (Expressions without back references and lookaround take
// linear time and need no limit.)
func LimitMatching(d time.Duration) {
	limitMatching.Do(func() {
		if d > 0 {
			regexp2.DefaultMatchTimeout = d
		}
	})
}
