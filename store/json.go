package store

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONDepth is how deep SQLite's own JSON functions can look.
const maxJSONDepth = 1000

// JSONError says where and why a text is not JSON that a database would take.
type JSONError struct {
	Offset int // bytes from the start
	Reason string
}

func (e *JSONError) Error() string {
	return fmt.Sprintf("invalid json at byte %d: %s", e.Offset, e.Reason)
}

// NormalizeJSON returns the text that PostgreSQL would show for s stored as
// JSONB: of members with the same name the last one, members ordered by the
// length of the name and then by its bytes, one space after colon and comma,
// numbers written out without exponent, escapes only where they are needed.
// Like PostgreSQL it refuses \u0000, lone surrogates and numbers beyond the
// range of numeric; unlike it, it refuses nesting deeper than 1000.
func NormalizeJSON(s string) (string, error) {
	n := normalizer{in: s, out: make([]byte, 0, len(s)+len(s)/8)}
	n.space()
	if err := n.value(0); err != nil {
		return "", err
	}
	n.space()
	if n.pos < len(s) {
		return "", n.fail("unexpected text after the value")
	}
	return string(n.out), nil
}

type normalizer struct {
	in      string
	pos     int
	out     []byte
	scratch []byte // for putting members in order
}

type jsonMember struct {
	name     string
	from, to int // the rendered `"name": value` in out
}

func (n *normalizer) fail(reason string) error { return &JSONError{Offset: n.pos, Reason: reason} }

func (n *normalizer) space() {
	for n.pos < len(n.in) {
		switch n.in[n.pos] {
		case ' ', '\t', '\n', '\r':
			n.pos++
		default:
			return
		}
	}
}

func (n *normalizer) peek() byte {
	if n.pos < len(n.in) {
		return n.in[n.pos]
	}
	return 0
}

func (n *normalizer) value(depth int) error {
	if depth > maxJSONDepth {
		return n.fail("nested too deep")
	}
	switch c := n.peek(); {
	case c == '{':
		return n.object(depth)
	case c == '[':
		return n.array(depth)
	case c == '"':
		_, err := n.text()
		return err
	case c == '-' || c >= '0' && c <= '9':
		return n.number()
	case n.pos >= len(n.in):
		return n.fail("the text ends too early")
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(n.in[n.pos:], word) {
			n.pos += len(word)
			n.out = append(n.out, word...)
			return nil
		}
	}
	return n.fail("expected a value")
}

func (n *normalizer) array(depth int) error {
	n.pos++
	n.out = append(n.out, '[')
	n.space()
	for first := true; ; first = false {
		if n.peek() == ']' && first {
			break
		}
		if !first {
			n.out = append(n.out, ", "...)
		}
		if err := n.value(depth + 1); err != nil {
			return err
		}
		n.space()
		if n.peek() == ']' {
			break
		}
		if n.peek() != ',' {
			return n.fail("expected , or ]")
		}
		n.pos++
		n.space()
	}
	n.pos++
	n.out = append(n.out, ']')
	return nil
}

func (n *normalizer) object(depth int) error {
	n.pos++
	start := len(n.out)
	n.out = append(n.out, '{')
	n.space()
	if n.peek() == '}' {
		n.pos++
		n.out = append(n.out, '}')
		return nil
	}
	var buf [16]jsonMember
	members := buf[:0]
	ordered := true
	for {
		if n.peek() != '"' {
			return n.fail("expected a member name")
		}
		if len(members) > 0 {
			n.out = append(n.out, ", "...)
		}
		m := jsonMember{from: len(n.out)}
		var err error
		if m.name, err = n.text(); err != nil {
			return err
		}
		n.space()
		if n.peek() != ':' {
			return n.fail("expected :")
		}
		n.pos++
		n.out = append(n.out, ": "...)
		n.space()
		if err := n.value(depth + 1); err != nil {
			return err
		}
		m.to = len(n.out)
		if len(members) > 0 && compareNames(members[len(members)-1].name, m.name) >= 0 {
			ordered = false
		}
		members = append(members, m)
		n.space()
		if n.peek() == '}' {
			break
		}
		if n.peek() != ',' {
			return n.fail("expected , or }")
		}
		n.pos++
		n.space()
	}
	n.pos++
	if !ordered {
		n.reorder(start, members)
	}
	n.out = append(n.out, '}')
	return nil
}

// reorder rewrites the members that begin after out[start] in PostgreSQL's
// order, keeping the last of each name.
func (n *normalizer) reorder(start int, members []jsonMember) {
	slices.SortStableFunc(members, func(a, b jsonMember) int { return compareNames(a.name, b.name) })
	n.scratch = n.scratch[:0]
	for i, m := range members {
		if i+1 < len(members) && members[i+1].name == m.name {
			continue
		}
		if len(n.scratch) > 0 {
			n.scratch = append(n.scratch, ", "...)
		}
		n.scratch = append(n.scratch, n.out[m.from:m.to]...)
	}
	n.out = append(n.out[:start+1], n.scratch...)
}

func compareNames(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// text reads a string, writes it in its shortest form and returns its value.
func (n *normalizer) text() (string, error) {
	n.pos++
	start := n.pos
	// Most strings need no change at all.
	for n.pos < len(n.in) {
		c := n.in[n.pos]
		if c == '"' {
			s := n.in[start:n.pos]
			if !utf8.ValidString(s) {
				return "", n.fail("invalid utf-8")
			}
			n.pos++
			n.out = append(n.out, '"')
			n.out = append(n.out, s...)
			n.out = append(n.out, '"')
			return s, nil
		}
		if c == '\\' || c < ' ' {
			break
		}
		n.pos++
	}
	n.pos = start
	var b []byte
	for n.pos < len(n.in) {
		c := n.in[n.pos]
		switch {
		case c == '"':
			if !utf8.Valid(b) {
				return "", n.fail("invalid utf-8")
			}
			n.pos++
			s := string(b)
			n.out = appendQuoted(n.out, s)
			return s, nil
		case c < ' ':
			return "", n.fail("control character in a string")
		case c != '\\':
			b = append(b, c)
			n.pos++
		default:
			r, err := n.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		}
	}
	return "", n.fail("a string does not end")
}

func (n *normalizer) escape() (rune, error) {
	if n.pos+1 >= len(n.in) {
		return 0, n.fail("a string does not end")
	}
	c := n.in[n.pos+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		n.pos += 2
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, n.fail("unknown escape in a string")
	}
	r, ok := n.hex(n.pos)
	switch {
	case !ok:
		return 0, n.fail(`\u needs four hexadecimal digits`)
	case r == 0:
		return 0, n.fail(`\u0000 cannot be stored`)
	case !utf16.IsSurrogate(r):
		n.pos += 6
		return r, nil
	}
	low, ok := n.hex(n.pos + 6)
	if !ok {
		return 0, n.fail("half of a surrogate pair")
	}
	r = utf16.DecodeRune(r, low)
	if r == utf8.RuneError {
		return 0, n.fail("half of a surrogate pair")
	}
	n.pos += 12
	return r, nil
}

// hex reads the \uXXXX at position i.
func (n *normalizer) hex(i int) (rune, bool) {
	if i+6 > len(n.in) || n.in[i] != '\\' || n.in[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(n.in[i+2 : i+6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for _, c := range []byte(s) {
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			if c < ' ' {
				b = fmt.Appendf(b, `\u%04x`, c)
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}

func quoteJSON(s string) string { return string(appendQuoted(make([]byte, 0, len(s)+2), s)) }
