package matchmaker

import "slices"

// hit is a ticket that answers a search.
type hit struct {
	slot  uint32
	score float64
}

// before is the order of hits: score, then age.
func (h hit) before(other hit) bool {
	return h.score > other.score || h.score == other.score && h.slot < other.slot
}

// search gives the hits of one ticket in their order, looking only as far as it
// is asked to. It is reused from ticket to ticket.
type search struct {
	ix *index
	t  *Ticket
	c  candidates

	walking bool
	at      int // position in the base
	steps   int // tickets looked at while walking
	budget  int // steps after which the window is gathered

	heap []hit // gathered
}

// start begins the search of t, which will be asked for about need hits.
func (s *search) start(ix *index, t *Ticket, need int) {
	s.ix, s.t, s.at, s.steps, s.walking = ix, t, 0, 0, false
	s.heap = s.heap[:0]
	var some bool
	if s.c, some = ix.candidates(t); !some {
		return
	}
	size, window := len(s.c.base.slots.list), s.c.to-s.c.from
	if s.c.window == nil {
		window = size
	}
	switch {
	case !t.constant:
		s.gather(0)
	case s.c.window == nil:
		s.walking, s.budget = true, size
	case window <= need || float64(window)*float64(window) <= float64(need)*float64(size):
		// Walking would meet one ticket of the window in size/window steps.
		s.gather(0)
	default:
		s.walking, s.budget = true, 2*window+64
	}
}

// next is the next hit; ok is false after the last.
func (s *search) next() (t *Ticket, ok bool) {
	if s.walking {
		if t, ok = s.walk(); ok || s.walking {
			return t, ok
		}
	}
	if len(s.heap) == 0 {
		return nil, false
	}
	top := s.heap[0]
	last := len(s.heap) - 1
	s.heap[0] = s.heap[last]
	s.heap = s.heap[:last]
	s.sink(0)
	return s.ix.tickets[top.slot], true
}

// end settles what the search has cost.
func (s *search) end() {
	if s.steps > 0 {
		s.c.base.owe(s.t, s.steps)
	}
	s.t, s.c = nil, candidates{}
}

// walk goes on through the base, oldest first. When that has cost more than the
// window would, it stops walking and gathers the rest.
func (s *search) walk() (*Ticket, bool) {
	base := &s.c.base.slots
	for s.at < len(base.list) {
		if s.at = base.next(s.at, s.ix.dead); s.at == len(base.list) {
			break
		}
		slot := base.list[s.at]
		if s.steps >= s.budget {
			s.walking = false
			s.gather(slot)
			return nil, false
		}
		s.at++
		s.steps++
		if _, ok := s.accepts(s.ix.tickets[slot]); ok {
			return s.ix.tickets[slot], true
		}
	}
	return nil, false
}

// gather collects the hits from a slot on.
func (s *search) gather(from uint32) {
	list, at, end := &s.c.base.slots, 0, len(s.c.base.slots.list)
	if s.c.window != nil {
		list, at, end = &s.c.window.slots, s.c.from, s.c.to
	} else {
		s.steps += end
	}
	for at = list.next(at, s.ix.dead); at < end; at = list.next(at+1, s.ix.dead) {
		slot := list.list[at]
		if slot < from {
			continue
		}
		if score, ok := s.accepts(s.ix.tickets[slot]); ok {
			s.heap = append(s.heap, hit{slot, score})
		}
	}
	for i := len(s.heap)/2 - 1; i >= 0; i-- {
		s.sink(i)
	}
}

// accepts applies the rules of a hit: sizes inside the searcher's, not itself,
// not its party, and the query.
func (s *search) accepts(other *Ticket) (score float64, ok bool) {
	t := s.t
	if other == t || !t.inRange(other) || t.sameParty(other) || other.gone.Load() {
		return 0, false
	}
	score, ok = t.query.Match(other.doc)
	if t.constant {
		score = 0
	}
	return score, ok
}

// sink restores the heap below a position.
func (s *search) sink(at int) {
	for {
		child := 2*at + 1
		if child >= len(s.heap) {
			return
		}
		if right := child + 1; right < len(s.heap) && s.heap[right].before(s.heap[child]) {
			child = right
		}
		if !s.heap[child].before(s.heap[at]) {
			return
		}
		s.heap[at], s.heap[child] = s.heap[child], s.heap[at]
		at = child
	}
}

// collect appends up to limit hits to list.
func (s *search) collect(list []*Ticket, limit int) []*Ticket {
	list = slices.Grow(list, min(limit, 64))
	for len(list) < limit {
		t, ok := s.next()
		if !ok {
			break
		}
		list = append(list, t)
	}
	return list
}
