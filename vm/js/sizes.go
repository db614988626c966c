package js

import (
	"regexp"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

// Built-in functions of goja cannot be interrupted, and memory that Go does not
// get ends the process. So those that make something as large as they are told
// to, or walk as far, first check how much that is. A program that does not name
// them goes without the checks.
var (
	namesStrings = regexp.MustCompile(`\b(?:repeat|padStart|padEnd)\b`)
	namesArrays  = regexp.MustCompile(`\bArray\s*\(|\bArray\s*\.\s*from\b|\blength\b["']?\s*[:=][^=]`)
	namesBuffers = regexp.MustCompile(`\b(?:ArrayBuffer|(?:Ui|I)nt(?:8|16|32)Array|Uint8ClampedArray|Float(?:32|64)Array|Big(?:Ui|I)nt64Array)\b`)
	namesParsing = regexp.MustCompile(`\bJSON\b`)
)

// sized are the checks a program gets.
type sized struct{ strings, arrays, buffers, parsing bool }

func sizesOf(source string) sized {
	return sized{
		strings: namesStrings.MatchString(source), arrays: namesArrays.MatchString(source),
		buffers: namesBuffers.MatchString(source), parsing: namesParsing.MatchString(source),
	}
}

// deepestText is how far JSON may nest.
const deepestText = 5000

func (v *VM) addSizes(s sized) {
	global := v.rt.GlobalObject()
	prototype := func(class string) *goja.Object {
		return global.Get(class).(*goja.Object).Get("prototype").(*goja.Object)
	}
	if s.strings {
		o := prototype("String")
		v.check(o, "repeat", func(fc goja.FunctionCall) {
			if n := fc.Argument(0).ToFloat(); n > 0 && n*float64(length(fc.This)) > vm.MaxString {
				v.tooLarge("a string", n*float64(length(fc.This)), vm.MaxString)
			}
		})
		for _, name := range []string{"padStart", "padEnd"} {
			v.check(o, name, func(fc goja.FunctionCall) {
				if n := fc.Argument(0).ToFloat(); n > vm.MaxString {
					v.tooLarge("a string", n, vm.MaxString)
				}
			})
		}
	}
	if s.arrays {
		long := func(x goja.Value) {
			o, ok := x.(*goja.Object)
			if !ok {
				return
			}
			if n := o.Get("length"); n != nil && n.ToFloat() > vm.MaxList {
				v.tooLarge("an array", n.ToFloat(), vm.MaxList)
			}
		}
		o := prototype("Array")
		for _, name := range []string{
			"concat", "copyWithin", "every", "fill", "filter", "find", "findIndex", "flat", "flatMap", "forEach", "includes", "indexOf",
			"join", "lastIndexOf", "map", "reduce", "reduceRight", "reverse", "slice", "some", "sort", "splice", "toString", "unshift", "values",
		} {
			v.check(o, name, func(fc goja.FunctionCall) { long(fc.This) })
		}
		if values := o.Get("values"); values != nil { // what spreading and destructuring go through
			_ = o.DefineDataPropertySymbol(goja.SymIterator, values, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
		v.check(global.Get("Array").(*goja.Object), "from", func(fc goja.FunctionCall) { long(fc.Argument(0)) })
	}
	if s.parsing {
		v.addJSON()
	}
	if s.buffers {
		for _, c := range []struct {
			class string
			size  float64
		}{
			{"ArrayBuffer", 1}, {"Uint8Array", 1}, {"Int8Array", 1}, {"Uint8ClampedArray", 1}, {"Uint16Array", 2}, {"Int16Array", 2}, {"Uint32Array", 4},
			{"Int32Array", 4}, {"Float32Array", 4}, {"Float64Array", 8}, {"BigUint64Array", 8}, {"BigInt64Array", 8},
		} {
			v.checkMaking(c.class, c.size)
		}
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

// check puts a check before a built-in function.
func (v *VM) check(o *goja.Object, name string, before func(goja.FunctionCall)) {
	native, ok := goja.AssertFunction(o.Get(name))
	if !ok {
		return
	}
	fn := v.named(name, func(fc goja.FunctionCall) goja.Value {
		before(fc)
		ret, err := native(fc.This, fc.Arguments...)
		if err != nil {
			panic(err)
		}
		return ret
	})
	_ = o.DefineDataProperty(name, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// checkMaking puts a check before a constructor that takes a length.
func (v *VM) checkMaking(class string, size float64) {
	global := v.rt.GlobalObject()
	native, ok := global.Get(class).(*goja.Object)
	if !ok {
		return
	}
	construct, ok := goja.AssertConstructor(native)
	if !ok {
		return
	}
	proto := native.Get("prototype").(*goja.Object)
	var fn *goja.Object
	fn = v.rt.ToValue(func(cc goja.ConstructorCall) *goja.Object {
		if n := cc.Argument(0); goja.IsNumber(n) && n.ToFloat()*size > vm.MaxString {
			v.tooLarge("memory", n.ToFloat()*size, vm.MaxString)
		}
		target := cc.NewTarget
		if target == nil || target == fn {
			target = native
		}
		o, err := construct(target, cc.Arguments...)
		if err != nil {
			panic(err)
		}
		return o
	}).(*goja.Object)
	_ = fn.DefineDataProperty("name", v.rt.ToValue(class), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	_ = fn.DefineDataProperty("prototype", proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	_ = fn.SetPrototype(native) // from, of, isView, BYTES_PER_ELEMENT
	_ = proto.DefineDataProperty("constructor", fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	_ = global.DefineDataProperty(class, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
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
