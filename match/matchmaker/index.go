package matchmaker

import (
	"math"

	"kumi/store/query"
)

// index finds the tickets that a query may match. Every ticket has a slot;
// slots are in order of age, so an ascending list of slots is a list of
// tickets, oldest first. Only the goroutine that runs a pass uses it.
type index struct {
	tickets []*Ticket // by slot
	dead    []bool    // by slot: matched or removed
	numDead int
	costly  int      // living tickets whose queries use the budget
	active  []uint32 // slots of tickets that still search
	all     posting
	terms   map[query.Term]*posting
	// stale requests a rebuild before the next pass, since a dead ticket is back.
	stale bool
	// eager builds columns immediately, for tests on small pools.
	eager bool
}

// posting is the list of tickets that have a term, and the columns over it.
type posting struct {
	slots   slots
	columns map[string]*column
}

// slots is a list of slots that remembers runs of dead ones.
type slots struct {
	list []uint32
	skip []uint32 // from a dead position, distance to the next possibly living one; 0 means 1
}

// nextLiving returns the first position at or after at whose ticket is living;
// len(list) if there is none. It remembers runs of dead tickets, so that
// skipping them again is cheap.
func (s *slots) nextLiving(at int, dead []bool) int {
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

// reset empties the index and allocates for n tickets.
func (ix *index) reset(n int) {
	*ix = index{
		tickets: make([]*Ticket, 0, n), dead: make([]bool, 0, n), active: make([]uint32, 0, n),
		all:   posting{slots: slots{list: make([]uint32, 0, n)}},
		terms: make(map[query.Term]*posting, n/8), eager: ix.eager,
	}
}

// insert gives a ticket, the youngest so far, the next slot.
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
			continue // unique per ticket, not worth a list
		}
		p := ix.terms[term]
		if p == nil {
			p = &posting{}
			ix.terms[term] = p
		}
		p.slots.list = append(p.slots.list, slot)
	}
	if t.MinCount == t.MaxCount {
		// Such a ticket accepts only tickets with the same counts.
		term := exactTerm(t)
		p := ix.terms[term]
		if p == nil {
			p = &posting{}
			ix.terms[term] = p
		}
		p.slots.list = append(p.slots.list, slot)
	}
}

// exactTerm is the term for a ticket of exactly one match size. No property
// can have this field.
func exactTerm(t *Ticket) query.Term {
	n := uint32(t.MaxCount)
	return query.Term{Field: "=", Text: string([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})}
}

// markDead excludes a ticket from all searches.
func (ix *index) markDead(t *Ticket) {
	if t.slot != noSlot && !ix.dead[t.slot] {
		ix.dead[t.slot] = true
		ix.numDead++
		if t.query.Costly() {
			ix.costly--
		}
	}
}

// needsRebuild reports whether skipping dead tickets costs more than a rebuild.
func (ix *index) needsRebuild() bool {
	return ix.stale || ix.numDead > 256 && ix.numDead > len(ix.tickets)/2
}

// candidates are the tickets that contain all hits of a search: those of a
// posting, or if window is not nil those at [from, to) in that column.
type candidates struct {
	base     *posting
	window   *column
	from, to int
}

// candidates returns the shortest list the index has for t, and whether there
// can be hits at all.
func (ix *index) candidates(t *Ticket) (c candidates, some bool) {
	c.base = &ix.all
	for i := range t.needed {
		if t.needed[i].Field != ticketField && !ix.useShorter(&c, t.needed[i]) {
			return c, false
		}
	}
	if t.MinCount == t.MaxCount && !ix.useShorter(&c, exactTerm(t)) {
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
		if !col.built || col.covered < size {
			ix.fill(c.base, col, r.Field)
		}
		from, to := col.rangeOf(r)
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

// useShorter makes the posting of a term the base if it is shorter. It returns
// false if no ticket has the term.
func (ix *index) useShorter(c *candidates, term query.Term) bool {
	p := ix.terms[term]
	if p == nil {
		return false
	}
	if len(p.slots.list) < len(c.base.slots.list) {
		c.base = p
	}
	return true
}

// sizeRanges returns the ranges of the rule that a hit's sizes are within the
// searcher's.
func (t *Ticket) sizeRanges() [2]query.Range {
	return [2]query.Range{
		{Field: minField, Low: float64(t.MinCount), High: math.Inf(1)},
		{Field: maxField, Low: math.Inf(-1), High: float64(t.MaxCount)},
	}
}
