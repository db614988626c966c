package matchmaker

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/runtime"
)

type (
	entry   = runtime.MatchmakerEntry
	entries = []runtime.MatchmakerEntry
)

func names(list entries) (text string) {
	for i, e := range list {
		if i > 0 {
			text += " "
		}
		text += e.GetPresence().GetUsername()[1:]
	}
	return text
}

func TestOverrideCandidates(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		o    Options
		adds []Request
		want [][]string // of each pass
	}{
		{"each set once", Options{}, []Request{solo(1, 2, 2), solo(2, 2, 2), solo(3, 2, 2)}, [][]string{{"2 1", "3 1", "3 2"}, nil}},
		{"below the maximum after its searches", Options{}, []Request{solo(1, 2, 3), solo(2, 2, 3), solo(3, 2, 3)},
			[][]string{{"2 3 1"}, {"2 3 1", "1 3 2", "2 1", "3 1", "3 2"}}},
		{"only who finds", Options{}, []Request{solo(1, 2, 2).query("+properties.a:b"), solo(2, 2, 2).query("+properties.no:x"), solo(3, 2, 2).text("a", "b").query("+properties.no:x")}, [][]string{{"3 1"}}},
		{"parties and sessions", Options{}, []Request{solo(1, 3, 3), party("p", 3, 3, 2, 3), solo(2, 3, 3), solo(4, 3, 3)}, [][]string{{"2 3 1", "2 4 1", "2 3 4"}}},
		{"multiples", Options{MaxIntervals: 1}, []Request{solo(1, 2, 4).multiple(2), solo(2, 2, 4).multiple(2), solo(3, 2, 4).multiple(2)}, [][]string{{"2 1", "3 1", "3 2"}}},
		{"mutual", Options{RevPrecision: true}, []Request{solo(1, 2, 2).text("a", "b"), solo(2, 2, 2), solo(3, 2, 2).query("+properties.a:b")}, [][]string{{"2 1", "3 1"}}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			row.o.Hooks = func() Hooks {
				return Hooks{Override: func(candidates []entries) []entries {
					for _, c := range candidates {
						got = append(got, names(c))
					}
					return nil
				}}
			}
			m := newOrdered(row.o)
			for _, r := range row.adds {
				add(t, m, r)
			}
			for n, want := range row.want {
				got = nil
				if formed := m.Process(); len(formed) > 0 {
					t.Fatalf("formed %s though nothing was chosen", show(formed))
				}
				// The order of the candidates is unspecified.
				sets := func(list []string) []string {
					out := make([]string, len(list))
					for i, text := range list {
						letters := []byte(text)
						slices.Sort(letters)
						out[i] = string(letters)
					}
					slices.Sort(out)
					return slices.Compact(out)
				}
				if diff := cmp.Diff(sets(want), sets(got)); diff != "" || len(got) != len(sets(got)) {
					t.Errorf("pass %d: %q (-want +got):\n%s", n+1, got, diff)
				}
			}
		})
	}
}

func TestOverrideIsBounded(t *testing.T) {
	t.Parallel()
	offered := 0
	m := New(Options{CandidateLimit: 500, Hooks: func() Hooks {
		return Hooks{Override: func(candidates []entries) []entries {
			offered = len(candidates)
			return candidates[:1]
		}}
	}})
	for n := range 300 {
		add(t, m, solo(n, 4, 10))
	}
	formed := m.Process()
	if offered == 0 || offered > 500 || len(formed) != 1 || len(formed[0].Entries) != 10 {
		t.Errorf("%d candidates, formed %q", offered, show(formed))
	}
	if s := m.Stats(); s.Tickets != 290 {
		t.Errorf("%d tickets left", s.Tickets)
	}
}

func TestProcessor(t *testing.T) {
	t.Parallel()
	var seen []string
	var answer func(all entries) []entries
	m := newOrdered(Options{Hooks: func() Hooks {
		return Hooks{
			Processor: func(all entries) []entries {
				seen = append(seen, names(all))
				return answer(all)
			},
			Override: func([]entries) []entries { panic("the processor goes first") },
		}
	}})
	if m.Process(); seen != nil {
		t.Error("asked about an empty pool")
	}
	add(t, m, solo(1, 2, 2).query("+properties.no:x"))
	add(t, m, party("p", 4, 4, 2, 3))
	add(t, m, solo(4, 8, 9))
	steps := []struct {
		answer func(all entries) []entries
		want   string
	}{
		{func(entries) []entries { return nil }, ""},
		{func(entries) []entries { panic("a bug of the module") }, ""},
		{func(all entries) []entries { return []entries{{}, nil, {nil}, {all[0], all[0]}} }, ""},
		{func(all entries) []entries { return []entries{{all[3], all[0]}, {all[0], all[1], all[2]}} }, "4 1"},
		{func(all entries) []entries { return []entries{{foreign{all[0]}, foreign{all[1]}}} }, "2 3"},
	}
	for n, step := range steps {
		answer = step.answer
		if got := show(m.Process()); got != step.want {
			t.Errorf("step %d: formed %q, want %q", n, got, step.want)
		}
	}
	if diff := cmp.Diff([]string{"1 2 3 4", "1 2 3 4", "1 2 3 4", "1 2 3 4", "2 3"}, seen); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
	if s := m.Stats(); s.Tickets != 0 {
		t.Errorf("%d tickets left", s.Tickets)
	}
}

// foreign is an entry made by a hook itself.
type foreign struct{ entry }

func TestExplain(t *testing.T) {
	t.Parallel()
	m := newOrdered(Options{MaxTickets: 10})
	if _, err := m.Explain("nope"); err == nil {
		t.Error("explained a ticket that is not there")
	}
	me := add(t, m, solo(1, 2, 4).text("mode", "a").query("+properties.mode:a +properties.rank:>=5 -properties.bad:T"))
	explain := func() *Explanation {
		t.Helper()
		x, err := m.Explain(me.ID)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	if x := explain(); x.Others != 0 || x.Summary != "no other ticket is waiting" || !x.Active {
		t.Errorf("alone: %+v", x)
	}
	b1 := add(t, m, solo(2, 2, 4).text("mode", "b").num("rank", 5).query("+properties.mode:z"))
	add(t, m, solo(3, 2, 4).text("mode", "b").num("rank", 9).query("+properties.mode:z"))
	both := add(t, m, solo(4, 2, 3).text("mode", "b").query("+properties.mode:a +properties.rank:1"))
	wide := add(t, m, solo(5, 2, 8).text("mode", "a").num("rank", 9).query("properties.mode:z properties.mode:y"))
	mine := add(t, m, solo(1, 2, 4).text("mode", "a").num("rank", 7).query("+properties.mode:z"))
	x := explain()
	want := []Class{
		{Reason: ReasonQuery, Clauses: []string{"+properties.mode:a"}, Tickets: 2, Players: 2, Example: b1.ID},
		{Reason: ReasonCount, Counts: "2-8", Tickets: 1, Players: 1, Example: wide.ID},
		{Reason: ReasonQuery, Clauses: []string{"+properties.mode:a", "+properties.rank:>=5"}, Tickets: 1, Players: 1, Example: both.ID},
		{Reason: ReasonSession, Tickets: 1, Players: 1, Example: mine.ID},
	}
	if diff := cmp.Diff(want, x.Finds); diff != "" {
		t.Errorf("finds (-want +got):\n%s", diff)
	}
	found := []Class{
		{Reason: ReasonQuery, Clauses: []string{"+properties.mode:z"}, Tickets: 3, Players: 3, Example: b1.ID},
		{Reason: ReasonCount, Counts: "2-4", Clauses: []string{"+properties.rank:1"}, Tickets: 1, Players: 1, Example: both.ID},
		{Reason: ReasonQuery, Clauses: []string{"properties.mode:z properties.mode:y"}, Tickets: 1, Players: 1, Example: wide.ID},
	}
	if diff := cmp.Diff(found, x.FoundBy); diff != "" {
		t.Errorf("found by (-want +got):\n%s", diff)
	}
	if want := "its search finds no other ticket: 2 tickets fail by query (+properties.mode:a); 1 ticket fails by count (it wants 2-8 players); " +
		"1 ticket fails by query (+properties.mode:a +properties.rank:>=5); 1 ticket fails by session"; x.Summary != want {
		t.Errorf("summary %q, want %q", x.Summary, want)
	}

	fits := add(t, m, solo(6, 2, 4).text("mode", "a").num("rank", 6).query("+properties.mode:z"))
	x = explain()
	if !slices.ContainsFunc(x.Finds, func(c Class) bool { return c.Reason == ReasonFits && c.Example == fits.ID }) {
		t.Errorf("finds %+v, want one that fits", x.Finds)
	}
	if err := m.Remove(fits.ID); err != nil {
		t.Fatal(err)
	}
	m.Process()
	m.Process()
	if x = explain(); x.Active || x.Searches != 2 || !strings.HasPrefix(x.Summary, "its 2 searches are over, and no ticket that still searches finds it") {
		t.Errorf("passive: %+v", x)
	}
	add(t, m, solo(7, 2, 4).query("+properties.mode:a"))
	if x = explain(); x.Summary != "its 2 searches are over; 1 ticket that still searches finds it" {
		t.Errorf("summary %q", x.Summary)
	}
}

func TestExplainOfMutualAndParties(t *testing.T) {
	t.Parallel()
	m := newOrdered(Options{MaxTickets: 10, RevPrecision: true})
	me := add(t, m, party("p", 3, 4, 1, 2))
	add(t, m, party("p", 3, 4, 3))
	add(t, m, solo(4, 3, 4).query("+properties.rank:3"))
	add(t, m, party("q", 3, 4, 5, 6, 7))
	x, err := m.Explain(me.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := map[Reason]Class{}
	for _, c := range x.Finds {
		c.Example = ""
		got[c.Reason] = c
	}
	want := map[Reason]Class{
		ReasonParty:  {Reason: ReasonParty, Tickets: 1, Players: 1},
		ReasonMutual: {Reason: ReasonMutual, Clauses: []string{"+properties.rank:3"}, Tickets: 1, Players: 1},
		ReasonRoom:   {Reason: ReasonRoom, Tickets: 1, Players: 3},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
}

// A summary names every reason: a ticket that does not fit by its size, and
// one that is found but does not find.
func TestSummaryNamesEveryClass(t *testing.T) {
	t.Parallel()
	m := newOrdered(Options{RevPrecision: true})
	me := add(t, m, solo(1, 2, 2).text("mode", "a").query("+properties.mode:a"))
	add(t, m, solo(2, 2, 4).text("mode", "b"))
	add(t, m, solo(3, 2, 2).text("mode", "a").query("+properties.rank:>3"))
	say := func() string {
		x, err := m.Explain(me.ID)
		if err != nil {
			t.Fatal(err)
		}
		return x.Summary
	}
	want := "its search finds no other ticket: 1 ticket fails by count (it wants 2-4 players, it also fails +properties.mode:a); " +
		"1 ticket fails by mutual (its query asks for +properties.rank:>3)"
	if got := say(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	m.Process()
	if got := say(); !strings.HasPrefix(got, "its one search is over, and no ticket that still searches finds it: 1 ticket fails by mutual") {
		t.Error(got)
	}
}

func TestExplainBoundsItsClasses(t *testing.T) {
	t.Parallel()
	m := New(Options{})
	me := add(t, m, solo(0, 2, 2))
	const n = 300
	for i := range n {
		add(t, m, solo(i+1, 2, 3+i).query(fmt.Sprintf("+properties.k%d:x", i)))
	}
	x, err := m.Explain(me.ID)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, c := range x.Finds {
		sum += c.Tickets
	}
	if len(x.Finds) > maxClasses+1 || sum != n {
		t.Errorf("%d classes of %d tickets", len(x.Finds), sum)
	}
}
