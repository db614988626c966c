package matchmaker

import (
	"slices"
	"time"
)

// scratch is memory reused from pass to pass.
type scratch struct {
	order    []uint32
	search   search
	combiner combiner
	hits     []*Ticket
}

// formed is a match whose tickets are still in the pool.
type formed struct {
	hits     []*Ticket
	searcher *Ticket
	players  []*Entry // set instead if a hook chose them
}

// Process runs one pass and returns the matches it formed, which have left the
// pool. OnMatched is called for each of them, without waiting for it. Tickets
// that have timed out are removed after the pass. Concurrent calls run one
// after the other.
func (m *Matchmaker) Process() []*Match {
	m.pass.Lock()
	matches := m.processLocked()
	m.pass.Unlock()
	if m.propose != nil {
		m.propose(matches)
	} else {
		m.deliver(matches)
	}
	m.expire()
	return matches
}

func (m *Matchmaker) processLocked() []*Match {
	start := m.o.Now()
	m.refresh()
	var hooks Hooks
	if m.o.Hooks != nil {
		hooks = m.o.Hooks()
	}
	tickets, active := len(m.ix.tickets)-m.ix.numDead, len(m.ix.active)
	var found []formed
	switch {
	case tickets == 0:
	case hooks.Processor != nil:
		found = m.processor(hooks.Processor)
	case active == 0:
	default:
		m.assignBudgets()
		if hooks.Override != nil {
			found = m.override(hooks.Override, start)
		} else {
			found = m.form(start)
		}
		m.reportBudgets()
	}
	if hooks.Processor == nil {
		m.deactivate()
	}
	matches := m.commit(found)
	m.metrics.MatchmakerPass(tickets, active, m.o.Now().Sub(start))
	if m.propose == nil {
		m.count(matches)
	}
	return matches
}

// refresh applies additions and removals since the last pass to the index.
func (m *Matchmaker) refresh() {
	m.mu.Lock()
	added, removed := m.added, m.removed
	m.added, m.removed = nil, nil
	m.ix.stale = m.ix.stale || m.back
	m.back = false
	m.mu.Unlock()
	if m.propose != nil {
		slices.SortStableFunc(added, byAge) // they are of several nodes
	}
	for _, t := range removed {
		m.ix.markDead(t)
	}
	if m.ix.needsRebuild() {
		m.rebuild(len(added))
	}
	for _, t := range added {
		if !t.removed.Load() {
			m.ix.insert(t, t.searches(m.o.MaxIntervals))
		}
	}
	living := m.ix.active[:0]
	for _, slot := range m.ix.active {
		if !m.ix.dead[slot] {
			living = append(living, slot)
		}
	}
	m.ix.active = living
}

// rebuild makes a new index of the tickets still in the pool.
func (m *Matchmaker) rebuild(more int) {
	old := m.ix.tickets
	if m.propose != nil {
		slices.SortStableFunc(old, byAge)
	}
	m.ix.reset(len(old) - m.ix.numDead + more)
	for _, t := range old {
		t.slot = noSlot
		if t.removed.Load() {
			continue
		}
		m.ix.insert(t, t.searches(m.o.MaxIntervals))
		if t.taken.Load() {
			m.ix.markDead(t)
		}
	}
}

// deactivate makes tickets without searches left passive.
func (m *Matchmaker) deactivate() {
	living := m.ix.active[:0]
	for _, slot := range m.ix.active {
		if !m.ix.dead[slot] && m.ix.tickets[slot].searches(m.o.MaxIntervals) {
			living = append(living, slot)
		}
	}
	m.ix.active = living
}

// form lets every active ticket search once, in random order.
func (m *Matchmaker) form(start time.Time) []formed {
	var found []formed
	for _, slot := range m.shuffled() {
		if m.ix.dead[slot] {
			continue
		}
		t := m.ix.tickets[slot]
		hits := m.searchFor(t, start)
		if hits == nil {
			continue
		}
		found = append(found, formed{hits: hits, searcher: t})
		m.ix.markDead(t)
		for _, hit := range hits {
			m.ix.markDead(hit)
		}
	}
	return found
}

// shuffled returns the active tickets in random order.
func (m *Matchmaker) shuffled() []uint32 {
	m.work.order = append(m.work.order[:0], m.ix.active...)
	order := m.work.order
	shuffle(m.o.Rand, len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

// searchFor searches for one ticket and returns the tickets it plays with, or
// nil.
func (m *Matchmaker) searchFor(t *Ticket, start time.Time) []*Ticket {
	last := !m.countSearch(t)
	room := t.MaxCount - t.size()
	mutual := m.mutual(start)
	// Only a match below the maximum size depends on which hit is the last.
	lookAhead := last && t.MinCount < t.MaxCount
	s, c := &m.work.search, &m.work.combiner
	s.start(&m.ix, t)
	defer s.end()
	c.reset(mutual)
	hit, ok := s.next()
	for n := 1; ok; n++ {
		following, more := (*Ticket)(nil), false
		if lookAhead {
			following, more = s.next()
		}
		if c.mutual && n%64 == 0 {
			c.mutual = m.mutual(start)
		}
		if group := m.consider(c, t, hit, room); group != nil {
			players := group.players + t.size()
			if players == t.MaxCount || lookAhead && !more && players >= t.MinCount {
				if hits := complete(t, group); hits != nil {
					return append([]*Ticket(nil), hits...)
				}
			}
		}
		if !lookAhead {
			following, more = s.next()
		}
		hit, ok = following, more
	}
	return nil
}

// consider adds a hit to a combination and returns that; nil if the hit was
// filtered out or is too large.
func (m *Matchmaker) consider(c *combiner, t, hit *Ticket, room int) *combination {
	if c.mutual && !hit.finds(t) || t.sharesSession(hit) {
		return nil
	}
	return c.add(hit, room)
}

// countSearch counts a search of t and reports whether it has another.
func (m *Matchmaker) countSearch(t *Ticket) bool {
	t.intervals.Add(1)
	return t.searches(m.o.MaxIntervals)
}

// mutual reports whether the pass that began at start still requires mutual
// queries.
func (m *Matchmaker) mutual(start time.Time) bool {
	if !m.o.RevPrecision || m.o.RevThreshold <= 0 {
		return m.o.RevPrecision
	}
	return m.o.Now().Sub(start) < time.Duration(m.o.RevThreshold)*m.o.Interval
}

// commitBatch is how many matches are taken out of the pool under one lock, so
// that a large pass does not hold up Add.
const commitBatch = 128

// commit takes the players of formed matches out of the pool, at a leader until their
// match is settled. A match with a ticket that was removed since is dropped, and its other
// tickets stay.
func (m *Matchmaker) commit(found []formed) (matches []*Match) {
	if len(found) == 0 {
		return nil
	}
	matches = make([]*Match, 0, len(found))
	for len(found) > 0 {
		n := min(commitBatch, len(found))
		m.mu.Lock()
		for i := range found[:n] {
			f := &found[i]
			if !m.removeFormedLocked(f) {
				m.ix.stale = true
				continue
			}
			matches = append(matches, &Match{Entries: f.entries()})
		}
		m.mu.Unlock()
		found = found[n:]
	}
	return matches
}

// count records matches that came about.
func (m *Matchmaker) count(matches []*Match) {
	players := 0
	for _, match := range matches {
		players += len(match.Entries)
	}
	now := m.o.Now().UnixNano()
	m.mu.Lock()
	for _, match := range matches[max(0, len(matches)-maxCompletions):] {
		for _, e := range match.Entries {
			m.done.add(Completion{CreatedAt: e.Ticket.CreatedAt, CompletedAt: now})
		}
	}
	m.mu.Unlock()
	m.metrics.MatchmakerFormed(len(matches), players)
}

// removeFormedLocked removes the tickets of a match if all are still in the
// pool. The caller holds mu.
func (m *Matchmaker) removeFormedLocked(f *formed) bool {
	gone := f.searcher.removed.Load()
	for _, t := range f.hits {
		gone = gone || t.removed.Load()
	}
	if gone {
		return false
	}
	take := m.removeLocked
	if m.propose != nil {
		take = func(t *Ticket) { t.taken.Store(true) }
	}
	take(f.searcher)
	for _, t := range f.hits {
		take(t)
	}
	return true
}

// entries returns the players of a match, the searcher's last.
func (f *formed) entries() []*Entry {
	if f.players != nil {
		return f.players
	}
	n := f.searcher.size()
	for _, t := range f.hits {
		n += t.size()
	}
	list := make([]*Entry, 0, n)
	for _, t := range append(f.hits, f.searcher) {
		for i := range t.entries {
			list = append(list, &t.entries[i])
		}
	}
	return list
}
