package js

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"

	"kumi/internal/json"
	"kumi/store/fault"
	"kumi/vm"
)

// stringifier implements JSON.stringify as the language defines it. goja's own takes
// several times as long, and limits neither the nesting nor the size. Objects without
// accessors and numeric keys are read through objectLayout, others through goja's
// API.
type stringifier struct {
	v       *VM
	buf     []byte
	stack   []*goja.Object // being written, outermost first
	members []vm.Member    // of those that are read through objectLayout
	scripts int            // counts calls of script code, which may have changed the objects

	custom      bool         // Object.prototype or Array.prototype has been given a toJSON
	allowed     []goja.Value // with filtered: the only properties to write, in this order
	filtered    bool
	replacer    goja.Callable
	gap, indent string
	native      jsonFunctions
}

// jsonFunctions are functions of goja, for strings with halves of surrogate pairs, which
// Go strings cannot hold.
type jsonFunctions struct{ stringify, keys, get goja.Callable }

// jsonKey is the key of a value in its holder: text, or else index, or else name.
type jsonKey struct {
	text  goja.Value
	index int // from 1
	name  string
}

func (k jsonKey) value(rt *goja.Runtime) goja.Value {
	switch {
	case k.text != nil:
		return k.text
	case k.index > 0:
		return rt.ToValue(strconv.Itoa(k.index - 1))
	}
	return rt.ToValue(k.name)
}

// Sizes up to which the memory of a stringifier is reused.
const (
	maxKeptBuffer  = 16 << 10 // bytes
	maxKeptMembers = 256
)

// addStringify replaces JSON.stringify.
func (v *VM) addStringify(object *goja.Object) {
	var own jsonFunctions
	own.stringify, _ = goja.AssertFunction(object.Get("stringify"))
	own.keys, _ = goja.AssertFunction(v.builtin("Object").Get("keys"))
	own.get, _ = goja.AssertFunction(v.builtin("Reflect").Get("get"))
	var idle *stringifier // reused
	v.wrapMethod(object, "stringify", func(v *VM, _ native, fc goja.FunctionCall) goja.Value {
		s := idle
		if idle = nil; s == nil { // a toJSON calls JSON.stringify, or the last run threw
			s = &stringifier{v: v}
		}
		s.native, s.custom = own, v.hasCustomToJSON()
		if len(fc.Arguments) > 1 {
			s.options(fc.Argument(1), fc.Argument(2))
		}
		out := goja.Undefined()
		if s.root(fc.Argument(0)) {
			out = v.rt.ToValue(string(s.buf))
		}
		if cap(s.buf) <= maxKeptBuffer && cap(s.members) <= maxKeptMembers {
			clear(s.members[:cap(s.members)]) // copies that were left when it grew
			*s = stringifier{v: v, buf: s.buf[:0], stack: s.stack, members: s.members}
			idle = s
		}
		return out
	})
}

func (s *stringifier) options(replacer, space goja.Value) {
	if o, ok := replacer.(*goja.Object); ok {
		if s.v.isArray(o) {
			s.filter(o)
		} else {
			s.replacer, _ = goja.AssertFunction(o)
		}
	}
	if o, ok := space.(*goja.Object); ok {
		space, _ = unboxed(o)
	}
	switch {
	case goja.IsNumber(space):
		s.gap = strings.Repeat(" ", int(max(0, min(10, space.ToInteger()))))
	case goja.IsString(space):
		text := space.(goja.String)
		s.gap = text.Substring(0, min(10, text.Length())).String()
	}
}

func (s *stringifier) filter(list *goja.Object) {
	s.filtered = true
	seen := map[string]bool{}
	for i := range s.v.arrayLength(list) {
		x := list.Get(strconv.Itoa(i))
		if o, ok := x.(*goja.Object); ok {
			if x, ok = unboxed(o); !ok {
				continue
			}
		}
		if !goja.IsNumber(x) && !goja.IsString(x) {
			continue
		}
		if name := x.ToString(); !seen[name.String()] {
			seen[name.String()] = true
			s.allowed = append(s.allowed, name)
		}
	}
}

// unboxed returns the primitive value of a Number or String object.
func unboxed(o *goja.Object) (goja.Value, bool) {
	switch o.ClassName() {
	case "Number":
		return o.ToNumber(), true
	case "String":
		return o.ToString(), true
	}
	return o, false
}

func (s *stringifier) root(x goja.Value) bool {
	var holder *goja.Object
	if s.replacer != nil {
		holder = s.v.rt.NewObject()
		_ = holder.Set("", x)
	}
	return s.value(holder, jsonKey{}, x)
}

// value writes one value and returns true, or false for what has no JSON form, such as
// undefined. It throws.
func (s *stringifier) value(holder *goja.Object, key jsonKey, x goja.Value) bool {
	s.v.fitsText(len(s.buf))
	if s.v.watch.interrupted.Load() {
		s.v.throw(fault.New(fault.DeadlineExceeded, errStopped))
	}
	o, isObject := x.(*goja.Object)
	if isObject && (s.custom || !s.v.withoutToJSON(o)) || !isObject && x != nil && goja.IsBigInt(x) {
		if toJSON, ok := goja.AssertFunction(x.ToObject(s.v.rt).Get("toJSON")); ok {
			x = s.v.must(toJSON(x, key.value(s.v.rt)))
			s.scripts++
		}
	}
	if s.replacer != nil {
		if x == nil {
			x = goja.Undefined()
		}
		x = s.v.must(s.replacer(holder, key.value(s.v.rt), x))
		s.scripts++
	}
	if o, isObject = x.(*goja.Object); !isObject {
		return s.primitive(x)
	}
	switch o.ClassName() {
	case "Object", "Array":
		return s.object(o)
	case "Number", "String":
		x, _ = unboxed(o)
	case "Boolean":
		b, _ := o.Export().(bool)
		x = s.v.rt.ToValue(b)
	case "RawJSON":
		s.buf = append(s.buf, o.Get("rawJSON").String()...)
		return true
	default:
		return s.object(o)
	}
	return s.primitive(x)
}

func (s *stringifier) primitive(x goja.Value) bool {
	switch text, isText := x.(goja.String); {
	case isText:
		s.quote(text)
	case x == nil || goja.IsUndefined(x):
		return false
	case goja.IsNumber(x):
		s.buf = json.AppendNumber(s.buf, x.ToFloat())
	case goja.IsNull(x):
		s.buf = append(s.buf, "null"...)
	case x == s.v.yes():
		s.buf = append(s.buf, "true"...)
	case x == s.v.no():
		s.buf = append(s.buf, "false"...)
	case goja.IsBigInt(x):
		s.refuseBigInt()
	default:
		return false // a symbol
	}
	return true
}

func (s *stringifier) refuseBigInt() {
	panic(s.v.rt.NewTypeError("Do not know how to serialize a BigInt"))
}

// object writes an object or an array.
func (s *stringifier) object(o *goja.Object) bool {
	_, isArray := objectLayout.array(o)
	if _, ordinary := objectLayout.ordinary(o); !isArray && !ordinary {
		if o.ExportType() == typeBig {
			s.refuseBigInt()
		}
		if s.v.IsFunc(o) {
			return false
		}
		isArray = s.v.isArray(o)
	}
	if len(s.stack) >= maxTextDepth {
		s.v.throw(fault.Newf(fault.InvalidArgument, "the value is nested more than %d levels deep", maxTextDepth))
	}
	for _, outer := range s.stack {
		if o == outer {
			panic(s.v.rt.NewTypeError("Converting circular structure to JSON"))
		}
	}
	s.stack = append(s.stack, o)
	outer := s.indent
	s.indent += s.gap
	if isArray {
		s.array(o, outer)
	} else {
		s.properties(o, outer)
	}
	s.indent = outer
	s.stack[len(s.stack)-1] = nil
	s.stack = s.stack[:len(s.stack)-1]
	return true
}

func (s *stringifier) newline(indent string) {
	if s.gap != "" {
		s.buf = append(append(s.buf, '\n'), indent...)
	}
}

func (s *stringifier) array(o *goja.Object, outer string) {
	n := s.v.arrayLength(o)
	s.buf = append(s.buf, '[')
	for i := range n {
		if i > 0 {
			s.buf = append(s.buf, ',')
		}
		s.newline(s.indent)
		x, ok := s.v.plainItem(o, i)
		if !ok {
			x = o.Get(strconv.Itoa(i))
			s.scripts++
		}
		if !s.value(o, jsonKey{index: i + 1}, x) {
			s.buf = append(s.buf, "null"...)
		}
	}
	if n > 0 {
		s.newline(outer)
	}
	s.buf = append(s.buf, ']')
}

func (s *stringifier) properties(o *goja.Object, outer string) {
	s.buf = append(s.buf, '{')
	empty := true
	from, scripts := len(s.members), s.scripts
	plain := !s.filtered && s.replacer == nil // which is also called for undefined
	members := s.members
	if plain {
		members, plain = s.v.plainMembers(members, o)
	}
	if plain {
		s.members = members
		for i := from; i < len(members); i++ { // s.members grows meanwhile, and shrinks again
			m := members[i]
			x, _ := m.Value.(goja.Value)
			if s.scripts != scripts {
				x = o.Get(m.Key)
			}
			empty = !s.property(o, jsonKey{name: m.Key}, x, empty) && empty
		}
		clear(members[from:])
		s.members = s.members[:from]
	} else {
		for _, key := range s.keys(o) {
			x := s.get(o, key)
			s.scripts++
			empty = !s.property(o, key, x, empty) && empty
		}
	}
	if !empty {
		s.newline(outer)
	}
	s.buf = append(s.buf, '}')
}

// property writes a property unless its value has no JSON form.
func (s *stringifier) property(o *goja.Object, key jsonKey, x goja.Value, first bool) bool {
	from := len(s.buf)
	if !first {
		s.buf = append(s.buf, ',')
	}
	s.newline(s.indent)
	if text, ok := key.text.(goja.String); ok {
		s.quote(text)
	} else {
		s.buf, _ = json.AppendString(s.buf, key.name)
	}
	s.buf = append(s.buf, ':')
	if s.gap != "" {
		s.buf = append(s.buf, ' ')
	}
	if !s.value(o, key, x) {
		s.buf = s.buf[:from]
		return false
	}
	return true
}

// keys returns the keys of an object that is not read through objectLayout.
func (s *stringifier) keys(o *goja.Object) (keys []jsonKey) {
	if s.filtered {
		for _, text := range s.allowed {
			keys = append(keys, jsonKey{text: text, name: text.String()})
		}
		return keys
	}
	if t := o.ExportType(); t == typeObject || t == typeRecord {
		for _, name := range o.Keys() {
			keys = append(keys, jsonKey{name: name})
		}
		return keys
	}
	list := s.v.must(s.native.keys(goja.Undefined(), o)).(*goja.Object)
	for i := range s.v.arrayLength(list) {
		text := list.Get(strconv.Itoa(i))
		keys = append(keys, jsonKey{text: text, name: text.String()})
	}
	return keys
}

func (s *stringifier) get(o *goja.Object, key jsonKey) goja.Value {
	if key.text != nil && strings.ContainsRune(key.name, utf8.RuneError) {
		return s.v.must(s.native.get(goja.Undefined(), o, key.text))
	}
	return o.Get(key.name)
}

// quote writes a string. One that may have half of a surrogate pair is left to goja,
// which escapes it.
func (s *stringifier) quote(x goja.String) {
	text := x.String()
	if strings.ContainsRune(text, utf8.RuneError) {
		s.buf = append(s.buf, s.v.must(s.native.stringify(goja.Undefined(), x)).String()...)
		return
	}
	s.buf, _ = json.AppendString(s.buf, text)
}

// isArray is Array.isArray.
func (v *VM) isArray(o *goja.Object) bool {
	for o.ExportType() == typeProxy {
		p, ok := o.Export().(goja.Proxy)
		if !ok || p.Target() == nil {
			panic(v.rt.NewTypeError("Cannot perform 'isArray' on a proxy that has been revoked"))
		}
		o = p.Target()
	}
	return o.ClassName() == "Array"
}

// arrayLength returns the length of an array or of a proxy of one.
func (v *VM) arrayLength(o *goja.Object) int {
	n := lengthOf(o)
	if n > vm.MaxList {
		v.tooLarge("an array", n, vm.MaxList)
	}
	return int(n)
}
