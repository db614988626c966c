package js

import (
	"slices"
	"strconv"

	"github.com/dop251/goja"

	"kumi/vm"
)

var _ vm.Nuller = (*VM)(nil)

const (
	// knownBudget is the maximum number of values that a walk checks in known objects.
	knownBudget = 256
	// maxKnown is the maximum number of objects remembered for the next walk.
	maxKnown = 1 << 14
	// maxSearches is the number of objects searched in the list of known ones before
	// an index is built.
	maxSearches = 16
)

// stateWalk is a walk through a match's state, and what the next one needs to know.
//
// A tick must not cost more the larger its state is. So an object is checked
// completely when the walk meets it for the first time; objects that the last walk
// met, too, are known, and share a budget. Known objects stay known under a new
// parent, since many modules return {...state} each tick.
type stateWalk struct {
	known    []*goja.Object       // met by the last walk, in its order
	next     int                  // index in known of the object expected next
	searches int                  // searches in known during this walk
	index    map[*goja.Object]int // of known, built when there are many searches
	queue    []*goja.Object       // met by this walk, breadth first
	visited  map[*goja.Object]struct{}
}

// NullState implements vm.Nuller.
func (v *VM) NullState(state vm.Ref, known any) any {
	w, _ := known.(*stateWalk)
	if w == nil {
		w = &stateWalk{visited: map[*goja.Object]struct{}{}}
	}
	root, ok := state.(*goja.Object)
	switch {
	case !ok:
		return w
	case objectLayout.known:
		w.run(v, root) // runs no script
	case len(w.known) == 0 || w.known[0] != root: // otherwise goja's API is too slow for every tick
		_ = v.guard(func() { w.run(v, root) })
	}
	return w
}

func (w *stateWalk) run(v *VM, root *goja.Object) {
	w.queue = append(w.queue[:0], root)
	budget := knownBudget
	for i := 0; i < len(w.queue); i++ {
		switch o := w.queue[i]; {
		case w.isKnown(o):
			if budget > 0 {
				budget -= v.nullOwn(o, budget, &w.queue)
			}
		case w.visit(o):
			v.nullOwn(o, vm.MaxList, &w.queue)
		}
	}
	w.finish()
}

// isKnown reports whether the last walk met o. States change little, so o is mostly
// the next object in the list.
func (w *stateWalk) isKnown(o *goja.Object) bool {
	if w.next < len(w.known) && w.known[w.next] == o {
		w.next++
		return true
	}
	at, ok := w.find(o)
	if ok {
		w.next = at + 1
	} else {
		w.next++ // o has probably replaced the object there
	}
	return ok
}

func (w *stateWalk) find(o *goja.Object) (at int, ok bool) {
	if w.index == nil {
		if w.searches++; w.searches <= maxSearches {
			at = slices.Index(w.known, o)
			return at, at >= 0
		}
		w.index = make(map[*goja.Object]int, len(w.known))
		for i, k := range w.known {
			w.index[k] = i
		}
	}
	at, ok = w.index[o]
	return at, ok
}

// visit reports whether a new object has not been visited yet by this walk.
func (w *stateWalk) visit(o *goja.Object) bool {
	n := len(w.visited)
	w.visited[o] = struct{}{}
	return len(w.visited) > n
}

// finish makes the objects met by this walk the known ones, and keeps no others.
func (w *stateWalk) finish() {
	if len(w.visited) > maxSearches {
		w.visited = map[*goja.Object]struct{}{}
	} else {
		clear(w.visited)
	}
	met, spare := w.queue, w.known
	if len(met) > maxKnown {
		met = slices.Clone(met[:maxKnown])
	}
	clear(spare)
	if cap(spare) > 4*len(met) {
		spare = nil
	}
	w.known, w.queue = met, spare[:0]
	w.next, w.searches, w.index = 0, 0, nil
}

// nullOwn sets undefined properties and holes of an ordinary object or an array to
// null. It checks at most limit values, appends the objects among them to found and
// returns the number of values checked.
func (v *VM) nullOwn(o *goja.Object, limit int, found *[]*goja.Object) (n int) {
	if !objectLayout.known {
		return v.nullOwnSlowly(o, limit, found)
	}
	if raw, ok := objectLayout.array(o); ok {
		items, _ := raw.items()
		for n < min(raw.length(), limit) {
			if n < len(items) && !isUndefined(items[n]) {
				appendObject(found, items[n])
			} else {
				_ = o.Set(strconv.Itoa(n), goja.Null())
			}
			n++
		}
	} else if raw, ok := objectLayout.ordinary(o); ok {
		values := *raw.values()
		for _, name := range *raw.names() {
			if n == limit {
				break
			}
			n++
			if x := values[name]; !isUndefined(x) {
				appendObject(found, x)
			} else {
				_ = o.Set(name.String(), goja.Null())
			}
		}
	}
	return n
}

// isUndefined holds for undefined, and for the hole of an array.
func isUndefined(x goja.Value) bool { return x == nil || goja.IsUndefined(x) }

func appendObject(list *[]*goja.Object, x goja.Value) {
	if o, ok := x.(*goja.Object); ok {
		*list = append(*list, o)
	}
}

// nullOwnSlowly is nullOwn through goja's public API.
func (v *VM) nullOwnSlowly(o *goja.Object, limit int, found *[]*goja.Object) (n int) {
	check := func(key string) {
		if x := o.Get(key); !isUndefined(x) {
			appendObject(found, x)
		} else {
			_ = o.Set(key, goja.Null())
		}
		n++
	}
	if v.IsList(o) {
		for n < min(v.Len(o), limit) {
			check(strconv.Itoa(n))
		}
	} else if o.ClassName() == "Object" && v.IsObject(o) {
		for _, key := range o.Keys() {
			if n < limit {
				check(key)
			}
		}
	}
	return n
}
