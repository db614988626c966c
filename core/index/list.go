package index

import (
	"slices"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/store/query"
)

// Request is what to list.
type Request struct {
	Query *query.Query
	// Order are names of fields with an optional minus; see parseOrder.
	Order []string
	Limit int // at least 1
	// Caller is who must be able to read the objects: the nil id is the server itself.
	Caller uuid.UUID
	After  *Position // of an earlier page with the same query and order; nil: the first
}

// List returns matching entries and, if there are more, the position of the last one.
// The values of the objects are only set if the index keeps them.
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

// object returns an entry as an object.
func (x *Index) object(slot uint32) Object {
	e := x.entries.at(slot)
	return Object{
		ID: ID{e.key(), e.owner}, Value: e.json(), Version: e.version(), Read: int32(e.read), Write: int32(e.write),
		Created: time.UnixMicro(e.created).UTC(), Updated: time.UnixMicro(e.updated).UTC(),
	}
}

// search is one list.
type search struct {
	*Index
	Request
	order
	narrow
	scored bool // the order depends on scores
	fields fields
	doc    *query.Doc
	steps  int
	found  []match // all that may be on the page, not in order
	worst  *match  // one that has Limit better ones, or nil
	best   int     // matches with the highest score
}

// run finds the matches. A list can go along the order until the page is full, or look
// at all candidates that the query leaves. Going along is cheaper if many of those
// match, but how many do is not known; it ends when it has cost as much as the
// candidates would.
func (s *search) run() {
	if !s.prepare() {
		return
	}
	candidates := s.candidates()
	if s.walks() && s.size*(s.Limit+1) < candidates*candidates {
		if s.walk(candidates) {
			return
		}
		s.found, s.worst, s.best, s.steps = s.found[:0], nil, 0, query.ListSteps
	}
	for slot := range s.each {
		if s.consider(slot); s.steps < 0 {
			return
		}
	}
}

// consider adds a slot to what was found if it matches and may be on the page.
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

// onPage reports whether a match comes after the position and before the worst one.
func (s *search) onPage(m match) bool {
	return (s.After == nil || s.comparePosition(s.order, m, s.After) > 0) &&
		(s.worst == nil || s.compare(s.order, m, *s.worst) < 0)
}

// trim sorts what was found, and leaves one more than a page.
func (s *search) trim() {
	slices.SortFunc(s.found, func(a, b match) int { return s.compare(s.order, a, b) })
	if len(s.found) > s.Limit {
		s.found = s.found[:s.Limit+1]
		last := s.found[s.Limit]
		s.worst = &last
	}
}

// walks reports whether the list can go along its order.
func (s *search) walks() bool {
	if len(s.order) == 0 {
		return true
	}
	switch k := &s.order[0]; k.by {
	case byScore:
		return len(s.order) == 1 && k.desc
	case byUpdated:
		return true
	case byColumn:
		return k.column.sortable || s.requires(k.column)
	}
	return false
}

// walk goes along the order until the page is full. It gives up, and returns false,
// after looking at a number of slots.
func (s *search) walk(looks int) (done bool) {
	lead := orderKey{by: byUpdated}
	if len(s.order) > 0 && s.order[0].by != byScore {
		lead = s.order[0]
	}
	list := &s.byTime
	if lead.by == byColumn {
		list = &lead.column.order
	}
	from, to := s.bounds(&lead, list)
	slots := list.up(from, to)
	if lead.desc {
		slots = list.down(to, from)
	}
	for slot := range slots {
		if looks--; looks < 0 {
			return false
		}
		if s.full(&lead, slot) {
			return true
		}
		if s.consider(slot); s.steps < 0 {
			return true
		}
	}
	if lead.by != byColumn || s.requires(lead.column) {
		return true
	}
	// Those without a value come last.
	slots = s.byTime.up(place{}, s.byTime.end())
	if lead.desc {
		slots = s.byTime.down(s.byTime.end(), place{})
	}
	for slot := range slots {
		if looks--; looks < 0 {
			return false
		}
		if s.scalar(lead.column, slot).kind != none {
			continue
		}
		if s.full(&lead, slot) {
			return true
		}
		if s.consider(slot); s.steps < 0 {
			return true
		}
	}
	return true
}

// full reports whether no slot from this one on can be on the page.
func (s *search) full(lead *orderKey, slot uint32) bool {
	if len(s.found) <= s.Limit {
		return false
	}
	switch {
	case len(s.order) == 0:
		return true
	case s.order[0].by == byScore:
		return s.best > s.Limit
	case len(s.order) == 1:
		return true
	}
	// Slots with the same leading value may come in another order.
	if s.worst == nil {
		s.trim()
	}
	return lead.compareKeys(s.keyOf(lead, match{slot: slot}), s.keyOf(lead, *s.worst)) > 0
}

// bounds returns the part of a sorted list that the walk has to visit: what comes
// after the position, and within the ranges of the query.
func (s *search) bounds(lead *orderKey, list *sorted) (from, to place) {
	from, to = place{}, list.end()
	if lead.by == byUpdated {
		from, to = s.times()
	}
	if lead.by == byColumn {
		for i := range s.ranges {
			if r := &s.ranges[i]; r.column == lead.column && r.only() {
				from, to = later(from, r.from), sooner(to, r.to)
			}
		}
	}
	if s.After == nil || len(s.order) > 0 && s.order[0].by == byScore {
		return from, to
	}
	one := len(s.order) < 2
	// behind reports whether a slot comes after the position in the list's order.
	behind := func(slot uint32) bool {
		if one {
			return s.comparePosition(s.order, match{slot: slot}, s.After) > 0
		}
		return lead.compareKeys(s.keyOf(lead, match{slot: slot}), s.After.keys[0]) >= 0
	}
	if lead.desc {
		return from, sooner(to, list.seek(behind))
	}
	return later(from, list.seek(func(slot uint32) bool { return !behind(slot) })), to
}
