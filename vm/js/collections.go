package js

import (
	"fmt"

	"github.com/dop251/goja"

	"kumi/vm"
)

var _ vm.Collections = (*VM)(nil)

// Collection implements vm.Collections.
func (v *VM) Collection(x vm.Ref) (kind string, items []vm.Ref) {
	o, ok := x.(*goja.Object)
	if !ok || o.ClassName() == "Array" { // which exports like a Set
		return "", nil
	}
	switch o.ExportType() {
	case typeMap:
		kind = "Map"
	case typeSet:
		kind = "Set"
	default:
		return "", nil
	}
	v.rt.ForOf(o, func(item goja.Value) bool {
		if pair, ok := item.(*goja.Object); ok && kind == "Map" {
			items = append(items, pair.Get("0"), pair.Get("1"))
		} else {
			items = append(items, item)
		}
		return true
	})
	return kind, items
}

// NewCollection implements vm.Collections.
func (v *VM) NewCollection(kind string, items []vm.Ref) (vm.Ref, error) {
	o, err := v.rt.New(v.rt.Get(kind))
	if err != nil {
		return nil, err
	}
	name, step := "add", 1
	if kind == "Map" {
		name, step = "set", 2
	}
	put, ok := goja.AssertFunction(o.Get(name))
	if !ok {
		return nil, fmt.Errorf("%s.prototype.%s is not a function", kind, name)
	}
	for ; len(items) >= step; items = items[step:] {
		args := make([]goja.Value, step)
		for i := range args {
			if args[i], ok = items[i].(goja.Value); !ok {
				args[i] = goja.Undefined()
			}
		}
		if _, err := put(o, args...); err != nil {
			return nil, err
		}
	}
	return o, nil
}
