package js

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

// A stack overflow of a goroutine ends the process, and goja limits only the nesting
// of script functions. The wrappers here limit built-in functions that call each other
// without script code in between, and source whose nesting the compiler follows.

// maxNative is the maximum nesting of built-in functions.
const maxNative = 2000

// maxTextDepth is the maximum nesting of JSON.
const maxTextDepth = 5000

// Limits of source that scripts compile with eval and Function. The compiler recurses
// as deep as the source is nested.
const (
	maxSource        = 256 << 10 // bytes
	maxSourceNesting = 1000      // brackets
	maxSourceLinks   = 10_000    // arrows and binary operators; nested ones take quadratic time
)

// maxArguments is the maximum length of a list of arguments, as for apply.
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
	// goja does not limit generators that delegate to each other.
	bounds = append(bounds, bound{matching(`\byield\s*\*`), func(v *VM) {
		if x, err := v.rt.RunProgram(generators); err == nil {
			v.wrapMethod(x.(*goja.Object), "next", counted)
		}
	}})
	bounds = append(bounds, bound{named("JSON"), func(v *VM) {
		object := v.builtin("JSON")
		v.addStringify(object)
		v.addParse(object)
	}})
}

var generators = goja.MustCompile("generators", `Object.getPrototypeOf(function* () {}).prototype`, true)

// enter is called before a built-in function that may call itself again, and throws if
// they are nested too deep. The caller defers the function that it returns.
func (v *VM) enter() (leave func()) {
	if v.nesting >= maxNative {
		v.throw(fault.Newf(fault.ResourceExhausted, "built-in functions are nested more than %d levels deep", maxNative))
	}
	v.nesting++
	return v.leave
}

func (v *VM) leaveNative() { v.nesting-- }

// counted is a wrapper that limits the nesting of a built-in function.
func counted(v *VM, fn native, fc goja.FunctionCall) goja.Value {
	defer v.enter()()
	return fn(fc)
}

// flat is Array.prototype.flat with limits for the nesting of the list and the length
// of the result, since lists may contain the same list many times.
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

// checkedSource checks the source that the constructor Function compiles.
func (v *VM) checkedSource(args []goja.Value) []goja.Value {
	texts := make([]goja.Value, len(args))
	for i, a := range args {
		texts[i] = a.ToString() // once, so that the checked text is the one compiled
	}
	v.checkSource(texts)
	return texts
}

// checkSource checks the source that eval compiles. A wrapped eval is an indirect one:
// the code sees only global variables.
func (v *VM) checkSource(args []goja.Value) {
	size, depth, links := 0, 0, 0
	for _, a := range args {
		if s, ok := a.(goja.String); ok {
			size += s.Length()
			if size <= maxSource {
				d, n := sourceNesting(s.String())
				depth, links = max(depth, d), links+n
			}
		}
	}
	if size > maxSource {
		v.tooLarge("source", float64(size), maxSource)
	}
	if links > maxSourceLinks {
		v.tooLarge("a chain of operators", float64(links), maxSourceLinks)
	}
	if depth > maxSourceNesting {
		v.throw(fault.Newf(fault.InvalidArgument, "the source is nested more than %d levels deep", maxSourceNesting))
	}
}

// sourceNesting returns the nesting of the brackets in a source, those in strings
// included, and the number of operators that take quadratic time if they are nested.
// Other nesting without brackets (signs, statements in statements) fits into the stack
// for sources up to maxSource.
func sourceNesting(source string) (nested, links int) {
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
			nested = max(nested, depth)
		case ')', ']', '}':
			depth--
		}
	}
	return nested, links
}

var typeProxy = reflect.TypeFor[goja.Proxy]()

// wrapProxies limits chains of proxies and prototypes, which goja follows recursively,
// and rejects cyclic ones.
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

// reachable returns the objects in the chains of proxies and prototypes that begin
// with from, and throws if there are too many. what names the kind in the error.
func (v *VM) reachable(what string, from ...goja.Value) map[*goja.Object]bool {
	const limit = 1000
	from = append([]goja.Value(nil), from...)
	seen := map[*goja.Object]bool{}
	for len(from) > 0 {
		o, ok := from[len(from)-1].(*goja.Object)
		from = from[:len(from)-1]
		if !ok || o == nil || seen[o] {
			continue
		}
		if seen[o] = true; len(seen) > limit {
			v.throw(fault.Newf(fault.ResourceExhausted, "%s is nested more than %d levels deep", what, limit))
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

// acyclic throws if setting a prototype would make a cycle.
func (v *VM) acyclic(x, proto goja.Value) {
	if o, ok := x.(*goja.Object); ok && v.reachable("a chain of prototypes", proto)[o] {
		panic(v.rt.NewTypeError("Cyclic __proto__ value"))
	}
}
