package index

import (
	"slices"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store/query"
)

// Request is a request for a page of a list.
type Request struct {
	Query *query.Query
	// Order are names of fields, each with an optional minus for descending. Without any,
	// the best scores come first, and of equal ones the oldest updates.
	Order []string
	Limit int // maximum number of objects; at least 1
	// Caller is the user who must be allowed to read the objects; nil for the server,
	// which may read all.
	Caller uuid.UUID
	// After is the position that the page before returned, with the same query and order;
	// nil for the first page.
	After *Position
}

// List returns a page of matching objects and, if there are more, the position for the
// next page. Object.Value is only set if the index keeps it (Options.Keep).
//
// Errors: InvalidArgument for an unknown field in the order, a position of another
// order, or a query that is too expensive.
func (x *Index) List(r Request) ([]Object, *Position, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	o, err := x.parseOrder(r.Order)
	if err != nil {
		return nil, nil, err
	}
	if len(o) == 0 && r.Query.Scored() {
		o = order{{by: byScore, desc: true}}
	}
	if err := r.After.check(o); err != nil {
		return nil, nil, err
	}
	doc := docs.Get().(*query.Doc)
	defer docs.Put(doc)
	s := &search{Index: x, Request: r, order: o, doc: doc, steps: query.ListSteps}
	s.fields = x.fieldsOf(r.Query)
	s.scored = slices.ContainsFunc(o, func(k orderKey) bool { return k.by == byScore })
	s.run()
	if s.steps < 0 {
		return nil, nil, query.ErrCost
	}
	s.trim()
	var next *Position
	if len(s.found) > r.Limit {
		s.found = s.found[:r.Limit]
		next = x.position(o, s.found[r.Limit-1])
	}
	objects := make([]Object, len(s.found))
	for i, m := range s.found {
		objects[i] = x.object(m.slot)
	}
	return objects, next, nil
}

var docs = sync.Pool{New: func() any { return query.NewDoc() }}

// object returns the entry of a slot as an object.
func (x *Index) object(slot uint32) Object {
	e := x.entries.at(slot)
	return Object{
		ID: ID{e.key(), e.owner}, Value: e.json(), Version: e.version(), Read: int32(e.read), Write: int32(e.write),
		Created: time.UnixMicro(e.created).UTC(), Updated: time.UnixMicro(e.updated).UTC(),
	}
}

// search is the state of one call of List.
type search struct {
	*Index
	Request
	order
	conditions
	scored bool // the order depends on scores
	fields fields
	doc    *query.Doc
	steps  int     // what is left of the budget
	found  []match // matches that may be on the page, unsorted
	worst  *match  // a match after which none can be on the page, or nil
	best   int     // number of matches with the highest possible score
}

// run finds the matches of the page, in one of two ways: it walks along the order until
// the page is full, or it looks at all candidates, the entries that satisfy the most
// selective condition of the query. The walk is cheaper if many candidates match, which
// is not known in advance. So it gives up when it has looked at as many entries as
// there are candidates.
func (s *search) run() {
	if !s.prepare() {
		return
	}
	candidates, count := s.candidates()
	if s.walkable() && s.size*(s.Limit+1) < count*count {
		if s.walk(count) {
			return
		}
		s.found, s.worst, s.best, s.steps = s.found[:0], nil, 0, query.ListSteps
	}
	for slot := range candidates {
		if s.consider(slot); s.steps < 0 {
			return
		}
	}
}

// consider adds a slot to found if it matches and may be on the page.
func (s *search) consider(slot uint32) {
	e := s.entries.at(slot)
	if !s.passes(slot, e) {
		return
	}
	m := match{slot: slot}
	if !s.scored && !s.onPage(m) {
		return
	}
	s.fill(s.doc, e, &s.fields)
	var ok bool
	if m.score, ok = s.Query.MatchWithin(s.doc, &s.steps); !ok || s.scored && !s.onPage(m) {
		return
	}
	s.found = append(s.found, m)
	if len(s.found) >= 2*s.Limit+64 {
		s.trim()
	}
	if m.score >= s.Query.MaxScore() {
		s.best++
	}
}

// onPage reports whether a match is after the position and before the worst match.
func (s *search) onPage(m match) bool {
	return (s.After == nil || s.comparePosition(s.order, m, s.After) > 0) &&
		(s.worst == nil || s.compare(s.order, m, *s.worst) < 0)
}

// trim sorts found and cuts it to one more than the page.
func (s *search) trim() {
	slices.SortFunc(s.found, func(a, b match) int { return s.compare(s.order, a, b) })
	if len(s.found) > s.Limit {
		s.found = s.found[:s.Limit+1]
		last := s.found[s.Limit]
		s.worst = &last
	}
}
