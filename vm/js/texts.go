package js

import (
	"math/big"
	"regexp"

	"github.com/dop251/goja"

	"kumi/store/fault"
	"kumi/vm"
)

// Built-in functions that make one text of many, or much of one text: what comes
// of them is bounded before it is made.
var (
	namesReplace = regexp.MustCompile(`\breplace(?:All)?\b`)
	namesConcat  = regexp.MustCompile(`\bconcat\b`)
	namesPieces  = regexp.MustCompile(`\bsplit\b|\.\.\.|\bfrom\b|\biterator\b|\bof\b|\[[^\]=]*\]\s*=|\bSet\b`)
	namesBig     = regexp.MustCompile(`\bBigInt\b|\d+n\b`)
)

// texts are the checks of this kind that a program gets.
type texts struct{ replace, concat, pieces, big bool }

func textsOf(source string) texts {
	return texts{
		replace: namesReplace.MatchString(source), concat: namesConcat.MatchString(source),
		pieces: namesPieces.MatchString(source), big: namesBig.MatchString(source),
	}
}

func (v *VM) addTexts(t texts, arrays *goja.Object) {
	global := v.rt.GlobalObject()
	prototype := func(class string) *goja.Object {
		return global.Get(class).(*goja.Object).Get("prototype").(*goja.Object)
	}
	v.check(arrays, "join", func(fc goja.FunctionCall) { v.fitsJoined(fc) }) // String(list) needs no name
	if t.concat {
		v.check(prototype("String"), "concat", func(fc goja.FunctionCall) {
			n := 0
			for _, x := range append([]goja.Value{fc.This}, fc.Arguments...) {
				if s, ok := x.(goja.String); ok {
					n += s.Length()
				}
			}
			v.fitsText(n)
		})
	}
	if t.pieces {
		strings := prototype("String")
		v.check(strings, "split", func(fc goja.FunctionCall) { v.fitsPieces(fc.This) })
		if native, ok := goja.AssertFunction(strings.GetSymbol(goja.SymIterator)); ok {
			_ = strings.DefineDataPropertySymbol(goja.SymIterator, v.named("[Symbol.iterator]", func(fc goja.FunctionCall) goja.Value {
				v.fitsPieces(fc.This)
				return v.must(native(fc.This))
			}), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
	}
	if t.replace {
		v.boundReplace(prototype("String"), "replace")
		v.boundReplace(prototype("String"), "replaceAll")
	}
	if t.big {
		v.boundBig(global, prototype("BigInt"))
	}
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
	if length := o.Get("length").ToInteger(); length > 1 { // with its holes
		n = 1
		if s, ok := fc.Argument(0).(goja.String); ok {
			n = s.Length()
		}
		n *= int(length) - 1
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
func (v *VM) boundReplace(o *goja.Object, name string) {
	native, ok := goja.AssertFunction(o.Get(name))
	if !ok {
		return
	}
	fn := v.named(name, func(fc goja.FunctionCall) goja.Value {
		s, isText := fc.This.(goja.String)
		with, isPlain := fc.Argument(1).(goja.String)
		if !isText || !isPlain {
			if f, isObject := fc.Argument(1).(*goja.Object); isObject && isText {
				if _, calls := goja.AssertFunction(f); !calls {
					with, isPlain = v.asText(f), true
				}
			}
			if !isPlain {
				return v.must(native(fc.This, fc.Arguments...))
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
			return v.must(native(fc.This, fc.Argument(0), with))
		}
		left := vm.MaxString - length
		return v.must(native(fc.This, fc.Argument(0), v.rt.ToValue(func(match goja.FunctionCall) goja.Value {
			out := v.substitute(with, match.Arguments, left)
			left -= out.Length()
			return out
		})))
	})
	_ = o.DefineDataProperty(name, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
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

// boundBig bounds making texts of large whole numbers and numbers of long texts.
// Arithmetic with them cannot be.
func (v *VM) boundBig(global, numbers *goja.Object) {
	for _, name := range []string{"toString", "toLocaleString"} {
		v.check(numbers, name, func(fc goja.FunctionCall) {
			if n, ok := fc.This.Export().(*big.Int); ok && n.BitLen() > mostBits {
				v.tooLarge("a number of bits", float64(n.BitLen()), mostBits)
			}
		})
	}
	class, ok := global.Get("BigInt").(*goja.Object)
	if !ok {
		return
	}
	native, ok := goja.AssertFunction(class)
	if !ok {
		return
	}
	fn := v.named("BigInt", func(fc goja.FunctionCall) goja.Value {
		if s, ok := fc.Argument(0).(goja.String); ok && s.Length() > mostDigits {
			v.throw(fault.Newf(fault.ResourceExhausted, "a number of %d digits is too large: the most is %d", s.Length(), mostDigits))
		}
		return v.must(native(fc.This, fc.Arguments...))
	})
	_ = fn.DefineDataProperty("prototype", numbers, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	_ = fn.SetPrototype(class) // asIntN, asUintN
	_ = numbers.DefineDataProperty("constructor", fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	_ = global.DefineDataProperty("BigInt", fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}
