package js

import (
	"sync"
	"unsafe"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

var installTemplates sync.Once

// install puts the bounds into the templates, before the first VM is made.
func install() {
	installTemplates.Do(func() {
		if !inner.known {
			return
		}
		for object, props := range inner.templates {
			for name, made := range props {
				props[name] = bounded(object, name, made)
			}
		}
		for object, props := range inner.symbolic {
			for name, made := range props {
				with := boundsSym[object][name]
				props[name] = func(rt *goja.Runtime) goja.Value {
					x := made(rt)
					if v := ownerOf(rt); v != nil {
						v.boundFunction(read(x), with)
						if p, ok := propertyOf(x); ok && v.locked {
							v.lockProperty(p, nil)
						}
					}
					return x
				}
			}
		}
	})
}

// bounded is a maker that bounds what it makes.
func bounded(object string, name unistring.String, made maker) maker {
	with := bounds[object+"."+name.String()]
	global := object == "globalThis"
	class := name == "constructor"
	for _, n := range inner.names {
		class = class || global && n == name.String()
	}
	return func(rt *goja.Runtime) goja.Value {
		v, x := ownerOf(rt), made(rt)
		if v == nil {
			return x
		}
		p, ok := propertyOf(x)
		switch {
		case class:
			v.reach()
		case global && name == "eval" && ok:
			*p.value() = v.boundEval(*p.value())
		case object == "Object.prototype" && name == "__proto__" && ok:
			if set := *p.setter(); set != nil {
				v.boundFunction(set, []around{before(func(v *VM, fc goja.FunctionCall) { v.acyclic(fc.This, fc.Argument(0)) })})
			}
		default:
			v.boundFunction(read(x), with)
		}
		if ok && v.locked {
			v.lockProperty(p, &name)
		}
		return x
	}
}

// boundFunction bounds a built-in function, in place.
func (v *VM) boundFunction(x goja.Value, with []around) {
	o, ok := x.(*goja.Object)
	if !ok || o == nil {
		return
	}
	for _, a := range with {
		v.wrap(o, a)
	}
	v.wrap(o, counted)
	if v.locked && inner.plain[insides.of(o).table] {
		*(*bool)(unsafe.Add(insides.of(o).data, inner.extensible)) = false
	}
}

// reach bounds the built-in objects that have been made since it was called
// last, and makes them read-only when that is due.
func (v *VM) reach() {
	if !inner.known {
		return
	}
	for i, at := range inner.builtins {
		o := *(**goja.Object)(unsafe.Add(unsafe.Pointer(v.rt), at))
		if o == nil || v.seen[i/64]&(1<<(i%64)) != 0 || insides.of(o).data == nil {
			continue
		}
		v.seen[i/64] |= 1 << (i % 64)
		name := inner.names[i]
		v.boundObject(o, name)
		if name == "JSON" {
			v.addJSON(o)
			for _, f := range []string{"parse", "stringify"} {
				v.wrap(o.Get(f), counted)
			}
		}
		if v.locked {
			v.lock(o)
		}
	}
}

// boundObject bounds a class, and the functions of an object that has no template.
func (v *VM) boundObject(o *goja.Object, name string) {
	inside := inside{insides.of(o).data}
	if body, _ := bodyOf(o); body != nil {
		for _, a := range bounds["globalThis."+name] {
			v.wrap(o, a)
		}
		v.wrap(o, counted)
		if check := boundsNew[name]; check != nil {
			v.wrapNew(o, check)
		}
	}
	if inner.templated[insides.of(o).table] || !inner.plain[insides.of(o).table] {
		return
	}
	for key, x := range *inside.values() {
		if key != "constructor" && key != "prototype" && x != nil {
			v.boundFunction(read(x), bounds[name+"."+key.String()])
		}
	}
	eachSymbol(inside, func(sym *goja.Symbol, x *goja.Value) { v.boundFunction(read(*x), boundsSym[name][sym]) })
}

// eachSymbol visits the properties of an object whose keys are symbols.
func eachSymbol(o inside, visit func(sym *goja.Symbol, x *goja.Value)) {
	m := *(*unsafe.Pointer)(unsafe.Add(o.data, inner.symbols))
	if m == nil {
		return
	}
	for e := *(*unsafe.Pointer)(unsafe.Add(m, inner.entry.first)); e != nil; e = *(*unsafe.Pointer)(unsafe.Add(e, inner.entry.next)) {
		key, x := (*goja.Value)(e), (*goja.Value)(unsafe.Add(e, inner.entry.value))
		if sym, ok := (*key).(*goja.Symbol); ok && *x != nil {
			visit(sym, x)
		}
	}
}

// reachAll makes and bounds what is reached by literals: code that is compiled
// while a script runs may have them.
func (v *VM) reachAll() {
	for _, name := range []string{"RegExp", "Error", "Promise"} {
		v.rt.Get(name)
	}
	if x, err := v.rt.RunProgram(literals); err == nil && x != nil {
		v.reach()
	}
}

var literals = goja.MustCompile("built-in literals", "[function* () {}, async function () {}]", true)
