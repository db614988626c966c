package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"kumi/config"
	"kumi/server/socket"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// ports are the open listeners and their servers.
type ports struct {
	http, grpc, metrics  net.Listener // metrics is nil if disabled
	console, consoleGRPC net.Listener // nil if disabled

	httpServer    *http.Server
	grpcServer    *grpc.Server
	metricsServer *http.Server
	consoleServer *http.Server
	consoleRPC    *grpc.Server
	closePages    func() // the sockets of the console's pages, which consoleServer does not know

	secure credentials.TransportCredentials // of grpc; nil without a certificate
}

// listen opens all ports, or none. Clients that connect wait until serve.
func listen(ctx context.Context, s *Server) (_ *ports, err error) {
	p := new(ports)
	defer func() {
		if err != nil {
			p.abandon()
		}
	}()
	sock := &s.config.Socket
	if s.listener != nil {
		p.http = s.listener
		return p, nil
	}
	if p.http, err = open(ctx, sock.Protocol, sock.Address, sock.Port, "socket.port"); err != nil {
		return nil, err
	}
	if p.grpc, err = open(ctx, "tcp", sock.Address, sock.GRPCPort(), "socket.port − 1 (gRPC)"); err != nil {
		return nil, err
	}
	if port := s.config.Metrics.PrometheusPort; port != 0 {
		if p.metrics, err = open(ctx, "tcp", s.config.Metrics.Address, port, "metrics.prometheus_port"); err != nil {
			return nil, err
		}
	}
	if c := &s.config.Console; s.console != nil {
		port, grpcPort := c.Port, c.GRPCPort()
		if s.anyConsolePort {
			port, grpcPort = 0, 0
		}
		if p.console, err = open(ctx, "tcp", c.Address, port, "console.port"); err != nil {
			return nil, err
		}
		if p.consoleGRPC, err = open(ctx, "tcp", c.Address, grpcPort, "console.port − 3 (gRPC)"); err != nil {
			return nil, err
		}
	}
	if sock.SSLCertificate != "" {
		pair, err := tls.LoadX509KeyPair(sock.SSLCertificate, sock.SSLPrivateKey)
		if err != nil {
			return nil, fmt.Errorf("load socket.ssl_certificate: %w", err)
		}
		p.http = tls.NewListener(p.http, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
		p.secure = credentials.NewServerTLSFromCert(&pair)
	}
	return p, nil
}

// abandon closes the ports, which were not served.
func (p *ports) abandon() {
	for _, l := range []net.Listener{p.http, p.grpc, p.metrics, p.console, p.consoleGRPC} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// serve answers at the ports.
func (p *ports) serve(s *Server) {
	p.httpServer = s.httpServer()
	s.serve("HTTP", func() error { return p.httpServer.Serve(p.http) })
	if p.grpc != nil {
		p.grpcServer = s.api.GRPC(p.secure)
		s.serve("gRPC", func() error { return p.grpcServer.Serve(p.grpc) })
	}
	if p.metrics != nil {
		p.metricsServer = &http.Server{Handler: s.metrics.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: quietLog(s.log)}
		s.serve("metrics", func() error { return p.metricsServer.Serve(p.metrics) })
	}
	if c := &s.config.Console; p.console != nil {
		p.closePages = s.console.Close
		p.consoleServer = &http.Server{
			Handler:      s.console.Handler(),
			ReadTimeout:  config.Milliseconds(c.ReadTimeoutMs),
			WriteTimeout: config.Milliseconds(c.WriteTimeoutMs),
			IdleTimeout:  config.Milliseconds(c.IdleTimeoutMs),
			ErrorLog:     quietLog(s.log),
		}
		s.serve("console", func() error { return p.consoleServer.Serve(p.console) })
		p.consoleRPC = s.console.GRPC()
		s.serve("console gRPC", func() error { return p.consoleRPC.Serve(p.consoleGRPC) })
	}
}

// httpServer makes the server of the client port.
func (s *Server) httpServer() *http.Server {
	sock := &s.config.Socket
	return &http.Server{
		Handler:     s.Handler(),
		ReadTimeout: config.Milliseconds(sock.ReadTimeoutMs),
		// It begins at the end of the request's header, so it covers the call itself (the
		// API deadline) and sending the response (socket.write_timeout_ms).
		WriteTimeout:   config.Milliseconds(sock.IdleTimeoutMs) + config.Milliseconds(sock.WriteTimeoutMs),
		IdleTimeout:    config.Milliseconds(sock.IdleTimeoutMs),
		MaxHeaderBytes: 5120, // the protocol's limit
		ErrorLog:       quietLog(s.log),
	}
}

func open(ctx context.Context, network, address string, port int, key string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, network, net.JoinHostPort(address, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("open the port of %s: %w", key, err)
	}
	return l, nil
}

// serve runs one listener until it is closed.
func (s *Server) serve(name string, run func() error) {
	go func() {
		if err := run(); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, grpc.ErrServerStopped) {
			s.fail(fmt.Errorf("serve %s: %w", name, err))
		}
	}()
}

// close stops listening, lets calls in progress end until ctx does, then
// aborts them.
func (p *ports) close(ctx context.Context) error {
	stopped := make(chan struct{})
	go func() {
		if p.grpcServer != nil {
			p.grpcServer.GracefulStop()
		}
		if p.consoleRPC != nil {
			p.consoleRPC.GracefulStop()
		}
		close(stopped)
	}()
	err := shutdown(ctx, p.httpServer)
	if p.consoleServer != nil {
		p.closePages()
		err = errors.Join(err, shutdown(ctx, p.consoleServer))
	}
	select {
	case <-stopped:
	case <-ctx.Done():
		if p.grpcServer != nil {
			p.grpcServer.Stop()
		}
		if p.consoleRPC != nil {
			p.consoleRPC.Stop()
		}
	}
	if p.metricsServer != nil {
		err = errors.Join(err, p.metricsServer.Close())
	}
	return err
}

// shutdown lets calls in progress end until ctx does, then aborts them.
func shutdown(ctx context.Context, s *http.Server) error {
	err := s.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.Close())
	}
	return err
}

// httpHandler serves the sockets and the API on the client port. On the console's port,
// where responses have the origin of the page, api is without the routes of modules.
func (s *Server) httpHandler(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case socket.Path:
			s.sockets.ServeHTTP(w, r)
			return
		case readyPath:
			s.serveReady(w)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// Failed receives the error of a listener that failed, or that of a node which another
// process has replaced.
func (s *Server) Failed() <-chan error { return s.failed }

// fail ends the server. Only the first errors matter.
func (s *Server) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// HTTPAddr returns the address of the HTTP port, once started.
func (s *Server) HTTPAddr() net.Addr { return s.ports.http.Addr() }

// GRPCAddr returns the address of the gRPC port, once started.
func (s *Server) GRPCAddr() net.Addr { return s.ports.grpc.Addr() }

// MetricsAddr returns the address of the metrics port, nil if disabled.
func (s *Server) MetricsAddr() net.Addr {
	if s.ports.metrics == nil {
		return nil
	}
	return s.ports.metrics.Addr()
}

// ConsoleAddr returns the address of the console's port, nil if disabled.
func (s *Server) ConsoleAddr() net.Addr {
	if s.ports.console == nil {
		return nil
	}
	return s.ports.console.Addr()
}

// ConsoleGRPCAddr returns the address of the console's gRPC port, nil if disabled.
func (s *Server) ConsoleGRPCAddr() net.Addr {
	if s.ports.consoleGRPC == nil {
		return nil
	}
	return s.ports.consoleGRPC.Addr()
}
