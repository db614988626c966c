package js

import (
	"reflect"
	"unsafe"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// To read and make ordinary objects goja offers a protected call per property,
// which is most of what JSON costs. Here are the few fields of its objects that
// a shorter way takes, found by name when the program starts. If a version of
// the library names them otherwise, known is false and the long way is gone; a
// test fails then.
var insides = findInsides()

type insidesOf struct {
	known                        bool
	self                         uintptr // of Object
	prototype, values, propNames uintptr // of the object behind it
	items, length                uintptr // of the array behind it
	ordinary, array              unsafe.Pointer
}

// iface is an interface value with methods.
type iface struct{ table, data unsafe.Pointer }

func findInsides() (p insidesOf) {
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
	behind := func(o *goja.Object) reflect.Type {
		return reflect.ValueOf(o).Elem().FieldByName("self").Elem().Type().Elem()
	}
	base, list := behind(object), behind(array)
	p.prototype = field(base, "prototype", reflect.TypeFor[*goja.Object]())
	p.values = field(base, "values", reflect.TypeFor[map[unistring.String]goja.Value]())
	p.propNames = field(base, "propNames", reflect.TypeFor[[]unistring.String]())
	p.items = field(list, "values", reflect.TypeFor[[]goja.Value]())
	p.length = field(list, "length", reflect.TypeFor[uint32]())
	if f, ok := list.FieldByName("baseObject"); !ok || f.Type != base || f.Offset != 0 {
		p.known = false
	}
	p.ordinary, p.array = p.of(object).table, p.of(array).table
	return p
}

// of is what is behind an object.
func (p *insidesOf) of(o *goja.Object) iface {
	return *(*iface)(unsafe.Add(unsafe.Pointer(o), p.self))
}

// inside is an ordinary object or an array from within. It must not be kept.
type inside struct{ data unsafe.Pointer }

func (i inside) prototype() *goja.Object {
	return *(**goja.Object)(unsafe.Add(i.data, insides.prototype))
}

// values are the properties by name; those that are not plain data have a value
// of a type of goja's own.
func (i inside) values() *map[unistring.String]goja.Value {
	return (*map[unistring.String]goja.Value)(unsafe.Add(i.data, insides.values))
}

// names are the keys in the order in which they were added.
func (i inside) names() *[]unistring.String {
	return (*[]unistring.String)(unsafe.Add(i.data, insides.propNames))
}

// items are the elements of an array; nil is a hole. whole says that there are
// no further holes behind them.
func (i inside) items() (items []goja.Value, whole bool) {
	items = *(*[]goja.Value)(unsafe.Add(i.data, insides.items))
	return items, int(*(*uint32)(unsafe.Add(i.data, insides.length))) == len(items)
}

// length is an array's.
func (i inside) length() int { return int(*(*uint32)(unsafe.Add(i.data, insides.length))) }
