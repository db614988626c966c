package matchmaker

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// model forms matches exhaustively, by the rules as written.
type model struct {
	o       Options
	tickets []*modelTicket // by age
	rand    *rand.Rand
}

type modelTicket struct {
	*Ticket
	searches int
	matched  bool
}

func (m *model) process() (matches []*Match) {
	var active []*modelTicket
	for _, t := range m.tickets {
		if t.searches < m.o.MaxIntervals && (t.MinCount != t.MaxCount || t.searches == 0) {
			active = append(active, t)
		}
	}
	m.rand.Shuffle(len(active), func(i, j int) { active[i], active[j] = active[j], active[i] })
	for _, t := range active {
		if t.matched {
			continue
		}
		t.searches++
		group := m.search(t)
		if group == nil {
			continue
		}
		match := &Match{}
		for _, member := range append(group, t) {
			member.matched = true
			for i := range member.entries {
				match.Entries = append(match.Entries, &member.entries[i])
			}
		}
		matches = append(matches, match)
	}
	m.tickets = slices.DeleteFunc(m.tickets, func(t *modelTicket) bool { return t.matched })
	return matches
}

func (m *model) search(t *modelTicket) []*modelTicket {
	last := t.searches >= m.o.MaxIntervals || t.MinCount == t.MaxCount
	type scored struct {
		*modelTicket
		score float64
	}
	var hits []scored
	for _, other := range m.tickets {
		if other == t || other.matched || t.PartyID != "" && t.PartyID == other.PartyID {
			continue
		}
		if other.MinCount < t.MinCount || other.MaxCount > t.MaxCount {
			continue
		}
		if score, ok := t.Ticket.query.Match(other.doc); ok {
			hits = append(hits, scored{other, score})
		}
	}
	slices.SortStableFunc(hits, func(a, b scored) int { return cmp.Compare(b.score, a.score) })

	var combinations [][]*modelTicket
	for n, hit := range hits {
		if m.o.RevPrecision && !hit.finds(t.Ticket) || t.sharesSession(hit.Ticket) {
			continue
		}
		touched := -1
		for i, c := range combinations {
			if count(c)+hit.size()+t.size() <= t.MaxCount && !m.clashes(c, hit.modelTicket) {
				combinations[i] = append(c, hit.modelTicket)
				touched = i
				break
			}
		}
		if touched < 0 {
			combinations = append(combinations, []*modelTicket{hit.modelTicket})
			touched = len(combinations) - 1
		}
		group := combinations[touched]
		total := count(group) + t.size()
		if total != t.MaxCount && !(last && n == len(hits)-1 && total >= t.MinCount && total <= t.MaxCount) {
			continue
		}
		if excess := total % t.multiple; excess > 0 {
			group = withoutNewest(group, excess)
			if group == nil {
				continue
			}
			total -= excess
		}
		good := len(group) > 0
		for _, member := range append(slices.Clone(group), t) {
			good = good && total >= member.MinCount && total <= member.MaxCount && total%member.multiple == 0
		}
		if good {
			return group
		}
	}
	return nil
}

func (m *model) clashes(c []*modelTicket, t *modelTicket) bool {
	for _, other := range c {
		if other.sharesSession(t.Ticket) || m.o.RevPrecision && !(other.finds(t.Ticket) && t.finds(other.Ticket)) {
			return true
		}
	}
	return false
}

func count(c []*modelTicket) (n int) {
	for _, t := range c {
		n += t.size()
	}
	return n
}

// withoutNewest tries every set.
func withoutNewest(group []*modelTicket, excess int) []*modelTicket {
	var best []*modelTicket
	newest := math.Inf(-1)
	for set := 1; set < 1<<len(group); set++ {
		var kept, left []*modelTicket
		sum := 0.0
		for i, t := range group {
			if set&(1<<i) == 0 {
				kept = append(kept, t)
			} else {
				left = append(left, t)
				sum += float64(t.CreatedAt - group[0].CreatedAt)
			}
		}
		if average := sum / float64(len(left)); count(left) == excess && average > newest {
			best, newest = append([]*modelTicket{}, kept...), average
		}
	}
	return best
}

var queries = []string{
	"", "*", "+properties.mode:a", "+properties.mode:b", "properties.mode:a", "properties.mode:a properties.mode:b^2",
	"properties.rank:>3^3 *", "-properties.mode:a", "+properties.rank:5", "+properties.rank:5.0 +properties.mode:a", "+party_id:q",
	"properties.mode:/a|b/ properties.rank:<4", "+properties.mode:a +properties.rank:>=2 +properties.rank:<=6",
	"+properties.rank:>=2 +properties.rank:<6", "+properties.rank:>7", "+properties.mode:zz", "+min_count:<=2 properties.mode:b",
	"+properties.mode:a +properties.region:x", "+properties.rank:>5 +properties.rank:<3", "+properties.rank:>4 +properties.rank:>=4",
}

func drawRequest(t *rapid.T, n int) Request {
	r := Request{Query: rapid.SampledFrom(queries).Draw(t, "query")}
	multiple := rapid.SampledFrom([]int{0, 1, 2, 3}).Draw(t, "multiple")
	step := max(1, multiple)
	r.CountMultiple = multiple
	r.MinCount = step * rapid.IntRange((1+step)/step, 2+2/step).Draw(t, "min")
	r.MaxCount = r.MinCount + step*rapid.IntRange(0, 3).Draw(t, "more")
	size := 1
	if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
		r.PartyID = rapid.SampledFrom([]string{"p", "q", fmt.Sprint("party", n)}).Draw(t, "party")
		size = rapid.IntRange(1, 4).Draw(t, "size")
	}
	for i := range size {
		number := 1000 + n*10 + i
		if rapid.IntRange(0, 4).Draw(t, "again") == 0 {
			number = 10*i + rapid.IntRange(0, 2).Draw(t, "session") // a session with several tickets
		}
		r.Presences = append(r.Presences, player(number))
	}
	if mode := rapid.SampledFrom([]string{"a", "b", "c", ""}).Draw(t, "mode"); mode != "" {
		r = r.text("mode", mode)
	}
	switch rank := rapid.IntRange(0, 13).Draw(t, "rank"); rank {
	case 11:
		r = r.text("rank", "5")
	case 12:
		r = r.num("rank", math.NaN())
	case 13:
		r = r.text("region", "x")
	default:
		r = r.num("rank", float64(rank))
	}
	return r
}

// TestFormsWhatExhaustiveSearchForms compares pass after pass, with tickets
// coming and going in between, the matches, their players and their order.
func TestFormsWhatExhaustiveSearchForms(t *testing.T) {
	t.Parallel()
	formed := 0
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		at := int64(1_700_000_000_000_000_000)
		times := rand.New(rand.NewPCG(seed, 2))
		o := Options{
			MaxTickets: 1000, MaxIntervals: rapid.IntRange(1, 3).Draw(t, "intervals"),
			RevPrecision: rapid.Bool().Draw(t, "mutual"), Rand: rand.New(rand.NewPCG(seed, 1)),
			Now: func() time.Time { at += times.Int64N(1e9) + 1; return time.Unix(0, at) },
		}
		m := New(o)
		m.ix.eager = rapid.Bool().Draw(t, "eager")
		want := &model{o: o, rand: rand.New(rand.NewPCG(seed, 1))}
		n := 0
		for range rapid.IntRange(1, 4).Draw(t, "passes") {
			for range rapid.IntRange(0, 25).Draw(t, "adds") {
				n++
				ticket, err := m.Add(drawRequest(t, n))
				if err != nil {
					t.Fatal(err)
				}
				want.tickets = append(want.tickets, &modelTicket{Ticket: ticket})
			}
			for range min(len(want.tickets), rapid.IntRange(0, 3).Draw(t, "removals")) {
				i := rapid.IntRange(0, len(want.tickets)-1).Draw(t, "removed")
				if err := m.Remove(want.tickets[i].ID); err != nil {
					t.Fatal(err)
				}
				want.tickets = slices.Delete(want.tickets, i, i+1)
			}
			if rapid.IntRange(0, 5).Draw(t, "rebuild") == 0 {
				m.ix.stale = true
			}
			got, expected := m.Process(), want.process()
			if show(got) != show(expected) {
				t.Fatalf("formed %q, want %q", show(got), show(expected))
			}
			formed += len(got)
			if s := m.Stats(); s.Tickets != len(want.tickets) {
				t.Fatalf("%d tickets left, want %d", s.Tickets, len(want.tickets))
			}
		}
	})
	if formed == 0 {
		t.Error("no match was ever formed")
	}
}

// TestSearchFindsWhatExhaustiveSearchFinds compares the hits of searches in
// larger pools, where columns get built in the middle of a search.
func TestSearchFindsWhatExhaustiveSearchFinds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		r := rand.New(rand.NewPCG(seed, 3))
		m := New(Options{MaxTickets: 1000})
		modes := rapid.IntRange(1, 4).Draw(t, "modes")
		var pool []*Ticket
		grow := func(n int) {
			for range n {
				minCount := 2 + r.IntN(2)
				request := solo(len(pool), minCount, minCount+r.IntN(3)).num("rank", float64(r.IntN(200))).
					text("mode", string(rune('a'+r.IntN(modes))))
				ticket, err := m.Add(request)
				if err != nil {
					t.Fatal(err)
				}
				pool = append(pool, ticket)
			}
			m.refresh()
		}
		grow(300)
		var s search
		for range 60 {
			switch r.IntN(6) {
			case 0:
				grow(20)
			case 1:
				for range 40 { // as when they match within a pass
					i := r.IntN(len(pool))
					pool[i].removed.Store(true)
					m.ix.markDead(pool[i])
				}
			}
			low := r.IntN(220) - 10
			text := fmt.Sprintf("+properties.rank:>=%d +properties.rank:<%d", low, low+r.IntN(40))
			switch r.IntN(4) {
			case 0:
				text += " +properties.mode:a"
			case 1:
				text += " properties.mode:b^2 properties.mode:a"
			}
			minCount := 2 + r.IntN(2)
			searcher, err := newTicket(solo(-1, minCount, minCount+r.IntN(4)).query(text))
			if err != nil {
				t.Fatal(err)
			}
			searcher.describe()
			type scored struct {
				*Ticket
				score float64
			}
			var want []scored
			for _, other := range pool {
				if score, ok := searcher.query.Match(other.doc); ok && searcher.inRange(other) && !other.removed.Load() {
					want = append(want, scored{other, score})
				}
			}
			slices.SortStableFunc(want, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
			need := 1 + r.IntN(400)
			s.start(&m.ix, searcher)
			got := s.collect(nil, need)
			s.end()
			if len(got) != min(need, len(want)) {
				t.Fatalf("%s: %d hits, want %d of %d", text, len(got), need, len(want))
			}
			for i, ticket := range got {
				if ticket != want[i].Ticket {
					t.Fatalf("%s: hit %d is of age %d, want %d", text, i, ticket.CreatedAt, want[i].CreatedAt)
				}
			}
		}
	})
}
