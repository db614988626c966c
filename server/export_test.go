package server

import "net/http/httptest"

// OpenSockets counts the connections that are not closed yet.
func (s *Server) OpenSockets() int { return s.sockets.Open() }

// MetricsText is what the metrics port answers.
func (s *Server) MetricsText() string {
	w := httptest.NewRecorder()
	s.metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	return w.Body.String()
}
