package metrics

import "time"

// groupMetrics count what parties and the matchmaker do.
type groupMetrics struct {
	parties, tickets, searching *gauge
	passes                      *timer
	formed, players, timedOut   *counter
}

func (x *groupMetrics) init(m *Metrics) {
	x.parties = m.gauge("parties", "Parties.")
	x.tickets = m.gauge("matchmaker_tickets", "Tickets in the matchmaker at its last pass.")
	x.searching = m.gauge("matchmaker_active_tickets", "Those of them that still searched.")
	x.passes = m.timer("matchmaker_process_time", "Time a pass of the matchmaker took, in seconds.")
	x.formed = m.counter("matchmaker_matches", "Matches the matchmaker formed.")
	x.players = m.counter("matchmaker_matched_players", "Players in them.")
	x.timedOut = m.counter("matchmaker_timed_out", "Tickets removed as they had waited too long.")
}

// Parties implements party.Metrics.
func (m *Metrics) Parties(n int) { m.groups.parties.set(n) }

// MatchmakerPass implements matchmaker.Metrics.
func (m *Metrics) MatchmakerPass(tickets, active int, took time.Duration) {
	m.groups.tickets.set(tickets)
	m.groups.searching.set(active)
	m.groups.passes.record(took)
}

// MatchmakerFormed implements matchmaker.Metrics.
func (m *Metrics) MatchmakerFormed(matches, players int) {
	m.groups.formed.add(matches)
	m.groups.players.add(players)
}

// MatchmakerTimedOut implements matchmaker.Metrics.
func (m *Metrics) MatchmakerTimedOut(tickets int) { m.groups.timedOut.add(tickets) }
