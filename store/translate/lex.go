package translate

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	eofToken    tokenKind = iota
	wordToken             // an unquoted name or keyword
	nameToken             // a quoted name; text is without quotes
	stringToken           // text is the value
	blobToken             // X'…'; text as written
	numberToken
	paramToken // $1, ?1, :name, @name
	opToken    // an operator or one of ( ) [ ] , ; . ?
)

type token struct {
	kind tokenKind
	text string
	word string // upper-case text of a word
	pos  int
}

// Error says what in a statement cannot run on the embedded database.
type Error struct {
	Line, Column int // from 1; the column counts characters
	Message      string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

func errorAt(query string, pos int, format string, args ...any) *Error {
	before := query[:min(pos, len(query))]
	line := strings.Count(before, "\n")
	return &Error{
		Line: line + 1, Column: utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1,
		Message: fmt.Sprintf(format, args...),
	}
}

// byteOrderMark is whitespace to SQLite wherever a token may begin.
const byteOrderMark = "\ufeff"

// operators of more than one character, the longest first.
var operators = []string{
	"->>", "#>>", "!~~*", "!~~", "~~*", "!~*", "::", "->", "#>", "#-", "@>", "<@", "@?", "@@", "?|", "?&",
	"||", "<=", ">=", "<>", "!=", "==", "<<", ">>", "~~", "~*", "!~", ":=", "=>", "&&",
}

// lex splits a query into tokens, without comments; the last one is eofToken.
func lex(query string) ([]token, error) {
	if i := strings.IndexByte(query, 0); i >= 0 {
		return nil, errorAt(query, i, "the statement contains a zero byte")
	}
	l := lexer{in: query}
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		l.out = append(l.out, t)
		if t.kind == eofToken {
			return l.out, nil
		}
	}
}

type lexer struct {
	in  string
	pos int
	out []token
}

func (l *lexer) next() (token, error) {
	if err := l.space(); err != nil {
		return token{}, err
	}
	start, rest := l.pos, l.in[l.pos:]
	if rest == "" {
		return token{kind: eofToken, pos: start}, nil
	}
	switch c := rest[0]; {
	case c == '\'':
		return l.quoted(start, 0, '\'', stringToken)
	case c == '"':
		return l.quoted(start, 0, '"', nameToken)
	case c == '`':
		return l.quoted(start, 0, '`', nameToken)
	case (c == 'x' || c == 'X') && strings.HasPrefix(rest[1:], "'"):
		t, err := l.quoted(start, 1, '\'', blobToken)
		t.text = l.in[start:l.pos]
		return t, err
	case (c == 'e' || c == 'E') && strings.HasPrefix(rest[1:], "'"):
		return l.escaped(start)
	case (c == 'u' || c == 'U') && strings.HasPrefix(rest[1:], "&'"):
		return token{}, errorAt(l.in, start, "strings of the form U&'…' are not understood; write the characters themselves")
	case isDigit(c) || c == '.' && len(rest) > 1 && isDigit(rest[1]):
		return l.number(start), nil
	case c == '$':
		return l.dollar(start)
	case c == '?' && len(rest) > 1 && isDigit(rest[1]), (c == ':' || c == '@') && len(rest) > 1 && isWordStart(rest[1]):
		l.pos++
		l.word()
		return token{kind: paramToken, text: l.in[start:l.pos], pos: start}, nil
	case isWordStart(c):
		l.word()
		text := l.in[start:l.pos]
		return token{kind: wordToken, text: text, word: strings.ToUpper(text), pos: start}, nil
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			l.pos += len(op)
			return token{kind: opToken, text: op, pos: start}, nil
		}
	}
	l.pos++
	return token{kind: opToken, text: rest[:1], pos: start}, nil
}

// space skips whitespace and comments. Comments nest, as on PostgreSQL.
func (l *lexer) space() error {
	for l.pos < len(l.in) {
		rest := l.in[l.pos:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			l.pos++
		case strings.HasPrefix(rest, byteOrderMark):
			l.pos += len(byteOrderMark)
		case strings.HasPrefix(rest, "--"):
			if i := strings.IndexByte(rest, '\n'); i >= 0 {
				l.pos += i + 1
			} else {
				l.pos = len(l.in)
			}
		case strings.HasPrefix(rest, "/*"):
			if !l.comment() {
				return errorAt(l.in, l.pos, "the comment does not end")
			}
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) comment() bool {
	depth := 0
	for i := l.pos; i+1 < len(l.in); i++ {
		switch l.in[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				l.pos = i + 1
				return true
			}
		}
	}
	return false
}

// quoted reads text in quotes, which are doubled inside it.
func (l *lexer) quoted(start, skip int, quote byte, kind tokenKind) (token, error) {
	var b strings.Builder
	for i := start + skip + 1; i < len(l.in); i++ {
		if l.in[i] != quote {
			b.WriteByte(l.in[i])
			continue
		}
		if i+1 < len(l.in) && l.in[i+1] == quote {
			b.WriteByte(quote)
			i++
			continue
		}
		l.pos = i + 1
		return token{kind: kind, text: b.String(), pos: start}, nil
	}
	return token{}, errorAt(l.in, start, "the quoted text does not end")
}

// escaped reads a string of the form E'…'.
func (l *lexer) escaped(start int) (token, error) {
	var b strings.Builder
	for i := start + 2; i < len(l.in); i++ {
		c := l.in[i]
		switch {
		case c == '\'' && i+1 < len(l.in) && l.in[i+1] == '\'':
			b.WriteByte(c)
			i++
		case c == '\'':
			l.pos = i + 1
			return token{kind: stringToken, text: b.String(), pos: start}, nil
		case c == '\\' && i+1 < len(l.in):
			i++
			plain, ok := map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f'}[l.in[i]]
			switch {
			case ok:
				b.WriteByte(plain)
			case strings.IndexByte("xuU01234567", l.in[i]) >= 0:
				return token{}, errorAt(l.in, i-1, "numeric escapes in strings are not understood; write the character itself")
			default:
				b.WriteByte(l.in[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return token{}, errorAt(l.in, start, "the quoted text does not end")
}

func (l *lexer) number(start int) token {
	in := l.in
	i := start
	if strings.HasPrefix(in[i:], "0x") || strings.HasPrefix(in[i:], "0X") {
		for i += 2; i < len(in) && (isDigit(in[i]) || in[i]|0x20 >= 'a' && in[i]|0x20 <= 'f'); i++ {
		}
	} else {
		digits := func() {
			for i < len(in) && (isDigit(in[i]) || in[i] == '_') {
				i++
			}
		}
		digits()
		if i < len(in) && in[i] == '.' {
			i++
			digits()
		}
		if i < len(in) && in[i]|0x20 == 'e' {
			j := i + 1
			if j < len(in) && (in[j] == '+' || in[j] == '-') {
				j++
			}
			if j < len(in) && isDigit(in[j]) {
				i = j
				digits()
			}
		}
	}
	l.pos = i
	return token{kind: numberToken, text: strings.ReplaceAll(in[start:i], "_", ""), pos: start}
}

// dollar reads $1 and strings of the form $tag$…$tag$.
func (l *lexer) dollar(start int) (token, error) {
	i := start + 1
	for i < len(l.in) && (isWordStart(l.in[i]) || isDigit(l.in[i])) {
		i++
	}
	if i < len(l.in) && l.in[i] == '$' && (i == start+1 || !isDigit(l.in[start+1])) {
		tag := l.in[start : i+1]
		end := strings.Index(l.in[i+1:], tag)
		if end < 0 {
			return token{}, errorAt(l.in, start, "the quoted text does not end")
		}
		l.pos = i + 1 + end + len(tag)
		return token{kind: stringToken, text: l.in[i+1 : i+1+end], pos: start}, nil
	}
	if i == start+1 {
		return token{}, errorAt(l.in, start, "expected a number after $")
	}
	l.pos = i
	return token{kind: paramToken, text: l.in[start:i], pos: start}, nil
}

func (l *lexer) word() {
	for l.pos < len(l.in) && (isWordStart(l.in[l.pos]) || isDigit(l.in[l.pos]) || l.in[l.pos] == '$') {
		l.pos++
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isWordStart agrees with SQLite: every byte of a non-ASCII character is part of a
// name.
func isWordStart(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= utf8.RuneSelf
}
