package server

import (
	"context"
	"io"
	"net/http"
	"sync"

	"kumi/store/fault"
)

// drain is the request to stop in order. Anybody may make it, who runs the server
// fulfils it.
type drain struct {
	once      sync.Once
	requested chan struct{}
}

// Drain asks for the end of the server, as a signal does. It does not wait for it, and may
// be called from any goroutine and more than once.
func (s *Server) Drain() { s.drain.once.Do(func() { close(s.drain.requested) }) }

// Draining is closed when Drain is called. Who runs the server then calls Stop.
func (s *Server) Draining() <-chan struct{} { return s.drain.requested }

// state says in a word whether the node takes players.
func (s *Server) state() string {
	select {
	case <-s.drain.requested:
		return "draining"
	default:
		return "ready"
	}
}

// readyPath tells load balancers whether to send players here. /healthcheck tells whether
// the process works, which has nothing to do with it.
const readyPath = "/readyz"

func (s *Server) serveReady(w http.ResponseWriter) {
	state := s.state()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if state != "ready" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = io.WriteString(w, state)
}

// drainNode asks for the end of a node of the cluster.
func (s *Server) drainNode(_ context.Context, name string) error {
	if name != s.config.Name {
		return fault.New(fault.NotFound, "There is no node of that name.")
	}
	s.log.Info().Msg("an operator drains this node")
	s.Drain()
	return nil
}
