package query

import (
	"math"
	"strings"
)

// Range is a bound that a clause every matching document must satisfy puts on
// the numbers of a field. An end that is not limited is infinite.
type Range struct {
	Field             string
	Low, High         float64
	LowOpen, HighOpen bool // the end itself is outside
	// Text is set where the clause asks for one number: a document with this
	// exact text in the field matches too, whatever its numbers are.
	Text string
}

// Ranges lists the numeric bounds of the query, one per clause, in no special
// order: what an index of numbers can use before Match. Two ranges of one field
// may be met by two values of it; who has one value per field may intersect
// them. The result is a new slice.
func (q *Query) Ranges() []Range {
	var ranges []Range
	q.eachNeeded(func(c *clause) {
		r := Range{Field: c.field, Low: math.Inf(-1), High: math.Inf(1)}
		switch {
		case c.kind == matchNumber:
			r.Low, r.High, r.Text = c.number, c.number, c.text
		case c.kind != matchNumberRange:
			return
		case c.op == greater || c.op == greaterOrEqual:
			r.Low, r.LowOpen = c.number, c.op == greater
		default:
			r.High, r.HighOpen = c.number, c.op == less
		}
		ranges = append(ranges, r)
	})
	return ranges
}

// Needed lists the exact text values every matching document has, as Required
// does, and also that of a lone optional clause, without which nothing matches.
// The result is a new slice.
func (q *Query) Needed() []Term {
	var terms []Term
	q.eachNeeded(func(c *clause) {
		if c.kind == matchText {
			terms = append(terms, Term{Field: c.field, Text: c.text})
		}
	})
	return terms
}

// eachNeeded calls visit for the clauses that every matching document
// satisfies.
func (q *Query) eachNeeded(visit func(*clause)) {
	for i := range q.must {
		visit(&q.must[i])
	}
	if len(q.must) == 0 && len(q.should) == 1 {
		visit(&q.should[0])
	}
}

// MaxScore returns the maximum score of a document: that of one which matches
// every must and should clause.
func (q *Query) MaxScore() (score float64) {
	if len(q.must) == 0 && len(q.should) == 0 {
		return 1
	}
	// In the order of Match, so that the sums are exactly equal.
	for i := range q.must {
		score += q.must[i].boost
	}
	for i := range q.should {
		score += q.should[i].boost
	}
	return score
}

// Failing lists the clauses, as written, that keep doc from matching; nil when
// it matches. Optional clauses of which none matched are one text. It takes steps
// of a budget as MatchWithin does; once that is below 0 the list means nothing.
func (q *Query) Failing(doc *Doc, steps *int) []string {
	if q.perDoc > 0 && !spend(steps, q.perDoc) {
		return nil
	}
	var failing []string
	for i := range q.must {
		if !q.must[i].matches(doc, steps) {
			failing = append(failing, q.must[i].source)
		}
	}
	for i := range q.mustNot {
		if q.mustNot[i].matches(doc, steps) {
			failing = append(failing, q.mustNot[i].source)
		}
	}
	if len(q.must) > 0 || len(q.should) == 0 {
		return failing
	}
	var optional []string
	for i := range q.should {
		if q.should[i].matches(doc, steps) {
			return failing
		}
		optional = append(optional, q.should[i].source)
	}
	return append(failing, strings.Join(optional, " "))
}

// Number returns the first number of a field, for an index of numbers.
func (d *Doc) Number(field string) (number float64, ok bool) {
	f := d.find(keyOf(field), field)
	if f == nil || len(f.numbers) == 0 {
		return 0, false
	}
	return f.numbers[0], true
}
