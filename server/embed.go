package server

import (
	"net"
	"net/http"

	"kumi/server/game"
	"kumi/store"
)

// What programs need that run a server without ports, as the tests of games do
// (server/testkit).

// On makes the server serve its client port on a listener, which it closes, and open no
// port. There is then no gRPC.
func On(l net.Listener) Option { return func(s *Server, _ *game.Options) { s.listener = l } }

// HTTP sends the requests of modules through a transport.
func HTTP(t http.RoundTripper) Option { return func(_ *Server, o *game.Options) { o.HTTP = t } }

// Handler returns what serves the client port over HTTP.
func (s *Server) Handler() http.Handler { return s.httpHandler(s.api.Handler()) }

// DB returns the database.
func (s *Server) DB() *store.DB { return s.db }

// MetricsHandler serves the metrics in the format of Prometheus.
func (s *Server) MetricsHandler() http.Handler { return s.metrics.Handler() }

// Game returns the parts of the game server without ports.
func (s *Server) Game() *game.Game { return s.game }

// Halt stops all calls into scripts that are running. It touches no timer, so it may be
// called from outside of the bubble (testing/synctest) in which the server runs.
func (s *Server) Halt() { s.guard.Halt() }
