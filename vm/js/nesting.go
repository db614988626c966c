package js

import (
	"reflect"

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

func init() {
	bound("Array.prototype.flat", before(func(v *VM, fc goja.FunctionCall) { v.boundFlat(fc) }))
	bound("Function.prototype.apply", before(func(v *VM, fc goja.FunctionCall) { v.mostArguments(fc.Argument(1)) }))
	bound("Reflect.apply", before(func(v *VM, fc goja.FunctionCall) { v.mostArguments(fc.Argument(2)) }))
	bound("Reflect.construct", before(func(v *VM, fc goja.FunctionCall) { v.mostArguments(fc.Argument(1)) }))
	for _, class := range []string{"Function", "GeneratorFunction", "AsyncFunction"} {
		boundNew(class, (*VM).boundSource)
	}
	boundNew("Proxy", func(v *VM, args []goja.Value) []goja.Value {
		v.reachable("a proxy", args...)
		return args
	})
	bound("Proxy.revocable", before(func(v *VM, fc goja.FunctionCall) { v.reachable("a proxy", fc.Arguments...) }))
	set := before(func(v *VM, fc goja.FunctionCall) { v.acyclic(fc.Argument(0), fc.Argument(1)) })
	bound("Object.setPrototypeOf", set)
	bound("Reflect.setPrototypeOf", set)
	bound("Object.create", before(func(v *VM, fc goja.FunctionCall) { v.reachable("a chain of prototypes", fc.Argument(0)) }))
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

// counted counts how deep a built-in function is.
func counted(v *VM, fn native, fc goja.FunctionCall) goja.Value {
	defer v.enter()()
	return fn(fc)
}

// boundFlat bounds how deep a list goes that is made flat, and how long it gets.
func (v *VM) boundFlat(fc goja.FunctionCall) {
	depth := 1.0
	if x := fc.Argument(0); !goja.IsUndefined(x) {
		depth = x.ToFloat()
	}
	n := 0
	var walk func(x goja.Value, level int)
	walk = func(x goja.Value, level int) {
		o, ok := x.(*goja.Object)
		if !ok || insides.of(o).table != insides.array {
			if n++; ok && level > 0 && o.ExportType() == typeProxy {
				v.throw(fault.New(fault.InvalidArgument, "a list of proxies cannot be made flat"))
			}
			return
		}
		if float64(level) > depth {
			n++
			return
		}
		if level > deepestNative {
			v.throw(fault.Newf(fault.InvalidArgument, "the list is nested more than %d levels deep", deepestNative))
		}
		items, _ := inside{insides.of(o).data}.items()
		for _, item := range items {
			if walk(item, level+1); n > vm.MaxList {
				v.tooLarge("a list", float64(n), vm.MaxList)
			}
		}
		n++ // so that empty ones count
	}
	walk(fc.This, 0)
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

// boundSource checks what the constructors of functions compile.
func (v *VM) boundSource(args []goja.Value) []goja.Value {
	texts := make([]goja.Value, len(args))
	for i, a := range args {
		texts[i] = a.ToString() // once, so that what was checked is what is compiled
	}
	v.checkSource(texts)
	return texts
}

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
	if most > mostLinks {
		v.tooLarge("a chain of operators", float64(most), mostLinks)
	}
	if deep > deepestSource {
		v.throw(fault.Newf(fault.InvalidArgument, "the source is nested more than %d levels deep", deepestSource))
	}
	v.reachAll()
}

// boundEval is a function in place of eval. It is another one, so eval is always
// the indirect one: what it evaluates sees globals only.
func (v *VM) boundEval(eval goja.Value) goja.Value {
	body, _ := bodyOf(eval)
	if body == nil {
		return eval
	}
	fn := *body
	return v.named("eval", func(fc goja.FunctionCall) goja.Value {
		defer v.enter()()
		v.checkSource(fc.Arguments)
		return fn(fc)
	})
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
