package js

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dop251/goja"

	"kumi/store/fault"
)

// parseJSON makes values of JSON text: objects are cheap ordered ones, lists are
// real arrays. The error has code InvalidArgument.
func (v *VM) parseJSON(text string) (goja.Value, error) {
	p := parserState{vm: v, text: text, deepest: deepest * 5}
	x, ok := p.whole()
	if !ok {
		return nil, fault.Newf(fault.InvalidArgument, "invalid JSON at byte %d: %s", p.at, p.reason)
	}
	return x, nil
}

type parserState struct {
	vm     *VM
	text   string
	at     int
	reason string

	deepest  int
	ordinary bool // make ordinary objects, as JSON.parse does
	clone    bool // strings must not keep the text
	keys     []string
	vals     []goja.Value // of the ordinary objects being read, a stack
}

// whole reads all of the text.
func (p *parserState) whole() (goja.Value, bool) {
	p.space()
	x, ok := p.value(0)
	if ok {
		p.space()
		if p.at < len(p.text) {
			return p.fail("there is more after the value")
		}
	}
	return x, ok
}

func (p *parserState) fail(reason string) (goja.Value, bool) {
	if p.reason == "" {
		p.reason = reason
	}
	return nil, false
}

func (p *parserState) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *parserState) value(depth int) (goja.Value, bool) {
	if depth > p.deepest {
		return p.fail("it is nested too deeply")
	}
	if p.at >= len(p.text) {
		return p.fail("it ends too early")
	}
	switch c := p.text[p.at]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		s, ok := p.string()
		if !ok {
			return nil, false
		}
		return p.vm.rt.ToValue(s), true
	case c == '-' || ('0' <= c && c <= '9'):
		return p.number()
	case strings.HasPrefix(p.text[p.at:], "true"):
		p.at += 4
		return p.vm.rt.ToValue(true), true
	case strings.HasPrefix(p.text[p.at:], "false"):
		p.at += 5
		return p.vm.rt.ToValue(false), true
	case strings.HasPrefix(p.text[p.at:], "null"):
		p.at += 4
		return goja.Null(), true
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return p.fail(fmt.Sprintf("unexpected %q", r))
}

func (p *parserState) object(depth int) (goja.Value, bool) {
	p.at++
	from := len(p.keys)
	var o *object
	if !p.ordinary {
		o = &object{}
	}
	p.space()
	if p.at < len(p.text) && p.text[p.at] == '}' {
		p.at++
		return p.made(o, from), true
	}
	for {
		if p.at >= len(p.text) || p.text[p.at] != '"' {
			return p.fail("expected a property name in quotes")
		}
		key, ok := p.string()
		if !ok {
			return nil, false
		}
		p.space()
		if p.at >= len(p.text) || p.text[p.at] != ':' {
			return p.fail("expected ':'")
		}
		p.at++
		p.space()
		x, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		if o != nil {
			o.put(key, x)
		} else {
			p.keys, p.vals = append(p.keys, key), append(p.vals, x)
		}
		p.space()
		if p.at >= len(p.text) {
			return p.fail("it ends too early")
		}
		switch p.text[p.at] {
		case ',':
			p.at++
			p.space()
		case '}':
			p.at++
			return p.made(o, from), true
		default:
			return p.fail("expected ',' or '}'")
		}
	}
}

func (p *parserState) made(o *object, from int) goja.Value {
	if o != nil {
		return p.vm.rt.NewDynamicObject(o)
	}
	return p.native(from)
}

func (p *parserState) array(depth int) (goja.Value, bool) {
	p.at++
	p.space()
	if p.at < len(p.text) && p.text[p.at] == ']' {
		p.at++
		return p.vm.rt.NewArray(), true
	}
	items := make([]any, 0, 8)
	for {
		x, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		items = append(items, x)
		p.space()
		if p.at >= len(p.text) {
			return p.fail("it ends too early")
		}
		switch p.text[p.at] {
		case ',':
			p.at++
			p.space()
		case ']':
			p.at++
			return p.vm.rt.NewArray(items...), true
		default:
			return p.fail("expected ',' or ']'")
		}
	}
}

func (p *parserState) number() (goja.Value, bool) {
	from := p.at
	if p.text[p.at] == '-' {
		p.at++
	}
	digits := p.digits()
	if digits == 0 || (digits > 1 && p.text[p.at-digits] == '0') {
		return p.fail("a number is malformed")
	}
	whole := true
	if p.at < len(p.text) && p.text[p.at] == '.' {
		p.at++
		whole = false
		if p.digits() == 0 {
			return p.fail("a number is malformed")
		}
	}
	if p.at < len(p.text) && (p.text[p.at] == 'e' || p.text[p.at] == 'E') {
		p.at++
		whole = false
		if p.at < len(p.text) && (p.text[p.at] == '+' || p.text[p.at] == '-') {
			p.at++
		}
		if p.digits() == 0 {
			return p.fail("a number is malformed")
		}
	}
	text := p.text[from:p.at]
	if whole && len(text) <= 15 && text != "-0" {
		n, _ := strconv.ParseInt(text, 10, 64)
		return p.vm.rt.ToValue(n), true
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range is an infinity, as in JSON.parse
	if f == 0 && text[0] == '-' {
		f = math.Copysign(0, -1)
	}
	return p.vm.rt.ToValue(f), true
}

func (p *parserState) digits() (n int) {
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
		n++
	}
	return n
}

// string reads a string; without escapes it is a piece of the text itself.
func (p *parserState) string() (string, bool) {
	p.at++
	from := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			if p.clone {
				return strings.Clone(p.text[from : p.at-1]), true
			}
			return p.text[from : p.at-1], true
		case c == '\\':
			return p.escaped(from)
		case c < ' ':
			p.fail("a string has a control character")
			return "", false
		}
		p.at++
	}
	p.fail("a string does not end")
	return "", false
}

func (p *parserState) escaped(from int) (string, bool) {
	b := append(make([]byte, 0, p.at-from+32), p.text[from:p.at]...)
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '"':
			p.at++
			return string(b), true
		case c < ' ':
			p.fail("a string has a control character")
			return "", false
		case c != '\\':
			b = append(b, c)
			p.at++
			continue
		}
		p.at++
		if p.at >= len(p.text) {
			break
		}
		e := p.text[p.at]
		p.at++
		switch e {
		case '"', '\\', '/':
			b = append(b, e)
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
			r, ok := p.hex()
			if !ok {
				p.fail("a \\u escape is malformed")
				return "", false
			}
			if utf16.IsSurrogate(r) && strings.HasPrefix(p.text[p.at:], `\u`) {
				back := p.at
				p.at += 2
				if low, ok := p.hex(); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
					r = utf16.DecodeRune(r, low)
				} else {
					p.at = back
				}
			}
			b = utf8.AppendRune(b, r)
		default:
			p.fail("an escape is unknown")
			return "", false
		}
	}
	p.fail("a string does not end")
	return "", false
}

func (p *parserState) hex() (rune, bool) {
	if p.at+4 > len(p.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+4], 16, 16)
	if err != nil {
		return 0, false
	}
	p.at += 4
	return rune(n), true
}
