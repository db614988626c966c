package json

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxDepth is the maximum nesting of objects and lists, unless [Reader.Depth] is
// set. SQLite's JSON functions have the same limit.
const MaxDepth = 1000

// SyntaxError tells where and why a text is not valid JSON.
type SyntaxError struct {
	Offset  int // in bytes, from 0
	Reason  string
	TooDeep bool // the text is nested deeper than the limit
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at byte %d: %s", e.Offset, e.Reason)
}

// Reader parses a JSON text from left to right, token by token. After a syntax
// error all methods return zero values, so that loops end and the caller needs to
// check Err only once, at the end:
//
//	for more := r.Open('{'); more; more = r.More('{') {
//		name := r.Name()
//		…
//	}
//	r.End()
//	return r.Err()
type Reader struct {
	// Depth is the maximum nesting; 0 means MaxDepth.
	Depth int
	// Strict rejects strings that a JSON column of PostgreSQL rejects: those with
	// invalid UTF-8, unpaired surrogates or \u0000. Otherwise invalid bytes and
	// unpaired surrogates are read as U+FFFD.
	Strict bool
	// Copy copies strings that are small compared with the text, so that keeping one
	// does not keep the whole text in memory. Otherwise strings without escapes are
	// substrings of the text.
	Copy bool

	text  string
	pos   int
	depth int
	err   *SyntaxError
}

// NewReader returns a Reader of text.
func NewReader(text string) Reader { return Reader{text: text} }

// Err returns the first error, a *SyntaxError, or nil.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// Fail sets the error, at the current position, unless there is one already.
func (r *Reader) Fail(reason string) {
	if r.err == nil {
		r.err = &SyntaxError{Offset: r.pos, Reason: reason}
	}
	r.pos = len(r.text) // so that nothing more is read
}

// unexpected fails because of the byte at the current position. want describes
// what would be valid there; it may be empty.
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

// Peek skips white space and returns the next byte without consuming it, or 0 at
// the end.
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

// End fails if anything but white space follows.
func (r *Reader) End() {
	if r.Peek(); r.pos < len(r.text) {
		r.Fail("there is more after the value")
	}
}

// Open consumes the opening bracket, { or [, of an object or a list. It returns
// false if that is empty, and has then consumed the closing bracket, too.
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
		r.err.TooDeep = true
		return false
	}
	r.pos++
	if r.Peek() == bracket+2 { // the closing bracket
		r.pos++
		return false
	}
	r.depth++
	return true
}

var openers = map[byte]string{'{': "an object", '[': "a list"}

// More consumes the comma after an element and returns true, or the closing
// bracket and returns false.
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

// Name consumes and returns the name of a member, with the colon after it.
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

// Null consumes null.
func (r *Reader) Null() { r.word("null") }

// Bool consumes true or false.
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

// Number consumes a number and returns its text.
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

// Float consumes a number. Numbers out of range become infinities.
func (r *Reader) Float() float64 {
	text := r.Number()
	if text == "" {
		return 0
	}
	if len(text) <= 15 && text[0] != '-' { // if it is whole, a float64 holds it exactly
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
