// Package query implements the query language for listing matches and parties, and
// for the matchmaker.
//
// A query is a list of clauses separated by spaces:
//
//	field:value       should match; raises the score
//	+field:value      must match
//	-field:value      must not match
//	field:"a value"   a value with spaces or other special characters
//	field:>=5         a range: > >= < <= with a number or a quoted date
//	field:ab*  a?c    wildcards; field:* matches any value
//	field:value~2     at most that many edits away: ~1, ~2, or ~ for one
//	field:/a|b/       a regular expression for the whole value
//	clause^3          a boost: counts nine times as much in the score if the clause
//	                  is for text, otherwise three times
//	*                 alone, matches everything
//
// The language is that of bluge, Nakama's search library; docs/compatibility.md
// lists the differences. Only spaces separate clauses: other whitespace is part of a
// value. Values are matched as a whole and case-sensitively. In a regular expression a
// space is written as backslash and space. A backslash escapes one of
// + - = & | > < ! ( ) { } [ ] ^ " ~ * ? : \ / and the space; before any other
// character it stands for itself. + - and the others are special only at the beginning
// of a value, so UUIDs and paths need no escapes; ":", "^" and "~" always are. A
// clause without a field searches DefaultField.
//
// Parse compiles the text once. A Query and a finished Doc are immutable, so any
// goroutine may match them. Matching does not allocate (a regular expression takes its
// memory from a pool).
package query

import "slices"

// DefaultField is the field of a clause that does not name one. Documents only have it
// if the caller adds it.
const DefaultField = "_all"

// Query is a parsed query. It may be used from any goroutine.
type Query struct {
	source                string
	must, should, mustNot []clause
	required              []Term
	costly                bool
	perDoc                int    // steps per match for the number of clauses
	terms                 uint64 // the bits of the texts that every matching document has
}

// Term is one exact text value of a field.
type Term struct {
	Field, Text string
}

// Parse compiles text. Empty text, spaces and "*" match every document. The error has
// the code InvalidArgument and names the character (from 1) at which the text is
// wrong, and why.
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

// Match reports whether doc matches the query, and its score. The score is the sum of
// the boosts (1 by default) of all must and should clauses that match; an empty query,
// or one that only excludes, scores 1. Without a must clause at least one should
// clause has to match. Match does not allocate.
func (q *Query) Match(doc *Doc) (score float64, ok bool) {
	steps := Unbounded
	return q.MatchWithin(doc, &steps)
}

// MatchWithin is Match with a budget, from which patterns, fields with many values and
// queries with very many clauses take steps. A step is at most a few nanoseconds. A
// match that needs more than is left is abandoned: ok is false and the budget is
// negative.
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

// Required returns the exact text values that every matching document has, in the
// order of the query: what an inverted index can intersect before Match. It leaves out
// numbers, because those match a number or the same digits as text. The caller must
// not modify the slice.
func (q *Query) Required() []Term { return q.required }

// MatchesAll reports whether every document matches with the same score, so that a
// listing can skip matching.
func (q *Query) MatchesAll() bool {
	if len(q.mustNot) > 0 {
		return false
	}
	all := func(list []clause) bool {
		return !slices.ContainsFunc(list, func(c clause) bool { return c.kind != matchAll })
	}
	return all(q.must) && all(q.should)
}

// String returns the text that the query was parsed from.
func (q *Query) String() string { return q.source }
