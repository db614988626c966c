package matchmaker

import "slices"

// hit is a ticket found by a search.
type hit struct {
	slot  uint32
	score float64
}

// before orders hits by score, then by age.
//
//lint:ignore U1000 heap calls it, through its constraint
func (h hit) before(other hit) bool {
	return h.score > other.score || h.score == other.score && h.slot < other.slot
}

// search returns the hits of one ticket in order, without looking further than
// it is asked to. It is reused from ticket to ticket.
//
// It visits tickets from the oldest to the newest, either by walking the
// shortest list of the index or, if that has a column for a range of the
// query, those in the range. A hit with the maximum score is returned
// immediately; others are kept until all tickets have been visited.
type search struct {
	ix *index
	t  *Ticket
	c  candidates

	at    int        // position in the list
	steps int        // tickets visited without a column
	nodes heap[node] // of the column's tree, still to be visited
	kept  heap[hit]
}

// node is a node of a column's tree, with its lowest slot.
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
			s.pushNode(low)
			low++
		}
		if high%2 == 1 {
			high--
			s.pushNode(high)
		}
	}
}

// next returns the next hit; ok is false after the last. A search that exceeds
// its budget ends with what it has found so far.
func (s *search) next() (t *Ticket, ok bool) {
	for s.t.steps >= 0 {
		slot, ok := s.nextCandidate()
		if !ok {
			break
		}
		other := s.ix.tickets[slot]
		score, ok := s.accepts(other)
		switch {
		case !ok:
		case score >= s.t.maxScore:
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

// end records the cost of the search.
func (s *search) end() {
	if s.steps > 0 {
		s.c.base.addDebt(s.t, s.steps)
	}
	s.t, s.c = nil, candidates{}
}

// nextCandidate returns the next ticket to check, in order of age.
func (s *search) nextCandidate() (slot uint32, ok bool) {
	if s.c.window != nil {
		return s.nextInWindow()
	}
	base := &s.c.base.slots
	if s.at = base.nextLiving(s.at, s.ix.dead); s.at >= len(base.list) {
		return 0, false
	}
	s.at++
	s.steps++
	return base.list[s.at-1], true
}

// pushNode adds a node of the column's tree to those to be visited.
func (s *search) pushNode(at int) {
	if slot := s.c.window.tree[at]; slot != noSlot {
		s.nodes.push(node{slot, at})
	}
}

// nextInWindow returns the next slot of the window, by following the lowest
// slot down to its leaf and pushing the siblings.
func (s *search) nextInWindow() (slot uint32, ok bool) {
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
				s.pushNode(at)
				at++
			} else {
				s.pushNode(at + 1)
			}
		}
		if !s.ix.dead[top.slot] {
			return top.slot, true
		}
		col.removeLeaf(at)
	}
}

// accepts applies the rules for a hit: sizes within the searcher's, another
// ticket of another party, and the query.
func (s *search) accepts(other *Ticket) (score float64, ok bool) {
	t := s.t
	if other == t || !t.inRange(other) || t.sameParty(other) || other.removed.Load() {
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
