package lua

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// format is string.format, with the directives of Lua 5.1. gopher-lua's own passes
// them to Go's fmt, which lacks %u, quotes like Go, has another precision for %g and
// counts runes.
func format(L *lua.LState) int {
	text := L.CheckString(1)
	var b strings.Builder
	arg := 1
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			b.WriteByte(text[i])
			continue
		}
		if i++; i < len(text) && text[i] == '%' {
			b.WriteByte('%')
			continue
		}
		var d directive
		d, i = readDirective(L, text, i)
		arg++
		d.write(L, &b, arg)
		tooLong(L, b.Len())
	}
	L.Push(lua.LString(b.String()))
	return 1
}

// directive is a parsed directive: flags, width, precision and verb.
type directive struct {
	flags            string
	width, precision int // -1: none
	verb             byte
}

// readDirective parses the directive at i; last is the position of its verb. As in
// Lua, a width or precision has at most two digits.
func readDirective(L *lua.LState, text string, i int) (d directive, last int) {
	d.width, d.precision = -1, -1
	from := i
	for i < len(text) && strings.IndexByte("-+ #0", text[i]) >= 0 {
		i++
	}
	d.flags = text[from:i]
	number := func() int {
		from := i
		for i < len(text) && '0' <= text[i] && text[i] <= '9' {
			i++
		}
		if i-from > 2 {
			L.RaiseError("invalid format (width or precision too long)")
		}
		n, _ := strconv.Atoi(text[from:i]) // without digits it is 0
		return n
	}
	if d.width = number(); d.width == 0 {
		d.width = -1
	}
	if i < len(text) && text[i] == '.' {
		i++
		d.precision = number()
	}
	if i == len(text) {
		L.RaiseError("invalid option '%%' to 'format'")
	}
	d.verb = text[i]
	return d, i
}

// spec returns the directive for Go's fmt, with another verb.
func (d directive) spec(verb byte) string {
	s := "%" + d.flags
	if d.width >= 0 {
		s += strconv.Itoa(d.width)
	}
	if d.precision >= 0 {
		s += "." + strconv.Itoa(d.precision)
	}
	return s + string(verb)
}

func (d directive) write(L *lua.LState, b *strings.Builder, arg int) {
	switch d.verb {
	case 'd', 'i':
		fmt.Fprintf(b, d.spec('d'), whole(L, arg))
	case 'u':
		fmt.Fprintf(b, d.spec('d'), uint64(whole(L, arg)))
	case 'o', 'x', 'X':
		fmt.Fprintf(b, d.spec(d.verb), uint64(whole(L, arg)))
	case 'c':
		d.pad(b, string([]byte{byte(whole(L, arg))}))
	case 'e', 'E', 'f', 'g', 'G':
		f := float64(L.CheckNumber(arg))
		switch {
		case math.IsInf(f, 0) || math.IsNaN(f):
			d.pad(b, numberText(lua.LNumber(f)))
			return
		case d.precision < 0:
			d.precision = 6
		}
		fmt.Fprintf(b, d.spec(d.verb), f)
	case 'q':
		quote(b, L.CheckString(arg))
	case 's':
		s := L.ToStringMeta(L.CheckAny(arg)).String()
		if n, ok := L.Get(arg).(lua.LNumber); ok {
			s = numberText(n)
		}
		if d.precision >= 0 && len(s) > d.precision {
			s = s[:d.precision]
		}
		d.pad(b, s)
	default:
		L.RaiseError("invalid option '%%%c' to 'format'", d.verb)
	}
}

// whole returns a number without its fraction.
func whole(L *lua.LState, arg int) int64 {
	f := float64(L.CheckNumber(arg))
	if f >= 1<<63 && f < 1<<64 {
		return int64(uint64(f)) // for %u and %x
	}
	return int64(f)
}

// pad writes a text padded to the width, in bytes.
func (d directive) pad(b *strings.Builder, s string) {
	space := strings.Repeat(" ", max(0, d.width-len(s)))
	if strings.Contains(d.flags, "-") {
		b.WriteString(s + space)
	} else {
		b.WriteString(space + s)
	}
}

// quote writes a string as a literal of Lua.
func quote(b *strings.Builder, s string) {
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\', '\n':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\r':
			b.WriteString(`\r`)
		case 0:
			b.WriteString(`\000`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
}

// numberText is tostring for numbers.
func numberText(n lua.LNumber) string {
	switch f := float64(n); {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	return n.String()
}
