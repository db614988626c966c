package server

import (
	"net/http/httptest"

	"kumi/server/game"
)

// Game gives what the server knows of its players, to compare it with what they
// were told.
func (s *Server) Game() *game.Game { return s.game }

// OpenSockets counts the connections that are not closed yet.
func (s *Server) OpenSockets() int { return s.sockets.Open() }

// MetricsText is what the metrics port answers.
func (s *Server) MetricsText() string {
	w := httptest.NewRecorder()
	s.metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	return w.Body.String()
}
