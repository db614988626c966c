package js

import (
	"reflect"
	"unsafe"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// objectLayout has the offsets of a few private fields of goja's objects. Plain
// objects and arrays are read through it, and made by JSON.parse: goja's API costs a
// protected call per property, which is most of the cost of JSON. The fields are
// found by name and type when the program starts. If a version of goja has others,
// known is false, goja's API is used, and a test fails.
var objectLayout = findObjectLayout()

type layoutOf struct {
	known                        bool
	self                         uintptr // in Object
	prototype, values, propNames uintptr // in its implementation
	items, length                uintptr // in the implementation of an array
	ordinaryTable, arrayTable    unsafe.Pointer
}

// iface is the memory layout of an interface value with methods.
type iface struct{ table, data unsafe.Pointer }

func findObjectLayout() (p layoutOf) {
	defer func() {
		if recover() != nil {
			p.known = false
		}
	}()
	p.known = true
	field := func(t reflect.Type, name string, want reflect.Type) uintptr {
		f, ok := t.FieldByName(name)
		if !ok || (want != nil && f.Type != want) {
			p.known = false
		}
		return f.Offset
	}
	rt := goja.New()
	object, array := rt.NewObject(), rt.NewArray()
	p.self = field(reflect.TypeFor[goja.Object](), "self", nil)
	implementation := func(o *goja.Object) reflect.Type {
		return reflect.ValueOf(o).Elem().FieldByName("self").Elem().Type().Elem()
	}
	base, list := implementation(object), implementation(array)
	p.prototype = field(base, "prototype", reflect.TypeFor[*goja.Object]())
	p.values = field(base, "values", reflect.TypeFor[map[unistring.String]goja.Value]())
	p.propNames = field(base, "propNames", reflect.TypeFor[[]unistring.String]())
	p.items = field(list, "values", reflect.TypeFor[[]goja.Value]())
	p.length = field(list, "length", reflect.TypeFor[uint32]())
	if f, ok := list.FieldByName("baseObject"); !ok || f.Type != base || f.Offset != 0 {
		p.known = false
	}
	p.ordinaryTable, p.arrayTable = p.of(object).table, p.of(array).table
	return p
}

// ordinary returns the implementation of an ordinary object; ok is false for others.
func (p *layoutOf) ordinary(o *goja.Object) (raw rawObject, ok bool) {
	if !p.known {
		return raw, false
	}
	impl := p.of(o)
	return rawObject{impl.data}, impl.table == p.ordinaryTable
}

// array returns the implementation of an array; ok is false for other objects.
func (p *layoutOf) array(o *goja.Object) (raw rawObject, ok bool) {
	if !p.known {
		return raw, false
	}
	impl := p.of(o)
	return rawObject{impl.data}, impl.table == p.arrayTable
}

func (p *layoutOf) of(o *goja.Object) iface {
	return *(*iface)(unsafe.Add(unsafe.Pointer(o), p.self))
}

// rawObject is the implementation of an ordinary object or an array. It must not be
// kept, since the object may change to another implementation.
type rawObject struct{ data unsafe.Pointer }

func (i rawObject) prototype() *goja.Object {
	return *(**goja.Object)(unsafe.Add(i.data, objectLayout.prototype))
}

// values returns the properties by name. Accessors and read-only properties have
// values of a private type.
func (i rawObject) values() *map[unistring.String]goja.Value {
	return (*map[unistring.String]goja.Value)(unsafe.Add(i.data, objectLayout.values))
}

// names returns the keys in the order in which they were added.
func (i rawObject) names() *[]unistring.String {
	return (*[]unistring.String)(unsafe.Add(i.data, objectLayout.propNames))
}

// items returns the elements of an array; holes are nil. whole is false if the array
// is longer, with holes at the end.
func (i rawObject) items() (items []goja.Value, whole bool) {
	items = *(*[]goja.Value)(unsafe.Add(i.data, objectLayout.items))
	return items, int(*(*uint32)(unsafe.Add(i.data, objectLayout.length))) == len(items)
}

// length returns the length of an array.
func (i rawObject) length() int { return int(*(*uint32)(unsafe.Add(i.data, objectLayout.length))) }

// fill sets the properties of an ordinary object that has none.
func (v *VM) fill(o *goja.Object, keys []string, vals []goja.Value) {
	raw, ok := objectLayout.ordinary(o)
	if !ok {
		for i, key := range keys {
			_ = o.DefineDataProperty(key, vals[i], goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		}
		return
	}
	if len(keys) == 0 {
		return
	}
	values := *raw.values() // empty, and made for a few
	if len(keys) > 8 {
		values = make(map[unistring.String]goja.Value, len(keys))
	}
	names := make([]unistring.String, 0, len(keys))
	for i, key := range keys {
		name := unistring.NewFromString(key)
		values[name] = vals[i]
		if len(values) > len(names) {
			names = append(names, name)
		}
	}
	*raw.values(), *raw.names() = values, names
}
