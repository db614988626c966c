package json

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// String consumes a string. Without escapes it is a substring of the text, unless
// Copy is set.
func (r *Reader) String() string {
	if r.Peek() != '"' {
		r.unexpected("a string")
		return ""
	}
	from, ascii := r.pos+1, true
	for i := from; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '"':
			r.pos = i + 1
			s := r.text[from:i]
			if !ascii {
				return r.utf8(s, from)
			}
			if r.Copy && len(r.text) > 1024 && len(s) < len(r.text)/4 {
				return strings.Clone(s)
			}
			return s
		case c == '\\':
			return r.escaped(from, i)
		case c < ' ':
			return r.badString(i, "a string has a control character")
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return r.badString(len(r.text), "a string does not end")
}

func (r *Reader) badString(at int, reason string) string {
	r.pos = at
	r.Fail(reason)
	return ""
}

// utf8 returns a string that may contain invalid UTF-8.
func (r *Reader) utf8(s string, from int) string {
	switch {
	case utf8.ValidString(s):
		if r.Copy && len(r.text) > 1024 && len(s) < len(r.text)/4 {
			return strings.Clone(s)
		}
		return s
	case r.Strict:
		return r.badString(from, "a string is not valid UTF-8")
	}
	return string([]rune(s)) // with U+FFFD for each invalid byte
}

// plain tells which bytes stand for themselves in a string.
var plain = func() (p [256]bool) {
	for c := range p {
		p[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return p
}()

// escaped consumes the rest of a string that begins at from and has its first
// escape at i.
func (r *Reader) escaped(from, i int) string {
	var small [256]byte // enough for most strings, and allocated on the stack
	b := append(small[:0], r.text[from:i]...)
	for i < len(r.text) {
		c := r.text[i]
		switch {
		case c == '"':
			r.pos = i + 1
			return r.utf8(string(b), from)
		case c < ' ':
			return r.badString(i, "a string has a control character")
		case c != '\\':
			run := i
			for i++; i < len(r.text) && plain[r.text[i]]; i++ {
			}
			b = append(b, r.text[run:i]...)
			continue
		}
		if i+1 == len(r.text) {
			break
		}
		switch c := r.text[i+1]; c {
		case '"', '\\', '/':
			b = append(b, c)
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			c, size := r.unicode(i)
			if size == 0 {
				return ""
			}
			b = utf8.AppendRune(b, c)
			i += size
			continue
		default:
			return r.badString(i, fmt.Sprintf("the escape %q is unknown", r.text[i:i+2]))
		}
		i += 2
	}
	return r.badString(len(r.text), "a string does not end")
}

// unicode parses the \uXXXX at i, or a surrogate pair of them. It returns the size
// in bytes, or 0 after an error.
func (r *Reader) unicode(i int) (c rune, size int) {
	c, ok := hex(r.text, i)
	switch {
	case !ok:
		r.badString(i, `\u needs four hexadecimal digits`)
		return 0, 0
	case c == 0 && r.Strict:
		r.badString(i, `a string has \u0000, which cannot be stored`)
		return 0, 0
	case !utf16.IsSurrogate(c):
		return c, 6
	}
	if low, ok := hex(r.text, i+6); ok {
		if pair := utf16.DecodeRune(c, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	if r.Strict {
		r.badString(i, "a string has half of a surrogate pair")
		return 0, 0
	}
	return utf8.RuneError, 6
}

// hex parses the \uXXXX at i.
func hex(s string, i int) (c rune, ok bool) {
	if i+6 > len(s) || s[i] != '\\' || s[i+1] != 'u' {
		return 0, false
	}
	for _, d := range []byte(s[i+2 : i+6]) {
		switch {
		case '0' <= d && d <= '9':
			d -= '0'
		case 'a' <= d|0x20 && d|0x20 <= 'f':
			d = (d | 0x20) - 'a' + 10
		default:
			return 0, false
		}
		c = c<<4 | rune(d)
	}
	return c, true
}
