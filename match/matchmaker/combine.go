package matchmaker

import "slices"

// combination is a group of hits that could play together with the searcher.
type combination struct {
	tickets []*Ticket
	players int // without the searcher's
}

// combiner sorts the hits of one searcher into combinations by first fit. It
// is reused from searcher to searcher.
type combiner struct {
	open   []combination
	first  []int // by size: the combinations before this index have no room for it
	mutual bool  // all pairs must accept each other
}

func (c *combiner) reset(mutual bool) {
	c.mutual = mutual
	c.open, c.first = c.open[:0], c.first[:0]
}

// add adds a hit to the first combination that has room and no conflict, or to
// a new one, and returns it. room is the maximum number of players in a
// combination; a hit larger than that returns nil.
func (c *combiner) add(t *Ticket, room int) *combination {
	size := t.size()
	if size > room {
		return nil
	}
	for len(c.first) <= size {
		c.first = append(c.first, 0)
	}
	passed := true // all combinations so far are full
	for i := c.first[size]; i < len(c.open); i++ {
		group := &c.open[i]
		if group.players+size > room {
			if passed {
				c.first[size] = i + 1
			}
			continue
		}
		passed = false
		if !c.clash(group, t) {
			group.tickets = append(group.tickets, t)
			group.players += size
			return group
		}
	}
	if len(c.open) < cap(c.open) {
		c.open = c.open[:len(c.open)+1]
	} else {
		c.open = append(c.open, combination{})
	}
	group := &c.open[len(c.open)-1]
	group.tickets, group.players = append(group.tickets[:0], t), size
	return group
}

func (c *combiner) clash(group *combination, t *Ticket) bool {
	for _, other := range group.tickets {
		if t.sharesSession(other) || c.mutual && !(t.finds(other) && other.finds(t)) {
			return true
		}
	}
	return false
}

// complete returns the hits that form a match with the searcher, or nil. If
// the searcher wants a multiple, the excess players are left out; then all
// tickets must accept the match size.
func complete(searcher *Ticket, group *combination) []*Ticket {
	hits, players := group.tickets, group.players+searcher.size()
	if excess := players % searcher.multiple; excess > 0 {
		hits = trim(hits, excess)
		players -= excess
	}
	if len(hits) == 0 || !searcher.accepts(players) {
		return nil
	}
	for _, t := range hits {
		if !t.accepts(players) {
			return nil
		}
	}
	return hits
}

// maxTrimStates bounds the exact search of newestSet.
const maxTrimStates = 1 << 18

// trim returns the tickets without a set that has exactly excess players: of
// all such sets the one with the shortest average wait. It returns nil if
// there is no such set.
func trim(tickets []*Ticket, excess int) []*Ticket {
	var leave []bool
	if len(tickets)*excess*excess <= maxTrimStates {
		leave = newestSet(tickets, excess)
	} else {
		leave = newestFirst(tickets, excess)
	}
	if leave == nil {
		return nil
	}
	kept := make([]*Ticket, 0, len(tickets))
	for i, t := range tickets {
		if !leave[i] {
			kept = append(kept, t)
		}
	}
	return kept
}

// newestSet finds the set with the latest average time, by dynamic
// programming: for each number of tickets and of players it keeps the latest
// total time reached with the tickets seen so far.
func newestSet(tickets []*Ticket, excess int) []bool {
	oldest := tickets[0].CreatedAt
	for _, t := range tickets {
		oldest = min(oldest, t.CreatedAt)
	}
	const unreached = -1
	width := excess + 1
	layer := width * width // [number of tickets][players]
	best := make([]int64, layer)
	taken := make([]bool, layer*len(tickets))
	for i := range best {
		best[i] = unreached
	}
	best[0] = 0
	for i, t := range tickets {
		size := t.size()
		for count := min(i, excess-1); count >= 0; count-- {
			for players := excess - size; players >= 0; players-- {
				from := best[count*width+players]
				if from == unreached {
					continue
				}
				to := (count+1)*width + players + size
				if total := from + t.CreatedAt - oldest; total > best[to] {
					best[to] = total
					taken[i*layer+to] = true
				}
			}
		}
	}
	chosen := 0
	for count := 1; count <= excess; count++ {
		total := best[count*width+excess]
		if total == unreached {
			continue
		}
		// Compare averages as products, to stay with integers.
		if chosen == 0 || total*int64(chosen) > best[chosen*width+excess]*int64(count) {
			chosen = count
		}
	}
	if chosen == 0 {
		return nil
	}
	leave := make([]bool, len(tickets))
	count, players := chosen, excess
	for i := len(tickets) - 1; count > 0; i-- {
		if taken[i*layer+count*width+players] {
			leave[i] = true
			count--
			players -= tickets[i].size()
		}
	}
	return leave
}

// newestFirst is the greedy fallback for large inputs: newest first, as long
// as they fit.
func newestFirst(tickets []*Ticket, excess int) []bool {
	order := make([]int, len(tickets))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return int(max(-1, min(1, tickets[b].CreatedAt-tickets[a].CreatedAt)))
	})
	leave := make([]bool, len(tickets))
	for _, i := range order {
		if size := tickets[i].size(); size <= excess {
			leave[i] = true
			excess -= size
		}
	}
	if excess > 0 {
		return nil
	}
	return leave
}
