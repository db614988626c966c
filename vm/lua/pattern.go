package lua

import (
	"errors"
	"strings"
)

// Lua patterns, matched by backtracking as described in the manual of Lua 5.1. The
// deadline is checked regularly: gopher-lua's matcher cannot be stopped, and takes
// exponential time for some patterns.

const (
	maxCaptures = 32
	// maxPatternDepth is the maximum nesting of attempts, at most one per item of
	// the pattern.
	maxPatternDepth = 8000

	capPosition = -1
	capOpen     = -2
)

// Errors for invalid patterns.
var (
	errPatternEnd     = errors.New("malformed pattern (ends with '%')")
	errPatternSet     = errors.New("malformed pattern (missing ']')")
	errPatternBalance = errors.New("unbalanced pattern")
	errPatternFront   = errors.New("missing '[' after '%f' in pattern")
	errPatternIndex   = errors.New("invalid capture index")
	errPatternOpen    = errors.New("unfinished capture")
	errPatternClose   = errors.New("invalid pattern capture")
	errPatternMany    = errors.New("too many captures")
	errPatternDeep    = errors.New("pattern too complex")
)

type capture struct{ at, len int }

// matcher is the state of one search. After the first error every attempt fails.
type matcher struct {
	src, pat string
	level    int // of captures
	captures [maxCaptures]capture
	depth    int
	steps    int
	limit    *deadline
	err      error
}

// match matches the pattern from p at position s and returns the end of the match, or
// -1.
func (m *matcher) match(s, p int) int {
	if m.depth++; m.depth > maxPatternDepth {
		m.err = errPatternDeep
	}
	end := m.items(s, p)
	m.depth--
	if m.err != nil {
		return -1
	}
	return end
}

func (m *matcher) items(s, p int) int {
	for m.step() {
		if p == len(m.pat) {
			return s
		}
		switch m.pat[p] {
		case '(':
			if p+1 < len(m.pat) && m.pat[p+1] == ')' {
				return m.open(s, p+2, capPosition)
			}
			return m.open(s, p+1, capOpen)
		case ')':
			return m.close(s, p+1)
		case '$':
			if p+1 == len(m.pat) {
				if s == len(m.src) {
					return s
				}
				return -1
			}
		case '%':
			if p+1 == len(m.pat) {
				return m.fail(errPatternEnd)
			}
			next, done := -1, true
			switch c := m.pat[p+1]; {
			case c == 'b':
				next, p = m.balance(s, p+2), p+4
			case c == 'f':
				next, p = m.frontier(s, p+2)
			case '0' <= c && c <= '9':
				next, p = m.again(s, c), p+2
			default:
				done = false
			}
			if done {
				if next < 0 {
					return -1
				}
				s = next
				continue
			}
		}
		after := m.classEnd(p)
		if m.err != nil {
			return -1
		}
		single := s < len(m.src) && m.single(m.src[s], p, after)
		suffix := byte(0)
		if after < len(m.pat) {
			suffix = m.pat[after]
		}
		switch suffix {
		case '?':
			if single {
				if end := m.match(s+1, after+1); end >= 0 {
					return end
				}
			}
			p = after + 1
		case '*':
			return m.maxExpand(s, p, after)
		case '+':
			if !single {
				return -1
			}
			return m.maxExpand(s+1, p, after)
		case '-':
			return m.minExpand(s, p, after)
		default:
			if !single {
				return -1
			}
			s, p = s+1, after
		}
	}
	return -1
}

// step counts an attempt, checks the deadline now and then, and returns false if the
// search must end.
func (m *matcher) step() bool {
	if m.steps++; m.steps%checkEvery == 0 && m.limit != nil {
		if m.limit.check(); m.limit.err != nil {
			m.err = m.limit.err
		}
	}
	return m.err == nil
}

func (m *matcher) fail(err error) int {
	if m.err == nil {
		m.err = err
	}
	return -1
}

// classEnd returns the end of the single-character class at p.
func (m *matcher) classEnd(p int) int {
	c := m.pat[p]
	p++
	switch c {
	case '%':
		if p == len(m.pat) {
			m.fail(errPatternEnd)
			return p
		}
		return p + 1
	case '[':
		if p < len(m.pat) && m.pat[p] == '^' {
			p++
		}
		for first := true; ; first = false { // a ] at the beginning belongs to the set
			if p == len(m.pat) {
				m.fail(errPatternSet)
				return p
			}
			switch c := m.pat[p]; {
			case c == ']' && !first:
				return p + 1
			case c == '%':
				if p++; p == len(m.pat) {
					m.fail(errPatternSet)
					return p
				}
			}
			p++
		}
	}
	return p
}

// single tells whether c belongs to the class from p to end.
func (m *matcher) single(c byte, p, end int) bool {
	switch m.pat[p] {
	case '.':
		return true
	case '%':
		return inClass(c, m.pat[p+1])
	case '[':
		return inSet(c, m.pat[p+1:end-1])
	}
	return m.pat[p] == c
}

// inSet tells whether c belongs to a set, given without its brackets.
func inSet(c byte, set string) bool {
	want := true
	if set != "" && set[0] == '^' {
		want, set = false, set[1:]
	}
	for i := 0; i < len(set); i++ {
		switch {
		case set[i] == '%' && i+1 < len(set):
			i++
			if inClass(c, set[i]) {
				return want
			}
		case i+2 < len(set) && set[i+1] == '-':
			if set[i] <= c && c <= set[i+2] {
				return want
			}
			i += 2
		case set[i] == c:
			return want
		}
	}
	return !want
}

// inClass tells whether c belongs to %class. An upper case letter is the complement.
func inClass(c, class byte) bool {
	lower := 'a' <= c && c <= 'z'
	upper := 'A' <= c && c <= 'Z'
	digit := '0' <= c && c <= '9'
	graphic := '!' <= c && c <= '~'
	if !('a' <= class|0x20 && class|0x20 <= 'z') || class >= 0x80 {
		return class == c
	}
	var in bool
	switch class | 0x20 {
	case 'a':
		in = lower || upper
	case 'c':
		in = c < ' ' || c == 0x7f
	case 'd':
		in = digit
	case 'g':
		in = graphic
	case 'l':
		in = lower
	case 'p':
		in = graphic && !lower && !upper && !digit
	case 's':
		in = c == ' ' || ('\t' <= c && c <= '\r')
	case 'u':
		in = upper
	case 'w':
		in = lower || upper || digit
	case 'x':
		in = digit || ('a' <= c|0x20 && c|0x20 <= 'f')
	case 'z':
		in = c == 0
	default:
		return class == c
	}
	return in == (class >= 'a')
}

// maxExpand matches as many repetitions of a class as possible, and then fewer until
// the rest matches.
func (m *matcher) maxExpand(s, p, after int) int {
	n := 0
	for s+n < len(m.src) && m.single(m.src[s+n], p, after) {
		n++
	}
	for ; n >= 0; n-- {
		if end := m.match(s+n, after+1); end >= 0 || m.err != nil {
			return end
		}
	}
	return -1
}

// minExpand matches as few repetitions of a class as possible.
func (m *matcher) minExpand(s, p, after int) int {
	for {
		if end := m.match(s, after+1); end >= 0 || m.err != nil {
			return end
		}
		if s >= len(m.src) || !m.single(m.src[s], p, after) {
			return -1
		}
		s++
	}
}

func (m *matcher) open(s, p, kind int) int {
	if m.level == maxCaptures {
		return m.fail(errPatternMany)
	}
	m.captures[m.level] = capture{s, kind}
	m.level++
	end := m.match(s, p)
	if end < 0 {
		m.level--
	}
	return end
}

func (m *matcher) close(s, p int) int {
	for l := m.level - 1; l >= 0; l-- {
		if c := &m.captures[l]; c.len == capOpen {
			c.len = s - c.at
			end := m.match(s, p)
			if end < 0 {
				c.len = capOpen
			}
			return end
		}
	}
	return m.fail(errPatternClose)
}

// again matches the text of an earlier capture.
func (m *matcher) again(s int, digit byte) int {
	l := int(digit) - '1'
	if l < 0 || l >= m.level || m.captures[l].len == capOpen {
		return m.fail(errPatternIndex)
	}
	c := m.captures[l]
	if c.len == capPosition {
		return -1
	}
	if strings.HasPrefix(m.src[s:], m.src[c.at:c.at+c.len]) {
		return s + c.len
	}
	return -1
}

// balance matches %bxy.
func (m *matcher) balance(s, p int) int {
	if p+1 >= len(m.pat) {
		return m.fail(errPatternBalance)
	}
	if s >= len(m.src) || m.src[s] != m.pat[p] {
		return -1
	}
	open, shut, depth := m.pat[p], m.pat[p+1], 1
	for i := s + 1; i < len(m.src); i++ {
		switch m.src[i] {
		case shut:
			if depth--; depth == 0 {
				return i + 1
			}
		case open:
			depth++
		}
	}
	return -1
}

// frontier matches %f[set]: the transition from a byte outside of the set to one in it.
func (m *matcher) frontier(s, p int) (at, next int) {
	if p >= len(m.pat) || m.pat[p] != '[' {
		return m.fail(errPatternFront), p
	}
	end := m.classEnd(p)
	if m.err != nil {
		return -1, p
	}
	var before, here byte
	if s > 0 {
		before = m.src[s-1]
	}
	if s < len(m.src) {
		here = m.src[s]
	}
	set := m.pat[p+1 : end-1]
	if inSet(before, set) || !inSet(here, set) {
		return -1, p
	}
	return s, end
}

// search returns the first match from a position.
func (m *matcher) search(from int) (start, end int) {
	p := 0
	anchored := strings.HasPrefix(m.pat, "^")
	if anchored {
		p = 1
	}
	for s := from; s <= len(m.src); s++ {
		m.level = 0
		if end := m.match(s, p); end >= 0 {
			return s, end
		}
		if anchored || m.err != nil {
			break
		}
	}
	return -1, -1
}
