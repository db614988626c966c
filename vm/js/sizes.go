package js

import (
	"reflect"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"

	"kumi/vm"
)

// Limits of lists and binary data.

// largeArrays is the condition for programs that may make an array by its length.
var largeArrays = matching(`\bArray\s*\(|\bArray\s*\.\s*from\b|\blength\b["']?\s*[:=][^=]`)

func init() {
	list := before(func(v *VM, fc goja.FunctionCall) { v.fitsList(fc.This) })
	for _, name := range []string{
		"concat", "copyWithin", "entries", "every", "fill", "filter", "find", "findIndex", "findLast", "findLastIndex", "flatMap", "forEach",
		"includes", "indexOf", "keys", "lastIndexOf", "map", "reduce", "reduceRight", "reverse", "slice", "some", "sort", "splice",
		"toReversed", "toSorted", "toSpliced", "unshift", "values", "with",
	} {
		wrapWhen(named(name).and(largeArrays), "Array.prototype."+name, list)
	}
	// Spread, destructuring, for-of and collections use the iterator.
	bounds = append(bounds, bound{largeArrays, func(v *VM) {
		v.wrapSymbol(v.builtin("Array.prototype"), goja.SymIterator, "values", list)
	}})
	wrap("Array.from", before(func(v *VM, fc goja.FunctionCall) { v.fitsList(fc.Argument(0)) }))
	wrap("Array.prototype.concat", before(func(v *VM, fc goja.FunctionCall) {
		n := lengthOf(fc.This)
		for _, x := range fc.Arguments {
			if v.IsList(x) {
				n += lengthOf(x)
			}
		}
		if n > vm.MaxList {
			v.tooLarge("a list", n, vm.MaxList)
		}
	}))
	for _, c := range []struct {
		class string
		size  float64
	}{
		{"ArrayBuffer", 1}, {"Uint8Array", 1}, {"Int8Array", 1}, {"Uint8ClampedArray", 1}, {"Uint16Array", 2}, {"Int16Array", 2}, {"Uint32Array", 4},
		{"Int32Array", 4}, {"Float32Array", 4}, {"Float64Array", 8}, {"BigUint64Array", 8}, {"BigInt64Array", 8},
	} {
		wrapNew(c.class, func(v *VM, args []goja.Value) []goja.Value { return v.fitsBinary(args, c.size) })
	}
	join := before(func(v *VM, fc goja.FunctionCall) {
		const digits = 4 // estimate for one number
		between := 1
		if s, ok := fc.Argument(0).(goja.String); ok {
			between = min(s.Length(), vm.MaxString)
		}
		v.fitsText((digits + between) * int(min(lengthOf(fc.This), vm.MaxString)))
	})
	wrapWhen(named("join").and(matching(`Array\b`)), "TypedArray.prototype.join", join)
	// goja does not accept a string here.
	wrapWhen(named("from").and(matching(`(?:8|16|32|64|Clamped)Array\b`)), "TypedArray.from", func(v *VM, fn native, fc goja.FunctionCall) goja.Value {
		if s, ok := fc.Argument(0).(goja.String); ok {
			fc.Arguments[0] = s.ToObject(v.rt)
		}
		return fn(fc)
	})
}

// fitsBinary throws if a typed array with elements of size bytes would be too large.
func (v *VM) fitsBinary(args []goja.Value, size float64) []goja.Value {
	if len(args) == 0 {
		return args
	}
	switch o, ok := args[0].(*goja.Object); {
	case !ok:
		if n := args[0].ToFloat(); n*size > vm.MaxString {
			v.tooLarge("memory", n*size, vm.MaxString)
		}
	case o.ExportType() != typeBuffer:
		if n := lengthOf(o); n*size > vm.MaxString {
			v.tooLarge("memory", n*size, vm.MaxString)
		}
	}
	return args
}

var typeBuffer = reflect.TypeFor[goja.ArrayBuffer]()

var limitMatching sync.Once

// LimitMatching limits the time of one match of a regular expression, for the whole
// process, to a while more than the longest timeout of calls. Only the first call has an
// effect, and it must come before anything is compiled. (Expressions without back
// references and lookaround take linear time and need no limit.)
func LimitMatching(timeout time.Duration) {
	limitMatching.Do(func() {
		if timeout > 0 {
			regexp2.DefaultMatchTimeout = matchLimit(timeout)
		}
	})
}

// matchLimit returns the limit for a timeout of calls. goja treats a match that was cut
// off as no match, so the call must have been stopped before it can use that result. The
// clock of regexp2 may be a tenth of a second wrong, and on a busy machine its goroutine
// and that of the watch wait for a processor.
func matchLimit(timeout time.Duration) time.Duration {
	return max(timeout*5/4, timeout+time.Second)
}
