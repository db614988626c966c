package js

import (
	"regexp"
	"strings"

	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

// Built-in functions of goja cannot be interrupted, and a process that runs out of
// memory ends. So functions that can make very large values, or run for very long,
// are replaced by wrappers that check their arguments first. A VM gets the wrappers
// for those functions that the source of its program names, or all of them if it names
// eval: this covers mistakes and large input, and costs nothing for other programs. A
// function whose name is assembled at run time is not wrapped, as docs/limits.md says.

type (
	// native calls the built-in function and panics with what it throws.
	native func(fc goja.FunctionCall) goja.Value
	// around replaces a built-in function, which it may call.
	around func(v *VM, fn native, fc goja.FunctionCall) goja.Value
	// aroundNew is called before a built-in constructor and returns the arguments for it.
	aroundNew func(v *VM, args []goja.Value) []goja.Value
)

// bounds are all wrappers, in the order in which they are installed.
var bounds []bound

type bound struct {
	when    condition
	install func(v *VM)
}

// condition tells whether a program with this source needs a wrapper.
type condition func(s *source) bool

// source is the text of a program, and the set of its names, for conditions.
type source struct {
	text  string
	names map[string]struct{}
}

func newSource(text string) *source {
	s := &source{text: text, names: map[string]struct{}{}}
	start := -1
	for i := 0; i <= len(text); i++ {
		if i < len(text) && isNamePart(text[i]) {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			s.names[text[start:i]] = struct{}{}
			start = -1
		}
	}
	return s
}

func isNamePart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$'
}

// bounds returns the wrappers that a program needs.
func (s *source) bounds() (list []*bound) {
	_, evaluates := s.names["eval"]
	for i := range bounds {
		if evaluates || bounds[i].when(s) {
			list = append(list, &bounds[i])
		}
	}
	return list
}

func always(*source) bool { return true }

// named is the condition for sources that contain one of the names.
func named(names ...string) condition {
	return func(s *source) bool {
		for _, name := range names {
			if _, ok := s.names[name]; ok {
				return true
			}
		}
		return false
	}
}

// matching is the condition for sources that match a regular expression.
func matching(expression string) condition {
	re := regexp.MustCompile(expression)
	return func(s *source) bool { return re.MatchString(s.text) }
}

func (c condition) and(d condition) condition {
	return func(s *source) bool { return c(s) && d(s) }
}

// wrap registers a wrapper of a function, given by its path from the global object
// ("String.prototype.repeat"), for programs that name it.
func wrap(path string, with around) {
	wrapWhen(named(path[strings.LastIndexByte(path, '.')+1:]), path, with)
}

// wrapWhen is wrap with a condition of its own.
func wrapWhen(when condition, path string, with around) {
	bounds = append(bounds, bound{when, func(v *VM) {
		at := strings.LastIndexByte(path, '.')
		o, name := v.rt.GlobalObject(), path
		if at >= 0 {
			o, name = v.builtin(path[:at]), path[at+1:]
		}
		if o != nil {
			v.wrapMethod(o, name, with)
		}
	}})
}

// wrapNew registers a wrapper of a global class, for programs that name it.
func wrapNew(class string, with aroundNew) {
	bounds = append(bounds, bound{named(class), func(v *VM) { v.wrapClass(class, with) }})
}

// builtin returns an object by its path, nil if there is none. "TypedArray" is the
// base class of typed arrays, for which there is no global variable.
func (v *VM) builtin(path string) *goja.Object {
	o := v.rt.GlobalObject()
	for _, name := range strings.Split(path, ".") {
		if name == "TypedArray" {
			o = v.builtin("Uint8Array.prototype").Prototype().Get("constructor").(*goja.Object)
			continue
		}
		next, ok := o.Get(name).(*goja.Object)
		if !ok {
			return nil
		}
		o = next
	}
	return o
}

func (v *VM) wrapMethod(o *goja.Object, name string, with around) {
	old, _ := o.Get(name).(*goja.Object)
	if fn := v.wrapped(old, name, with); fn != nil {
		_ = o.DefineDataProperty(name, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
}

// wrapSymbol is wrapMethod for methods with a symbol as key.
func (v *VM) wrapSymbol(o *goja.Object, key *goja.Symbol, name string, with around) {
	old, _ := o.GetSymbol(key).(*goja.Object)
	if fn := v.wrapped(old, name, with); fn != nil {
		_ = o.DefineDataPropertySymbol(key, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
}

func (v *VM) wrapped(old *goja.Object, name string, with around) *goja.Object {
	call, ok := goja.AssertFunction(old)
	if !ok {
		return nil
	}
	fn := func(fc goja.FunctionCall) goja.Value { return v.must(call(fc.This, fc.Arguments...)) }
	o := v.named(name, func(fc goja.FunctionCall) goja.Value { return with(v, fn, fc) })
	_ = o.DefineDataProperty("length", old.Get("length"), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	return o
}

// wrapClass replaces a global class by one that calls with first and then constructs
// the same objects.
func (v *VM) wrapClass(class string, with aroundNew) {
	native := v.builtin(class)
	if native == nil {
		return
	}
	proto := native.Get("prototype")
	fn := v.constructor(native, class, with)
	if fn == nil {
		return
	}
	if proto != nil {
		_ = proto.(*goja.Object).DefineDataProperty("constructor", fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	_ = v.rt.GlobalObject().DefineDataProperty(class, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

func (v *VM) constructor(native *goja.Object, name string, with aroundNew) *goja.Object {
	construct, ok := goja.AssertConstructor(native)
	if !ok {
		return nil
	}
	var fn *goja.Object
	fn = v.rt.ToValue(func(cc goja.ConstructorCall) *goja.Object {
		args := with(v, cc.Arguments)
		target := cc.NewTarget
		if target == nil || target == fn {
			target = native
		}
		o, err := construct(target, args...)
		if err != nil {
			panic(err)
		}
		return o
	}).(*goja.Object)
	_ = fn.DefineDataProperty("name", v.rt.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	if proto := native.Get("prototype"); proto != nil {
		_ = fn.DefineDataProperty("prototype", proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	}
	_ = fn.SetPrototype(native) // static methods
	return fn
}

// before returns a wrapper that calls check and then the function.
func before(check func(v *VM, fc goja.FunctionCall)) around {
	return func(v *VM, fn native, fc goja.FunctionCall) goja.Value {
		check(v, fc)
		return fn(fc)
	}
}

// must throws the error of a function of goja.
func (v *VM) must(x goja.Value, err error) goja.Value {
	if err != nil {
		panic(err)
	}
	return x
}

func (v *VM) tooLarge(what string, n, limit float64) {
	v.throw(fault.Newf(fault.ResourceExhausted, "%s of %.0f is too large: the maximum is %.0f", what, n, limit))
}

// length returns the number of characters of a string, and an estimate for values
// that are not strings.
func length(x goja.Value) int {
	if s, ok := x.(goja.String); ok {
		return s.Length()
	}
	return 64
}

// textLength returns the length of a string, and 0 for other values.
func textLength(x goja.Value) int {
	if s, ok := x.(goja.String); ok {
		return s.Length()
	}
	return 0
}

func (v *VM) fitsText(n int) {
	if n > vm.MaxString {
		v.tooLarge("a string", float64(n), vm.MaxString)
	}
}

// lengthOf returns the property length of an object, and 0 for other values.
func lengthOf(x goja.Value) float64 {
	o, ok := x.(*goja.Object)
	if !ok {
		return 0
	}
	if n := o.Get("length"); n != nil {
		return max(n.ToFloat(), 0)
	}
	return 0
}

// fitsList throws if a list, or an object with a length, is too long to be iterated.
func (v *VM) fitsList(x goja.Value) {
	if n := lengthOf(x); n > vm.MaxList {
		v.tooLarge("an array", n, vm.MaxList)
	}
}
