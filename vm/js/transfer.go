package js

import (
	"fmt"
	"strconv"

	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

var _ vm.Transferer = (*VM)(nil)

// Transfer implements vm.Transferer with the rules of structuredClone, except
// that it fails where structuredClone silently loses something: instances of
// classes and properties with symbol keys.
func (v *VM) Transfer(from vm.Instance, x vm.Ref, lenient bool) (copied vm.Ref, lost []vm.Untransferable, err error) {
	old, ok := from.(*VM)
	if !ok {
		return nil, nil, fault.New(fault.FailedPrecondition, "the value comes from another language")
	}
	c := &transfer{from: old, to: v, lenient: lenient, seen: map[*goja.Object]goja.Value{}}
	value, _ := x.(goja.Value)
	var out goja.Value
	c.path.Text = stepText
	c.plainFrom = old.rt.NewObject().Prototype()
	c.arrayFrom = old.rt.NewArray().Prototype()
	err = v.guard(func() {
		if e := old.guard(func() { out = c.value(value) }); e != nil {
			panic(v.rt.NewGoError(e))
		}
	})
	switch {
	case c.failed != nil:
		return nil, nil, c.failed
	case err != nil:
		return nil, nil, fmt.Errorf("transfer the value: %w", err)
	case len(c.lost) > 0 && !lenient:
		return nil, nil, &vm.TransferError{List: c.lost}
	}
	return out, c.lost, nil
}

// transfer is the state of one Transfer.
type transfer struct {
	from, to *VM
	lenient  bool
	seen     map[*goja.Object]goja.Value
	path     vm.Path
	lost     []vm.Untransferable
	failed   error

	plainFrom, arrayFrom *goja.Object // prototypes of the old VM
}

// maxTransferDepth is the maximum nesting depth, which linked lists reach most
// easily.
const maxTransferDepth = 5000

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

func (c *transfer) enter(key string) {
	if key == "" {
		c.path.Enter(vm.Step{Of: mapValue{}})
		return
	}
	c.path.Enter(vm.Step{Key: key})
}

func (c *transfer) lose(what string) {
	if len(c.lost) <= vm.MaxUntransferable {
		c.lost = append(c.lost, vm.Untransferable{Path: c.path.In("state"), What: what})
	}
}

// value copies a value; nil means that it is omitted.
func (c *transfer) value(x goja.Value) goja.Value {
	o, ok := x.(*goja.Object)
	if !ok {
		if _, symbol := x.(*goja.Symbol); symbol {
			c.lose("a symbol")
			return nil
		}
		return x // scalars do not belong to a VM
	}
	if done, ok := c.seen[o]; ok {
		return done
	}
	if c.failed != nil || len(c.lost) > vm.MaxUntransferable && !c.lenient {
		return nil // has failed already
	}
	if c.path.Depth() > maxTransferDepth {
		c.failed = fault.Newf(fault.FailedPrecondition, "%s is nested too deeply", c.path.In("state"))
		return nil
	}
	return c.object(o)
}

func (c *transfer) object(o *goja.Object) goja.Value {
	t := o.ExportType()
	class := o.ClassName()
	switch {
	case c.from.IsFunc(o):
		c.lose("a function")
		return nil
	case t == typeFunctions:
		c.lose("an object of the server's functions")
		return nil
	case t == typePromise:
		c.lose("a promise")
		return nil
	case class == "Array":
		if !c.own(o, "Array") {
			return nil
		}
		return c.array(o)
	case class == "Date":
		if !c.own(o, "Date") {
			return nil
		}
		return c.keep(o, c.make("Date", c.to.rt.ToValue(o.ToFloat())))
	case class == "RegExp":
		if !c.own(o, "RegExp") {
			return nil
		}
		r := c.make("RegExp", o.Get("source"), o.Get("flags"))
		c.set(r, "lastIndex", o.Get("lastIndex"))
		return c.keep(o, r)
	case class == "String", class == "Number", class == "Boolean":
		if !c.own(o, class) {
			return nil
		}
		return c.keep(o, c.unboxed(o, class).ToObject(c.to.rt))
	case class == "Error":
		return c.error(o)
	case t == typeArrayBuffer:
		if !c.own(o, "ArrayBuffer") {
			return nil
		}
		return c.keep(o, c.to.rt.ToValue(c.to.rt.NewArrayBuffer(c.from.Bytes(o))))
	case isBinary(o, t):
		return c.view(o)
	case t == typeMap:
		if !c.own(o, "Map") {
			return nil
		}
		return c.table(o, "Map")
	case t == typeSet:
		if !c.own(o, "Set") {
			return nil
		}
		return c.table(o, "Set")
	}
	return c.plain(o)
}

// unboxed returns the scalar in an object such as new Number(1).
func (c *transfer) unboxed(o *goja.Object, class string) goja.Value {
	switch class {
	case "String":
		return o.ToString()
	case "Number":
		return o.ToNumber()
	}
	x, _ := o.Export().(bool)
	return c.to.rt.ToValue(x)
}

// own tells whether an object is an instance of the built-in class of that name, not
// of a derived one.
func (c *transfer) own(o *goja.Object, constructor string) bool {
	if proto := o.Prototype(); proto != nil && (constructor == "Array" && proto == c.arrayFrom || proto == c.prototype(c.from, constructor)) {
		return true
	}
	if c.lenient && constructor != "Error" {
		c.lose(c.instance(o) + ", which comes as a plain " + constructor)
		return true
	}
	c.lose(c.instance(o))
	return false
}

func (c *transfer) prototype(v *VM, constructor string) *goja.Object {
	fn, ok := v.rt.Get(constructor).(*goja.Object)
	if !ok {
		return nil
	}
	proto, _ := fn.Get("prototype").(*goja.Object)
	return proto
}

// instance describes an object by its class.
func (c *transfer) instance(o *goja.Object) string {
	if fn, ok := o.Get("constructor").(*goja.Object); ok {
		if name := fn.Get("name"); name != nil && name.String() != "" {
			return "an instance of the class " + name.String()
		}
	}
	return "an object with a prototype of its own"
}

func (c *transfer) keep(o *goja.Object, copied goja.Value) goja.Value {
	c.seen[o] = copied
	return copied
}

// make calls a constructor of the new VM.
func (c *transfer) make(constructor string, args ...goja.Value) *goja.Object {
	for i, a := range args {
		if a == nil {
			args[i] = goja.Undefined()
		}
	}
	o, err := c.to.rt.New(c.to.rt.Get(constructor), args...)
	if err != nil {
		return c.fail(err)
	}
	return o
}

// fail ends the transfer without a panic, which would break the old VM.
func (c *transfer) fail(err error) *goja.Object {
	if c.failed == nil {
		c.failed = fmt.Errorf("transfer %s: %w", c.path.In("state"), err)
	}
	return c.to.rt.NewObject()
}

func (c *transfer) set(o *goja.Object, key string, x goja.Value) {
	if x == nil {
		return
	}
	if err := o.DefineDataProperty(key, x, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil && key == "lastIndex" {
		_ = o.Set(key, x)
	}
}

// plain copies an object's own properties.
func (c *transfer) plain(o *goja.Object) goja.Value {
	proto := o.Prototype()
	var out *goja.Object
	switch {
	case proto == nil:
		out = c.to.rt.CreateObject(nil)
	case proto == c.plainFrom:
		out = c.to.rt.NewObject()
	case proto == c.prototype(c.from, "DataView"):
		return c.view(o)
	case c.lenient:
		c.lose(c.instance(o) + ", which comes as a plain object")
		out = c.to.rt.NewObject()
	default:
		c.lose(c.instance(o))
		return nil
	}
	c.keep(o, out)
	c.properties(o, out, func(string) bool { return true })
	return out
}

func (c *transfer) properties(o, out *goja.Object, want func(key string) bool) {
	for _, key := range o.Keys() {
		if want(key) {
			c.enter(key)
			c.set(out, key, c.value(o.Get(key)))
			c.path.Leave()
		}
	}
	if t := o.ExportType(); t != typeObject && t != typeRecord {
		for _, s := range o.Symbols() {
			c.path.Enter(vm.Step{Of: symbol{s}})
			c.lose("a property with a symbol as key")
			c.path.Leave()
		}
	}
}

func (c *transfer) array(o *goja.Object) goja.Value {
	out := c.to.rt.NewArray()
	c.keep(o, out)
	for _, key := range o.Keys() {
		i, isIndex := arrayIndex(key)
		if isIndex {
			c.path.Enter(vm.Step{Index: int(i)})
		} else {
			c.enter(key)
		}
		x := c.value(o.Get(key))
		if x == nil && isIndex {
			x = goja.Undefined() // so that the following elements keep their indexes
		}
		c.set(out, key, x)
		c.path.Leave()
	}
	if n := o.Get("length"); n != nil && n.ToInteger() != out.Get("length").ToInteger() {
		_ = out.Set("length", n)
	}
	return out
}

// table copies a Map or a Set.
func (c *transfer) table(o *goja.Object, constructor string) goja.Value {
	out := c.make(constructor)
	c.keep(o, out)
	add := "add"
	if constructor == "Map" {
		add = "set"
	}
	put, ok := goja.AssertFunction(out.Get(add))
	if !ok {
		return c.fail(fmt.Errorf("%s.prototype.%s is not a function", constructor, add))
	}
	n := 0
	c.from.rt.ForOf(o, func(item goja.Value) bool {
		var args []goja.Value
		if constructor == "Map" {
			pair := item.(*goja.Object)
			key, x := pair.Get("0"), pair.Get("1")
			c.path.Enter(vm.Step{Of: mapValue{key}})
			x = c.value(x)
			c.path.Leave()
			c.path.Enter(vm.Step{Of: mapKey(n)})
			key = c.value(key)
			c.path.Leave()
			args = []goja.Value{key, x}
		} else {
			c.path.Enter(vm.Step{Of: setItem(n)})
			args = []goja.Value{c.value(item)}
			c.path.Leave()
		}
		n++
		for _, a := range args {
			if a == nil {
				return true
			}
		}
		if _, err := put(out, args...); err != nil {
			c.fail(err)
		}
		return c.failed == nil
	})
	return out
}

// view copies a typed array or a DataView together with its buffer.
func (c *transfer) view(o *goja.Object) goja.Value {
	tag := o.GetSymbol(goja.SymToStringTag)
	if tag == nil {
		c.lose("binary data of an unknown kind")
		return nil
	}
	name := tag.String()
	if !c.own(o, name) {
		return nil
	}
	buffer := c.value(o.Get("buffer"))
	if buffer == nil {
		return nil
	}
	length := "length"
	if name == "DataView" {
		length = "byteLength"
	}
	return c.keep(o, c.make(name, buffer, o.Get("byteOffset"), o.Get(length)))
}

var errorNames = []string{"Error", "TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError", "URIError"}

// error copies an instance of a built-in error class.
func (c *transfer) error(o *goja.Object) goja.Value {
	proto := o.Prototype()
	for _, name := range errorNames {
		if proto == nil || proto != c.prototype(c.from, name) {
			continue
		}
		out := c.make(name)
		c.keep(o, out)
		for _, key := range []string{"message", "stack"} {
			if x := o.Get(key); x != nil {
				if s, ok := x.(goja.String); ok {
					_ = out.DefineDataProperty(key, s, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
				}
			}
		}
		c.properties(o, out, func(key string) bool { return key != "message" && key != "stack" })
		return out
	}
	if c.lenient {
		return c.plain(o)
	}
	c.lose(c.instance(o))
	return nil
}
