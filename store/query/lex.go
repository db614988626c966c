package query

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"kumi/store/fault"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenPhrase
	tokenRegexp
	tokenPlus
	tokenMinus
	tokenColon
	tokenRange
	tokenFuzzy
	tokenBoost
)

// escapable are the characters that a backslash escapes. Before any other character a
// backslash stands for itself.
const escapable = `+-=&|><!(){}[]^"~*?:\/ `

// token is one lexical part of a query. Offsets are in bytes.
type token struct {
	kind       tokenKind
	start, end int

	text string // unescaped; of a fuzzy or boost token the part after its sign

	// pattern is set for a word with unescaped wildcards.
	pattern []rune

	// number is set, with isNumber, for a word of digits with at most one dot.
	number   float64
	isNumber bool

	op rangeOp
}

type lexer struct {
	source string
	at     int
}

// fail returns an InvalidArgument error for a byte offset.
func (l *lexer) fail(offset int, format string, args ...any) error {
	at := utf8.RuneCountInString(l.source[:offset]) + 1
	return fault.Newf(fault.InvalidArgument, "query at character "+strconv.Itoa(at)+": "+format, args...)
}

// next reads the next token, skipping spaces before it.
func (l *lexer) next() (token, error) {
	for l.at < len(l.source) {
		r, width := utf8.DecodeRuneInString(l.source[l.at:])
		if !unicode.IsSpace(r) {
			break
		}
		l.at += width
	}
	if l.at == len(l.source) {
		return token{kind: tokenEnd, start: l.at, end: l.at}, nil
	}
	start := l.at
	single := func(kind tokenKind) (token, error) {
		l.at++
		return token{kind: kind, start: start, end: l.at}, nil
	}
	switch l.source[start] {
	case '+':
		return single(tokenPlus)
	case '-':
		return single(tokenMinus)
	case ':':
		return single(tokenColon)
	case '>', '<':
		return l.rangeSign(), nil
	case '=':
		return token{}, l.fail(start, `unexpected "="; a range is > >= < or <=, an equal value needs no sign`)
	case '~':
		return l.suffix(tokenFuzzy), nil
	case '^':
		return l.suffix(tokenBoost), nil
	case '"':
		return l.phrase()
	case '/':
		if end := l.closingSlash(); end > 0 {
			t := token{kind: tokenRegexp, start: start, end: end + 1, text: l.source[start+1 : end]}
			l.at = t.end
			return t, nil
		}
	}
	return l.word(), nil
}

func (l *lexer) rangeSign() token {
	t := token{kind: tokenRange, start: l.at, op: less}
	if l.source[l.at] == '>' {
		t.op = greater
	}
	l.at++
	if strings.HasPrefix(l.source[l.at:], "=") {
		l.at++
		t.op++ // the inclusive operator follows its strict one
	}
	t.end = l.at
	return t
}

// suffix reads "~" or "^" with everything up to the next space, so that the parser can
// refuse what is not a number instead of reading it as the next clause.
func (l *lexer) suffix(kind tokenKind) token {
	start := l.at
	l.at++
	length := strings.IndexAny(l.source[l.at:], " ^")
	if length < 0 {
		length = len(l.source) - l.at
	}
	l.at += length
	return token{kind: kind, start: start, end: l.at, text: l.source[start+1 : l.at]}
}

func (l *lexer) phrase() (token, error) {
	start := l.at
	var text strings.Builder
	for at := start + 1; at < len(l.source); at++ {
		switch c := l.source[at]; {
		case c == '"':
			l.at = at + 1
			return token{kind: tokenPhrase, start: start, end: l.at, text: text.String()}, nil
		case c == '\\' && escapes(l.source[at+1:]):
			at++
			text.WriteByte(l.source[at])
		default:
			text.WriteByte(c)
		}
	}
	return token{}, l.fail(start, "the quote is not closed")
}

// closingSlash returns where the regular expression that begins at the cursor ends: at
// the last slash of the word. It is 0 for a word that only begins with a slash.
func (l *lexer) closingSlash() int {
	for at := l.at + 1; at < len(l.source) && l.source[at] != ' '; at++ {
		switch l.source[at] {
		case '\\':
			at++
		case '/':
			if rest := l.source[at+1:]; rest == "" || strings.IndexByte(" ^~", rest[0]) >= 0 {
				return at
			}
		}
	}
	return 0
}

// word reads up to a space, ":", "^" or "~". Other whitespace is part of the word.
func (l *lexer) word() token {
	t := token{kind: tokenWord, start: l.at}
	var text strings.Builder
	wild, plain := false, true
	for l.at < len(l.source) {
		r, width := utf8.DecodeRuneInString(l.source[l.at:])
		if r == ' ' || r == ':' || r == '^' || r == '~' {
			break
		}
		letter := r
		switch {
		case r == '\\' && escapes(l.source[l.at+1:]):
			plain = false
			l.at++
			letter = rune(l.source[l.at])
		case r == '*':
			wild, letter = true, anyRun
		case r == '?':
			wild, letter = true, anyOne
		}
		text.WriteString(l.source[l.at : l.at+width])
		t.pattern = append(t.pattern, letter)
		l.at += width
	}
	t.end, t.text = l.at, text.String()
	if !wild {
		t.pattern = nil
	}
	if plain && strings.Trim(t.text, "0123456789.") == "" {
		number, err := strconv.ParseFloat(t.text, 64)
		t.number, t.isNumber = number, err == nil
	}
	return t
}

// escapes reports whether a backslash in front of rest is an escape.
func escapes(rest string) bool {
	return rest != "" && strings.IndexByte(escapable, rest[0]) >= 0
}
