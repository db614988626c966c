package server

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
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
	}
	if s.node != nil {
		return s.node.State().String()
	}
	return "ready"
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

// drainSockets accepts no more sockets and closes those of a node of a cluster over the grace period, so that
// players go to other nodes a few at a time. The channel is closed when it has ended. A
// server that is alone keeps its sockets until its matches have ended.
func (s *Server) drainSockets(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	grace := time.Duration(s.config.ShutdownGraceSec) * time.Second
	if s.node == nil || s.sockets == nil || s.ports == nil || grace == 0 {
		close(done)
		return done
	}
	go func() {
		defer close(done)
		s.sockets.Drain(ctx, time.Now().Add(grace))
	}()
	return done
}
