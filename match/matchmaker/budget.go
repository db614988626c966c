package matchmaker

// Budgets for the queries of clients, in steps of query.MatchWithin. Without
// them one short regular expression could occupy the pass.
const (
	// maxPassSteps is for all costly queries of one pass: at worst about a second of
	// one core.
	maxPassSteps = 50_000_000
	// maxTicketSteps is for one ticket.
	maxTicketSteps = maxPassSteps / 10
	// maxExplainSteps is for one Explain call.
	maxExplainSteps = maxPassSteps / 5
)

// assignBudgets gives each ticket with a costly query its share of the pass. A
// query is charged to its own ticket, whichever search runs it, so an
// expensive one slows down only its own ticket.
func (m *Matchmaker) assignBudgets() {
	if m.ix.costly == 0 {
		return
	}
	share := min(maxTicketSteps, maxPassSteps/m.ix.costly)
	for slot, t := range m.ix.tickets {
		if !m.ix.dead[slot] && t.query.Costly() {
			t.steps = share
		}
	}
}

// reportBudgets records and logs which tickets exceeded their budget.
func (m *Matchmaker) reportBudgets() {
	if m.ix.costly == 0 {
		return
	}
	var example *Ticket
	n := 0
	for slot, t := range m.ix.tickets {
		if m.ix.dead[slot] || !t.query.Costly() {
			continue
		}
		t.overBudget.Store(t.steps < 0)
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

// shorten truncates a client's text for a log line.
func shorten(text string) string {
	const limit = 200
	if len(text) > limit {
		return text[:limit] + "…"
	}
	return text
}
