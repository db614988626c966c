package matchmaker

import "slices"

// hit is a ticket that answers a search.
type hit struct {
	slot  uint32
	score float64
}

// before is the order of hits: score, then age.
//
//lint:ignore U1000 heap calls it, through its constraint
func (h hit) before(other hit) bool {
	return h.score > other.score || h.score == other.score && h.slot < other.slot
}

// search gives the hits of one ticket in their order, looking only as far as it
// is asked to. It is reused from ticket to ticket.
//
// It looks at tickets from the oldest on: by walking the shortest list of the
// index, or where that has a column for a range of the query, in the part of the
// column that lies in the range. A hit with the best possible score is given
// at once; the others are kept until all have been seen.
type search struct {
	ix *index
	t  *Ticket
	c  candidates

	at    int        // position in the list walked
	steps int        // tickets looked at without a column
	nodes heap[node] // of the column, where more may be
	kept  heap[hit]
}

// node is a part of a column's tournament, with its lowest slot.
type node struct {
	slot uint32
	at   int
}

//lint:ignore U1000 heap calls it, through its constraint
func (n node) before(other node) bool { return n.slot < other.slot }

// start begins the search of t.
func (s *search) start(ix *index, t *Ticket) {
	s.ix, s.t, s.at, s.steps = ix, t, 0, 0
	s.kept, s.nodes = s.kept[:0], s.nodes[:0]
	var some bool
	if s.c, some = ix.candidates(t); !some {
		s.c.window = nil
		s.at = len(s.c.base.slots.list)
		return
	}
	if s.c.window == nil {
		return
	}
	leaves := len(s.c.window.slots)
	for low, high := s.c.from+leaves, s.c.to+leaves; low < high; low, high = low/2, high/2 {
		if low%2 == 1 {
			s.enter(low)
			low++
		}
		if high%2 == 1 {
			high--
			s.enter(high)
		}
	}
}

// next is the next hit; ok is false after the last. A search that has used up
// what it may cost ends with what it has found.
func (s *search) next() (t *Ticket, ok bool) {
	for s.t.steps >= 0 {
		slot, ok := s.oldest()
		if !ok {
			break
		}
		other := s.ix.tickets[slot]
		score, ok := s.accepts(other)
		switch {
		case !ok:
		case score >= s.t.best:
			return other, true
		default:
			s.kept.push(hit{slot, score})
		}
	}
	top, ok := s.kept.pop()
	if !ok {
		return nil, false
	}
	return s.ix.tickets[top.slot], true
}

// end settles what the search has cost.
func (s *search) end() {
	if s.steps > 0 {
		s.c.base.owe(s.t, s.steps)
	}
	s.t, s.c = nil, candidates{}
}

// oldest is the next ticket to look at.
func (s *search) oldest() (slot uint32, ok bool) {
	if s.c.window != nil {
		return s.play()
	}
	base := &s.c.base.slots
	if s.at = base.next(s.at, s.ix.dead); s.at >= len(base.list) {
		return 0, false
	}
	s.at++
	s.steps++
	return base.list[s.at-1], true
}

// enter adds a node of the column's tournament to where hits may be.
func (s *search) enter(at int) {
	if slot := s.c.window.tree[at]; slot != noSlot {
		s.nodes.push(node{slot, at})
	}
}

// play is the next ticket of the window: it follows the lowest slot down to its
// leaf, and keeps the losing sides for later.
func (s *search) play() (slot uint32, ok bool) {
	col := s.c.window
	for {
		top, ok := s.nodes.pop()
		if !ok {
			return 0, false
		}
		at := top.at
		for at < len(col.slots) {
			at *= 2
			if col.tree[at] != top.slot {
				s.enter(at)
				at++
			} else {
				s.enter(at + 1)
			}
		}
		if !s.ix.dead[top.slot] {
			return top.slot, true
		}
		col.forget(at)
	}
}

// accepts applies the rules of a hit: sizes inside the searcher's, not itself,
// not its party, and the query.
func (s *search) accepts(other *Ticket) (score float64, ok bool) {
	t := s.t
	if other == t || !t.inRange(other) || t.sameParty(other) || other.gone.Load() {
		return 0, false
	}
	return t.query.MatchWithin(other.doc, &t.steps)
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
