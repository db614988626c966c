package js

import (
	"github.com/dop251/goja"

	"kumi/internal/json"
	"kumi/store/fault"
)

// parseJSON makes values of JSON text: objects are cheap ordered ones, lists are
// real arrays. The error has code InvalidArgument.
func (v *VM) parseJSON(text string) (goja.Value, error) {
	d := decoder{Reader: json.NewReader(text), vm: v}
	x := d.whole()
	if err := d.Err(); err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, err.Error(), err)
	}
	return x, nil
}

// decoder makes the values of a JSON text.
type decoder struct {
	json.Reader
	vm       *VM
	ordinary bool // make ordinary objects, as JSON.parse does
	keys     []string
	vals     []goja.Value // of the ordinary objects being read, a stack
}

// whole reads all of the text.
func (d *decoder) whole() goja.Value {
	x := d.value()
	d.End()
	return x
}

func (d *decoder) value() goja.Value {
	rt := d.vm.rt
	switch d.Peek() {
	case '{':
		if d.ordinary {
			return d.native()
		}
		o := &object{}
		for more := d.Open('{'); more; more = d.More('{') {
			key := d.Name()
			o.put(key, d.value())
		}
		return rt.NewDynamicObject(o)
	case '[':
		if !d.Open('[') {
			return rt.NewArray()
		}
		items := make([]any, 0, 8)
		for more := true; more; more = d.More('[') {
			items = append(items, d.value())
		}
		return rt.NewArray(items...)
	case '"':
		return rt.ToValue(d.String())
	case 't', 'f':
		return rt.ToValue(d.Bool())
	case 'n':
		d.Null()
		return goja.Null()
	}
	f := d.Float()
	if n := int64(f); float64(n) == f && n != 0 { // not -0
		return rt.ToValue(n)
	}
	return rt.ToValue(f)
}
