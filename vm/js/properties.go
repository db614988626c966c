package js

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
)

// goja reads \p{L} in a regular expression as the letters p, {, L and }. So in
// expressions with the u flag classes of Unicode properties are replaced by the
// ranges of their characters: in literals when a program is compiled, otherwise when
// RegExp is called.

// classesByProperty is the condition for programs that may have such classes.
var classesByProperty = matching(`\\[pP]\{`)

func init() {
	bounds = append(bounds, bound{classesByProperty.and(named("RegExp")), func(v *VM) {
		v.wrapClass("RegExp", func(v *VM, args []goja.Value) []goja.Value {
			if len(args) < 2 || !strings.Contains(args[1].String(), "u") || !goja.IsString(args[0]) {
				return args
			}
			return append([]goja.Value{v.rt.ToValue(expandProperties(args[0].String()))}, args[1:]...)
		})
	}})
}

// expandLiterals expands the classes in the literals of a program.
func expandLiterals(program *ast.Program) {
	rewrite(program, func(e ast.Expression) ast.Expression {
		if literal, ok := e.(*ast.RegExpLiteral); ok && strings.Contains(literal.Flags, "u") {
			literal.Pattern = expandProperties(literal.Pattern)
		}
		return nil
	})
}

// expandProperties replaces \p{…} and \P{…} in a pattern, except for properties that
// Go does not have, such as Emoji.
func expandProperties(pattern string) string {
	var b strings.Builder
	class := false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '\\' && i+2 < len(pattern) && (pattern[i+1] == 'p' || pattern[i+1] == 'P') && pattern[i+2] == '{':
			name, _, _ := strings.Cut(pattern[i+3:], "}")
			ranges, ok := propertyRanges(name)
			if !ok {
				b.WriteByte(c)
				continue
			}
			if pattern[i+1] == 'P' {
				ranges = complement(ranges)
			}
			if !class {
				b.WriteByte('[')
			}
			for _, r := range ranges {
				fmt.Fprintf(&b, `\u{%x}-\u{%x}`, r.from, r.to)
			}
			if !class {
				b.WriteByte(']')
			}
			i += len(`\p{`) + len(name)
			continue
		case c == '\\' && i+1 < len(pattern):
			b.WriteByte(c)
			i++
			c = pattern[i]
		}
		b.WriteByte(c)
	}
	return b.String()
}

type runeRange struct{ from, to rune }

// propertyRanges returns the characters with a property: a general category, a
// script, or a binary property.
func propertyRanges(name string) ([]runeRange, bool) {
	key, value, pair := strings.Cut(name, "=")
	var tables []*unicode.RangeTable
	add := func(from map[string]*unicode.RangeTable, names ...string) {
		for _, n := range names {
			if t := from[n]; t != nil {
				tables = append(tables, t)
			}
		}
	}
	category := func(n string) { add(unicode.Categories, cmp.Or(unicode.CategoryAliases[n], n)) }
	switch {
	case pair && (key == "General_Category" || key == "gc"):
		category(value)
	case pair && (key == "Script" || key == "sc" || key == "Script_Extensions" || key == "scx"):
		add(unicode.Scripts, value)
	case pair:
	case name == "Any":
		return []runeRange{{0, unicode.MaxRune}}, true
	case name == "ASCII":
		return []runeRange{{0, unicode.MaxASCII}}, true
	case name == "Alphabetic" || name == "Alpha":
		add(unicode.Categories, "L", "Nl")
		add(unicode.Properties, "Other_Alphabetic")
	case name == "Uppercase" || name == "Upper":
		add(unicode.Categories, "Lu")
		add(unicode.Properties, "Other_Uppercase")
	case name == "Lowercase" || name == "Lower":
		add(unicode.Categories, "Ll")
		add(unicode.Properties, "Other_Lowercase")
	case name == "space":
		add(unicode.Properties, "White_Space")
	default:
		if category(name); len(tables) == 0 {
			add(unicode.Properties, name)
		}
	}
	var list []runeRange
	for _, t := range tables {
		for _, r := range t.R16 {
			list = appendRange(list, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			list = appendRange(list, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return merged(list), len(tables) > 0
}

func appendRange(list []runeRange, from, to, stride rune) []runeRange {
	if stride == 1 {
		return append(list, runeRange{from, to})
	}
	for r := from; r <= to; r += stride {
		list = append(list, runeRange{r, r})
	}
	return list
}

// merged returns the ranges sorted, with adjacent ones joined.
func merged(list []runeRange) (out []runeRange) {
	slices.SortFunc(list, func(a, b runeRange) int { return cmp.Compare(a.from, b.from) })
	for _, r := range list {
		if n := len(out); n > 0 && r.from <= out[n-1].to+1 {
			out[n-1].to = max(out[n-1].to, r.to)
		} else {
			out = append(out, r)
		}
	}
	return out
}

// complement returns the ranges of all other characters.
func complement(list []runeRange) (out []runeRange) {
	next := rune(0)
	for _, r := range list {
		if r.from > next {
			out = append(out, runeRange{next, r.from - 1})
		}
		next = r.to + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, runeRange{next, unicode.MaxRune})
	}
	return out
}
