package server

import (
	"net/http/httptest"

	"kumi/match"
	"kumi/match/matchmaker"
	"kumi/match/party"
	"kumi/presence"
)

// APIRows names the methods of the API that have an operation and hooks.
func APIRows() (names []string) {
	for _, r := range table() {
		if r.hook != nil {
			names = append(names, r.name)
		}
	}
	return names
}

// Messages names the realtime messages that have hooks.
func Messages() (names []string) {
	for _, k := range pipeline {
		if k.name != "" {
			names = append(names, k.name)
		}
	}
	return names
}

// Insides are what a whole server knows of its players, to compare it with what
// they were told.
type Insides struct {
	Sessions *presence.Sessions
	Tracker  *presence.Tracker
	Matches  *match.Registry
	Parties  *party.Registry
	Tickets  *matchmaker.Matchmaker
	// Open counts the connections that are not closed yet, whatever became of
	// their sessions.
	Open func() int
}

// Insides: see there.
func (s *Server) Insides() Insides {
	return Insides{s.sessions, s.tracker, s.matches, s.parties, s.matchmaker, func() int {
		s.sockets.mu.Lock()
		defer s.sockets.mu.Unlock()
		return s.sockets.open
	}}
}

// MetricsText is what the metrics port would answer.
func (s *Server) MetricsText() string {
	w := httptest.NewRecorder()
	s.metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	return w.Body.String()
}
