package js

import (
	"math/big"
	"unsafe"

	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

// Built-in functions that make one text of many, or much of one text: what comes
// of them is bounded before it is made.

// mostMatched is how long a text may be that a regular expression goes through
// in one call.
const mostMatched = 4 << 20

func init() {
	for _, name := range []string{"join", "toLocaleString"} {
		bound("Array.prototype."+name, before((*VM).fitsJoined), boundText)
	}
	bound("Array.prototype.toString", boundText)
	for _, name := range []string{"toLowerCase", "toUpperCase", "toLocaleLowerCase", "toLocaleUpperCase", "concat", "replace", "replaceAll"} {
		bound("String.prototype."+name, boundText)
	}
	bound("Error.prototype.toString", boundText)
	bound("String.prototype.concat", before(func(v *VM, fc goja.FunctionCall) {
		n := textLength(fc.This)
		for _, x := range fc.Arguments {
			n += textLength(x)
		}
		v.fitsText(n)
	}))
	bound("String.prototype.normalize", before(func(v *VM, fc goja.FunctionCall) { v.fitsText(18 * textLength(fc.This)) }))
	for _, name := range []string{"encodeURI", "encodeURIComponent", "escape"} {
		bound("globalThis."+name, before(func(v *VM, fc goja.FunctionCall) { v.fitsText(3 * textLength(fc.Argument(0))) }), boundText)
	}
	bound("String.raw", before(func(v *VM, fc goja.FunctionCall) {
		o, ok := fc.Argument(0).(*goja.Object)
		if !ok {
			return
		}
		raw := o.Get("raw")
		if raw == nil {
			return
		}
		n := 0
		for _, x := range fc.Arguments {
			n += textLength(x)
		}
		v.fitsList(raw, mostKeys)
		if v.IsList(raw) {
			v.fitsJoined(goja.FunctionCall{This: raw})
		} else {
			v.fitsList(raw, 1000)
		}
		v.fitsText(n)
	}), boundText)
	pieces := before(func(v *VM, fc goja.FunctionCall) { v.fitsPieces(fc.This) })
	bound("String.prototype.split", pieces)
	boundSymbol("String.prototype", goja.SymIterator, pieces)
	for _, name := range []string{"match", "matchAll", "search", "split", "replace", "replaceAll"} {
		bound("String.prototype."+name, before(func(v *VM, fc goja.FunctionCall) {
			if _, ok := fc.Argument(0).(*goja.Object); ok || name == "match" || name == "matchAll" || name == "search" {
				v.fitsMatching(fc.This)
			}
		}))
	}
	for _, name := range []string{"exec", "test", "compile"} {
		bound("RegExp.prototype."+name, before(func(v *VM, fc goja.FunctionCall) { v.fitsMatching(fc.Argument(0)) }))
	}
	for _, sym := range []*goja.Symbol{goja.SymMatch, goja.SymMatchAll, goja.SymReplace, goja.SymSearch, goja.SymSplit} {
		boundSymbol("RegExp.prototype", sym, before(func(v *VM, fc goja.FunctionCall) { v.fitsMatching(fc.Argument(0)) }))
	}
	bound("String.prototype.replace", boundReplace)
	bound("String.prototype.replaceAll", boundReplace)
	for _, name := range []string{"toString", "toLocaleString"} {
		bound("BigInt.prototype."+name, before(func(v *VM, fc goja.FunctionCall) { v.fitsBits(float64(bits(fc.This))) }))
	}
	bound("globalThis.BigInt", before(func(v *VM, fc goja.FunctionCall) { v.fitsDigits(fc.Argument(0)) }))
	for _, name := range []string{"asIntN", "asUintN"} {
		bound("BigInt."+name, before(func(v *VM, fc goja.FunctionCall) { v.fitsBits(fc.Argument(0).ToFloat()); v.fitsDigits(fc.Argument(1)) }))
	}
}

// boundText bounds the text that a function has made: what could be far larger
// is bounded before that.
func boundText(v *VM, fn native, fc goja.FunctionCall) goja.Value {
	x := fn(fc)
	if s, ok := x.(goja.String); ok {
		v.fitsText(s.Length())
	}
	return x
}

// fitsMatching bounds what a regular expression goes through.
func (v *VM) fitsMatching(x goja.Value) {
	if s, ok := x.(goja.String); ok && s.Length() > mostMatched {
		v.tooLarge("a text for a regular expression", float64(s.Length()), mostMatched)
	}
}

// textLength is how long a text is; 0 for other values.
func textLength(x goja.Value) int {
	if s, ok := x.(goja.String); ok {
		return s.Length()
	}
	return 0
}

func (v *VM) fitsText(n int) {
	if n > vm.MaxString {
		v.tooLarge("a string", float64(n), vm.MaxString)
	}
}

// fitsPieces bounds what is taken apart into its characters.
func (v *VM) fitsPieces(x goja.Value) {
	if s, ok := x.(goja.String); ok && s.Length() > vm.MaxList {
		v.tooLarge("a list of the pieces of a string", float64(s.Length()), vm.MaxList)
	}
}

// fitsJoined bounds what a list becomes as a string.
func (v *VM) fitsJoined(fc goja.FunctionCall) {
	o, ok := fc.This.(*goja.Object)
	if !ok || !insides.known || insides.of(o).table != insides.array {
		return
	}
	items, _ := inside{insides.of(o).data}.items()
	n := 0
	if length := (inside{insides.of(o).data}).length(); length > 1 { // with its holes
		n = 1
		if s, ok := fc.Argument(0).(goja.String); ok {
			n = s.Length()
		}
		n *= length - 1
	}
	for _, x := range items {
		if s, ok := x.(goja.String); ok {
			n += s.Length()
		}
	}
	v.fitsText(n)
}

// boundReplace bounds what replacing makes. Where a text for the replacement could
// make more than is allowed, a function stands in for it that counts.
func boundReplace(v *VM, fn native, fc goja.FunctionCall) goja.Value {
	s, isText := fc.This.(goja.String)
	with, isPlain := fc.Argument(1).(goja.String)
	if !isText || !isPlain {
		if f, isObject := fc.Argument(1).(*goja.Object); isObject && isText {
			if _, calls := goja.AssertFunction(f); !calls {
				with, isPlain = v.asText(f), true
			}
		}
		if !isPlain {
			return fn(fc)
		}
	}
	length := 64
	if isText {
		length = s.Length()
	}
	most := with.Length()
	for i := range with.Length() {
		if with.CharAt(i) == '$' {
			most += length
		}
	}
	if isText && float64(length)+float64(length+1)*float64(most) <= vm.MaxString {
		return fn(goja.FunctionCall{This: fc.This, Arguments: []goja.Value{fc.Argument(0), with}})
	}
	left := vm.MaxString - length
	return fn(goja.FunctionCall{This: fc.This, Arguments: []goja.Value{fc.Argument(0), v.rt.ToValue(func(match goja.FunctionCall) goja.Value {
		out := v.substitute(with, match.Arguments, left)
		left -= out.Length()
		return out
	})}})
}

// asText is a value as the language makes a string of it.
func (v *VM) asText(x goja.Value) goja.String {
	if s, ok := x.ToString().(goja.String); ok {
		return s
	}
	return v.rt.ToValue("").(goja.String)
}

// substitute is the replacement for one match, of no more than most characters:
// args are the match, its groups, its position, the whole text and the named
// groups if there are any.
func (v *VM) substitute(with goja.String, args []goja.Value, most int) goja.String {
	var named *goja.Object
	if o, ok := args[len(args)-1].(*goja.Object); ok {
		named, args = o, args[:len(args)-1]
	}
	text := v.asText(args[len(args)-1])
	at := int(args[len(args)-2].ToInteger())
	groups := args[:len(args)-2]
	var b goja.StringBuilder
	put := func(s goja.String) {
		if most -= s.Length(); most < 0 {
			v.tooLarge("a string", vm.MaxString+float64(-most), vm.MaxString)
		}
		b.WriteString(s)
	}
	group := func(x goja.Value) {
		if x != nil && !goja.IsUndefined(x) {
			put(v.asText(x))
		}
	}
	digit := func(i int) int {
		if i < with.Length() && with.CharAt(i) >= '0' && with.CharAt(i) <= '9' {
			return int(with.CharAt(i) - '0')
		}
		return -1
	}
	n := with.Length()
	for i := 0; i < n; i++ {
		if with.CharAt(i) != '$' || i+1 == n {
			from := i
			for i+1 < n && with.CharAt(i+1) != '$' {
				i++
			}
			put(with.Substring(from, i+1))
			continue
		}
		i++
		switch c := with.CharAt(i); {
		case c == '$':
			put(with.Substring(i, i+1))
		case c == '&':
			group(groups[0])
		case c == '`':
			put(text.Substring(0, at))
		case c == '\'':
			put(text.Substring(min(at+v.asText(groups[0]).Length(), text.Length()), text.Length()))
		case digit(i) >= 0:
			one, two := digit(i), -1
			if d := digit(i + 1); d >= 0 {
				two = one*10 + d
			}
			switch {
			case two > 0 && two < len(groups):
				group(groups[two])
				i++
			case one > 0 && one < len(groups):
				group(groups[one])
			default:
				put(with.Substring(i-1, i+1))
			}
		case c == '<' && named != nil:
			end := i + 1
			for end < n && with.CharAt(end) != '>' {
				end++
			}
			if end == n {
				put(with.Substring(i-1, i+1))
				break
			}
			group(named.Get(with.Substring(i+1, end).String()))
			i = end
		default:
			put(with.Substring(i-1, i+1))
		}
	}
	return b.String()
}

// mostDigits and mostBits bound what takes time by the square of its length.
const (
	mostDigits = 100_000
	mostBits   = 4 << 20
)

// bits is how long a whole number is; 0 for other values.
func bits(x goja.Value) int {
	if i := (*iface)(unsafe.Pointer(&x)); inner.known && i.table == inner.big {
		return (*big.Int)(i.data).BitLen()
	}
	return 0
}

func (v *VM) fitsBits(n float64) {
	if n > mostBits {
		v.tooLarge("a number of bits", n, mostBits)
	}
}

func (v *VM) fitsDigits(x goja.Value) {
	if s, ok := x.(goja.String); ok && s.Length() > mostDigits {
		v.throw(fault.Newf(fault.ResourceExhausted, "a number of %d digits is too large: the most is %d", s.Length(), mostDigits))
	}
}
