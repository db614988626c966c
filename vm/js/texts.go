package js

import (
	"github.com/dop251/goja"

	"kumi/vm"
)

// Limits of functions that make or process long strings.

// maxMatched is the maximum length of a string to which a regular expression is
// applied, in characters.
const maxMatched = 4 << 20

// maxCollated is how long two texts may be together, in characters, that
// localeCompare compares, which takes a microsecond for each.
const maxCollated = 1 << 20

func init() {
	wrap("String.prototype.repeat", before(func(v *VM, fc goja.FunctionCall) {
		if n := fc.Argument(0).ToFloat() * float64(length(fc.This)); n > vm.MaxString {
			v.tooLarge("a string", n, vm.MaxString)
		}
	}))
	for _, name := range []string{"padStart", "padEnd"} {
		wrap("String.prototype."+name, before(func(v *VM, fc goja.FunctionCall) {
			if n := fc.Argument(0).ToFloat(); n > vm.MaxString {
				v.tooLarge("a string", n, vm.MaxString)
			}
		}))
	}
	// String(list) and templates call these without naming them.
	for _, name := range []string{"join", "toString", "toLocaleString"} {
		wrapWhen(always, "Array.prototype."+name, joined)
	}
	wrapWhen(matching(`\b(?:message|name)\b["']?\]?\s*[:=,]`), "Error.prototype.toString", counted)
	wrap("String.prototype.concat", before(func(v *VM, fc goja.FunctionCall) {
		n := textLength(fc.This)
		for _, x := range fc.Arguments {
			n += textLength(x)
		}
		v.fitsText(n)
	}))
	wrap("String.prototype.normalize", before(func(v *VM, fc goja.FunctionCall) { v.fitsText(18 * textLength(fc.This)) }))
	wrap("String.prototype.localeCompare", before(func(v *VM, fc goja.FunctionCall) {
		if n := textLength(fc.This) + textLength(fc.Argument(0)); n > maxCollated {
			v.tooLarge("a text to compare", float64(n), maxCollated)
		}
	}))
	for _, name := range []string{"encodeURI", "encodeURIComponent", "escape"} {
		wrap(name, before(func(v *VM, fc goja.FunctionCall) { v.fitsText(3 * textLength(fc.Argument(0))) }))
	}
	pieces := before(func(v *VM, fc goja.FunctionCall) { v.fitsPieces(fc.This) })
	wrap("String.prototype.split", pieces)
	bounds = append(bounds, bound{matching(`\.\.\.|\b(?:of|from|Set)\b|\[[^\]=]*\]\s*=`), func(v *VM) {
		v.wrapSymbol(v.builtin("String.prototype"), goja.SymIterator, "[Symbol.iterator]", pieces)
	}})
	for _, name := range []string{"match", "matchAll", "search", "split", "replace", "replaceAll"} {
		wrap("String.prototype."+name, before(func(v *VM, fc goja.FunctionCall) {
			if _, ok := fc.Argument(0).(*goja.Object); ok || name == "match" || name == "matchAll" || name == "search" {
				v.fitsMatching(fc.This)
			}
		}))
	}
	wrap("String.prototype.replace", boundReplace)
	wrap("String.prototype.replaceAll", boundReplace)
}

// fitsMatching throws if a string is too long for a regular expression.
func (v *VM) fitsMatching(x goja.Value) {
	if s, ok := x.(goja.String); ok && s.Length() > maxMatched {
		v.tooLarge("a text for a regular expression", float64(s.Length()), maxMatched)
	}
}

// fitsPieces throws if a string is too long to be split into characters.
func (v *VM) fitsPieces(x goja.Value) {
	if s, ok := x.(goja.String); ok && s.Length() > vm.MaxList {
		v.tooLarge("a list of the pieces of a string", float64(s.Length()), vm.MaxList)
	}
}

// joined wraps the functions that convert a list to a string. Lists may be nested, and
// contain the same list many times.
func joined(v *VM, fn native, fc goja.FunctionCall) goja.Value {
	v.fitsJoined(fc)
	x := counted(v, fn, fc)
	v.fitsText(textLength(x))
	return x
}

// fitsJoined throws if the strings in a list are too long together.
func (v *VM) fitsJoined(fc goja.FunctionCall) {
	o, ok := fc.This.(*goja.Object)
	var list rawObject
	if ok {
		list, ok = objectLayout.array(o)
	}
	if !ok {
		v.fitsList(fc.This)
		return
	}
	items, _ := list.items()
	n := 0
	if length := list.length(); length > 1 { // separators, also between holes
		n = 1
		if s, ok := fc.Argument(0).(goja.String); ok {
			n = s.Length()
		}
		n *= length - 1
	}
	for _, x := range items {
		n += textLength(x)
	}
	v.fitsText(n)
}

// boundReplace limits the result of replace and replaceAll. If the result could be too
// long, the replacement string is replaced by a function that counts.
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
	longest := with.Length() // of one replacement
	for i := range with.Length() {
		if with.CharAt(i) == '$' {
			longest += length
		}
	}
	if isText && float64(length)+float64(length+1)*float64(longest) <= vm.MaxString {
		return fn(goja.FunctionCall{This: fc.This, Arguments: []goja.Value{fc.Argument(0), with}})
	}
	left := vm.MaxString - length
	return fn(goja.FunctionCall{This: fc.This, Arguments: []goja.Value{fc.Argument(0), v.rt.ToValue(func(match goja.FunctionCall) goja.Value {
		out := v.substitute(with, match.Arguments, left)
		left -= out.Length()
		return out
	})}})
}

// asText converts a value to a string.
func (v *VM) asText(x goja.Value) goja.String {
	if _, ok := x.(*goja.Symbol); ok {
		panic(v.rt.NewTypeError("Cannot convert a Symbol value to a string"))
	}
	text := x.ToString() // may still be a number
	if s, ok := text.(goja.String); ok {
		return s
	}
	return v.rt.ToValue(text.String()).(goja.String)
}

// substitute returns the replacement for one match, of at most limit characters. args
// are the match, its groups, its position, the whole text, and the named groups if
// there are any.
func (v *VM) substitute(with goja.String, args []goja.Value, limit int) goja.String {
	var named *goja.Object
	if o, ok := args[len(args)-1].(*goja.Object); ok {
		named, args = o, args[:len(args)-1]
	}
	text := v.asText(args[len(args)-1])
	at := int(args[len(args)-2].ToInteger())
	groups := args[:len(args)-2]
	var b goja.StringBuilder
	put := func(s goja.String) {
		if limit -= s.Length(); limit < 0 {
			v.tooLarge("a string", vm.MaxString+float64(-limit), vm.MaxString)
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
