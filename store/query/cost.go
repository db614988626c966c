package query

import (
	"math"
	"regexp/syntax"
	"unicode/utf8"

	"kumi/store/fault"
)

// What a query may cost. Queries come from clients, and so does much of what
// they are matched against.
const (
	// MaxPattern bounds a regular expression, in instructions of the program it
	// becomes, and a wildcard pattern, in characters.
	MaxPattern = 1000
	// MaxPatternText is the longest value, in bytes, that patterns (wildcards,
	// fuzzy values, regular expressions) look at. They match no longer one.
	MaxPatternText = 4096

	// maxExpression is how long the source of a regular expression may be, since
	// the parser alone takes time over it.
	maxExpression = 16 << 10
	// manyClauses is how many make a query costly without any pattern.
	manyClauses = 32
	// fuzzyWeight is what withinEdits takes per character.
	fuzzyWeight = 2*maxEdits + 1
)

// ListSteps is a budget for one listing: about a second of one core at worst.
const ListSteps int = 50_000_000

// ErrCost is what a listing answers when its query has used up the budget.
var ErrCost = fault.New(fault.InvalidArgument, "the query costs too much for what there is to look at; use fewer or simpler patterns, or clauses without any that leave less to look at")

// Unbounded is a budget that no query uses up.
const Unbounded int = math.MaxInt

// Costly tells whether the query takes steps of a budget: it has a pattern, or
// very many clauses. One that is not uses up some only with documents that have
// several values in a field.
func (q *Query) Costly() bool { return q.costly }

// weigh settles what the parsed query costs.
func (q *Query) weigh() {
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

// valuesPerStep is how many values of a field are looked at in a step.
const valuesPerStep = 4

// cost is what a clause takes for the number of a field's values alone: nothing
// where they are few.
func (f *field) cost() int {
	return (len(f.texts) + len(f.numbers) + len(f.dates)) / valuesPerStep
}

// spend takes n steps of a budget, or all and more where there are fewer left.
func spend(steps *int, n int) bool {
	if n > *steps {
		*steps = -1
		return false
	}
	*steps -= n
	return true
}

// programSize is about how many instructions a parsed expression becomes when
// it is compiled. It is counted before that, as repetitions of repetitions make
// much of little. A large class of characters counts as several.
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
			break // a repetition of it is too large as well
		}
	}
	if re.Op == syntax.OpRepeat {
		size *= max(1, re.Min, re.Max)
	}
	return size
}

// looksAt tells whether a pattern of that weight may be tried on a text, and
// takes what it costs.
func looksAt(text string, weight int, steps *int) bool {
	return len(text) <= MaxPatternText && spend(steps, weight*(len(text)+1))
}

// nearLength tells whether a text may be within so many edits of a word, by its
// length alone.
func nearLength(word []rune, text string, edits int) bool {
	return len(text) >= len(word)-edits && len(text) <= utf8.UTFMax*(len(word)+edits)
}
