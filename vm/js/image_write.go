package js

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

var _ vm.Imager = (*VM)(nil)

// Image implements vm.Imager with the rules of structuredClone, except that it fails
// where structuredClone silently loses something: instances of classes and properties
// with symbol keys.
func (v *VM) Image(x vm.Ref, lenient bool, dst []byte) (image []byte, lost []vm.Untransferable, err error) {
	w := v.images
	if w == nil {
		w = &imageWriter{vm: v, seen: map[*goja.Object]uint64{}}
		w.path.Text = stepText
		v.images = w
	}
	w.lenient, w.lost, w.failed = lenient, nil, nil
	w.path.Reset()
	w.Begin(dst, vm.JS)
	value, _ := x.(goja.Value)
	err = v.guard(func() {
		v.findPrototypes()
		w.value(value)
	})
	image, w.B = w.B, nil
	clear(w.seen) // the values may go
	switch {
	case w.failed != nil:
		return dst, nil, w.failed
	case err != nil:
		return dst, nil, fmt.Errorf("read %s: %w", w.path.In("state"), err)
	case len(w.lost) > 0 && !lenient:
		return dst, nil, &vm.UntransferableError{List: w.lost}
	}
	return image, w.lost, nil
}

// imageWriter writes images of a VM's values, one at a time.
type imageWriter struct {
	vm.ImageWriter
	vm      *VM
	lenient bool
	seen    map[*goja.Object]uint64
	path    vm.Path
	lost    []vm.Untransferable
	failed  error
}

// Steps of a path into a Map or a Set, and to a property with a symbol key.
type (
	mapKey   int
	mapValue struct{ key goja.Value }
	setItem  int
	symbol   struct{ *goja.Symbol }
)

func stepText(step any) string {
	switch s := step.(type) {
	case mapKey:
		return ".keys()[" + strconv.Itoa(int(s)) + "]"
	case setItem:
		return ".values()[" + strconv.Itoa(int(s)) + "]"
	case symbol:
		return "[" + s.String() + "]"
	case mapValue:
		if s.key == nil {
			return `[""]`
		}
		switch s.key.(type) {
		case goja.String:
			return ".get(" + strconv.Quote(s.key.String()) + ")"
		case *goja.Object, *goja.Symbol:
			return ".get(…)"
		}
		return ".get(" + s.key.String() + ")"
	}
	return ""
}

func (w *imageWriter) enter(key string) {
	if key == "" {
		w.path.Enter(vm.Step{Of: mapValue{}})
		return
	}
	w.path.Enter(vm.Step{Key: key})
}

// lose notes a value that has no image and writes it as absent.
func (w *imageWriter) lose(what string) {
	w.note(what)
	w.Tag(vm.TagAbsent)
}

func (w *imageWriter) note(what string) {
	if len(w.lost) <= vm.MaxUntransferable {
		w.lost = append(w.lost, vm.Untransferable{Path: w.path.In("state"), What: what})
	}
}

// ended tells whether the image has failed, so that nothing more need be written.
func (w *imageWriter) ended() bool {
	return w.failed != nil || len(w.lost) > vm.MaxUntransferable && !w.lenient
}

func (w *imageWriter) value(x goja.Value) {
	switch x := x.(type) {
	case *goja.Object:
		w.reference(x)
	case goja.String:
		w.text(x)
	case *goja.Symbol:
		w.lose("a symbol")
	case nil:
		w.Tag(vm.TagUndefined)
	default:
		w.scalar(x)
	}
}

func (w *imageWriter) scalar(x goja.Value) {
	switch {
	case goja.IsNumber(x):
		w.Number(x.ToFloat())
	case x == w.vm.yes(), x == w.vm.no():
		w.Bool(x == w.vm.yes())
	case goja.IsNull(x):
		w.Tag(vm.TagNil)
	case goja.IsBigInt(x):
		n, _ := x.Export().(*big.Int)
		w.Tag(vm.TagBig)
		w.Bool(n.Sign() < 0)
		w.Bytes(n.Bytes())
	default:
		w.Tag(vm.TagUndefined)
	}
}

func (w *imageWriter) text(s goja.String) {
	text := s.String()
	if !strings.ContainsRune(text, utf8.RuneError) {
		w.Tag(vm.TagText)
		w.Text(text)
		return
	}
	// There may be lone surrogates, which UTF-8 cannot represent.
	w.Tag(vm.TagText16)
	w.Uint(uint64(s.Length()))
	for i := range s.Length() {
		c := s.CharAt(i)
		w.B = append(w.B, byte(c), byte(c>>8))
	}
}

func (w *imageWriter) reference(o *goja.Object) {
	if n, ok := w.seen[o]; ok {
		w.Tag(vm.TagSame)
		w.Uint(n)
		return
	}
	switch {
	case w.ended():
		w.Tag(vm.TagAbsent)
		return
	case w.path.Depth() > vm.MaxImageDepth:
		w.failed = fault.Newf(fault.FailedPrecondition, "%s is nested too deeply", w.path.In("state"))
		return
	case w.TooLarge():
		w.failed = fault.Newf(fault.FailedPrecondition, "the state is larger than %d MB", vm.MaxImage>>20)
		return
	}
	if !w.ordinary(o) {
		w.object(o)
	}
}

// begin numbers an object and writes its tag.
func (w *imageWriter) begin(o *goja.Object, t vm.ImageTag) {
	w.seen[o] = uint64(len(w.seen))
	w.Tag(t)
}

// ordinary writes plain objects and lists through objectLayout, which takes a fraction
// of the time. It reports false, having written nothing, for others.
func (w *imageWriter) ordinary(o *goja.Object) bool {
	if raw, ok := objectLayout.ordinary(o); ok && raw.prototype() == w.vm.objectPrototype {
		values, names := *raw.values(), *raw.names()
		for _, name := range names {
			// Properties with numeric keys come first, in their order.
			if name != "" && '0' <= name[0] && name[0] <= '9' || name.AsUtf16() != nil || !w.isValue(values[name]) {
				return false
			}
		}
		if len(o.Symbols()) > 0 {
			return false
		}
		w.begin(o, vm.TagObject)
		for _, name := range names {
			w.Key(string(name))
			w.enter(string(name))
			w.value(values[name])
			w.path.Leave()
		}
		w.EndFields()
		return true
	}
	raw, ok := objectLayout.array(o)
	if !ok || raw.prototype() != w.vm.arrayPrototype || len(*raw.names()) > 1 { // it has the name length
		return false
	}
	items, whole := raw.items()
	if !whole {
		return false
	}
	for _, x := range items {
		if !w.isValue(x) {
			return false
		}
	}
	if len(o.Symbols()) > 0 {
		return false
	}
	w.begin(o, vm.TagArray)
	w.Uint(uint64(len(items)))
	for i, x := range items {
		w.path.Enter(vm.Step{Index: i})
		w.value(x)
		w.path.Leave()
	}
	w.EndFields()
	return true
}

// isValue tells whether x is a value, not a hole or an accessor.
func (w *imageWriter) isValue(x goja.Value) bool {
	return w.vm.readable(x) || x != nil && goja.IsBigInt(x)
}

func (w *imageWriter) object(o *goja.Object) {
	t := o.ExportType()
	class := o.ClassName()
	switch {
	case w.vm.IsFunc(o):
		w.lose("a function")
	case t == typeFunctions:
		w.lose("an object of the server's functions")
	case t == typePromise:
		w.lose("a promise")
	case class == "Array":
		if w.own(o, "Array") {
			w.array(o)
		}
	case class == "Date":
		if w.own(o, "Date") {
			w.begin(o, vm.TagDate)
			w.Float64(o.ToFloat())
		}
	case class == "RegExp":
		if w.own(o, "RegExp") {
			w.begin(o, vm.TagRegExp)
			for _, key := range []string{"source", "flags", "lastIndex"} {
				w.property(o, key)
			}
		}
	case class == "String", class == "Number", class == "Boolean":
		if w.own(o, class) {
			w.begin(o, vm.TagBoxed)
			w.value(w.unboxed(o, class))
		}
	case class == "Error":
		w.error(o)
	case t == typeArrayBuffer:
		if w.own(o, "ArrayBuffer") {
			w.begin(o, vm.TagBuffer)
			w.Bytes(w.vm.View(o))
		}
	case isBinary(o, t):
		w.view(o)
	case t == typeMap:
		if w.own(o, "Map") {
			w.entries(o)
		}
	case t == typeSet:
		if w.own(o, "Set") {
			w.items(o)
		}
	default:
		w.plain(o)
	}
}

// property writes the value of a property.
func (w *imageWriter) property(o *goja.Object, key string) {
	w.enter(key)
	w.value(o.Get(key))
	w.path.Leave()
}

// unboxed returns the scalar in an object such as new Number(1).
func (w *imageWriter) unboxed(o *goja.Object, class string) goja.Value {
	switch class {
	case "String":
		return o.ToString()
	case "Number":
		return o.ToNumber()
	}
	x, _ := o.Export().(bool)
	return w.vm.rt.ToValue(x)
}

// own tells whether an object is an instance of the built-in class of that name, not of
// a derived one. If it is not, it may be written as absent.
func (w *imageWriter) own(o *goja.Object, constructor string) bool {
	if proto := o.Prototype(); proto != nil && (constructor == "Array" && proto == w.vm.arrayPrototype || proto == w.prototype(constructor)) {
		w.further(o, constructor)
		return true
	}
	if w.lenient {
		w.note(w.instance(o) + ", which comes as a plain " + constructor)
		w.further(o, constructor)
		return true
	}
	w.lose(w.instance(o))
	return false
}

// further notes the properties that a program has added to an instance of a built-in class,
// which are lost. Those of an array are not. Those of typed arrays cannot be told from their
// elements without listing all of them, and are lost silently.
func (w *imageWriter) further(o *goja.Object, class string) {
	if class == "Array" || slices.Contains(views[1:], class) {
		return
	}
	what := "a property that was added to a " + class
	for _, key := range o.Keys() {
		if _, index := arrayIndex(key); index && class == "String" {
			continue // a character
		}
		w.path.Enter(vm.Step{Key: key})
		w.note(what)
		w.path.Leave()
	}
	for _, s := range o.Symbols() {
		w.path.Enter(vm.Step{Of: symbol{s}})
		w.note(what)
		w.path.Leave()
	}
}

func (w *imageWriter) prototype(constructor string) *goja.Object {
	fn, ok := w.vm.rt.Get(constructor).(*goja.Object)
	if !ok {
		return nil
	}
	proto, _ := fn.Get("prototype").(*goja.Object)
	return proto
}

// instance describes an object by its class.
func (w *imageWriter) instance(o *goja.Object) string {
	if fn, ok := o.Get("constructor").(*goja.Object); ok {
		if name := fn.Get("name"); name != nil && name.String() != "" {
			return "an instance of the class " + name.String()
		}
	}
	return "an object with a prototype of its own"
}

// plain writes an object with its own properties.
func (w *imageWriter) plain(o *goja.Object) {
	tag := vm.TagObject
	switch proto := o.Prototype(); {
	case proto == nil:
		tag = vm.TagBare
	case proto == w.vm.objectPrototype:
	case proto == w.prototype("DataView"):
		w.view(o)
		return
	case w.lenient:
		w.note(w.instance(o) + ", which comes as a plain object")
	default:
		w.lose(w.instance(o))
		return
	}
	w.begin(o, tag)
	w.fields(o, o.Keys())
}

// fields writes properties by their names. Those with symbol keys are lost.
func (w *imageWriter) fields(o *goja.Object, names []string) {
	for _, key := range names {
		if strings.ContainsRune(key, utf8.RuneError) && o.Get(key) == nil { // Keys has replaced something
			w.path.Enter(vm.Step{Key: key})
			w.note("a property whose name is no valid Unicode")
			w.path.Leave()
			continue
		}
		w.Key(key)
		w.property(o, key)
	}
	if t := o.ExportType(); t != typeObject && t != typeRecord {
		for _, s := range o.Symbols() {
			w.path.Enter(vm.Step{Of: symbol{s}})
			w.note("a property with a symbol as key")
			w.path.Leave()
		}
	}
	w.EndFields()
}

// array writes a list with holes, accessors or further properties.
func (w *imageWriter) array(o *goja.Object) {
	length := o.Get("length").ToInteger()
	names := o.Keys() // the indexes come first
	elements := 0
	for elements < len(names) {
		if _, ok := arrayIndex(names[elements]); !ok {
			break
		}
		elements++
	}
	if int64(elements) < length/2 {
		w.begin(o, vm.TagSparse)
		w.Uint(uint64(length))
		w.fields(o, names)
		return
	}
	w.begin(o, vm.TagArray)
	w.Uint(uint64(length))
	next := int64(0)
	for _, key := range names[:elements] {
		i, _ := arrayIndex(key)
		for ; next < int64(i); next++ {
			w.Tag(vm.TagHole)
		}
		w.path.Enter(vm.Step{Index: int(i)})
		w.value(o.Get(key))
		w.path.Leave()
		next++
	}
	for ; next < length; next++ {
		w.Tag(vm.TagHole)
	}
	w.fields(o, names[elements:])
}

func (w *imageWriter) entries(o *goja.Object) {
	w.begin(o, vm.TagMap)
	n := 0
	w.vm.rt.ForOf(o, func(item goja.Value) bool {
		pair := item.(*goja.Object)
		key, x := pair.Get("0"), pair.Get("1")
		w.path.Enter(vm.Step{Of: mapKey(n)})
		w.value(key)
		w.path.Leave()
		w.path.Enter(vm.Step{Of: mapValue{key}})
		w.value(x)
		w.path.Leave()
		n++
		return !w.ended()
	})
	w.Tag(vm.TagEnd)
}

func (w *imageWriter) items(o *goja.Object) {
	w.begin(o, vm.TagSet)
	n := 0
	w.vm.rt.ForOf(o, func(item goja.Value) bool {
		w.path.Enter(vm.Step{Of: setItem(n)})
		w.value(item)
		w.path.Leave()
		n++
		return !w.ended()
	})
	w.Tag(vm.TagEnd)
}

// views are the classes of binary data, by their number in images.
var views = []string{
	"DataView", "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array",
	"Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array",
}

// view writes a typed array or a DataView together with its buffer.
func (w *imageWriter) view(o *goja.Object) {
	name := ""
	if tag := o.GetSymbol(goja.SymToStringTag); tag != nil {
		name = tag.String()
	}
	kind := slices.Index(views, name)
	if kind < 0 {
		w.lose("binary data of an unknown kind")
		return
	}
	if !w.own(o, name) {
		return
	}
	length := "length"
	if kind == 0 {
		length = "byteLength"
	}
	w.begin(o, vm.TagView)
	w.Uint(uint64(kind))
	w.property(o, "buffer")
	for _, key := range []string{"byteOffset", length} {
		w.Uint(uint64(o.Get(key).ToInteger()))
	}
}

// errorClasses are the built-in classes of errors, by their number in images.
var errorClasses = []string{"Error", "TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError", "URIError"}

// error writes an instance of a built-in class of errors.
func (w *imageWriter) error(o *goja.Object) {
	proto := o.Prototype()
	class := slices.IndexFunc(errorClasses, func(name string) bool { return proto != nil && proto == w.prototype(name) })
	if class < 0 {
		if w.lenient {
			w.plain(o)
		} else {
			w.lose(w.instance(o))
		}
		return
	}
	w.begin(o, vm.TagError)
	w.Uint(uint64(class))
	for _, key := range []string{"message", "stack"} {
		x := o.Get(key)
		if _, isText := x.(goja.String); !isText {
			x = goja.Undefined()
		}
		w.value(x)
	}
	w.fields(o, slices.DeleteFunc(o.Keys(), func(key string) bool { return key == "message" || key == "stack" }))
}
