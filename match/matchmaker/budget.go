package matchmaker

// What the queries of clients may cost, in steps of query.MatchWithin. Without
// a bound one short regular expression could keep the pass from everybody.
const (
	// passSteps is for all costly queries of one pass together: about a second of
	// one core at worst.
	passSteps = 50_000_000
	// ticketSteps is the most one ticket gets of them, however few they are.
	ticketSteps = passSteps / 10
	// explainSteps is for one explanation.
	explainSteps = passSteps / 5
)

// allot gives the tickets with costly queries their shares of the pass. A query
// takes from the share of its own ticket, whoever's search asks it, so that one
// that costs too much hurts that ticket alone.
func (m *Matchmaker) allot() {
	if m.ix.costly == 0 {
		return
	}
	share := min(ticketSteps, passSteps/m.ix.costly)
	for slot, t := range m.ix.tickets {
		if !m.ix.dead[slot] && t.query.Costly() {
			t.steps = share
		}
	}
}

// audit notes which tickets used up their share.
func (m *Matchmaker) audit() {
	if m.ix.costly == 0 {
		return
	}
	var example *Ticket
	n := 0
	for slot, t := range m.ix.tickets {
		if m.ix.dead[slot] || !t.query.Costly() {
			continue
		}
		t.cut.Store(t.steps < 0)
		if t.steps < 0 {
			example = t
			n++
		}
	}
	if n > 0 {
		m.log.Warn().Int("tickets", n).Str("ticket", example.ID).Str("query", shorten(example.Query)).
			Msg("matchmaker queries cost more than their share of the pass and were cut short")
	}
}

// shorten makes a client's text fit for a log line.
func shorten(text string) string {
	const limit = 200
	if len(text) > limit {
		return text[:limit] + "…"
	}
	return text
}
