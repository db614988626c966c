package matchmaker

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
)

func shuffle(r *rand.Rand, n int, swap func(i, j int)) {
	if r == nil {
		rand.Shuffle(n, swap)
		return
	}
	r.Shuffle(n, swap)
}

// processor lets a hook form the matches from all players.
func (m *Matchmaker) processor(hook func([]runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry) []formed {
	var all []runtime.MatchmakerEntry
	for slot, t := range m.ix.tickets {
		if m.ix.dead[slot] {
			continue
		}
		all = t.appendTo(all)
	}
	return m.chosen(m.call("processor", func() [][]runtime.MatchmakerEntry { return hook(all) }))
}

func (t *Ticket) appendTo(list []runtime.MatchmakerEntry) []runtime.MatchmakerEntry {
	for i := range t.entries {
		list = append(list, &t.entries[i])
	}
	return list
}

// overrideHits and overrideSteps bound the first hits of one searcher that are
// combined for an override, and the combinations tried. Their number doubles
// with each hit.
const (
	overrideHits  = 64
	overrideSteps = 4096
)

// override lets a hook choose from the matches that could form. Every active
// ticket searches; its first hits are combined in every way that all members
// accept.
func (m *Matchmaker) override(hook func([][]runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry, start time.Time) []formed {
	e := enumeration{m: m, seen: map[string]struct{}{}, mutual: m.mutual(start)}
	order := m.shuffled()
	for i, slot := range order {
		t := m.ix.tickets[slot]
		m.countSearch(t)
		left := m.o.CandidateLimit - len(e.candidates)
		if left <= 0 {
			continue // counts as a search nevertheless
		}
		// Leave a share of the limit for the searchers to come.
		e.limit = len(e.candidates) + max(1, left/(len(order)-i))
		e.search(t)
	}
	if len(e.candidates) == 0 {
		return nil
	}
	return m.chosen(m.call("override", func() [][]runtime.MatchmakerEntry { return hook(e.candidates) }))
}

// enumeration lists the combinations offered to an override.
type enumeration struct {
	m          *Matchmaker
	mutual     bool
	candidates [][]runtime.MatchmakerEntry
	seen       map[string]struct{} // sets of tickets, regardless of the searcher
	limit      int

	searcher *Ticket
	hits     []*Ticket
	picked   []*Ticket
	steps    int
}

func (e *enumeration) search(t *Ticket) {
	s := &e.m.work.search
	s.start(&e.m.ix, t)
	e.m.work.hits = s.collect(e.m.work.hits[:0], overrideHits)
	s.end()
	e.searcher, e.picked, e.steps = t, e.picked[:0], overrideSteps
	e.hits = slices.DeleteFunc(e.m.work.hits, func(hit *Ticket) bool {
		return e.mutual && !hit.finds(t) || t.sharesSession(hit)
	})
	e.extend(0, t.size())
}

// extend combines what is picked with each of the hits from index from on.
func (e *enumeration) extend(from, players int) {
	for i := from; i < len(e.hits); i++ {
		if e.steps--; e.steps < 0 || len(e.candidates) >= e.limit {
			return
		}
		hit := e.hits[i]
		total := players + hit.size()
		if total > e.searcher.MaxCount {
			continue
		}
		group := combination{tickets: e.picked}
		if (&combiner{mutual: e.mutual}).clash(&group, hit) {
			continue
		}
		e.picked = append(e.picked, hit)
		e.offer(total)
		if total < e.searcher.MaxCount {
			e.extend(i+1, total)
		}
		e.picked = e.picked[:len(e.picked)-1]
	}
}

// offer adds what is picked to the candidates if all accept the match size.
// Tickets that would take more players must have no search left.
func (e *enumeration) offer(players int) {
	suits := func(t *Ticket) bool {
		return t.accepts(players) && (players == t.MaxCount || int(t.intervals.Load()) >= e.m.o.MaxIntervals)
	}
	if !suits(e.searcher) || !each(e.picked, suits) {
		return
	}
	slots := make([]uint32, 0, len(e.picked)+1)
	for _, t := range e.picked {
		slots = append(slots, t.slot)
	}
	slots = append(slots, e.searcher.slot)
	slices.Sort(slots)
	key := make([]byte, 0, 4*len(slots))
	for _, slot := range slots {
		key = binary.LittleEndian.AppendUint32(key, slot)
	}
	if _, twice := e.seen[string(key)]; twice {
		return
	}
	e.seen[string(key)] = struct{}{}
	list := make([]runtime.MatchmakerEntry, 0, players)
	for _, t := range e.picked {
		list = t.appendTo(list)
	}
	e.candidates = append(e.candidates, e.searcher.appendTo(list))
}

func each(tickets []*Ticket, holds func(*Ticket) bool) bool {
	return !slices.ContainsFunc(tickets, func(t *Ticket) bool { return !holds(t) })
}

// call runs a hook; if it panics, no match is formed.
func (m *Matchmaker) call(name string, hook func() [][]runtime.MatchmakerEntry) (result [][]runtime.MatchmakerEntry) {
	defer func() {
		if cause := recover(); cause != nil {
			m.log.Error().Str("hook", name).Interface("cause", cause).Msg("matchmaker hook failed")
			result = nil
		}
	}()
	return hook()
}

// chosen turns a hook's result into matches. A match is rejected if it is
// empty, names a player that is not in the pool or names one twice, or if one
// of its tickets is in an earlier match.
func (m *Matchmaker) chosen(lists [][]runtime.MatchmakerEntry) []formed {
	if len(lists) == 0 {
		return nil
	}
	byID := make(map[string]*Ticket, len(m.ix.tickets)-m.ix.numDead)
	for slot, t := range m.ix.tickets {
		if !m.ix.dead[slot] {
			byID[t.ID] = t
		}
	}
	var found []formed
	for _, list := range lists {
		f, ok := m.choose(byID, list)
		if !ok {
			m.log.Warn().Int("players", len(list)).Msg("matchmaker hook returned a match with players that are not in the pool")
			continue
		}
		found = append(found, f)
		for _, t := range append(f.hits, f.searcher) {
			m.ix.markDead(t)
		}
	}
	return found
}

func (m *Matchmaker) choose(byID map[string]*Ticket, list []runtime.MatchmakerEntry) (f formed, ok bool) {
	seen := make(map[*Entry]struct{}, len(list))
	for _, given := range list {
		e := entryOf(byID, given)
		if e == nil || m.ix.dead[e.Ticket.slot] {
			return f, false
		}
		if _, twice := seen[e]; twice {
			return f, false
		}
		seen[e] = struct{}{}
		f.players = append(f.players, e)
		if !slices.Contains(f.hits, e.Ticket) {
			f.hits = append(f.hits, e.Ticket)
		}
	}
	if len(f.hits) == 0 {
		return f, false
	}
	last := len(f.hits) - 1
	f.searcher, f.hits = f.hits[last], f.hits[:last:last]
	return f, true
}

// entryOf finds the entry for a player returned by a hook: the entry it was
// given, or a value of its own with the same ticket and session.
func entryOf(byID map[string]*Ticket, given runtime.MatchmakerEntry) *Entry {
	if e, ok := given.(*Entry); ok && e != nil && byID[e.Ticket.ID] == e.Ticket {
		return e
	}
	if given == nil || given.GetPresence() == nil {
		return nil
	}
	t := byID[given.GetTicket()]
	if t == nil {
		return nil
	}
	session := given.GetPresence().GetSessionId()
	for i := range t.entries {
		if t.entries[i].Presence.GetSessionId() == session {
			return &t.entries[i]
		}
	}
	return nil
}
