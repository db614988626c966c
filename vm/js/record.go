package js

import (
	"slices"

	"github.com/dop251/goja"

	"kumi/vm"
)

// record is an object whose properties are converted from Go when they are first read.
// Changes by scripts stay in the object.
type record struct {
	vm     *VM
	layout *vm.Layout
	source vm.Source
	vals   []goja.Value // by position; nil: not read yet
	gone   []bool       // deleted, by position; nil: none
	more   *object      // added by scripts
	kept   level
	wrote  bool // scripts changed something
}

// Record implements vm.Engine.
func (v *VM) Record(l *vm.Layout, s vm.Source) vm.Ref {
	if len(l.Names) > maxRoom {
		return v.rt.NewDynamicObject(&record{vm: v, layout: l, source: s})
	}
	r := &roomyRecord{record: record{vm: v, layout: l, source: s}}
	r.vals = r.room[:len(l.Names)]
	return v.rt.NewDynamicObject(&r.record)
}

// roomyRecord is a record of few properties, with their values in the same allocation.
type roomyRecord struct {
	record
	room [maxRoom]goja.Value
}

const maxRoom = 6

func (r *record) has(i int) bool {
	if r.gone != nil && r.gone[i] {
		return false
	}
	return (r.vals != nil && r.vals[i] != nil) || r.source.Has(i)
}

// value returns a property by position, nil if it is absent.
func (r *record) value(i int) (goja.Value, error) {
	if r.vals != nil && r.vals[i] != nil {
		return r.vals[i], nil
	}
	if !r.has(i) {
		return nil, nil
	}
	ref, err := r.source.Get(r.vm, i)
	if err != nil {
		return nil, err
	}
	x, ok := ref.(goja.Value)
	if !ok {
		x = goja.Null()
	}
	r.keep(i, x)
	return x, nil
}

func (r *record) keep(i int, x goja.Value) {
	if r.vals == nil {
		r.vals = make([]goja.Value, len(r.layout.Names))
	}
	r.vals[i] = x
}

// Get implements goja.DynamicObject.
func (r *record) Get(key string) goja.Value {
	i, ok := r.layout.Position(vm.JS, key)
	if !ok {
		if r.more != nil {
			return r.more.Get(key)
		}
		return nil
	}
	x, err := r.value(i)
	if err != nil {
		r.vm.throw(err)
	}
	return x
}

// Set implements goja.DynamicObject.
func (r *record) Set(key string, x goja.Value) bool {
	if x == nil {
		x = goja.Undefined()
	}
	if r.kept != open && (r.kept == frozen || !r.Has(key)) {
		return false
	}
	r.wrote = true
	i, ok := r.layout.Position(vm.JS, key)
	if !ok {
		if r.more == nil {
			r.more = &object{}
		}
		r.more.put(key, x)
		return true
	}
	r.keep(i, x)
	if r.gone != nil {
		r.gone[i] = false
	}
	return true
}

// Has implements goja.DynamicObject.
func (r *record) Has(key string) bool {
	if i, ok := r.layout.Position(vm.JS, key); ok {
		return r.has(i)
	}
	return r.more != nil && r.more.Has(key)
}

// Delete implements goja.DynamicObject.
func (r *record) Delete(key string) bool {
	if r.kept >= sealed && r.Has(key) {
		return false
	}
	r.wrote = true
	i, ok := r.layout.Position(vm.JS, key)
	if !ok {
		return r.more == nil || r.more.Delete(key)
	}
	if r.has(i) {
		if r.gone == nil {
			r.gone = make([]bool, len(r.layout.Names))
		}
		r.gone[i] = true
		if r.vals != nil {
			r.vals[i] = nil
		}
	}
	return true
}

// Keys implements goja.DynamicObject: those of the layout in its order, then those
// added by scripts.
func (r *record) Keys() []string {
	keys := make([]string, 0, len(r.layout.Names))
	for i := range r.layout.Names {
		if r.has(i) {
			keys = append(keys, r.layout.Names[i].Camel)
		}
	}
	if r.more != nil {
		keys = slices.Concat(keys, r.more.Keys())
	}
	return keys
}

// Recorded implements vm.Recorder.
func (v *VM) Recorded(x vm.Ref) vm.Recorded {
	if o, ok := x.(*goja.Object); ok && o.ExportType() == typeRecord {
		if r, ok := o.Export().(*record); ok {
			return r
		}
	}
	return nil
}

// Pristine implements vm.Recorder.
func (v *VM) Pristine(x vm.Ref) bool {
	r, ok := v.Recorded(x).(*record)
	return ok && !r.wrote && r.kept == open
}

// Source implements vm.Recorded.
func (r *record) Source() vm.Source { return r.source }

// Touched implements vm.Recorded.
func (r *record) Touched(i int) (vm.Ref, bool) {
	switch {
	case r.gone != nil && r.gone[i]:
		return nil, true
	case r.vals != nil && r.vals[i] != nil:
		return r.vals[i], true
	}
	return nil, false
}

// Extended implements vm.Recorded.
func (r *record) Extended() bool { return r.more != nil && len(r.more.Keys()) > 0 }
