package matchmaker

import "slices"

// combination is a group of hits that could play together with the searcher.
type combination struct {
	tickets []*Ticket
	players int // without the searcher's
}

// combiner puts the hits of one searcher into combinations, first fit. It is
// reused from searcher to searcher.
type combiner struct {
	open   []combination
	first  []int // by players: no combination before it has room for so many
	mutual bool  // every pair must find each other
}

func (c *combiner) reset(mutual bool) {
	c.mutual = mutual
	c.open, c.first = c.open[:0], c.first[:0]
}

// put adds a hit to the first combination with room for it in which nobody
// clashes, or to a new one, and returns that; nil for a hit that is too large
// for any. Combinations have room for so many players.
func (c *combiner) put(t *Ticket, room int) *combination {
	size := t.size()
	if size > room {
		return nil
	}
	for len(c.first) <= size {
		c.first = append(c.first, 0)
	}
	passed := true // all combinations so far have no room
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

// settle gives the hits of a combination that form a match with the searcher,
// or nil: the players above a multiple of the searcher's are left out, then all
// must accept the number.
func settle(searcher *Ticket, group *combination) []*Ticket {
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

// maxTrimStates bounds the exact choice of whom to leave out.
const maxTrimStates = 1 << 18

// trim returns the tickets without some that have exactly so many players
// together: of all such sets the one that waited least, by average. It returns
// nil when there is no such set.
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

// newestSet finds the set with the latest average time. For each number of
// tickets and of players it keeps the latest total time reached with the tickets
// seen so far.
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
		// Averages are compared as products, so that they stay whole.
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

// newestFirst is for numbers too large to try every set: the newest go as long
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
