package js

import (
	"slices"
	"strconv"

	"github.com/dop251/goja"
)

// object is an object made by Go, with ordered keys. It is cheaper to make than an
// ordinary one and behaves the same, except for what goja's dynamic objects do not
// support: accessors, read-only properties, symbols as keys.
type object struct {
	keys  []string
	vals  []goja.Value
	index map[string]int // for more than indexFrom keys
	ints  bool           // there may be numeric keys ("12"), which come first in order
	kept  level
}

const indexFrom = 12

func (o *object) find(key string) int {
	if o.index != nil {
		if i, ok := o.index[key]; ok {
			return i
		}
		return -1
	}
	for i, k := range o.keys {
		if k == key {
			return i
		}
	}
	return -1
}

func (o *object) put(key string, x goja.Value) {
	if i := o.find(key); i >= 0 {
		o.vals[i] = x
		return
	}
	if key != "" && '0' <= key[0] && key[0] <= '9' {
		o.ints = true
	}
	o.keys = append(o.keys, key)
	o.vals = append(o.vals, x)
	switch {
	case o.index != nil:
		o.index[key] = len(o.keys) - 1
	case len(o.keys) > indexFrom:
		o.reindex()
	}
}

func (o *object) reindex() {
	o.index = make(map[string]int, len(o.keys)+4)
	for i, k := range o.keys {
		o.index[k] = i
	}
}

// Get implements goja.DynamicObject.
func (o *object) Get(key string) goja.Value {
	if i := o.find(key); i >= 0 {
		return o.vals[i]
	}
	return nil
}

// Set implements goja.DynamicObject.
func (o *object) Set(key string, x goja.Value) bool {
	if x == nil {
		x = goja.Undefined()
	}
	if o.kept != open && (o.kept == frozen || o.find(key) < 0) {
		return false
	}
	o.put(key, x)
	return true
}

// Has implements goja.DynamicObject.
func (o *object) Has(key string) bool { return o.find(key) >= 0 }

// Delete implements goja.DynamicObject.
func (o *object) Delete(key string) bool {
	i := o.find(key)
	if i < 0 {
		return true
	}
	if o.kept >= sealed {
		return false
	}
	o.keys = slices.Delete(o.keys, i, i+1)
	o.vals = slices.Delete(o.vals, i, i+1)
	if o.index != nil {
		o.reindex()
	}
	return true
}

// Keys implements goja.DynamicObject, in the order of the language: numeric keys
// first, ascending, then the others as they were added.
func (o *object) Keys() []string {
	keys := slices.Clone(o.keys)
	if o.ints {
		slices.SortStableFunc(keys, func(a, b string) int {
			x, okA := arrayIndex(a)
			y, okB := arrayIndex(b)
			switch {
			case okA && okB:
				return int(x - y)
			case okA:
				return -1
			case okB:
				return 1
			}
			return 0
		})
	}
	return keys
}

func arrayIndex(key string) (int64, bool) {
	n, err := strconv.ParseUint(key, 10, 32)
	if err != nil || (len(key) > 1 && key[0] == '0') {
		return 0, false
	}
	return int64(n), true
}
