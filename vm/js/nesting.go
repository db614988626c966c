package js

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

// A goroutine that runs out of stack ends the process, and goja counts only the
// calls of script functions. Where its built-in functions call one another with
// no script in between, or its compiler follows the nesting of a text, the
// wrappers here count.

// maxNative is how deep built-in functions may nest within one another.
const maxNative = 2000

// maxTextDepth is how deep JSON may nest.
const maxTextDepth = 5000

// What scripts may compile while they run: the compiler recurses as deep as the
// text is nested.
const (
	maxSource        = 256 << 10 // bytes
	maxSourceNesting = 1000      // brackets
	maxSourceLinks   = 10_000    // arrows and the like, which take quadratic time
)

// maxArguments is the longest list that becomes the arguments of a call.
const maxArguments = 1 << 20

func init() {
	wrap("Array.prototype.flat", flat)
	for path, i := range map[string]int{"Function.prototype.apply": 1, "Reflect.apply": 2, "Reflect.construct": 1} {
		name := path[strings.LastIndexByte(path, '.')+1:]
		wrapWhen(named(name).and(largeArrays), path, before(func(v *VM, fc goja.FunctionCall) {
			if n := lengthOf(fc.Argument(i)); n > maxArguments {
				v.tooLarge("a list of arguments", n, maxArguments)
			}
		}))
	}
	wrapNew("Function", (*VM).checkedSource)
	wrap("eval", before(func(v *VM, fc goja.FunctionCall) { v.checkSource(fc.Arguments) }))
	bounds = append(bounds, bound{named("Proxy"), (*VM).wrapProxies})
	// goja does not count generators that delegate to one another.
	bounds = append(bounds, bound{matching(`\byield\s*\*`), func(v *VM) {
		if x, err := v.rt.RunProgram(generators); err == nil {
			v.wrapMethod(x.(*goja.Object), "next", counted)
		}
	}})
	bounds = append(bounds, bound{named("JSON"), (*VM).wrapJSON})
}

var generators = goja.MustCompile("generators", `Object.getPrototypeOf(function* () {}).prototype`, true)

// wrapJSON replaces the JSON functions by the server's own, which bound nesting.
func (v *VM) wrapJSON() {
	object := v.builtin("JSON")
	v.addStringify(object)
	if objectLayout.known {
		v.addParse(object)
		return
	}
	v.wrapMethod(object, "parse", before(func(v *VM, fc goja.FunctionCall) { v.checkNesting(fc.Argument(0)) }))
}

// checkNesting refuses JSON text that nests too deep.
func (v *VM) checkNesting(x goja.Value) {
	if text, ok := stringOf(x); ok && nesting(text) > maxTextDepth {
		v.throw(fault.Newf(fault.InvalidArgument, "the JSON is nested more than %d levels deep", maxTextDepth))
	}
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
			depth++
			most = max(most, depth)
		case c == ']', c == '}':
			depth--
		}
	}
	return most
}

// enter counts a built-in function that may come back to itself; the caller
// defers what it returns.
func (v *VM) enter() (leave func()) {
	if v.nesting >= maxNative {
		v.throw(fault.Newf(fault.ResourceExhausted, "built-in functions are nested more than %d levels deep", maxNative))
	}
	v.nesting++
	return v.leave
}

func (v *VM) leaveNative() { v.nesting-- }

// counted counts how deep a built-in function is.
func counted(v *VM, fn native, fc goja.FunctionCall) goja.Value {
	defer v.enter()()
	return fn(fc)
}

// flat is Array.prototype.flat with bounds on how deep the list nests and how
// long the result gets, as lists may contain the same list many times.
func flat(v *VM, fn native, fc goja.FunctionCall) goja.Value {
	depth := 1.0
	if x := fc.Argument(0); !goja.IsUndefined(x) {
		depth = x.ToFloat()
	}
	n := 0
	var walk func(x goja.Value, level int)
	walk = func(x goja.Value, level int) {
		if !v.IsList(x) || float64(level) > depth {
			n++
			return
		}
		if level > maxNative {
			v.throw(fault.Newf(fault.InvalidArgument, "the list is nested more than %d levels deep", maxNative))
		}
		list := x.(*goja.Object)
		v.fitsList(list)
		n++ // so that empty lists count
		if float64(level) == depth {
			n += v.Len(list)
		} else {
			for i := range v.Len(list) {
				x, ok := v.plainItem(list, i)
				if !ok {
					x = list.Get(strconv.Itoa(i))
				}
				if walk(x, level+1); n > vm.MaxList {
					break
				}
			}
		}
		if n > vm.MaxList {
			v.tooLarge("a list", float64(n), vm.MaxList)
		}
	}
	walk(fc.This, 0)
	return fn(fc)
}

// checkedSource checks what the constructor of functions compiles.
func (v *VM) checkedSource(args []goja.Value) []goja.Value {
	texts := make([]goja.Value, len(args))
	for i, a := range args {
		texts[i] = a.ToString() // once, so that what was checked is what is compiled
	}
	v.checkSource(texts)
	return texts
}

// checkSource checks what eval compiles. A wrapped eval is the indirect one: what
// it evaluates sees globals only.
func (v *VM) checkSource(args []goja.Value) {
	size, deep, most := 0, 0, 0
	for _, a := range args {
		if s, ok := a.(goja.String); ok {
			size += s.Length()
			if size <= maxSource {
				d, n := sourceNesting(s.String())
				deep, most = max(deep, d), most+n
			}
		}
	}
	if size > maxSource {
		v.tooLarge("source", float64(size), maxSource)
	}
	if most > maxSourceLinks {
		v.tooLarge("a chain of operators", float64(most), maxSourceLinks)
	}
	if deep > maxSourceNesting {
		v.throw(fault.Newf(fault.InvalidArgument, "the source is nested more than %d levels deep", maxSourceNesting))
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

// wrapProxies bounds chains of proxies and prototypes, which built-in code follows
// by itself, and refuses those that lead back to their beginning.
func (v *VM) wrapProxies() {
	v.wrapClass("Proxy", func(v *VM, args []goja.Value) []goja.Value {
		v.reachable("a proxy", args...)
		return args
	})
	v.wrapMethod(v.builtin("Proxy"), "revocable", before(func(v *VM, fc goja.FunctionCall) { v.reachable("a proxy", fc.Arguments...) }))
	set := before(func(v *VM, fc goja.FunctionCall) { v.acyclic(fc.Argument(0), fc.Argument(1)) })
	object := v.builtin("Object")
	v.wrapMethod(object, "setPrototypeOf", set)
	v.wrapMethod(v.builtin("Reflect"), "setPrototypeOf", set)
	v.wrapMethod(object, "create", before(func(v *VM, fc goja.FunctionCall) { v.reachable("a chain of prototypes", fc.Argument(0)) }))
	plain := v.builtin("Object.prototype")
	describe, ok := goja.AssertFunction(object.Get("getOwnPropertyDescriptor"))
	if !ok {
		return
	}
	d, err := describe(object, plain, v.rt.ToValue("__proto__"))
	if old, ok := d.(*goja.Object); ok && err == nil {
		setter, _ := old.Get("set").(*goja.Object)
		with := before(func(v *VM, fc goja.FunctionCall) { v.acyclic(fc.This, fc.Argument(0)) })
		if fn := v.wrapped(setter, "set __proto__", with); fn != nil {
			_ = plain.DefineAccessorProperty("__proto__", old.Get("get"), fn, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
	}
}

// reachable bounds chains of proxies and prototypes, which built-in code follows
// on its own, and gives all that are in them.
func (v *VM) reachable(what string, from ...goja.Value) map[*goja.Object]bool {
	const most = 1000
	from = append([]goja.Value(nil), from...)
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

// acyclic refuses a prototype that leads back to its object.
func (v *VM) acyclic(x, proto goja.Value) {
	if o, ok := x.(*goja.Object); ok && v.reachable("a chain of prototypes", proto)[o] {
		panic(v.rt.NewTypeError("Cyclic __proto__ value"))
	}
}
