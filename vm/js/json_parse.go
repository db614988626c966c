package js

import (
	"errors"
	"strconv"

	"github.com/dop251/goja"

	"kumi/internal/json"
	"kumi/store/fault"
)

// errStopped ends work on a large value when its call is stopped. Scripts do not see it.
const errStopped = "the call was stopped"

// decoder makes the values of a JSON text.
type decoder struct {
	json.Reader
	vm       *VM
	ordinary bool // make ordinary objects, as JSON.parse does, instead of *object
	keys     []string
	vals     []goja.Value // stacks for the ordinary objects being read
}

// parseJSON converts JSON text to values; objects become *object. The error has code
// InvalidArgument.
func (v *VM) parseJSON(text string) (goja.Value, error) {
	d := decoder{Reader: json.NewReader(text), vm: v}
	x := d.whole()
	if err := d.Err(); err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, err.Error(), err)
	}
	return x, nil
}

// whole reads all of the text.
func (d *decoder) whole() goja.Value {
	x := d.value()
	d.End()
	return x
}

func (d *decoder) value() goja.Value {
	rt := d.vm.rt
	if d.vm.watch.interrupted.Load() {
		d.Fail(errStopped)
		return goja.Null()
	}
	switch d.Peek() {
	case '{':
		if d.ordinary {
			return d.ordinaryObject()
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

// ordinaryObject reads an object.
func (d *decoder) ordinaryObject() *goja.Object {
	from := len(d.keys)
	for more := d.Open('{'); more; more = d.More('{') {
		key := d.Name()
		x := d.value()
		d.keys, d.vals = append(d.keys, key), append(d.vals, x)
	}
	o := d.vm.rt.NewObject()
	keys, vals := d.keys[from:], d.vals[from:]
	d.vm.fill(o, keys, vals)
	clear(vals)
	d.keys, d.vals = d.keys[:from], d.vals[:from]
	return o
}

// addParse replaces JSON.parse. goja's own takes several times as long, and recurses as
// deep as the text is nested.
func (v *VM) addParse(object *goja.Object) {
	var keys []string // reused
	var vals []goja.Value
	parse := func(text string) goja.Value {
		d := decoder{Reader: json.NewReader(text), vm: v, ordinary: true, keys: keys, vals: vals}
		d.Depth, d.Copy = maxTextDepth, true
		x := d.whole() // runs no script that could need the stacks
		if cap(d.vals) <= 256 {
			clear(d.keys[:cap(d.keys)])
			clear(d.vals[:cap(d.vals)])
			keys, vals = d.keys[:0], d.vals[:0]
		}
		var bad *json.SyntaxError
		if errors.As(d.Err(), &bad) {
			v.throwSyntaxError(text, bad)
		}
		return x
	}
	v.wrapMethod(object, "parse", func(v *VM, _ native, fc goja.FunctionCall) goja.Value {
		x := parse(v.asText(fc.Argument(0)).String())
		if reviver, ok := goja.AssertFunction(fc.Argument(1)); ok {
			holder := v.rt.NewObject()
			_ = holder.Set("", x)
			x = v.revive(reviver, holder, "", 0)
		}
		return x
	})
}

func (v *VM) throwSyntaxError(text string, bad *json.SyntaxError) {
	if bad.TooDeep {
		v.throw(fault.Newf(fault.InvalidArgument, "the JSON is nested more than %d levels deep", maxTextDepth))
	}
	at := utf16Length(text[:bad.Offset])
	panic(v.must(v.rt.New(v.rt.Get("SyntaxError"), v.rt.ToValue("JSON.parse: "+bad.Reason+" at position "+strconv.Itoa(at)))))
}

// utf16Length is the length of a text in JavaScript.
func utf16Length(text string) (n int) {
	for _, r := range text {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// revive applies the reviver of JSON.parse, which may add values that are then visited,
// too.
func (v *VM) revive(reviver goja.Callable, holder *goja.Object, key string, depth int) goja.Value {
	x := holder.Get(key)
	if x == nil {
		x = goja.Undefined()
	}
	if o, ok := x.(*goja.Object); ok {
		if depth > maxTextDepth {
			v.throw(fault.Newf(fault.InvalidArgument, "the value is nested more than %d levels deep", maxTextDepth))
		}
		names := []string(nil)
		if v.isArray(o) {
			names = make([]string, v.arrayLength(o))
			for i := range names {
				names[i] = strconv.Itoa(i)
			}
		} else {
			names = o.Keys()
		}
		for _, name := range names {
			item := v.revive(reviver, o, name, depth+1)
			if goja.IsUndefined(item) {
				_ = o.Delete(name) // fails for some objects, which is ignored
			} else {
				_ = o.DefineDataProperty(name, item, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
			}
		}
	}
	return v.must(reviver(holder, v.rt.ToValue(key), x))
}
