package js

import (
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"

	"kumi/internal/json"
	"kumi/store/fault"
	"kumi/vm"
)

// stringifier is JSON.stringify with all that the language has for it, for what
// is not plain data. goja's own goes as deep as the value does and cannot be
// stopped on the way.
type stringifier struct {
	v           *VM
	buf         []byte
	stack       []*goja.Object
	only        []goja.Value // property names, with filtered
	filtered    bool
	replacer    goja.Callable
	gap, indent string
	keys, get   goja.Callable
}

// stringify returns false for what has no form, like undefined. It throws.
func (v *VM) stringify(value, replacer, space goja.Value) ([]byte, bool) {
	s := &stringifier{v: v}
	s.keys, _ = goja.AssertFunction(v.rt.Get("Object").(*goja.Object).Get("keys"))
	s.get, _ = goja.AssertFunction(v.rt.Get("Reflect").(*goja.Object).Get("get"))
	if o, ok := replacer.(*goja.Object); ok {
		if s.isArray(o) {
			s.filter(o)
		} else {
			s.replacer, _ = goja.AssertFunction(o)
		}
	}
	s.space(space)
	holder := v.rt.NewObject()
	_ = holder.Set("", value)
	ok := s.property(holder, v.rt.ToValue(""), value)
	return s.buf, ok
}

func (s *stringifier) filter(o *goja.Object) {
	s.filtered = true
	seen := map[string]bool{}
	for i := range s.length(o) {
		x := o.Get(strconv.Itoa(i))
		if p, ok := x.(*goja.Object); ok {
			if c := p.ClassName(); c != "Number" && c != "String" {
				continue
			}
		} else if !goja.IsNumber(x) && !goja.IsString(x) {
			continue
		}
		if name := x.ToString(); !seen[name.String()] {
			seen[name.String()] = true
			s.only = append(s.only, name)
		}
	}
}

func (s *stringifier) space(x goja.Value) {
	if o, ok := x.(*goja.Object); ok {
		switch o.ClassName() {
		case "Number":
			x = o.ToNumber()
		case "String":
			x = o.ToString()
		}
	}
	switch {
	case x == nil:
	case goja.IsNumber(x):
		s.gap = strings.Repeat(" ", int(max(0, min(10, x.ToInteger()))))
	case goja.IsString(x):
		s.gap = x.String()
		s.gap = s.gap[:min(10, len(s.gap))]
	}
}

// property writes one value; key is its name within holder.
func (s *stringifier) property(holder *goja.Object, key, x goja.Value) bool {
	if x == nil {
		x = goja.Undefined()
	}
	_, object := x.(*goja.Object)
	isBig := !object && x.ExportType() == typeBig
	if object || isBig {
		if f, ok := goja.AssertFunction(x.ToObject(s.v.rt).Get("toJSON")); ok {
			x = s.v.must(f(x, key))
		}
	}
	if s.replacer != nil {
		x = s.v.must(s.replacer(holder, key, x))
	}
	o, isObject := x.(*goja.Object)
	if isObject {
		switch o.ClassName() {
		case "Number":
			x, isObject = o.ToNumber(), false
		case "String":
			x, isObject = o.ToString(), false
		case "Boolean":
			b, _ := o.Export().(bool)
			x, isObject = s.v.rt.ToValue(b), false
		}
	}
	if isObject {
		if o.ExportType() == typeBig {
			s.big()
		}
		return s.object(o)
	}
	switch {
	case goja.IsNull(x):
		s.buf = append(s.buf, "null"...)
	case goja.IsUndefined(x):
		return false
	case goja.IsString(x):
		s.quote(x.(goja.String))
	case goja.IsNumber(x):
		s.buf = json.AppendNumber(s.buf, x.ToFloat())
	case x.ExportType() == typeBig:
		s.big()
	default:
		b, ok := x.Export().(bool)
		if !ok {
			return false // a symbol
		}
		s.buf = strconv.AppendBool(s.buf, b)
	}
	return true
}

var typeBig = reflect.TypeFor[*big.Int]()

func (s *stringifier) big() { panic(s.v.rt.NewTypeError("Do not know how to serialize a BigInt")) }

func (s *stringifier) object(o *goja.Object) bool {
	if o.ClassName() == "RawJSON" {
		s.buf = append(s.buf, o.Get("rawJSON").String()...)
		return true
	}
	for _, outer := range s.stack {
		if o == outer {
			panic(s.v.rt.NewTypeError("Converting circular structure to JSON"))
		}
	}
	if len(s.stack) >= maxTextDepth {
		s.v.throw(fault.Newf(fault.InvalidArgument, "the value is nested more than %d levels deep", maxTextDepth))
	}
	if s.v.IsFunc(o) {
		return false
	}
	if len(s.buf) > vm.MaxString {
		s.v.tooLarge("a string", float64(len(s.buf)), vm.MaxString)
	}
	s.stack = append(s.stack, o)
	outer := s.indent
	s.indent += s.gap
	if s.isArray(o) {
		s.array(o, outer)
	} else {
		s.members(o, outer)
	}
	s.indent = outer
	s.stack = s.stack[:len(s.stack)-1]
	return true
}

func (s *stringifier) line(indent string) {
	if s.gap != "" {
		s.buf = append(append(s.buf, '\n'), indent...)
	}
}

func (s *stringifier) array(o *goja.Object, outer string) {
	n := s.length(o)
	s.buf = append(s.buf, '[')
	for i := range n {
		if i > 0 {
			s.buf = append(s.buf, ',')
		}
		s.line(s.indent)
		index := strconv.Itoa(i)
		if !s.property(o, s.v.rt.ToValue(index), o.Get(index)) {
			s.buf = append(s.buf, "null"...)
		}
	}
	if n > 0 {
		s.line(outer)
	}
	s.buf = append(s.buf, ']')
}

func (s *stringifier) members(o *goja.Object, outer string) {
	names := s.only
	if !s.filtered {
		list := s.v.must(s.keys(goja.Undefined(), o)).(*goja.Object)
		names = make([]goja.Value, s.length(list))
		for i := range names {
			names[i] = list.Get(strconv.Itoa(i))
		}
	}
	s.buf = append(s.buf, '{')
	empty := true
	for _, name := range names {
		from := len(s.buf)
		if !empty {
			s.buf = append(s.buf, ',')
		}
		s.line(s.indent)
		s.quote(name.(goja.String))
		s.buf = append(s.buf, ':')
		if s.gap != "" {
			s.buf = append(s.buf, ' ')
		}
		var x goja.Value
		if text := name.String(); strings.ContainsRune(text, utf8.RuneError) {
			x = s.v.must(s.get(goja.Undefined(), o, name))
		} else {
			x = o.Get(text)
		}
		if s.property(o, name, x) {
			empty = false
		} else {
			s.buf = s.buf[:from]
		}
	}
	if !empty {
		s.line(outer)
	}
	s.buf = append(s.buf, '}')
}

func (s *stringifier) isArray(o *goja.Object) bool {
	for o.ExportType() == typeProxy {
		p, ok := o.Export().(goja.Proxy)
		if !ok || p.Target() == nil {
			panic(s.v.rt.NewTypeError("Cannot perform 'isArray' on a proxy that has been revoked"))
		}
		o = p.Target()
	}
	return o.ClassName() == "Array"
}

func (s *stringifier) length(o *goja.Object) int {
	x := o.Get("length")
	if x == nil {
		return 0
	}
	n := x.ToInteger()
	if n > vm.MaxList {
		s.v.tooLarge("an array", float64(n), vm.MaxList)
	}
	return int(max(0, n))
}

// quote writes a string; halves of surrogate pairs are escaped.
func (s *stringifier) quote(x goja.String) {
	b, ok := appendText(s.buf, x.String())
	if ok {
		s.buf = b
		return
	}
	s.buf = append(s.buf, '"')
	for i := 0; i < x.Length(); i++ {
		r := rune(x.CharAt(i))
		if utf16.IsSurrogate(r) {
			if i+1 < x.Length() {
				if pair := utf16.DecodeRune(r, rune(x.CharAt(i+1))); pair != utf8.RuneError {
					s.buf = utf8.AppendRune(s.buf, pair)
					i++
					continue
				}
			}
			s.buf = fmt.Appendf(s.buf, `\u%04x`, r)
			continue
		}
		if r == utf8.RuneError {
			s.buf = utf8.AppendRune(s.buf, r)
			continue
		}
		one, _ := appendText(nil, string(r))
		s.buf = append(s.buf, one[1:len(one)-1]...)
	}
	s.buf = append(s.buf, '"')
}

// revive is what JSON.parse does with a reviver, which may put new values where
// it has not been yet.
func (v *VM) revive(reviver goja.Callable, holder *goja.Object, key string, depth int) goja.Value {
	x := holder.Get(key)
	if x == nil {
		x = goja.Undefined()
	}
	if o, ok := x.(*goja.Object); ok {
		if depth > maxTextDepth {
			v.throw(fault.Newf(fault.InvalidArgument, "the value is nested more than %d levels deep", maxTextDepth))
		}
		s := &stringifier{v: v}
		names := []string(nil)
		if s.isArray(o) {
			names = make([]string, s.length(o))
			for i := range names {
				names[i] = strconv.Itoa(i)
			}
		} else {
			names = o.Keys()
		}
		for _, name := range names {
			item := v.revive(reviver, o, name, depth+1)
			if goja.IsUndefined(item) {
				_ = o.Delete(name) // what refuses stays
			} else {
				_ = o.DefineDataProperty(name, item, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
			}
		}
	}
	return v.must(reviver(holder, v.rt.ToValue(key), x))
}
