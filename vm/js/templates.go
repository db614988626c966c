package js

import (
	"math/big"
	"reflect"
	"strings"
	"unsafe"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"
)

// Most built-in objects of goja are made from templates that all runtimes share:
// a method is made when it is first named. To bound what built-in functions do,
// the makers in these templates are replaced once, when the program starts, by
// ones that put the bound into the function they make. So every VM has all
// bounds, whatever its source names, and pays for those of the methods that it
// uses. Classes without a template get theirs when they are first reached.

type (
	native  = func(goja.FunctionCall) goja.Value
	maker   = func(*goja.Runtime) goja.Value
	builder = func(args []goja.Value, target *goja.Object) *goja.Object

	// around stands around a built-in function.
	around func(v *VM, fn native, fc goja.FunctionCall) goja.Value
	// aroundNew stands before a built-in constructor and gives its arguments.
	aroundNew func(v *VM, args []goja.Value) []goja.Value
)

// owner finds the VM of a runtime. It is kept where goja keeps how fields of Go
// structs are named, which scripts never see here.
type owner func() *VM

// FieldName implements goja.FieldNameMapper.
func (owner) FieldName(_ reflect.Type, f reflect.StructField) string { return f.Name }

// MethodName implements goja.FieldNameMapper.
func (owner) MethodName(_ reflect.Type, m reflect.Method) string { return m.Name }

// ownerOf is nil for a runtime that is not a VM's.
func ownerOf(rt *goja.Runtime) *VM {
	if o, ok := (*(*goja.FieldNameMapper)(unsafe.Add(unsafe.Pointer(rt), inner.mapper))).(owner); ok {
		return o()
	}
	return nil
}

// inner are the fields of goja behind its templates, functions and properties,
// found like insides.
var inner = findInner()

type innerOf struct {
	known bool
	// of a Runtime, and of a function made by goja
	mapper, fn, construct uintptr
	function              unsafe.Pointer // the table of such functions
	bound                 unsafe.Pointer // the table of functions made by bind, and by Go
	extensible, symbols   uintptr        // of an object
	runtime               uintptr        // of Object
	property              unsafe.Pointer // the table of properties that are more than a value
	prop                  struct{ value, writable, configurable, enumerable, accessor, setter uintptr }
	entry                 struct{ first, next, value uintptr } // of the map of symbols
	builtins              []uintptr                            // the built-in objects in a Runtime
	names                 []string                             // of those
	templates             map[string]map[unistring.String]maker
	symbolic              map[string]map[*goja.Symbol]maker
	plain                 map[unsafe.Pointer]bool // tables of objects that begin with an ordinary one
	big                   unsafe.Pointer          // the table of large whole numbers
	templated             map[unsafe.Pointer]bool // tables of objects with a template
	fnOf                  map[unsafe.Pointer][2]uintptr
}

// templatesOf are expressions for the objects that have a template.
var templatesOf = []string{
	"globalThis", "Object", "Object.prototype", "Function.prototype", "Array.prototype", "String.prototype", "Number", "Number.prototype",
	"BigInt", "BigInt.prototype", "Date", "Date.prototype", "Math", "Object.getPrototypeOf(Uint8Array.prototype)", "DataView.prototype",
}

func findInner() (p innerOf) {
	defer func() {
		if recover() != nil {
			p.known = false
		}
	}()
	p.known = insides.known
	field := func(t reflect.Type, name string) reflect.StructField {
		f, ok := t.FieldByName(name)
		if !ok {
			panic(name)
		}
		return f
	}
	rt := goja.New()
	behind := func(x goja.Value) reflect.Type {
		return reflect.ValueOf(x.(*goja.Object)).Elem().FieldByName("self").Elem().Type().Elem()
	}
	eval := func(text string) *goja.Object {
		x, err := rt.RunString(text)
		if err != nil {
			panic(err)
		}
		return x.(*goja.Object)
	}
	p.mapper = field(reflect.TypeFor[goja.Runtime](), "fieldNameMapper").Offset
	p.runtime = field(reflect.TypeFor[goja.Object](), "runtime").Offset

	simple := eval("escape")
	p.function = insides.of(simple).table
	p.bound = insides.of(eval("escape.bind(null)")).table
	t := behind(simple)
	p.fn, p.construct = field(t, "f").Offset, field(t, "construct").Offset
	if field(t, "f").Type != reflect.TypeFor[native]() || field(t, "construct").Type != reflect.TypeFor[builder]() {
		panic("functions")
	}
	p.fnOf = map[unsafe.Pointer][2]uintptr{p.function: {p.fn, p.construct}}
	t = behind(eval("Math"))
	p.extensible, p.symbols = field(t, "extensible").Offset, field(t, "symValues").Offset
	ordered := field(t, "symValues").Type.Elem()
	entry := field(ordered, "iterFirst").Type.Elem()
	p.entry.first, p.entry.next, p.entry.value = field(ordered, "iterFirst").Offset, field(entry, "iterNext").Offset, field(entry, "value").Offset

	list := behind(eval("[]"))
	prop := field(list, "lengthProp").Type
	propertyType = prop
	p.prop.value, p.prop.writable, p.prop.configurable = field(prop, "value").Offset, field(prop, "writable").Offset, field(prop, "configurable").Offset
	p.prop.enumerable, p.prop.accessor, p.prop.setter = field(prop, "enumerable").Offset, field(prop, "accessor").Offset, field(prop, "setterFunc").Offset
	if field(prop, "setterFunc").Type != reflect.TypeFor[*goja.Object]() {
		panic("properties")
	}

	global := field(reflect.TypeFor[goja.Runtime](), "global")
	for i := range global.Type.NumField() {
		if f := global.Type.Field(i); f.Type == reflect.TypeFor[*goja.Object]() {
			if f.Name != "Eval" && 'A' <= f.Name[0] && f.Name[0] <= 'Z' { // not single functions
				p.builtins = append(p.builtins, global.Offset+f.Offset)
				p.names = append(p.names, strings.Replace(f.Name, "Prototype", ".prototype", 1))
			}
		}
	}

	p.symbolic = map[string]map[*goja.Symbol]maker{}
	p.templates, p.templated = map[string]map[unistring.String]maker{}, map[unsafe.Pointer]bool{}
	for _, name := range templatesOf {
		o := eval(name)
		t := behind(o)
		template := field(t, "tmpl").Type
		props := field(template.Elem(), "props")
		data := insides.of(o).data
		at := *(*unsafe.Pointer)(unsafe.Add(data, field(t, "tmpl").Offset))
		if e := props.Type.Elem(); props.Type.Key() != reflect.TypeFor[unistring.String]() || !e.ConvertibleTo(reflect.TypeFor[maker]()) {
			panic("templates")
		}
		p.templates[name] = *(*map[unistring.String]maker)(unsafe.Add(at, props.Offset))
		if sym := field(template.Elem(), "symProps"); sym.Type.Key() == reflect.TypeFor[*goja.Symbol]() {
			p.symbolic[name] = *(*map[*goja.Symbol]maker)(unsafe.Add(at, sym.Offset))
		}
		p.templated[insides.of(o).table] = true
		if f, ok := t.FieldByName("f"); ok {
			p.fnOf[insides.of(o).table] = [2]uintptr{f.Offset, field(t, "construct").Offset}
		}
	}
	escape := p.templates["globalThis"]["escape"](rt)
	p.property = (*iface)(unsafe.Pointer(&escape)).table
	number := rt.ToValue(new(big.Int).Lsh(big.NewInt(1), 100))
	p.big = (*iface)(unsafe.Pointer(&number)).table
	for _, name := range rt.GlobalObject().GetOwnPropertyNames() {
		rt.Get(name)
	}
	p.plain = map[unsafe.Pointer]bool{}
	for _, at := range p.builtins {
		if o := *(**goja.Object)(unsafe.Add(unsafe.Pointer(rt), at)); o != nil {
			t := behind(o)
			for t.Name() != "baseObject" && t.Kind() == reflect.Struct && t.NumField() > 0 {
				t = t.Field(0).Type
			}
			if t.Name() == "baseObject" {
				p.plain[insides.of(o).table] = true
			}
		}
	}
	return p
}

// property is a property of an object that is more than a value, as nearly all
// of those that built-in objects have are.
type property struct{ data unsafe.Pointer }

func propertyOf(x goja.Value) (property, bool) {
	i := (*iface)(unsafe.Pointer(&x))
	return property{i.data}, i.table == inner.property
}

// propertyType is the type of what is behind it.
var propertyType reflect.Type

func (p property) asValue() (x goja.Value) {
	*(*iface)(unsafe.Pointer(&x)) = iface{inner.property, p.data}
	return x
}

func (p property) value() *goja.Value { return (*goja.Value)(unsafe.Add(p.data, inner.prop.value)) }

func (p property) flag(at uintptr) *bool { return (*bool)(unsafe.Add(p.data, at)) }

func (p property) setter() **goja.Object {
	return (**goja.Object)(unsafe.Add(p.data, inner.prop.setter))
}

// bodyOf is the Go function of a function of goja's; nil for others.
func bodyOf(x goja.Value) (fn *native, make *builder) {
	o, ok := x.(*goja.Object)
	if !ok || o == nil {
		return nil, nil
	}
	at, ok := inner.fnOf[insides.of(o).table]
	if !ok {
		return nil, nil
	}
	data := insides.of(o).data
	return (*native)(unsafe.Add(data, at[0])), (*builder)(unsafe.Add(data, at[1]))
}

// wrap puts something around a built-in function, in place.
func (v *VM) wrap(x goja.Value, with around) {
	body, _ := bodyOf(x)
	if body == nil || *body == nil {
		return
	}
	fn := *body
	*body = func(fc goja.FunctionCall) goja.Value { return with(v, fn, fc) }
}

// wrapNew puts a check before a built-in constructor, in place.
func (v *VM) wrapNew(x goja.Value, check aroundNew) {
	body, construct := bodyOf(x)
	if construct == nil || *construct == nil {
		return
	}
	mk := *construct
	*construct = func(args []goja.Value, target *goja.Object) *goja.Object {
		o := mk(check(v, args), target)
		boundCode(o)
		return o
	}
	if fn := *body; fn != nil {
		*body = func(fc goja.FunctionCall) goja.Value {
			fc.Arguments = check(v, fc.Arguments)
			x := fn(fc)
			boundCode(x)
			return x
		}
	}
}

// read is a property's value as an own one of a built-in object; nil if it has
// none, or a getter.
func read(x goja.Value) goja.Value {
	if p, ok := propertyOf(x); ok {
		return *p.value()
	}
	return x
}

// bounds are what stands around built-in functions, the last outermost, by the
// object and the name; boundsNew what stands before constructors.
var (
	bounds    map[string][]around
	boundsSym map[string]map[*goja.Symbol][]around
	boundsNew map[string]aroundNew
)

func bound(name string, with ...around) {
	if bounds == nil {
		bounds = map[string][]around{}
	}
	bounds[name] = append(bounds[name], with...)
}

func boundSymbol(object string, name *goja.Symbol, with ...around) {
	if boundsSym == nil {
		boundsSym = map[string]map[*goja.Symbol][]around{}
	}
	if boundsSym[object] == nil {
		boundsSym[object] = map[*goja.Symbol][]around{}
	}
	boundsSym[object][name] = append(boundsSym[object][name], with...)
}

func boundNew(class string, with aroundNew) {
	if boundsNew == nil {
		boundsNew = map[string]aroundNew{}
	}
	boundsNew[class] = with
}

// before is a check before a built-in function.
func before(check func(v *VM, fc goja.FunctionCall)) around {
	return func(v *VM, fn native, fc goja.FunctionCall) goja.Value {
		check(v, fc)
		return fn(fc)
	}
}
