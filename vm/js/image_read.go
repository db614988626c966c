package js

import (
	"math"
	"math/big"
	"strconv"

	"github.com/dop251/goja"

	"kumi/vm"
)

// FromImage implements vm.Imager.
func (v *VM) FromImage(image []byte) (vm.Ref, error) {
	r := &imageReader{ImageReader: vm.NewImageReader(image, vm.JS), vm: v}
	var x goja.Value
	err := v.guard(func() {
		if x = r.value(); x == nil {
			x = goja.Undefined()
		}
		r.End()
	})
	if bad := r.Err(); bad != nil {
		return nil, bad
	}
	if err != nil {
		return nil, err
	}
	return x, nil
}

// imageReader makes the value of an image.
type imageReader struct {
	*vm.ImageReader
	vm   *VM
	made []*goja.Object // by number; nil while an object cannot be made yet

	keys []string
	vals []goja.Value // stacks for the fields of ordinary objects being read
}

// value reads a value; nil if it is absent.
func (r *imageReader) value() goja.Value { return r.tagged(r.Tag()) }

func (r *imageReader) tagged(t vm.ImageTag) goja.Value {
	rt := r.vm.rt
	switch t {
	case vm.TagAbsent, vm.TagHole:
		return nil
	case vm.TagNil:
		return goja.Null()
	case vm.TagUndefined:
		return goja.Undefined()
	case vm.TagFalse, vm.TagTrue:
		return rt.ToValue(t == vm.TagTrue)
	case vm.TagInt:
		return rt.ToValue(r.Int())
	case vm.TagFloat:
		return rt.ToValue(r.Float64())
	case vm.TagText:
		return rt.ToValue(r.Text())
	case vm.TagText16:
		return goja.StringFromUTF16(r.Units())
	case vm.TagBig:
		negative := r.Tag() == vm.TagTrue
		n := new(big.Int).SetBytes(r.Bytes())
		if negative {
			n.Neg(n)
		}
		return rt.ToValue(n)
	case vm.TagSame:
		if n := r.Uint(); n < uint64(len(r.made)) && r.made[n] != nil {
			return r.made[n]
		}
		r.Fail("it refers to an object that does not exist")
		return nil
	}
	if !r.Enter() {
		return nil
	}
	defer r.Leave()
	if o := r.object(t); o != nil {
		return o
	}
	return nil
}

// begin gives the next number to an object, which may be nil until it can be made.
func (r *imageReader) begin(o *goja.Object) *goja.Object {
	r.made = append(r.made, o)
	return o
}

func (r *imageReader) object(t vm.ImageTag) *goja.Object {
	rt, n := r.vm.rt, len(r.made)
	switch t {
	case vm.TagObject:
		return r.plain(r.begin(rt.NewObject()))
	case vm.TagBare:
		return r.fields(r.begin(rt.CreateObject(nil)))
	case vm.TagArray:
		return r.array()
	case vm.TagSparse:
		o := r.begin(rt.NewArray())
		if length := r.Uint(); length <= math.MaxUint32 {
			_ = o.Set("length", length)
		}
		return r.fields(o)
	case vm.TagMap:
		return r.entries()
	case vm.TagSet:
		return r.items()
	case vm.TagDate:
		return r.begin(r.make("Date", rt.ToValue(r.Float64())))
	case vm.TagRegExp:
		r.begin(nil)
		r.made[n] = r.make("RegExp", r.value(), r.value())
		if last := r.value(); last != nil && r.made[n] != nil {
			_ = r.made[n].Set("lastIndex", last)
		}
		return r.made[n]
	case vm.TagBoxed:
		r.begin(nil)
		x := r.value()
		if _, isObject := x.(*goja.Object); isObject || x == nil || goja.IsNull(x) || goja.IsUndefined(x) {
			r.Fail("a boxed value is missing")
			return nil
		}
		r.made[n] = x.ToObject(rt)
		return r.made[n]
	case vm.TagBuffer:
		return r.begin(rt.ToValue(rt.NewArrayBuffer(append([]byte{}, r.Bytes()...))).(*goja.Object))
	case vm.TagView:
		return r.view()
	case vm.TagError:
		return r.error()
	}
	r.Fail("a value is of an unknown kind")
	return nil
}

// make calls a built-in constructor.
func (r *imageReader) make(constructor string, args ...goja.Value) *goja.Object {
	for i, a := range args {
		if a == nil {
			args[i] = goja.Undefined()
		}
	}
	if r.Err() != nil {
		return nil
	}
	o, err := r.vm.rt.New(r.vm.rt.Get(constructor), args...)
	if err != nil {
		r.Fail("making a " + constructor + ": " + err.Error())
		return nil
	}
	return o
}

// plain reads the fields of an ordinary object, and fills it through objectLayout.
func (r *imageReader) plain(o *goja.Object) *goja.Object {
	if _, ok := objectLayout.ordinary(o); !ok {
		return r.fields(o)
	}
	from := len(r.keys)
	for key, _, more := r.Key(); more; key, _, more = r.Key() {
		if x := r.value(); x != nil {
			r.keys, r.vals = append(r.keys, key), append(r.vals, x)
		}
	}
	r.vm.fill(o, r.keys[from:], r.vals[from:])
	clear(r.vals[from:])
	r.keys, r.vals = r.keys[:from], r.vals[:from]
	return o
}

// fields reads the fields of an object that exists. For a key that a value follows,
// which only Lua has, the value is read as the field's.
func (r *imageReader) fields(o *goja.Object) *goja.Object {
	for key, _, more := r.Key(); more; key, _, more = r.Key() {
		x := r.value()
		if x == nil {
			if _, isIndex := arrayIndex(key); !isIndex || o.ClassName() != "Array" {
				continue
			}
			x = goja.Undefined() // so that the following elements keep their indexes
		}
		_ = o.DefineDataProperty(key, x, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	return o
}

func (r *imageReader) array() *goja.Object {
	o := r.begin(r.vm.rt.NewArray(make([]any, r.Count())...))
	raw, ok := objectLayout.array(o)
	for i := range r.vm.Len(o) {
		tag := r.Tag()
		if tag == vm.TagHole {
			_ = o.Delete(strconv.Itoa(i))
			raw, ok = objectLayout.array(o)
			continue
		}
		x := r.tagged(tag)
		if r.Err() != nil {
			return o
		}
		if x == nil {
			x = goja.Undefined()
		}
		if ok {
			items, _ := raw.items()
			items[i] = x
		} else {
			_ = o.DefineDataProperty(strconv.Itoa(i), x, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		}
	}
	return r.fields(o)
}

func (r *imageReader) entries() *goja.Object {
	o := r.begin(r.make("Map"))
	put := r.method(o, "Map", "set")
	for tag := r.Tag(); tag != vm.TagEnd; tag = r.Tag() {
		key, x := r.tagged(tag), r.value()
		if key == nil || x == nil || r.Err() != nil {
			continue
		}
		if _, err := put(o, key, x); err != nil {
			r.Fail("filling a Map: " + err.Error())
		}
	}
	return o
}

func (r *imageReader) items() *goja.Object {
	o := r.begin(r.make("Set"))
	put := r.method(o, "Set", "add")
	for tag := r.Tag(); tag != vm.TagEnd; tag = r.Tag() {
		x := r.tagged(tag)
		if x == nil || r.Err() != nil {
			continue
		}
		if _, err := put(o, x); err != nil {
			r.Fail("filling a Set: " + err.Error())
		}
	}
	return o
}

func (r *imageReader) method(o *goja.Object, class, name string) goja.Callable {
	if o != nil {
		if fn, ok := goja.AssertFunction(o.Get(name)); ok {
			return fn
		}
	}
	r.Fail(class + ".prototype." + name + " is not a function")
	return nil
}

func (r *imageReader) view() *goja.Object {
	n := len(r.made)
	r.begin(nil)
	kind := r.Uint()
	if kind >= uint64(len(views)) {
		r.Fail("binary data is of an unknown kind")
		return nil
	}
	buffer, ok := r.value().(*goja.Object)
	if !ok || buffer.ExportType() != typeArrayBuffer {
		r.Fail("binary data has no buffer")
		return nil
	}
	offset, length := r.Uint(), r.Uint()
	if offset > vm.MaxImage || length > vm.MaxImage {
		r.Fail("binary data is out of its buffer")
		return nil
	}
	r.made[n] = r.make(views[kind], buffer, r.vm.rt.ToValue(offset), r.vm.rt.ToValue(length))
	return r.made[n]
}

func (r *imageReader) error() *goja.Object {
	class := r.Uint()
	if class >= uint64(len(errorClasses)) {
		r.Fail("an error is of an unknown class")
		return nil
	}
	o := r.begin(r.make(errorClasses[class]))
	if o == nil {
		return nil
	}
	for _, key := range []string{"message", "stack"} {
		if s, ok := r.value().(goja.String); ok {
			_ = o.DefineDataProperty(key, s, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
	}
	return r.fields(o)
}
