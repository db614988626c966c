package js

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"
	"github.com/dop251/goja/unistring"

	"kumi/internal/json"
	"kumi/vm"
)

// jsonBuiltin are JSON.parse and JSON.stringify for what they are mostly used
// for: text without a reviver, and data without a replacer, indentation and
// behaviour of its own. All else goes to goja's, which take several times as
// long.
type jsonBuiltin struct {
	vm              *VM
	parse           goja.Callable
	objects, arrays *goja.Object // prototypes
	buf             []byte       // all reused
	stack           []*goja.Object
	keys            []string
	vals            []goja.Value
}

// addJSON replaces the two functions.
func (v *VM) addJSON(object *goja.Object) {
	j := &jsonBuiltin{vm: v, objects: v.rt.NewObject().Prototype(), arrays: v.rt.NewArray().Prototype()}
	var okParse bool
	j.parse, okParse = goja.AssertFunction(object.Get("parse"))
	if !okParse {
		return
	}
	for name, f := range map[string]struct {
		fn     func(goja.FunctionCall) goja.Value
		length int
	}{"parse": {j.doParse, 2}, "stringify": {j.doStringify, 3}} {
		fn := v.rt.ToValue(f.fn).(*goja.Object)
		_ = fn.DefineDataProperty("name", v.rt.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		_ = fn.DefineDataProperty("length", v.rt.ToValue(f.length), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		_ = object.DefineDataProperty(name, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
}

// longWay calls one of goja's functions.
func (j *jsonBuiltin) longWay(fn goja.Callable, fc goja.FunctionCall) goja.Value {
	x, err := fn(fc.This, fc.Arguments...)
	if err != nil {
		panic(err)
	}
	return x
}

// longStringify is JSON.stringify for what is not plain data.
func (j *jsonBuiltin) longStringify(fc goja.FunctionCall) goja.Value {
	text, ok := j.vm.stringify(fc.Argument(0), fc.Argument(1), fc.Argument(2))
	if !ok {
		return goja.Undefined()
	}
	return j.vm.rt.ToValue(string(text))
}

func (j *jsonBuiltin) doParse(fc goja.FunctionCall) goja.Value {
	if reviver, ok := goja.AssertFunction(fc.Argument(1)); ok {
		holder := j.vm.rt.NewObject()
		_ = holder.Set("", j.doParse(goja.FunctionCall{This: fc.This, Arguments: fc.Arguments[:1]}))
		return j.vm.revive(reviver, holder, "", 0)
	}
	s, ok := fc.Argument(0).(goja.String)
	if !ok || !goja.IsUndefined(fc.Argument(1)) {
		j.vm.checkNesting(fc.Argument(0))
		return j.longWay(j.parse, fc)
	}
	text := s.String()
	d := decoder{Reader: json.NewReader(text), vm: j.vm, ordinary: true, keys: j.keys, vals: j.vals}
	d.Depth, d.Copy = maxTextDepth, true
	x := d.whole() // runs no script, so nothing else needs the stacks
	if cap(d.vals) <= 256 {
		clear(d.keys[:cap(d.keys)])
		clear(d.vals[:cap(d.vals)])
		j.keys, j.vals = d.keys[:0], d.vals[:0]
	}
	var bad *json.SyntaxError
	if errors.As(d.Err(), &bad) {
		j.vm.checkNesting(fc.Argument(0))
		j.refuse(text, bad)
	}
	return x
}

// refuse throws the SyntaxError of text that is no JSON.
func (j *jsonBuiltin) refuse(text string, bad *json.SyntaxError) {
	rt := j.vm.rt
	message := "JSON.parse: " + bad.Reason + " at position " + strconv.Itoa(units(text[:bad.Offset]))
	x, err := rt.New(rt.Get("SyntaxError"), rt.ToValue(message))
	if err != nil {
		panic(err)
	}
	panic(x)
}

// units is how long a text is in JavaScript.
func units(text string) (n int) {
	for _, r := range text {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// native makes an ordinary object.
func (d *decoder) native() *goja.Object {
	from := len(d.keys)
	for more := d.Open('{'); more; more = d.More('{') {
		key := d.Name()
		x := d.value()
		d.keys, d.vals = append(d.keys, key), append(d.vals, x)
	}
	o := d.vm.rt.NewObject()
	keys, vals := d.keys[from:], d.vals[from:]
	if len(keys) > 0 {
		in := rawObject{objectLayout.of(o).data}
		values := *in.values() // empty, and made for a few
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
		*in.values(), *in.names() = values, names
	}
	clear(vals)
	d.keys, d.vals = d.keys[:from], d.vals[:from]
	return o
}

func (j *jsonBuiltin) doStringify(fc goja.FunctionCall) goja.Value {
	if len(fc.Arguments) > 1 && !(goja.IsUndefined(fc.Argument(1)) || goja.IsNull(fc.Argument(1))) || len(fc.Arguments) > 2 && !goja.IsUndefined(fc.Argument(2)) {
		return j.longStringify(fc)
	}
	o, ok := fc.Argument(0).(*goja.Object)
	if !ok || j.customized() {
		return j.longStringify(fc)
	}
	buf, ok := j.append(j.buf[:0], o)
	clear(j.stack)
	j.stack = j.stack[:0]
	if cap(buf) <= 16<<10 {
		j.buf = buf[:0]
	}
	if !ok {
		return j.longStringify(fc)
	}
	return j.vm.rt.ToValue(string(buf))
}

// customized says that scripts gave all objects or arrays a toJSON.
func (j *jsonBuiltin) customized() bool {
	return j.objects.Get("toJSON") != nil || j.arrays.Get("toJSON") != nil || j.arrays.Prototype() != j.objects
}

// append writes a value; ok is false when it is not plain data, of which nothing
// has run then.
func (j *jsonBuiltin) append(b []byte, x goja.Value) (_ []byte, ok bool) {
	switch x := x.(type) {
	case *goja.Object:
		return j.appendObject(b, x)
	case goja.String:
		return appendText(b, x.String())
	case nil:
		return b, false
	}
	switch {
	case goja.IsNumber(x):
		return json.AppendNumber(b, x.ToFloat()), true
	case goja.IsNull(x):
		return append(b, "null"...), true
	case x == j.vm.yes():
		return append(b, "true"...), true
	case x == j.vm.no():
		return append(b, "false"...), true
	}
	return b, false
}

func (j *jsonBuiltin) appendObject(b []byte, o *goja.Object) (_ []byte, ok bool) {
	if len(j.stack) >= maxDepth || len(b) > vm.MaxString {
		return b, false // a cycle, most likely
	}
	j.stack = append(j.stack, o)
	behind := objectLayout.of(o)
	in := rawObject{behind.data}
	switch {
	case behind.table == objectLayout.ordinary && in.prototype() == j.objects:
		b, ok = j.appendOrdinary(b, in)
	case behind.table == objectLayout.array && in.prototype() == j.arrays:
		b, ok = j.appendArray(b, in)
	}
	j.stack = j.stack[:len(j.stack)-1]
	return b, ok
}

func (j *jsonBuiltin) appendOrdinary(b []byte, in rawObject) (_ []byte, ok bool) {
	values := *in.values()
	b = append(b, '{')
	first := true
	for _, name := range *in.names() {
		if name == "toJSON" || name != "" && '0' <= name[0] && name[0] <= '9' || name.AsUtf16() != nil {
			return b, false // numbers come first, in their order
		}
		x := values[name]
		if x != nil && goja.IsUndefined(x) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		if b, ok = appendText(b, string(name)); !ok {
			return b, false
		}
		b = append(b, ':')
		if b, ok = j.append(b, x); !ok {
			return b, false
		}
	}
	return append(b, '}'), true
}

func (j *jsonBuiltin) appendArray(b []byte, in rawObject) (_ []byte, ok bool) {
	items, whole := in.items()
	if _, has := (*in.values())["toJSON"]; has || !whole {
		return b, false
	}
	b = append(b, '[')
	for i, x := range items {
		if i > 0 {
			b = append(b, ',')
		}
		if x != nil && goja.IsUndefined(x) {
			b = append(b, "null"...)
			continue
		}
		if b, ok = j.append(b, x); !ok {
			return b, false
		}
	}
	return append(b, ']'), true
}

// appendText writes a string in quotes. What may have had half a surrogate pair
// before it became Go text takes the long way.
func appendText(b []byte, s string) (_ []byte, ok bool) {
	if strings.ContainsRune(s, utf8.RuneError) {
		return b, false
	}
	return json.AppendString(b, s)
}
