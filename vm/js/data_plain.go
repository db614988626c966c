package js

import (
	"github.com/dop251/goja"

	"kumi/vm"
)

// Plain data, which is nearly all that scripts hand over, is read through
// objectLayout: goja's API takes some ten times as long for it. Each function
// here is false for what it does not know, and the general way is taken then.

// isPlain tells whether an object is an ordinary one without a prototype of its
// own and without toJSON.
func (v *VM) isPlain(o *goja.Object) bool {
	impl := objectLayout.of(o)
	if !objectLayout.known || impl.table != objectLayout.ordinary {
		return false
	}
	if v.objectPrototype == nil {
		v.objectPrototype = v.rt.NewObject().Prototype()
	}
	raw := rawObject{impl.data}
	if raw.prototype() != v.objectPrototype {
		return false
	}
	_, own := (*raw.values())["toJSON"]
	return !own && v.objectPrototype.Get("toJSON") == nil
}

// plainMembers is Members of an ordinary object without accessors and without
// keys that are numbers, which have an order of their own.
func (v *VM) plainMembers(to []vm.Member, o *goja.Object) (_ []vm.Member, ok bool) {
	impl := objectLayout.of(o)
	if !objectLayout.known || impl.table != objectLayout.ordinary {
		return to, false
	}
	raw, from := rawObject{impl.data}, len(to)
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

// plainItem is an element of an array.
func (v *VM) plainItem(list vm.Ref, i int) (goja.Value, bool) {
	o, ok := list.(*goja.Object)
	if !ok || !objectLayout.known || objectLayout.of(o).table != objectLayout.array {
		return nil, false
	}
	items, _ := rawObject{objectLayout.of(o).data}.items()
	if i >= len(items) || !v.readable(items[i]) {
		return nil, false
	}
	return items[i], true
}

// readable tells a value from a hole and from an accessor.
func (v *VM) readable(x goja.Value) bool {
	switch x.(type) {
	case nil:
		return false
	case *goja.Object, goja.String:
		return true
	}
	return goja.IsNumber(x) || goja.IsNull(x) || goja.IsUndefined(x) || x == v.yes() || x == v.no()
}
