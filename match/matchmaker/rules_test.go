package matchmaker

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// newOrdered returns a matchmaker in which the oldest ticket searches first.
func newOrdered(o Options) *Matchmaker {
	o.Rand = inOrder()
	o.Now = (&clock{}).now
	return New(o)
}

func TestForming(t *testing.T) {
	t.Parallel()
	type passes = []string // what each pass forms; players in order
	rows := []struct {
		name string
		o    Options
		adds []Request
		want passes
	}{
		{"two who want two", Options{}, []Request{solo(1, 2, 2), solo(2, 2, 2)}, passes{"2 1"}},
		{"nobody alone", Options{}, []Request{solo(1, 2, 2)}, passes{"", "", ""}},
		{"pairs by age", Options{}, []Request{solo(1, 2, 2), solo(2, 2, 2), solo(3, 2, 2), solo(4, 2, 2)}, passes{"2 1 | 4 3"}},
		{"the maximum forms at once", Options{}, []Request{solo(1, 2, 3), solo(2, 2, 3), solo(3, 2, 3)}, passes{"2 3 1"}},
		{"fewer only on the last search", Options{}, []Request{solo(1, 2, 4), solo(2, 2, 4), solo(3, 2, 4)}, passes{"", "2 3 1"}},
		{"one search only, by setting", Options{MaxIntervals: 1}, []Request{solo(1, 2, 4), solo(2, 2, 4)}, passes{"2 1"}},
		{"three searches, by setting", Options{MaxIntervals: 3}, []Request{solo(1, 2, 4), solo(2, 2, 4)}, passes{"", "", "2 1"}},
		{"not below the minimum", Options{}, []Request{solo(1, 3, 4), solo(2, 3, 4)}, passes{"", "", ""}},

		{"a wide ticket finds a narrow one", Options{}, []Request{solo(1, 2, 8), solo(2, 2, 4)}, passes{"", "2 1"}},
		{"a narrow ticket does not find a wide one", Options{MaxIntervals: 1}, []Request{
			solo(1, 2, 2), solo(2, 2, 8).query("+properties.none:x"),
		}, passes{"", ""}},
		{"a narrow one cannot be in more than it wants", Options{}, []Request{
			solo(1, 2, 3).query("*"), solo(2, 2, 2).query("+properties.none:x"), solo(3, 3, 3).query("+properties.none:x"),
		}, passes{"", ""}},
		{"overlapping ranges never meet", Options{}, []Request{solo(1, 2, 4), solo(2, 3, 5)}, passes{"", "", ""}},

		{"equal text", Options{}, []Request{
			solo(1, 2, 2).text("mode", "a").query("+properties.mode:b"), solo(2, 2, 2).text("mode", "c").query("+properties.none:x"),
			solo(3, 2, 2).text("mode", "b").query("+properties.none:x"),
		}, passes{"3 1"}},
		{"numeric range", Options{}, []Request{
			solo(1, 2, 2).query("+properties.rank:>=5 +properties.rank:<7"), solo(2, 2, 2).num("rank", 7).query("+properties.none:x"),
			solo(3, 2, 2).num("rank", 6.5).query("+properties.none:x"),
		}, passes{"3 1"}},
		{"a number hides a text of the same key", Options{}, []Request{
			solo(1, 2, 2).query("+properties.k:a"), solo(2, 2, 2).text("k", "a").num("k", 1).query("+properties.none:x"),
		}, passes{""}},
		{"sizes are fields", Options{}, []Request{
			solo(1, 2, 6).query("+max_count:4 +min_count:>2"), solo(2, 2, 4).query("+properties.none:x"), solo(3, 3, 4).query("+properties.none:x"),
			solo(4, 3, 5).query("+properties.none:x"), solo(5, 3, 4).query("+properties.none:x"),
		}, passes{"", "3 5 1"}},
		{"the party is a field", Options{}, []Request{
			solo(1, 2, 2).query("+party_id:p"), solo(2, 2, 2).query("+properties.none:x"), party("p", 2, 2, 3).query("+properties.none:x"),
		}, passes{"3 1"}},
		{"the better score goes first", Options{}, []Request{
			solo(1, 2, 2).query("* properties.mode:a^2"), solo(2, 2, 2).text("mode", "b").query("+properties.none:x"),
			solo(3, 2, 2).text("mode", "a").query("+properties.none:x"),
		}, passes{"3 1"}},
		{"among equals the oldest", Options{}, []Request{
			solo(1, 2, 3).query("properties.mode:a properties.mode:b"), solo(2, 2, 3).text("mode", "b").query("+properties.none:x"),
			solo(3, 2, 3).text("mode", "a").query("+properties.none:x"), solo(4, 2, 3).text("mode", "a").query("+properties.none:x"),
		}, passes{"2 3 1"}},

		{"one side is enough", Options{}, []Request{
			solo(1, 2, 2).text("mode", "a"), solo(2, 2, 2).query("+properties.mode:b"),
		}, passes{"2 1"}},
		{"both sides, by setting", Options{RevPrecision: true}, []Request{
			solo(1, 2, 2).text("mode", "a"), solo(2, 2, 2).query("+properties.mode:b"), solo(3, 2, 2).query("+properties.mode:a"),
		}, passes{"3 1"}},
		{"all pairs, by setting", Options{RevPrecision: true}, []Request{
			solo(1, 3, 3).text("mode", "a"), solo(2, 3, 3).text("mode", "a").query("+properties.mode:a"),
			solo(3, 3, 3).text("mode", "b"), solo(4, 3, 3).text("mode", "a"),
		}, passes{"2 4 1"}},
		{"mutual for good without a threshold", Options{RevPrecision: true, Interval: 1}, []Request{
			solo(1, 2, 2).text("mode", "a"), solo(2, 2, 2).query("+properties.mode:b"),
		}, passes{""}},
		{"relaxed after the threshold", Options{RevPrecision: true, RevThreshold: 1, Interval: 1}, []Request{
			solo(1, 2, 2).text("mode", "a"), solo(2, 2, 2).query("+properties.mode:b"),
		}, passes{"2 1"}},

		{"a party counts as its members", Options{}, []Request{party("p", 3, 3, 1, 2), solo(3, 3, 3)}, passes{"3 1 2"}},
		{"members stay together", Options{}, []Request{solo(1, 4, 4), party("p", 4, 4, 2, 3), party("q", 4, 4, 4, 5), solo(6, 4, 4)}, passes{"2 3 6 1"}},
		{"no room for a party", Options{}, []Request{solo(1, 2, 2), party("p", 2, 2, 2, 3)}, passes{"", ""}},
		{"not with its own party", Options{}, []Request{party("p", 2, 2, 1), party("p", 2, 2, 2)}, passes{"", ""}},
		{"two parties", Options{}, []Request{party("p", 4, 4, 1, 2), party("q", 4, 4, 3, 4)}, passes{"3 4 1 2"}},
		{"first fit", Options{}, []Request{
			solo(1, 4, 4), party("p", 4, 4, 2, 3).query("+properties.none:x"), party("q", 4, 4, 4, 5).query("+properties.none:x"),
			solo(6, 4, 4).query("+properties.none:x"),
		}, passes{"2 3 6 1"}},
		{"not twice with one session", Options{}, []Request{solo(1, 2, 2), solo(1, 2, 2), solo(2, 2, 2)}, passes{"2 1"}},
		{"a session is once in a match", Options{}, []Request{solo(1, 3, 3), solo(2, 3, 3), solo(2, 3, 3), solo(3, 3, 3)}, passes{"2 3 1"}},
		{"a filtered last hit forms nothing below the maximum", Options{MaxIntervals: 1}, []Request{
			solo(1, 2, 4), solo(2, 2, 4).query("+properties.none:x"), solo(1, 2, 4).query("+properties.none:x"),
		}, passes{"", ""}},
		{"a last hit too large forms nothing below the maximum", Options{MaxIntervals: 1}, []Request{
			solo(1, 2, 3), solo(2, 2, 3).query("+properties.none:x"), party("p", 2, 3, 3, 4, 5).query("+properties.none:x"),
		}, passes{"", ""}},

		{"a multiple leaves out the newest", Options{MaxIntervals: 1}, []Request{
			solo(1, 2, 6).multiple(2), solo(2, 2, 6).multiple(2), solo(3, 2, 6).multiple(2), solo(4, 2, 6).multiple(2), solo(5, 2, 6).multiple(2),
		}, passes{"2 3 4 1", ""}},
		{"a multiple leaves out whole tickets", Options{MaxIntervals: 1}, []Request{
			solo(1, 3, 6).multiple(3), solo(2, 3, 6).multiple(3).query("+properties.none:x"), solo(3, 3, 6).multiple(3).query("+properties.none:x"),
			party("p", 3, 6, 4, 5).multiple(3).query("+properties.none:x"),
		}, passes{"2 3 1"}},
		{"no set with so many players", Options{MaxIntervals: 1}, []Request{
			party("s", 3, 6, 1, 2).multiple(3), party("p", 3, 6, 4, 5).multiple(3).query("+properties.none:x"),
		}, passes{"", ""}},
		{"not alone after leaving out", Options{MaxIntervals: 1}, []Request{
			party("s", 2, 4, 1, 2).multiple(2), solo(3, 2, 4).query("+properties.none:x"),
		}, passes{"", ""}},
		{"a hit has its own multiple", Options{MaxIntervals: 1}, []Request{
			solo(1, 2, 6), solo(2, 2, 6).multiple(2).query("+properties.none:x"), solo(3, 2, 6).query("+properties.none:x"),
		}, passes{"", ""}},

		{"passive tickets are found", Options{}, []Request{
			solo(1, 2, 2).query("+properties.new:T"), {}, {}, {}, solo(2, 2, 2),
		}, passes{"", "", "", "1 2"}},
		{"passive tickets do not search", Options{}, []Request{
			solo(1, 2, 3).query("+properties.new:T"), {}, {}, {}, solo(2, 2, 3).text("new", "T").query("+properties.none:x"),
		}, passes{"", "", "", ""}},
		{"equal counts search once", Options{}, []Request{
			solo(1, 2, 2).query("+properties.new:T"), {}, solo(2, 2, 2).text("new", "T").query("+properties.none:x"),
		}, passes{"", ""}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := newOrdered(row.o)
			var got passes
			for _, r := range row.adds {
				if r.Presences == nil { // a pass in between
					got = append(got, show(m.Process()))
					continue
				}
				add(t, m, r)
			}
			for len(got) < len(row.want) {
				got = append(got, show(m.Process()))
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("passes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	const plain = "Error adding to matchmaker"
	rows := []struct {
		r    Request
		is   error
		code rtapi.Error_Code
		text string
	}{
		{solo(1, 1, 2), nil, rtapi.Error_BAD_INPUT, "Invalid minimum count, must be >= 2"},
		{solo(1, 3, 2), nil, rtapi.Error_BAD_INPUT, "Invalid maximum count, must be >= minimum count"},
		{solo(1, 2, 4).multiple(-1), nil, rtapi.Error_BAD_INPUT, "Invalid count multiple, must be >= 1"},
		{solo(1, 3, 4).multiple(2), nil, rtapi.Error_BAD_INPUT, "Invalid count multiple for minimum count, must divide"},
		{solo(1, 4, 5).multiple(2), nil, rtapi.Error_BAD_INPUT, "Invalid count multiple for maximum count, must divide"},
		{solo(1, 2, 2).query("a:"), runtime.ErrMatchmakerQueryInvalid, rtapi.Error_RUNTIME_EXCEPTION,
			plain + `: matchmaker query invalid: query at character 3: field "a" has no value`},
		{party("p", 2, 2, 1, 1), runtime.ErrMatchmakerDuplicateSession, rtapi.Error_RUNTIME_EXCEPTION, plain + ": matchmaker duplicate session"},
	}
	m := New(Options{})
	for _, row := range rows {
		_, err := m.Add(row.r)
		if fault.CodeOf(err) != fault.InvalidArgument || row.is != nil && !errors.Is(err, row.is) {
			t.Errorf("%s: error %v", row.text, err)
			continue
		}
		if code, text := ClientError(err); code != row.code || text != row.text {
			t.Errorf("%v: client reads %v %q, want %v %q", err, code, text, row.code, row.text)
		}
	}
	if s := m.Stats(); s.Tickets != 0 {
		t.Errorf("%d tickets after refusals", s.Tickets)
	}
	zero := 0
	if err := CheckCounts(2, 2, &zero); err == nil {
		t.Error("a count multiple of 0 is not refused")
	}
}

func TestTicketLimits(t *testing.T) {
	t.Parallel()
	m := New(Options{MaxTickets: 2})
	full := func(r Request) {
		t.Helper()
		if _, err := m.Add(r); !errors.Is(err, runtime.ErrMatchmakerTooManyTickets) || fault.CodeOf(err) != fault.ResourceExhausted {
			t.Errorf("error %v, want too many tickets", err)
		}
	}
	add(t, m, solo(1, 2, 2))
	of := add(t, m, party("p", 2, 2, 1, 2))
	full(solo(1, 2, 2))            // its party's ticket counts
	full(party("q", 2, 2, 3, 1))   // any member
	add(t, m, party("p", 2, 2, 4)) // the party's second
	full(party("p", 2, 2, 5))      // the party itself
	if err := m.RemovePartyTicket("p", of.ID); err != nil {
		t.Fatal(err)
	}
	add(t, m, solo(1, 2, 2))
	add(t, m, party("p", 2, 2, 5))
}

func TestRemoval(t *testing.T) {
	t.Parallel()
	m := New(Options{MaxTickets: 10})
	own, other := add(t, m, solo(1, 2, 2)), add(t, m, solo(2, 2, 2))
	shared := add(t, m, party("p", 2, 2, 1, 3))
	missing := func(err error) {
		t.Helper()
		if !errors.Is(err, runtime.ErrMatchmakerTicketNotFound) || fault.CodeOf(err) != fault.NotFound {
			t.Errorf("error %v, want ticket not found", err)
		}
	}
	missing(m.RemoveSessionTicket(session(1), "nope"))
	missing(m.RemoveSessionTicket(session(1), other.ID))
	missing(m.RemoveSessionTicket(session(1), shared.ID)) // only the leader's
	missing(m.RemovePartyTicket("q", shared.ID))
	missing(m.RemovePartyTicket("", own.ID))
	missing(m.Remove(""))
	if err := m.RemoveSessionTicket(session(1), own.ID); err != nil {
		t.Error(err)
	}
	missing(m.RemoveSessionTicket(session(1), own.ID))
	if _, ok := m.Ticket(own.ID); ok {
		t.Error("a removed ticket is still there")
	}
	if n := m.RemoveSession(session(3)); n != 1 { // its party's ticket goes with it
		t.Errorf("%d tickets removed with the session, want 1", n)
	}
	missing(m.RemovePartyTicket("p", shared.ID))
	add(t, m, party("p", 2, 2, 1))
	add(t, m, party("p", 2, 2, 3))
	if n := m.RemoveParty("p"); n != 2 {
		t.Errorf("%d tickets removed with the party, want 2", n)
	}
	if s := m.Stats(); s.Tickets != 1 {
		t.Errorf("%d tickets left, want 1", s.Tickets)
	}
	if len(m.sessions) != 1 || len(m.parties) != 0 {
		t.Errorf("%d sessions and %d parties are kept", len(m.sessions), len(m.parties))
	}
}

func TestMatchedPlayersKeepOtherTickets(t *testing.T) {
	t.Parallel()
	m := newOrdered(Options{})
	add(t, m, solo(1, 2, 2))
	kept := add(t, m, solo(1, 3, 3))
	add(t, m, solo(2, 2, 2))
	if got := show(m.Process()); got != "2 1" {
		t.Fatalf("formed %q", got)
	}
	if _, ok := m.Ticket(kept.ID); !ok || m.Stats().Tickets != 1 {
		t.Error("the other ticket is gone")
	}
}

// TestRemovedWhileForming removes a ticket after its match is found but before
// it is committed: the other tickets stay in the pool, and can be found.
func TestRemovedWhileForming(t *testing.T) {
	t.Parallel()
	m := newOrdered(Options{})
	first, second := add(t, m, solo(1, 2, 2)), add(t, m, solo(2, 2, 2))
	m.pass.Lock()
	m.refresh()
	found := m.form(m.o.Now())
	if err := m.Remove(first.ID); err != nil {
		t.Fatal(err)
	}
	matches := m.commit(found)
	m.pass.Unlock()
	if len(found) != 1 || len(matches) != 0 {
		t.Fatalf("found %d, formed %d, want 1 and 0", len(found), len(matches))
	}
	if _, ok := m.Ticket(second.ID); !ok {
		t.Fatal("the other ticket is gone")
	}
	add(t, m, solo(3, 2, 2))
	if got := show(m.Process()); got != "3 2" {
		t.Errorf("formed %q, want a match of the one that stayed", got)
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	m := newOrdered(Options{})
	ticket := add(t, m, party("p", 2, 2, 1).text("a", "x").text("b", "y").num("b", 2))
	add(t, m, solo(2, 2, 2))
	matches := m.Process()
	if len(matches) != 1 {
		t.Fatal("not formed")
	}
	var e runtime.MatchmakerEntry = matches[0].Entries[1]
	if e.GetTicket() != ticket.ID || e.GetPartyId() != "p" || e.GetCreateTime() != ticket.CreatedAt {
		t.Errorf("ticket %s, party %s, time %d", e.GetTicket(), e.GetPartyId(), e.GetCreateTime())
	}
	if p := e.GetPresence(); p.GetUsername() != "p1" || p.GetSessionId() != session(1).String() || p.GetNodeId() != "n1" {
		t.Errorf("presence %+v", p)
	}
	if diff := cmp.Diff(map[string]any{"a": "x", "b": 2.0}, e.GetProperties()); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	m := newOrdered(Options{})
	if diff := cmp.Diff(Stats{Completions: []Completion{}}, m.Stats()); diff != "" {
		t.Errorf("when new (-want +got):\n%s", diff)
	}
	var last *Ticket
	for n := range 12 {
		last = add(t, m, solo(n, 2, 2))
	}
	waits := add(t, m, solo(100, 3, 3))
	m.Process()
	s := m.Stats()
	if s.Tickets != 1 || s.OldestAt != waits.CreatedAt {
		t.Errorf("%d tickets, oldest of %d, want 1 of %d", s.Tickets, s.OldestAt, waits.CreatedAt)
	}
	if len(s.Completions) != 10 || s.Completions[8].CreatedAt != last.CreatedAt || s.Completions[9].CompletedAt <= last.CreatedAt {
		t.Errorf("completions %v", s.Completions)
	}
}

// TestRelaxedWithinOneSearch lets the threshold pass while one ticket checks
// many that do not want it: each read of the clock takes a second.
func TestRelaxedWithinOneSearch(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		threshold int
		want      string
	}{{1, "128 0"}, {2, "320 0"}, {0, ""}} {
		m := newOrdered(Options{RevPrecision: true, RevThreshold: row.threshold, Interval: 3 * time.Second})
		add(t, m, solo(0, 2, 2))
		for n := range 500 {
			add(t, m, solo(n+1, 2, 2).query("+properties.none:x"))
		}
		if got := show(m.Process()); got != row.want {
			t.Errorf("threshold %d: formed %q, want %q", row.threshold, got, row.want)
		}
	}
}

// TestTrimOfMany uses the greedy fallback.
func TestTrimOfMany(t *testing.T) {
	t.Parallel()
	m := newOrdered(Options{})
	var tickets []*Ticket
	for n := range 200 {
		tickets = append(tickets, add(t, m, solo(n, 2, 500)))
	}
	kept := trim(tickets, 99)
	if len(kept) != 101 || kept[100] != tickets[100] {
		t.Errorf("%d kept, the newest of them %v", len(kept), kept[len(kept)-1].CreatedAt)
	}
	pairs := []*Ticket{add(t, m, party("p", 2, 500, 1000, 1001))}
	for n := range 200 {
		pairs = append(pairs, add(t, m, party(string(rune('A'+n)), 2, 500, 2000+2*n, 2001+2*n)))
	}
	if trim(pairs, 99) != nil {
		t.Error("an odd number was left out of pairs")
	}
}
