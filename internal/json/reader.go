package json

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxDepth is how deep objects and lists may be nested in one another, unless
// [Reader.Depth] says otherwise. SQLite's own functions look no deeper.
const MaxDepth = 1000

// SyntaxError says where and why a text is not JSON.
type SyntaxError struct {
	Offset int // in bytes
	Reason string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d: %s", e.Offset, e.Reason)
}

// Reader takes a JSON text apart, from left to right and once. After a mistake
// in the text every method answers with the zero value, so that loops end and
// only Err needs to be asked, at the end:
//
//	for more := r.Open('{'); more; more = r.More('{') {
//		name := r.Name()
//		…
//	}
//	r.End()
//	return r.Err()
type Reader struct {
	// Depth is how many levels of nesting are read; 0 is MaxDepth.
	Depth int
	// Strict refuses the strings that a JSON column of PostgreSQL refuses: those
	// with bytes that are not UTF-8, halves of surrogate pairs, and \u0000.
	// Without, wrong bytes and halves are read as U+FFFD.
	Strict bool
	// Copy makes a string a copy when it is small beside the text, so that a
	// value that is kept does not keep the text. Without, strings without escapes
	// are parts of the text.
	Copy bool

	text  string
	pos   int
	depth int
	err   *SyntaxError
}

// NewReader reads text.
func NewReader(text string) Reader { return Reader{text: text} }

// Err is the first mistake that was met, a *SyntaxError, or nil.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// Fail makes reason the error, at the current position, unless there is one.
func (r *Reader) Fail(reason string) {
	if r.err == nil {
		r.err = &SyntaxError{Offset: r.pos, Reason: reason}
	}
	r.pos = len(r.text) // nothing more is found
}

// unexpected fails with what is at the current position, which is not wanted.
func (r *Reader) unexpected(want string) {
	r.Peek()
	switch {
	case r.pos == len(r.text):
		r.Fail("it ends too early")
	case want != "":
		r.Fail("expected " + want)
	default:
		c, _ := utf8.DecodeRuneInString(r.text[r.pos:])
		r.Fail(fmt.Sprintf("unexpected %q", c))
	}
}

// Peek is the first byte of what comes next, after white space; 0 at the end.
func (r *Reader) Peek() byte {
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

// End makes sure that nothing follows but white space.
func (r *Reader) End() {
	if r.Peek(); r.pos < len(r.text) {
		r.Fail("there is more after the value")
	}
}

// Open takes the bracket that begins an object or a list, { or [. It is false
// when there is nothing in it, and the end has been taken then.
func (r *Reader) Open(bracket byte) bool {
	if r.Peek() != bracket {
		r.unexpected(openers[bracket])
		return false
	}
	limit := r.Depth
	if limit == 0 {
		limit = MaxDepth
	}
	if r.depth == limit {
		r.Fail(fmt.Sprintf("it is nested more than %d levels deep", limit))
		return false
	}
	r.pos++
	if r.Peek() == bracket+2 { // the bracket that ends it
		r.pos++
		return false
	}
	r.depth++
	return true
}

var openers = map[byte]string{'{': "an object", '[': "a list"}

// More takes what follows an element: a comma, or the end, after which it is
// false.
func (r *Reader) More(bracket byte) bool {
	switch r.Peek() {
	case ',':
		r.pos++
		return true
	case bracket + 2:
		r.pos++
		r.depth--
		return false
	}
	if bracket == '{' {
		r.unexpected("',' or '}'")
	} else {
		r.unexpected("',' or ']'")
	}
	return false
}

// Name takes the name of a member and the colon after it.
func (r *Reader) Name() string {
	if r.Peek() != '"' {
		r.unexpected("a property name in quotes")
		return ""
	}
	name := r.String()
	if r.Peek() != ':' {
		r.unexpected("':'")
		return ""
	}
	r.pos++
	return name
}

// Null takes null.
func (r *Reader) Null() { r.word("null") }

// Bool takes true or false.
func (r *Reader) Bool() bool {
	if r.Peek() == 't' {
		return r.word("true")
	}
	r.word("false")
	return false
}

func (r *Reader) word(word string) bool {
	if r.Peek(); !strings.HasPrefix(r.text[r.pos:], word) {
		r.unexpected("")
		return false
	}
	r.pos += len(word)
	return true
}

// Number takes a number, as it is written.
func (r *Reader) Number() string {
	c := r.Peek()
	from := r.pos
	if c == '-' {
		r.pos++
	} else if c < '0' || c > '9' {
		r.unexpected("")
		return ""
	}
	first := r.pos
	ok := r.digits() && (r.text[first] != '0' || r.pos == first+1)
	if ok && r.pos < len(r.text) && r.text[r.pos] == '.' {
		r.pos++
		ok = r.digits()
	}
	if ok && r.pos < len(r.text) && r.text[r.pos]|0x20 == 'e' {
		r.pos++
		if r.pos < len(r.text) && (r.text[r.pos] == '+' || r.text[r.pos] == '-') {
			r.pos++
		}
		ok = r.digits()
	}
	if !ok {
		r.Fail("a number is malformed")
		return ""
	}
	return r.text[from:r.pos]
}

func (r *Reader) digits() bool {
	from := r.pos
	for r.pos < len(r.text) && '0' <= r.text[r.pos] && r.text[r.pos] <= '9' {
		r.pos++
	}
	return r.pos > from
}

// Float takes a number. One that is out of range is an infinity.
func (r *Reader) Float() float64 {
	text := r.Number()
	if text == "" {
		return 0
	}
	if len(text) <= 15 && text[0] != '-' { // exact in a float64, if it is whole
		n, i := 0, 0
		for ; i < len(text) && '0' <= text[i] && text[i] <= '9'; i++ {
			n = n*10 + int(text[i]-'0')
		}
		if i == len(text) {
			return float64(n)
		}
	}
	f, _ := strconv.ParseFloat(text, 64)
	return f
}
