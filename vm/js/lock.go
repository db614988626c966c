package js

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// lockBuiltins makes what the language brings read-only, now and as it is made:
// its objects take no new properties and keep those they have. An ordinary
// object may still get one of its own that has the name of an inherited one.
// The variables of the program stay as they are, but there will be no new ones.
func (v *VM) lockBuiltins() {
	if !inner.known || v.locked {
		return
	}
	v.locked = true
	v.seen = [2]uint64{} // to be bounded again costs more than it is worth
	for i, at := range inner.builtins {
		if o := *(**goja.Object)(unsafe.Add(unsafe.Pointer(v.rt), at)); o != nil && insides.of(o).data != nil {
			v.seen[i/64] |= 1 << (i % 64)
			v.lock(o)
		}
	}
	global := v.rt.GlobalObject()
	inside := inside{insides.of(global).data}
	for name, x := range *inside.values() {
		if p, ok := propertyOf(x); ok && inner.templates["globalThis"][name] != nil {
			v.lockProperty(p, &name)
		}
	}
	if b, ok := global.Prototype().Export().(*builtins); ok {
		b.setLevel(frozen)
		v.lockMade(b)
	}
	*(*bool)(unsafe.Add(inside.data, inner.extensible)) = false
}

// lockMade makes the globals read-only that are not of the language itself.
func (v *VM) lockMade(b *builtins) {
	freeze, ok := goja.AssertFunction(v.rt.Get("Object").(*goja.Object).Get("freeze"))
	if !ok {
		return
	}
	for _, x := range b.vals {
		if o, ok := x.(*goja.Object); ok {
			_, _ = freeze(goja.Undefined(), o)
			if proto, ok := o.Get("prototype").(*goja.Object); ok {
				_, _ = freeze(goja.Undefined(), proto)
			}
		}
	}
}

// lock makes one built-in object read-only.
func (v *VM) lock(o *goja.Object) {
	_ = o.Prototype() // which is made when it is first asked for
	if !inner.plain[insides.of(o).table] {
		return
	}
	inside := inside{insides.of(o).data}
	*(*bool)(unsafe.Add(inside.data, inner.extensible)) = false
	values := *inside.values()
	for name, x := range values {
		if x == nil {
			continue
		}
		p, ok := propertyOf(x)
		if !ok { // of the program: a property like those of built-in objects
			p = property{reflect.New(propertyType).UnsafePointer()}
			*p.value(), *p.flag(inner.prop.enumerable) = x, true
			values[name] = p.asValue()
		}
		v.lockProperty(p, &name)
		if f, ok := read(x).(*goja.Object); ok && insides.of(f).table == inner.function {
			*(*bool)(unsafe.Add(insides.of(f).data, inner.extensible)) = false
		} else if ok && name == "prototype" && inner.plain[insides.of(f).table] && *(*bool)(unsafe.Add(insides.of(f).data, inner.extensible)) {
			v.lock(f)
		}
	}
	eachSymbol(inside, func(_ *goja.Symbol, x *goja.Value) {
		if p, ok := propertyOf(*x); ok {
			v.lockProperty(p, nil)
		}
	})
}

// lockProperty makes a property read-only. One with a name gets a setter, which
// scripts do not see: goja calls it for objects that inherit the property.
func (v *VM) lockProperty(p property, name *unistring.String) {
	*p.flag(inner.prop.configurable) = false
	if *p.flag(inner.prop.accessor) {
		return
	}
	*p.flag(inner.prop.writable) = false
	if name != nil && *name != "length" && *name != "prototype" {
		*p.setter() = setterOf(*name)
	}
}

// setters are the same for all VMs, so they belong to no runtime.
var setters struct {
	mu     sync.RWMutex
	rt     *goja.Runtime
	byName map[unistring.String]*goja.Object
}

func setterOf(name unistring.String) *goja.Object {
	s := &setters
	s.mu.RLock()
	o := s.byName[name]
	s.mu.RUnlock()
	if o != nil {
		return o
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName == nil {
		s.rt, s.byName = goja.New(), map[unistring.String]*goja.Object{}
	}
	if o = s.byName[name]; o != nil {
		return o
	}
	o = s.rt.ToValue(func(fc goja.FunctionCall) goja.Value {
		setInherited(fc.This, name, fc.Argument(0))
		return goja.Undefined()
	}).(*goja.Object)
	*(**goja.Runtime)(unsafe.Add(unsafe.Pointer(o), inner.runtime)) = nil
	*(**goja.Object)(unsafe.Add(insides.of(o).data, insides.prototype)) = nil
	if len(s.byName) < 10_000 {
		s.byName[name] = o
	}
	return o
}

// setInherited gives an object a property of its own with the name of one that
// it inherits from a built-in object, unless it is that object.
func setInherited(this goja.Value, name unistring.String, x goja.Value) {
	o, ok := this.(*goja.Object)
	if !ok {
		return
	}
	if inner.plain[insides.of(o).table] {
		if own, ok := (*inside{insides.of(o).data}.values())[name]; ok && own != nil {
			if p, ok := propertyOf(own); ok && *p.setter() != nil && !*p.flag(inner.prop.accessor) {
				rt := *(**goja.Runtime)(unsafe.Add(unsafe.Pointer(o), inner.runtime))
				panic(rt.NewTypeError("Cannot assign to read only property '%s' of a built-in object", name.String()))
			}
		}
	}
	if err := o.DefineDataProperty(name.String(), x, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
		panic(err)
	}
}
