package server

import (
	"net/http"

	"google.golang.org/grpc"
)

// consolePort is what serves the console's ports: a *console.Server.
type consolePort interface {
	Handler() http.Handler
	// GRPC makes a gRPC server and does not start it.
	GRPC() *grpc.Server
	// Close ends the sockets of pages, and what goes on for operators.
	Close()
}
