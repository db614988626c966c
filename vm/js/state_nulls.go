package js

import (
	"slices"
	"strconv"

	"github.com/dop251/goja"

	"kumi/vm"
)

var _ vm.Nuller = (*VM)(nil)

// maxKnown is how many values are looked at of objects that have been looked through
// before, each time.
const maxKnown = 256

// knownState is what was found in a state the last time.
type knownState struct {
	objects []*goja.Object // those that were looked at again, breadth first
	next    []*goja.Object
	queue   []*goja.Object
	new     []*goja.Object
	done    map[*goja.Object]struct{} // looked through completely this time; nil when nothing was new
}

// NullState implements vm.Nuller. A tick must not cost more the larger its state is:
// objects that are new among the first few hundred values, breadth first, are looked
// through completely, and of those that were there before only these values.
func (v *VM) NullState(state vm.Ref, known any) any {
	k, _ := known.(*knownState)
	if k == nil {
		k = &knownState{}
	}
	root, ok := state.(*goja.Object)
	if !ok {
		return k
	}
	if !objectLayout.known && len(k.objects) > 0 && k.objects[0] == root {
		return k // it would take too long
	}
	if objectLayout.known {
		v.nullKnown(k, root) // runs no script
	} else {
		_ = v.guard(func() { v.nullKnown(k, root) })
	}
	clear(k.objects)
	k.objects, k.next, k.done = k.next, k.objects[:0], nil
	return k
}

// nullKnown goes breadth first through what may be known.
func (v *VM) nullKnown(k *knownState, root *goja.Object) {
	k.queue = append(k.queue[:0], root)
	left := maxKnown
	for i := 0; i < len(k.queue) && left > 0; i++ {
		o := k.queue[i]
		if !k.was(o) {
			v.nullAll(k, o)
		}
		k.next = append(k.next, o)
		left -= v.nullOwn(o, left, &k.queue)
	}
	for _, o := range k.queue[len(k.next):] { // for which there was no time: new ones are due
		if !k.was(o) {
			v.nullAll(k, o)
		}
		k.next = append(k.next, o)
	}
	clear(k.queue)
}

// was says whether an object was there the last time: mostly at the same place.
func (k *knownState) was(o *goja.Object) bool {
	at := min(len(k.next), len(k.objects))
	return at < len(k.objects) && k.objects[at] == o || slices.Contains(k.objects[at:], o) || slices.Contains(k.objects[:at], o)
}

// nullAll goes through everything in an object.
func (v *VM) nullAll(k *knownState, o *goja.Object) {
	if k.done == nil {
		k.done = map[*goja.Object]struct{}{}
	}
	k.new = append(k.new[:0], o)
	for len(k.new) > 0 {
		o := k.new[len(k.new)-1]
		k.new = k.new[:len(k.new)-1]
		if _, ok := k.done[o]; !ok {
			k.done[o] = struct{}{}
			v.nullOwn(o, vm.MaxList, &k.new)
		}
	}
}

// nullOwn sets properties that are undefined, and holes, to null in an ordinary
// object or array, looking at no more than most values. It adds the objects in it to
// found and gives the number of values.
func (v *VM) nullOwn(o *goja.Object, most int, found *[]*goja.Object) (n int) {
	if !objectLayout.known {
		return v.nullOwnSlowly(o, most, found)
	}
	switch behind := objectLayout.of(o); behind.table {
	case objectLayout.array:
		in := rawObject{behind.data}
		items, _ := in.items()
		for n < min(in.length(), most) {
			if n < len(items) && !isNothing(items[n]) {
				addObject(found, items[n])
			} else {
				_ = o.Set(strconv.Itoa(n), goja.Null())
			}
			n++
		}
	case objectLayout.ordinary:
		in := rawObject{behind.data}
		values := *in.values()
		for _, name := range *in.names() {
			if n++; n > most {
				break
			}
			if x := values[name]; !isNothing(x) {
				addObject(found, x)
			} else {
				_ = o.Set(name.String(), goja.Null())
			}
		}
	}
	return n
}

// isNothing holds for undefined, and for a hole.
func isNothing(x goja.Value) bool { return x == nil || goja.IsUndefined(x) }

func addObject(to *[]*goja.Object, x goja.Value) {
	if o, ok := x.(*goja.Object); ok {
		*to = append(*to, o)
	}
}

// nullOwnSlowly is nullOwn by goja's public API.
func (v *VM) nullOwnSlowly(o *goja.Object, most int, found *[]*goja.Object) (n int) {
	look := func(key string) {
		if x := o.Get(key); !isNothing(x) {
			addObject(found, x)
		} else {
			_ = o.Set(key, goja.Null())
		}
		n++
	}
	if v.IsList(o) {
		for n < min(v.Len(o), most) {
			look(strconv.Itoa(n))
		}
	} else if o.ClassName() == "Object" && v.IsObject(o) {
		for _, key := range o.Keys() {
			if n < most {
				look(key)
			}
		}
	}
	return n
}
