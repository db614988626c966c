package index

import "iter"

// walkable reports whether there is a sorted list for the order.
func (s *search) walkable() bool {
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

// walk considers entries along the order until the page is full. It gives up, and
// returns false, after looking at a number of them.
func (s *search) walk(looks int) (done bool) {
	lead := orderKey{by: byUpdated}
	if len(s.order) > 0 && s.order[0].by != byScore {
		lead = s.order[0]
	}
	for slot, again := range s.along(&lead) {
		if looks--; looks < 0 {
			return false
		}
		if again {
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

// along yields the slots in the order of its leading key: those with a value, and then,
// as entries without a value come last, all slots in the order of updates, of which
// those with a value are marked as yielded again.
func (s *search) along(lead *orderKey) iter.Seq2[uint32, bool] {
	return func(yield func(slot uint32, again bool) bool) {
		list := &s.byTime
		if lead.by == byColumn {
			list = &lead.column.order
		}
		from, to := s.bounds(lead, list)
		for slot := range list.along(from, to, lead.desc) {
			if !yield(slot, false) {
				return
			}
		}
		if lead.by != byColumn || s.requires(lead.column) {
			return
		}
		for slot := range s.byTime.along(place{}, s.byTime.end(), lead.desc) {
			if !yield(slot, s.scalar(lead.column, slot).kind != none) {
				return
			}
		}
	}
}

// full reports whether neither this slot nor any later one of the walk can be on the
// page.
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
	// The order of slots with the same leading value depends on the other keys.
	if s.worst == nil {
		s.trim()
	}
	return lead.compareKeys(s.keyOf(lead, match{slot: slot}), s.keyOf(lead, *s.worst)) > 0
}

// bounds returns the part of a sorted list that the walk has to visit: the slots after
// the position and within the ranges of the query.
func (s *search) bounds(lead *orderKey, list *sorted) (from, to place) {
	from, to = place{}, list.end()
	if lead.by == byUpdated {
		from, to = s.times()
	}
	if lead.by == byColumn {
		for i := range s.ranges {
			if r := &s.ranges[i]; r.column == lead.column && r.exact() {
				from, to = later(from, r.from), earlier(to, r.to)
			}
		}
	}
	if s.After == nil || len(s.order) > 0 && s.order[0].by == byScore {
		return from, to
	}
	// behind reports whether a slot may be after the position. With several keys those
	// with the same leading value may be.
	behind := func(slot uint32) bool {
		if len(s.order) < 2 {
			return s.comparePosition(s.order, match{slot: slot}, s.After) > 0
		}
		return lead.compareKeys(s.keyOf(lead, match{slot: slot}), s.After.keys[0]) >= 0
	}
	if lead.desc {
		return from, earlier(to, list.seek(behind))
	}
	return later(from, list.seek(func(slot uint32) bool { return !behind(slot) })), to
}
