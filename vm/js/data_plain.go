package js

import (
	"github.com/dop251/goja"

	"kumi/vm"
)

// Nearly all values that scripts pass to the server are plain data. It is read
// through objectLayout, as goja's API takes some ten times as long. The functions
// here return false for anything else, and the caller uses goja's API then.

// isPlain tells whether an object is an ordinary one with the usual prototype and
// without toJSON.
func (v *VM) isPlain(o *goja.Object) bool {
	_, ok := objectLayout.ordinary(o)
	return ok && v.withoutToJSON(o) && v.objectPrototype.Get("toJSON") == nil
}

// withoutToJSON tells whether an object is an ordinary one or an array, with the usual
// prototype and without a toJSON of its own; see hasCustomToJSON.
func (v *VM) withoutToJSON(o *goja.Object) bool {
	v.findPrototypes()
	raw, ok := objectLayout.ordinary(o)
	prototype := v.objectPrototype
	if !ok {
		raw, ok = objectLayout.array(o)
		prototype = v.arrayPrototype
	}
	if !ok || raw.prototype() != prototype {
		return false
	}
	_, own := (*raw.values())["toJSON"]
	return !own
}

// hasCustomToJSON tells whether scripts gave all objects or arrays a toJSON.
func (v *VM) hasCustomToJSON() bool {
	v.findPrototypes()
	return v.objectPrototype.Get("toJSON") != nil || v.arrayPrototype.Get("toJSON") != nil
}

func (v *VM) findPrototypes() {
	if v.objectPrototype == nil {
		v.objectPrototype, v.arrayPrototype = v.rt.NewObject().Prototype(), v.rt.NewArray().Prototype()
	}
}

// plainMembers is Members for ordinary objects without accessors and without
// numeric keys, which come first in order.
func (v *VM) plainMembers(to []vm.Member, o *goja.Object) (_ []vm.Member, ok bool) {
	raw, ok := objectLayout.ordinary(o)
	if !ok {
		return to, false
	}
	from := len(to)
	values := *raw.values()
	for _, name := range *raw.names() {
		x := values[name]
		if name != "" && '0' <= name[0] && name[0] <= '9' || name.AsUtf16() != nil || !v.readable(x) {
			return to[:from], false
		}
		if !goja.IsUndefined(x) {
			to = append(to, vm.Member{Key: string(name), Value: x})
		}
	}
	return to, true
}

// plainItem returns an element of an array, unless it is a hole or an accessor.
func (v *VM) plainItem(list vm.Ref, i int) (goja.Value, bool) {
	o, ok := list.(*goja.Object)
	if !ok {
		return nil, false
	}
	raw, ok := objectLayout.array(o)
	if !ok {
		return nil, false
	}
	items, _ := raw.items()
	if i >= len(items) || !v.readable(items[i]) {
		return nil, false
	}
	return items[i], true
}

// readable tells whether x is a value, not a hole or an accessor.
func (v *VM) readable(x goja.Value) bool {
	switch x.(type) {
	case nil:
		return false
	case *goja.Object, goja.String:
		return true
	}
	return goja.IsNumber(x) || goja.IsNull(x) || goja.IsUndefined(x) || x == v.yes() || x == v.no()
}
