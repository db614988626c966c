package query

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Range is a numeric bound on a field that every matching document satisfies. An end
// without a limit is infinite.
type Range struct {
	Field             string
	Low, High         float64
	LowOpen, HighOpen bool // the end itself is outside
	// Text is set if the clause asks for one number: a document with this exact text
	// in the field matches too, whatever its numbers are.
	Text string
}

// Ranges returns the numeric bounds of the query, one per clause, in no particular
// order: what an index of numbers can use before Match. Two ranges of one field may be
// satisfied by two values of it; a caller with one value per field may intersect them.
// The result is a new slice.
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

// DateRange is a bound on the dates of a field that every matching document satisfies.
// The zero time is no bound; whether the ends are inside is left open.
type DateRange struct {
	Field     string
	Low, High time.Time
}

// DateRanges returns the bounds on dates of the query, one per clause, like Ranges.
func (q *Query) DateRanges() []DateRange {
	var ranges []DateRange
	q.eachNeeded(func(c *clause) {
		switch {
		case c.kind != matchDateRange:
		case c.op == greater || c.op == greaterOrEqual:
			ranges = append(ranges, DateRange{Field: c.field, Low: c.date})
		default:
			ranges = append(ranges, DateRange{Field: c.field, High: c.date})
		}
	})
	return ranges
}

// Needed returns the exact text values that every matching document has, like
// Required, and also that of a single optional clause, without which nothing matches.
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

// NeededText returns the exact text that every matching document has in a field, empty if
// the query names none.
func (q *Query) NeededText(field string) (text string) {
	q.eachNeeded(func(c *clause) {
		if c.kind == matchText && c.field == field {
			text = c.text
		}
	})
	return text
}

// eachNeeded calls visit for the clauses that every matching document satisfies.
func (q *Query) eachNeeded(visit func(*clause)) {
	for i := range q.must {
		visit(&q.must[i])
	}
	if len(q.must) == 0 && len(q.should) == 1 {
		visit(&q.should[0])
	}
}

// Scored reports whether matching documents may have different scores.
func (q *Query) Scored() bool {
	return len(q.should) > 1 || len(q.should) == 1 && len(q.must) > 0
}

// Fields returns the names of the fields that the query looks at, each once: a
// document needs no others. The result is a new slice.
func (q *Query) Fields() []string {
	var names []string
	for _, list := range [][]clause{q.must, q.should, q.mustNot} {
		for i := range list {
			if list[i].kind != matchAll && !slices.Contains(names, list[i].field) {
				names = append(names, list[i].field)
			}
		}
	}
	return names
}

// MaxScore returns the highest score that a document can have: that of one which
// matches every must and should clause.
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

// Failing returns the clauses, as written, because of which doc does not match; nil if
// it matches. If no optional clause matched, they are one text. It takes steps from a
// budget like MatchWithin; if that becomes negative the result is meaningless.
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
