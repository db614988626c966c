package js

import (
	"reflect"
	"regexp"

	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

// The end of a goroutine's stack is the end of the process, and goja counts only
// the calls of script functions. Where its built-in functions go on into one
// another with no script in between, or its compiler into the nesting of a text,
// the functions here count.

// deepestNative is how far built-in functions may nest within one another.
const deepestNative = 2000

// What scripts may compile while they run: the compiler goes as deep as the text
// is nested.
const (
	maxSource     = 256 << 10 // bytes
	deepestSource = 1000      // brackets
	mostLinks     = 10_000    // arrows and the like, for which it takes time by their square
)

var (
	namesFlat     = regexp.MustCompile(`\bflat\b`)
	namesSource   = regexp.MustCompile(`\b(?:eval|Function|constructor)\b`)
	namesProxy    = regexp.MustCompile(`\bProxy\b`)
	namesApply    = regexp.MustCompile(`\b(?:apply|construct)\b`)
	namesToString = regexp.MustCompile(`\b(?:toString|valueOf|toPrimitive)\b["']?\]?\s*[:=,]`)
	namesErrors   = regexp.MustCompile(`\b(?:message|name)\b["']?\]?\s*[:=,]`)
)

// nested are the checks against nesting that a program gets.
type nested struct{ flat, source, proxy, apply, strings, errors bool }

func nestedOf(source string) nested {
	return nested{
		flat: namesFlat.MatchString(source), source: namesSource.MatchString(source), proxy: namesProxy.MatchString(source),
		apply: namesApply.MatchString(source), strings: namesToString.MatchString(source), errors: namesErrors.MatchString(source),
	}
}

func (v *VM) addNesting(n nested) {
	arrays := v.rt.NewArray().Prototype()
	for _, name := range []string{"join", "toString", "toLocaleString"} { // String(list) needs no name
		v.counted(arrays, name)
	}
	if n.flat {
		v.boundFlat(arrays)
	}
	global := v.rt.GlobalObject()
	prototype := func(class string) *goja.Object {
		return global.Get(class).(*goja.Object).Get("prototype").(*goja.Object)
	}
	if n.errors || n.strings {
		v.counted(prototype("Error"), "toString")
	}
	if n.strings { // one of these may be an object's way to become a string
		for _, class := range []string{"String", "Number", "Date", "RegExp", "Object", "Function"} {
			o := prototype(class)
			for _, name := range o.GetOwnPropertyNames() {
				if name != "constructor" && name != "__proto__" && name != "caller" && name != "arguments" {
					v.counted(o, name)
				}
			}
		}
	}
	if n.apply {
		list := func(i int) func(goja.FunctionCall) {
			return func(fc goja.FunctionCall) { v.mostArguments(fc.Argument(i)) }
		}
		v.check(prototype("Function"), "apply", list(1))
		r := global.Get("Reflect").(*goja.Object)
		v.check(r, "apply", list(2))
		v.check(r, "construct", list(1))
	}
	if n.source {
		v.boundSource()
	}
	if n.proxy {
		v.boundProxies()
	}
}

// enter counts a built-in function that may come back to itself; the caller
// defers what it returns.
func (v *VM) enter() (leave func()) {
	if v.nesting >= deepestNative {
		v.throw(fault.Newf(fault.ResourceExhausted, "built-in functions are nested more than %d levels deep", deepestNative))
	}
	v.nesting++
	return v.leave
}

func (v *VM) leaveNative() { v.nesting-- }

// counted makes a built-in function count how deep it is, and bounds the string
// that it makes: a list may hold the same list many times.
func (v *VM) counted(o *goja.Object, name string) {
	native, ok := goja.AssertFunction(o.Get(name))
	if !ok {
		return
	}
	fn := v.named(name, func(fc goja.FunctionCall) goja.Value {
		defer v.enter()()
		ret, err := native(fc.This, fc.Arguments...)
		if err != nil {
			panic(err)
		}
		if s, ok := ret.(goja.String); ok && s.Length() > vm.MaxString {
			v.tooLarge("a string", float64(s.Length()), vm.MaxString)
		}
		return ret
	})
	_ = o.DefineDataProperty(name, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

func (v *VM) boundFlat(arrays *goja.Object) {
	native, ok := goja.AssertFunction(arrays.Get("flat"))
	if !ok {
		return
	}
	_ = arrays.DefineDataProperty("flat", v.named("flat", func(fc goja.FunctionCall) goja.Value {
		depth := fc.Argument(0)
		if f := depth.ToFloat(); f <= deepestNative || f != f {
			return v.must(native(fc.This, fc.Arguments...))
		}
		out := v.must(native(fc.This, v.rt.ToValue(deepestNative)))
		o, ok := out.(*goja.Object)
		if !ok || !insides.known || insides.of(o).table != insides.array {
			return out
		}
		items, _ := inside{insides.of(o).data}.items()
		for _, x := range items {
			if v.IsList(x) {
				v.throw(fault.Newf(fault.InvalidArgument, "the list is nested more than %d levels deep", deepestNative))
			}
		}
		return out
	}), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// must passes on what a function of goja threw.
func (v *VM) must(x goja.Value, err error) goja.Value {
	if err != nil {
		panic(err)
	}
	return x
}

// mostArguments bounds a list that becomes the arguments of a call.
func (v *VM) mostArguments(x goja.Value) {
	const most = 1 << 20
	if o, ok := x.(*goja.Object); ok {
		if n := o.Get("length"); n != nil && n.ToFloat() > most {
			v.tooLarge("a list of arguments", n.ToFloat(), most)
		}
	}
}

// boundSource checks what eval and the constructors of functions compile. With
// it eval is always the indirect one: what it evaluates sees globals only.
func (v *VM) boundSource() {
	text := func(args []goja.Value) {
		size, deep, most := 0, 0, 0
		for _, a := range args {
			if s, ok := a.(goja.String); ok {
				size += s.Length()
				if size <= maxSource {
					d, n := sourceNesting(s.String())
					deep, most = max(deep, d), most+n
				}
			} else if a != nil {
				size += 64
			}
		}
		if size > maxSource {
			v.tooLarge("source", float64(size), maxSource)
		}
		if most > mostLinks {
			v.tooLarge("a chain of operators", float64(most), mostLinks)
		}
		if deep > deepestSource {
			v.throw(fault.Newf(fault.InvalidArgument, "the source is nested more than %d levels deep", deepestSource))
		}
	}
	global := v.rt.GlobalObject()
	v.check(global, "eval", func(fc goja.FunctionCall) { text(fc.Arguments) })
	for _, made := range []string{"(function(){})", "(function*(){})", "(async function(){})"} {
		f, err := v.rt.RunString(made)
		if err != nil {
			continue
		}
		proto := f.(*goja.Object).Prototype()
		native, ok := proto.Get("constructor").(*goja.Object)
		if !ok {
			continue
		}
		construct, ok := goja.AssertConstructor(native)
		if !ok {
			continue
		}
		var fn *goja.Object
		fn = v.rt.ToValue(func(cc goja.ConstructorCall) *goja.Object {
			args := make([]goja.Value, len(cc.Arguments))
			for i, a := range cc.Arguments {
				args[i] = a.ToString() // once, so that what was checked is what is compiled
			}
			text(args)
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
		_ = fn.DefineDataProperty("name", native.Get("name"), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		_ = fn.DefineDataProperty("prototype", proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
		_ = proto.DefineDataProperty("constructor", fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		if made == "(function(){})" {
			_ = global.DefineDataProperty("Function", fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
	}
}

// sourceNesting is how deep the brackets of a source go, or more: those in
// strings count too. What nests without brackets (signs, arrows, statements in
// statements) takes less of the stack than there is, at maxSource. links are what
// takes long to compile where one is within the other.
func sourceNesting(source string) (most, links int) {
	depth := 0
	for i := 0; i < len(source); i++ {
		switch c := source[i]; c {
		case ':':
			links++
		case '>', '?', '&', '|':
			if i > 0 && (source[i-1] == c || c == '>' && source[i-1] == '=') {
				links++
			}
		case '(', '[', '{':
			depth++
			most = max(most, depth)
		case ')', ']', '}':
			depth--
		}
	}
	return most, links
}

var typeProxy = reflect.TypeFor[goja.Proxy]()

// boundProxies bounds chains of proxies and prototypes, which built-in code
// follows on its own, and refuses those that lead back to their beginning.
func (v *VM) boundProxies() {
	const most = 1000
	reach := func(what string, from ...goja.Value) map[*goja.Object]bool {
		seen := map[*goja.Object]bool{}
		for len(from) > 0 {
			o, ok := from[len(from)-1].(*goja.Object)
			from = from[:len(from)-1]
			if !ok || o == nil || seen[o] {
				continue
			}
			if seen[o] = true; len(seen) > most {
				v.throw(fault.Newf(fault.ResourceExhausted, "%s is nested more than %d levels deep", what, most))
			}
			if o.ExportType() == typeProxy {
				if p, ok := o.Export().(goja.Proxy); ok && p.Target() != nil {
					from = append(from, p.Target(), p.Handler())
				}
			} else if proto := o.Prototype(); proto != nil {
				from = append(from, proto)
			}
		}
		return seen
	}
	global := v.rt.GlobalObject()
	native := global.Get("Proxy").(*goja.Object)
	construct, _ := goja.AssertConstructor(native)
	revocable, _ := goja.AssertFunction(native.Get("revocable"))
	fn := v.rt.ToValue(func(cc goja.ConstructorCall) *goja.Object {
		reach("a proxy", cc.Argument(0), cc.Argument(1))
		o, err := construct(native, cc.Arguments...)
		if err != nil {
			panic(err)
		}
		return o
	}).(*goja.Object)
	_ = fn.DefineDataProperty("name", v.rt.ToValue("Proxy"), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	_ = fn.DefineDataProperty("revocable", v.named("revocable", func(fc goja.FunctionCall) goja.Value {
		reach("a proxy", fc.Argument(0), fc.Argument(1))
		return v.must(revocable(native, fc.Arguments...))
	}), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	_ = global.DefineDataProperty("Proxy", fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)

	acyclic := func(x, proto goja.Value) {
		o, ok := x.(*goja.Object)
		if ok && reach("a chain of prototypes", proto)[o] {
			panic(v.rt.NewTypeError("Cyclic __proto__ value"))
		}
	}
	for _, class := range []string{"Object", "Reflect"} {
		v.check(global.Get(class).(*goja.Object), "setPrototypeOf", func(fc goja.FunctionCall) { acyclic(fc.Argument(0), fc.Argument(1)) })
	}
	object := global.Get("Object").(*goja.Object)
	v.check(object, "create", func(fc goja.FunctionCall) { reach("a chain of prototypes", fc.Argument(0)) })
	describe, _ := goja.AssertFunction(object.Get("getOwnPropertyDescriptor"))
	plain := v.rt.NewObject().Prototype()
	d, err := describe(object, plain, v.rt.ToValue("__proto__"))
	if old, ok := d.(*goja.Object); ok && err == nil {
		if set, ok := goja.AssertFunction(old.Get("set")); ok {
			setter := v.named("set __proto__", func(fc goja.FunctionCall) goja.Value {
				acyclic(fc.This, fc.Argument(0))
				return v.must(set(fc.This, fc.Arguments...))
			})
			_ = plain.DefineAccessorProperty("__proto__", old.Get("get"), setter, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
	}
}
