package bustest

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Server is a NATS server that belongs to no node.
type Server struct {
	t    testing.TB
	nats *server.Server
	port int
}

// StartServer starts a server on this machine. It stops when the test ends.
func StartServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, port: server.RANDOM_PORT}
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Start starts the server again after Stop, at the same address.
func (s *Server) Start() {
	s.t.Helper()
	var err error
	if s.nats, err = server.NewServer(&server.Options{Host: "127.0.0.1", Port: s.port, NoSigs: true, NoLog: true}); err != nil {
		s.t.Fatal(err)
	}
	s.nats.Start()
	if !s.nats.ReadyForConnections(30 * time.Second) {
		s.t.Fatal("the NATS server is not ready")
	}
	s.port = s.nats.Addr().(*net.TCPAddr).Port
}

// Stop stops the server.
func (s *Server) Stop() {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
}

// URL is what nodes connect to.
func (s *Server) URL() string { return "nats://127.0.0.1:" + strconv.Itoa(s.port) }
