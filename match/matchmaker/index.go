package matchmaker

import (
	"math"

	"kumi/store/query"
)

// index finds the tickets a query may match. Every ticket has a slot, and slots
// are in order of age, so a list of slots in ascending order is a list of
// tickets from the oldest on. Only the goroutine that runs a pass uses it.
type index struct {
	tickets []*Ticket // by slot
	dead    []bool    // by slot: matched or removed
	deaths  int
	costly  int      // living tickets whose queries take steps
	active  []uint32 // slots of tickets that still search
	all     posting
	terms   map[query.Term]*posting
	// stale asks for a rebuild before the next pass: a dead ticket lives again.
	stale bool
	// eager builds columns at once, for tests on small pools.
	eager bool
}

// posting is the list of tickets that have one term, and columns over them.
type posting struct {
	slots   slots
	columns map[string]*column
}

// slots is a list of slots with what was learned about runs of dead ones.
type slots struct {
	list []uint32
	skip []uint32 // from a dead position, how far the next possibly living one is; 0 means 1
}

// next is the first position from at on whose ticket lives; len(list) when there
// is none. Runs of dead tickets are remembered, so that passing them again costs
// nearly nothing.
func (s *slots) next(at int, dead []bool) int {
	to := at
	for to < len(s.list) && dead[s.list[to]] {
		to += s.step(to)
	}
	if to-at < 8 {
		return to
	}
	if len(s.skip) < len(s.list) {
		s.skip = append(s.skip, make([]uint32, len(s.list)-len(s.skip))...)
	}
	for at < to {
		step := s.step(at)
		s.skip[at] = uint32(to - at)
		at += step
	}
	return to
}

func (s *slots) step(at int) int {
	if at < len(s.skip) && s.skip[at] > 1 {
		return int(s.skip[at])
	}
	return 1
}

// reset empties the index and makes room for n tickets.
func (ix *index) reset(n int) {
	*ix = index{
		tickets: make([]*Ticket, 0, n), dead: make([]bool, 0, n), active: make([]uint32, 0, n),
		all:   posting{slots: slots{list: make([]uint32, 0, n)}},
		terms: make(map[query.Term]*posting, n/8), eager: ix.eager,
	}
}

// insert gives a ticket, younger than all before, the next slot.
func (ix *index) insert(t *Ticket, active bool) {
	slot := uint32(len(ix.tickets))
	t.slot = slot
	ix.tickets = append(ix.tickets, t)
	ix.dead = append(ix.dead, false)
	if active {
		ix.active = append(ix.active, slot)
	}
	if t.query.Costly() {
		ix.costly++
	}
	ix.all.slots.list = append(ix.all.slots.list, slot)
	for term := range t.doc.Terms() {
		if term.Field == ticketField {
			continue // one list per ticket would gain nothing
		}
		p := ix.terms[term]
		if p == nil {
			p = &posting{}
			ix.terms[term] = p
		}
		p.slots.list = append(p.slots.list, slot)
	}
	if t.MinCount == t.MaxCount {
		// Such a ticket accepts only the like of it.
		term := exactTerm(t)
		p := ix.terms[term]
		if p == nil {
			p = &posting{}
			ix.terms[term] = p
		}
		p.slots.list = append(p.slots.list, slot)
	}
}

// exactTerm stands for one number of players. No property can have this field.
func exactTerm(t *Ticket) query.Term {
	n := uint32(t.MaxCount)
	return query.Term{Field: "=", Text: string([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})}
}

// kill takes a ticket out of all searches.
func (ix *index) kill(t *Ticket) {
	if t.slot != noSlot && !ix.dead[t.slot] {
		ix.dead[t.slot] = true
		ix.deaths++
		if t.query.Costly() {
			ix.costly--
		}
	}
}

// worn tells whether a rebuild is due: what is dead costs more than it.
func (ix *index) worn() bool {
	return ix.stale || ix.deaths > 256 && ix.deaths > len(ix.tickets)/2
}

// candidates are the tickets among which all hits of a search are: those of a
// posting, and if window is not nil only those at [from, to) of that column.
type candidates struct {
	base     *posting
	window   *column
	from, to int
}

// candidates picks the shortest list the index has for t, and whether there can
// be hits at all.
func (ix *index) candidates(t *Ticket) (c candidates, some bool) {
	c.base = &ix.all
	for i := range t.needed {
		if t.needed[i].Field != ticketField && !ix.narrow(&c, t.needed[i]) {
			return c, false
		}
	}
	if t.MinCount == t.MaxCount && !ix.narrow(&c, exactTerm(t)) {
		return c, false
	}
	if len(c.base.slots.list) < 64 && !ix.eager {
		return c, true
	}
	size := len(c.base.slots.list)
	visit := func(r *query.Range) bool {
		col := c.base.columns[r.Field]
		if col == nil || !col.built && col.debt < 2*size {
			if !ix.eager {
				return true
			}
			col = c.base.column(r.Field)
		}
		if r.Text != "" && ix.terms[query.Term{Field: r.Field, Text: r.Text}] != nil {
			return true // some tickets may have it as text
		}
		if !col.built || col.seen < size {
			ix.fill(c.base, col, r.Field)
		}
		from, to := col.find(r)
		if c.window == nil || to-from < c.to-c.from {
			c.window, c.from, c.to = col, from, to
		}
		return from < to
	}
	for i := range t.ranges {
		if !visit(&t.ranges[i]) {
			return c, false
		}
	}
	if t.MinCount != t.MaxCount {
		bounds := t.sizeRanges()
		for i := range bounds {
			if !visit(&bounds[i]) {
				return c, false
			}
		}
	}
	return c, true
}

// narrow makes the posting of a term the base if it is shorter.
func (ix *index) narrow(c *candidates, term query.Term) bool {
	p := ix.terms[term]
	if p == nil {
		return false
	}
	if len(p.slots.list) < len(c.base.slots.list) {
		c.base = p
	}
	return true
}

// sizeRanges is the rule that a hit's range lies inside the searcher's.
func (t *Ticket) sizeRanges() [2]query.Range {
	return [2]query.Range{
		{Field: minField, Low: float64(t.MinCount), High: math.Inf(1)},
		{Field: maxField, Low: math.Inf(-1), High: float64(t.MaxCount)},
	}
}
