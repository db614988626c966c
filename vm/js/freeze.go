package js

import (
	"github.com/dop251/goja"
)

// level tells how an object made by Go may still be changed. goja rejects Object.freeze
// for dynamic objects, which breaks libraries that freeze all their data; so the
// functions of Object are wrapped to support both kinds.
type level uint8

const (
	open level = iota
	closed
	sealed
	frozen
)

// freezable is an object with a level.
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

func init() {
	set := func(l level) around {
		return func(_ *VM, fn native, fc goja.FunctionCall) goja.Value {
			if o, ok := dynamic(fc.Argument(0)); ok {
				o.setLevel(l)
				return fc.Argument(0)
			}
			return fn(fc)
		}
	}
	is := func(test func(level) bool) around {
		return func(v *VM, fn native, fc goja.FunctionCall) goja.Value {
			if o, ok := dynamic(fc.Argument(0)); ok {
				return v.rt.ToValue(test(o.level()))
			}
			return fn(fc)
		}
	}
	wrap("Object.freeze", set(frozen))
	wrap("Object.seal", set(sealed))
	wrap("Object.preventExtensions", set(closed))
	wrap("Object.isFrozen", is(func(l level) bool { return l >= frozen }))
	wrap("Object.isSealed", is(func(l level) bool { return l >= sealed }))
	wrap("Object.isExtensible", is(func(l level) bool { return l == open }))
}

// dynamic returns the Go value of an object made by Go.
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
