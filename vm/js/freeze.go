package js

import (
	"github.com/dop251/goja"
)

// level is what may still be done to an object made by Go. goja's dynamic
// objects know nothing of it and answer Object.freeze with an error, which
// libraries that freeze whatever they hold would stumble over; so the functions
// of Object that are concerned are replaced by ones that know both kinds.
type level uint8

const (
	open level = iota
	closed
	sealed
	frozen
)

// freezable is an object that keeps a level.
type freezable interface {
	level() level
	setLevel(level)
}

func (o *object) level() level     { return o.kept }
func (o *object) setLevel(l level) { o.kept = max(o.kept, l) }

func (r *record) level() level     { return r.kept }
func (r *record) setLevel(l level) { r.kept = max(r.kept, l) }

func (f *functions) level() level   { return frozen }
func (f *functions) setLevel(level) {}

// addFreezing replaces the functions of Object that close objects and tell
// whether they are. It costs a VM some 9 KiB, so only programs that name one of
// them get it.
func (v *VM) addFreezing() {
	object, ok := v.rt.Get("Object").(*goja.Object)
	if !ok {
		return
	}
	replace := func(name string, with func(o freezable, arg goja.Value) goja.Value) {
		native, ok := goja.AssertFunction(object.Get(name))
		if !ok {
			return
		}
		fn := v.rt.ToValue(func(fc goja.FunctionCall) goja.Value {
			arg := fc.Argument(0)
			if o, ok := dynamic(arg); ok {
				return with(o, arg)
			}
			ret, err := native(fc.This, fc.Arguments...)
			if err != nil {
				panic(err)
			}
			return ret
		}).(*goja.Object)
		_ = fn.DefineDataProperty("name", v.rt.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		_ = object.DefineDataProperty(name, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	set := func(l level) func(freezable, goja.Value) goja.Value {
		return func(o freezable, arg goja.Value) goja.Value { o.setLevel(l); return arg }
	}
	is := func(l level) func(freezable, goja.Value) goja.Value {
		return func(o freezable, _ goja.Value) goja.Value { return v.rt.ToValue(o.level() >= l) }
	}
	replace("freeze", set(frozen))
	replace("seal", set(sealed))
	replace("preventExtensions", set(closed))
	replace("isFrozen", is(frozen))
	replace("isSealed", is(sealed))
	replace("isExtensible", func(o freezable, _ goja.Value) goja.Value { return v.rt.ToValue(o.level() == open) })
}

// dynamic finds the Go side of an object made by Go.
func dynamic(x goja.Value) (freezable, bool) {
	o, ok := x.(*goja.Object)
	if !ok {
		return nil, false
	}
	switch o.ExportType() {
	case typeObject, typeRecord, typeFunctions:
		f, ok := o.Export().(freezable)
		return f, ok
	}
	return nil, false
}
