package query

import (
	"regexp"
	"slices"
	"time"
)

// matchKind is how a clause matches its field, in order of cost.
type matchKind uint8

const (
	matchAll matchKind = iota
	matchExists
	matchText
	matchNumber // as a number, or as its text
	matchNumberRange
	matchDateRange
	matchWildcard
	matchFuzzy
	matchRegexp
)

// rangeOp compares a value with a bound. Each inclusive operator directly
// follows its strict one.
type rangeOp uint8

const (
	greater rangeOp = iota
	greaterOrEqual
	less
	lessOrEqual
)

// holds reports whether the operator is satisfied; order is the comparison of the
// value with the bound: -1, 0 or 1.
func (op rangeOp) holds(order int) bool {
	switch op {
	case greater:
		return order > 0
	case greaterOrEqual:
		return order >= 0
	case less:
		return order < 0
	default:
		return order <= 0
	}
}

// clause is one compiled condition. Which fields are used depends on kind.
type clause struct {
	kind       matchKind
	op         rangeOp
	edits      int
	field      string
	key        uint64 // of the field
	bit        uint64 // of the text, if the document must contain it; otherwise 0
	text       string
	number     float64
	date       time.Time
	pattern    []rune
	expression *regexp.Regexp
	weight     int // cost of a pattern, in steps per byte of the text
	boost      float64
	source     string // as written, with its sign
}

// matches reports whether any value of the clause's field matches. Patterns and fields
// with many values take steps from the budget; once it is used up the result is
// meaningless.
func (c *clause) matches(doc *Doc, steps *int) bool {
	if c.kind == matchAll {
		return true
	}
	if c.bit&^doc.terms != 0 {
		return false
	}
	f := doc.find(c.key, c.field)
	if f == nil {
		return false
	}
	if c.kind == matchExists {
		return true
	}
	if n := f.cost(); n > 0 && !spend(steps, n) {
		return false
	}
	switch c.kind {
	case matchText:
		return slices.Contains(f.texts, c.text)
	case matchNumber:
		return slices.Contains(f.numbers, c.number) || slices.Contains(f.texts, c.text)
	case matchNumberRange:
		for _, number := range f.numbers {
			if c.inRange(number) {
				return true
			}
		}
	case matchDateRange:
		for i := range f.dates {
			if c.op.holds(f.dates[i].Compare(c.date)) {
				return true
			}
		}
	default:
		for _, text := range f.texts {
			if c.matchesText(text, steps) {
				return true
			}
		}
	}
	return false
}

func (c *clause) inRange(number float64) bool {
	switch {
	case number < c.number:
		return c.op.holds(-1)
	case number > c.number:
		return c.op.holds(1)
	}
	return number == c.number && c.op.holds(0) // NaN is in no range
}

func (c *clause) matchesText(text string, steps *int) bool {
	if c.kind == matchFuzzy && !nearLength(c.pattern, text, c.edits) || !looksAt(text, c.weight, steps) {
		return false
	}
	switch c.kind {
	case matchWildcard:
		return wildcardMatch(c.pattern, text)
	case matchFuzzy:
		return withinEdits(c.pattern, text, c.edits)
	default:
		return c.expression.MatchString(text)
	}
}
