package query

import (
	"math"
	"regexp/syntax"
	"unicode/utf8"

	"kumi/store/fault"
)

// Limits for queries. Clients send both the queries and much of what they are matched
// against.
const (
	// MaxPattern is the maximum size of a regular expression, in instructions of its
	// program, and of a wildcard pattern, in characters.
	MaxPattern = 1000
	// MaxPatternText is the maximum length of a value, in bytes, that patterns
	// (wildcards, fuzzy values, regular expressions) are matched against. Longer ones
	// do not match.
	MaxPatternText = 4096

	// maxExpression is the maximum length of a regular expression's source, since
	// parsing alone takes time.
	maxExpression = 16 << 10
	// manyClauses is the number of clauses that makes a query costly without any
	// pattern.
	manyClauses = 32
	// fuzzyWeight is the cost of withinEdits per character.
	fuzzyWeight = 2*maxEdits + 1
)

// ListSteps is the budget of one listing: at worst about a second of one core.
const ListSteps int = 50_000_000

// ErrCost is the error of a listing whose query has used up the budget.
var ErrCost = fault.New(fault.InvalidArgument, "the query is too expensive for the number of values to compare; use fewer or simpler patterns, or add clauses without patterns that narrow the result")

// Unbounded is a budget that no query uses up.
const Unbounded int = math.MaxInt

// Costly reports whether the query uses a budget in any case: it has a pattern, or
// very many clauses. Other queries only use one for documents with several values in a
// field.
func (q *Query) Costly() bool { return q.costly }

// measure computes the cost of the parsed query.
func (q *Query) measure() {
	for _, list := range [][]clause{q.must, q.should, q.mustNot} {
		q.perDoc += len(list)
		for i := range list {
			q.costly = q.costly || list[i].kind >= matchWildcard
		}
	}
	if q.perDoc <= manyClauses {
		q.perDoc = 0
	}
	q.costly = q.costly || q.perDoc > 0
}

// valuesPerStep is how many values of a field are compared per step.
const valuesPerStep = 4

// cost returns the cost of comparing a field's values: zero for few values.
func (f *field) cost() int {
	return (len(f.texts) + len(f.numbers) + len(f.dates)) / valuesPerStep
}

// spend takes n steps from a budget, which becomes negative if fewer are left.
func spend(steps *int, n int) bool {
	if n > *steps {
		*steps = -1
		return false
	}
	*steps -= n
	return true
}

// programSize estimates the number of instructions of a compiled expression before
// compiling it, because nested repetitions multiply. A large character class counts as
// several.
func programSize(re *syntax.Regexp) int {
	size := 1
	switch re.Op {
	case syntax.OpLiteral:
		size = len(re.Rune)
	case syntax.OpCharClass:
		size += len(re.Rune) / 32
	case syntax.OpCapture:
		size = 2
	case syntax.OpConcat, syntax.OpRepeat:
		size = 0
	case syntax.OpAlternate:
		size = len(re.Sub) - 1
	}
	for _, sub := range re.Sub {
		if size += programSize(sub); size > MaxPattern {
			break // a repetition of it is too large too
		}
	}
	if re.Op == syntax.OpRepeat {
		size *= max(1, re.Min, re.Max)
	}
	return size
}

// looksAt takes the cost of matching a pattern of that weight against a text from the
// budget, and reports whether it may be matched.
func looksAt(text string, weight int, steps *int) bool {
	return len(text) <= MaxPatternText && spend(steps, weight*(len(text)+1))
}

// nearLength reports whether a text can be within that many edits of a word, judging
// by its length alone.
func nearLength(word []rune, text string, edits int) bool {
	return len(text) >= len(word)-edits && len(text) <= utf8.UTFMax*(len(word)+edits)
}
