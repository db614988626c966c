package matchmaker

import (
	"fmt"
	"strings"
	"testing"
)

// A costly query exhausts only its own ticket's budget: the pass goes on for
// all others.
func TestCostlyQueryIsCutShort(t *testing.T) {
	t.Parallel()
	m := newOrdered(Options{MaxTickets: 10, MaxIntervals: 10})
	const waiting = 50
	for i := range waiting {
		add(t, m, solo(i, 3, 4).text("s", strings.Repeat("a", 3500)).query(fmt.Sprintf("+properties.none:%d", i)))
	}
	greedy := add(t, m, solo(100, 2, 4).query("+properties.s:/"+strings.Repeat("(a?){40}", 4)+"b/"))
	small := add(t, m, solo(101, 2, 4).query("+properties.mode:/du.l/ +properties.s:b*"))
	add(t, m, solo(102, 2, 2).text("mode", "duel").query("+properties.mode:a"))
	add(t, m, solo(103, 2, 2).text("mode", "duel").text("s", "bc").query("+properties.mode:a"))
	explained := func(ticket *Ticket) *Explanation {
		t.Helper()
		x, err := m.Explain(ticket.ID)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	m.Process()
	if greedy.steps >= 0 || !explained(greedy).OverBudget || !strings.HasSuffix(explained(greedy).Summary, "was cut short") {
		t.Errorf("a query for %d long texts has %d steps left, %+v", waiting, greedy.steps, explained(greedy))
	}
	if !small.removed.Load() && small.steps < 0 {
		t.Errorf("the ticket beside it has %d steps left", small.steps)
	}
	if m.ix.costly != 2 {
		t.Errorf("%d costly tickets, want 2", m.ix.costly)
	}
	if err := m.Remove(greedy.ID); err != nil {
		t.Fatal(err)
	}
	m.Process()
	if m.ix.costly != 1 || small.steps < maxPassSteps/20 {
		t.Errorf("with it gone there are %d costly tickets, and the other has %d steps", m.ix.costly, small.steps)
	}
}

// However many there are, a pass costs no more.
func TestCostlyTicketsShareThePass(t *testing.T) {
	t.Parallel()
	m := New(Options{MaxTickets: 10})
	const n = 400
	for i := range n {
		add(t, m, solo(i, 2+i%3, 4+i%5).text("s", strings.Repeat("a", 100)).query("+properties.s:/(a|b)*c/"))
	}
	m.refresh()
	m.assignBudgets()
	sum := 0
	for _, ticket := range m.tickets {
		sum += ticket.steps
	}
	if sum > maxPassSteps || sum < maxPassSteps/2 {
		t.Errorf("%d tickets have %d steps together, want about %d", n, sum, maxPassSteps)
	}
	m.reportBudgets()
}

// A query is charged to its own ticket, also when another ticket's search runs
// it.
func TestWhoPaysForMutualQueries(t *testing.T) {
	t.Parallel()
	m := newOrdered(Options{MaxTickets: 10, RevPrecision: true})
	long := add(t, m, solo(1, 2, 2).text("s", strings.Repeat("a", 3000)).text("mode", "x").query("+properties.mode:x"))
	greedy := add(t, m, solo(2, 2, 2).text("mode", "x").query("+properties.s:/"+strings.Repeat("(a?){40}", 4)+"b/"))
	m.Process()
	if long.steps < 0 || greedy.steps >= maxTicketSteps {
		t.Errorf("the searcher has %d steps left, the owner %d", long.steps, greedy.steps)
	}
	if long.query.Costly() || !greedy.query.Costly() {
		t.Error("which query is costly?")
	}
}
