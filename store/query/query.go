// Package query is the query-string language with which matches and parties
// are listed and the matchmaker finds opponents.
//
// A query is a row of clauses separated by spaces:
//
//	field:value       should match; raises the score
//	+field:value      must match
//	-field:value      must not match
//	field:"a value"   a value with spaces or other special characters
//	field:>=5         a range: > >= < <= with a number or a quoted date
//	field:ab*  a?c    wildcards; field:* asks for any value at all
//	field:value~2     at most so many edits away: ~1, ~2, or ~ for one
//	field:/a|b/       a regular expression for the whole value
//	clause^3          counts more in the score: nine times as much where it asks
//	                  for a text, else three times
//	*                 alone, everything
//
// The language is that of bluge, Nakama's search library; where it is unlike
// it, docs/compatibility.md says so. Clauses are parted by the space alone:
// other blanks belong to a value. Values are whole and case-sensitive. A
// regular expression has no space, which \  stands for. A backslash takes the meaning from one
// of + - = & | > < ! ( ) { } [ ] ^ " ~ * ? : \ / and the space; before anything
// else it is an ordinary character. + - and the rest are special only where a
// value begins, so uuids and paths need no escape; ":", "^" and "~" always are.
// A clause without a field looks in DefaultField.
//
// Parse turns the text into a Query once; a Query and a finished Doc never
// change, so any goroutine may match them, and matching allocates nothing (a
// regular expression takes its memory from a pool). The package imports only
// store/fault.
package query

import "slices"

// DefaultField is where a clause that names no field looks. Documents have it
// only when the caller adds it.
const DefaultField = "_all"

// Query is a parsed query. It is safe for use by many goroutines at once.
type Query struct {
	source                string
	must, should, mustNot []clause
	required              []Term
	costly                bool
	perDoc                int    // steps a match takes for its many clauses alone
	terms                 uint64 // the bits of the texts that every match has
}

// Term is one exact text value of a field.
type Term struct {
	Field, Text string
}

// Parse compiles text. Empty or blank text and "*" match every document. The
// error has code fault.InvalidArgument and names the character (from 1) where
// the text goes wrong, and why.
func Parse(text string) (*Query, error) {
	p := parser{lexer: lexer{source: text}}
	q := &Query{source: text}
	if err := p.parse(q); err != nil {
		return nil, err
	}
	for i := range q.must {
		q.terms |= q.must[i].bit
		if q.must[i].kind == matchText {
			q.required = append(q.required, Term{Field: q.must[i].field, Text: q.must[i].text})
		}
	}
	q.measure()
	// Cheap clauses first: most documents fail one of them.
	for _, list := range [][]clause{q.must, q.mustNot} {
		slices.SortStableFunc(list, func(a, b clause) int { return int(a.kind) - int(b.kind) })
	}
	return q, nil
}

// Match tells whether doc answers the query and how well. The score is the sum
// of the boosts (1 where none is given) of all must and should clauses that
// match; a query that only excludes, or is empty, scores 1. With no must clause
// at least one should clause has to match. It allocates nothing.
func (q *Query) Match(doc *Doc) (score float64, ok bool) {
	steps := Unbounded
	return q.MatchWithin(doc, &steps)
}

// MatchWithin is Match with a budget, of which patterns, fields of many values, and
// queries of very many clauses take steps: a step is a few nanoseconds at most. A match that needs
// more than is left is not tried further: it answers no and leaves less than 0.
func (q *Query) MatchWithin(doc *Doc, steps *int) (score float64, ok bool) {
	if q.terms&^doc.terms != 0 || q.perDoc > 0 && !spend(steps, q.perDoc) {
		return 0, false
	}
	for i := range q.must {
		if !q.must[i].matches(doc, steps) {
			return 0, false
		}
		score += q.must[i].boost
	}
	for i := range q.mustNot {
		if q.mustNot[i].matches(doc, steps) {
			return 0, false
		}
	}
	ok = len(q.must) > 0
	if !ok && len(q.should) == 0 {
		return 1, *steps >= 0
	}
	for i := range q.should {
		if q.should[i].matches(doc, steps) {
			score += q.should[i].boost
			ok = true
		}
	}
	if !ok || *steps < 0 {
		return 0, false
	}
	return score, true
}

// Required lists the exact text values every matching document has, in the
// order of the query: what a posting-set index can intersect before Match. It
// leaves out numbers, since those match a number or the same digits as text.
// The caller must not change the slice.
func (q *Query) Required() []Term { return q.required }

// MatchesAll tells that every document matches with the same score, so that a
// listing may skip matching.
func (q *Query) MatchesAll() bool {
	if len(q.mustNot) > 0 {
		return false
	}
	all := func(list []clause) bool {
		return !slices.ContainsFunc(list, func(c clause) bool { return c.kind != matchAll })
	}
	return all(q.must) && all(q.should)
}

// String returns the text the query was parsed from.
func (q *Query) String() string { return q.source }
