package servertest

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/crypto/bcrypt"

	"kumi/config"
	"kumi/server"
	"kumi/server/logs"
	"kumi/store/storetest"
)

// Option changes the server that Start starts.
type Option func(t testing.TB, s *Setup)

// Setup is what options modify.
type Setup struct {
	args    []string
	modules string
	log     zerolog.Logger
	lines   *logs.Ring // with a console
	logged  bool       // the test reads the log
	options []server.Option
}

// Module writes a file into the server's modules folder. The name may contain folders.
func Module(name, source string) Option {
	return func(t testing.TB, s *Setup) {
		t.Helper()
		path := filepath.Join(s.modules, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Modules copies a folder of modules into the server's.
func Modules(dir string) Option {
	return func(t testing.TB, s *Setup) {
		t.Helper()
		if err := os.CopyFS(s.modules, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
	}
}

// Flags sets settings as on the command line.
func Flags(args ...string) Option {
	return func(_ testing.TB, s *Setup) { s.args = append(s.args, args...) }
}

// Postgres runs the server on its own PostgreSQL database. It skips the test if there
// is no PostgreSQL.
func Postgres() Option {
	return func(t testing.TB, s *Setup) {
		t.Helper()
		s.args = append(s.args, "--database.address", storetest.Postgres(t))
	}
}

// LogTo sends the server's log to a logger, as JSON lines. The console then has no log.
func LogTo(log zerolog.Logger) Option {
	return func(_ testing.TB, s *Setup) { s.log, s.logged = log, true }
}

// Providers makes the server ask sign-in providers through a client that the test has.
func Providers(transport http.RoundTripper, roots *x509.CertPool) Option {
	return func(_ testing.TB, s *Setup) { s.options = append(s.options, server.Providers(transport, roots)) }
}

// Console opens the console on a free port of this machine.
func Console() Option {
	return func(_ testing.TB, s *Setup) {
		s.args = append(s.args, "--console.port", "7351", "--console.address", "127.0.0.1")
		s.options = append(s.options, server.FreeConsolePort())
		s.lines = logs.NewRing()
	}
}

// Dev runs the server as kumi dev does, as far as that is no setting.
func Dev() Option {
	return func(_ testing.TB, s *Setup) { s.options = append(s.options, server.Dev()) }
}

// Server is a running server with its addresses.
type Server struct {
	*server.Server
	// URL is http://host:port of the client port, WS the same for sockets, GRPC
	// the host:port of the gRPC port.
	URL, WS, GRPC string
	// ModulesPath is the folder that the modules were loaded from.
	ModulesPath string
	// Close stops the server before the test ends.
	Close func()
	// basic is the Authorization header of calls without a session, httpKey the key of
	// other servers; empty: the default ones.
	basic, httpKey string
}

// Start starts a server. It is stopped when the test ends.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	s, err := TryStart(t, options...)
	if err != nil {
		t.Fatalf("start server: %v", err)
	}
	return s
}

// TryStart is Start for servers that are expected to fail.
func TryStart(t testing.TB, options ...Option) (*Server, error) {
	t.Helper()
	dir := t.TempDir()
	s := &Setup{modules: filepath.Join(dir, "modules"), log: zerolog.Nop()}
	if err := os.MkdirAll(s.modules, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := storetest.WriteSQLite(dir); err != nil {
		t.Fatalf("make database: %v", err)
	}
	for _, o := range options {
		o(t, s)
	}
	if s.lines != nil && !s.logged {
		s.log = zerolog.New(s.lines)
		s.options = append(s.options, server.Lines(s.lines))
	}
	cfg, _, err := config.Load(append([]string{
		"--data_dir", dir, "--runtime.path", s.modules,
		"--socket.port", "0", "--socket.address", "127.0.0.1", "--console.port", "0",
		"--runtime.js_min_count", "1", "--runtime.lua_min_count", "1",
		"--session.token_expiry_sec", "7200", // longer than any test takes
	}, s.args...), nil)
	if err != nil {
		t.Fatalf("configuration: %v", err)
	}
	srv, err := server.New(t.Context(), cfg, s.log, append(s.options, server.PasswordCost(bcrypt.MinCost))...)
	if err != nil {
		return nil, err
	}
	stop := sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if err := srv.Stop(ctx); err != nil {
			t.Errorf("stop server: %v", err)
		}
	})
	t.Cleanup(stop)
	if err := srv.Start(t.Context()); err != nil {
		return nil, err
	}
	url := "http://" + srv.HTTPAddr().String()
	return &Server{
		Server: srv, URL: url, WS: "ws" + strings.TrimPrefix(url, "http") + "/ws",
		GRPC: srv.GRPCAddr().String(), ModulesPath: s.modules, Close: stop,
		basic:   "Basic " + base64.StdEncoding.EncodeToString([]byte(string(cfg.Socket.ServerKey)+":")),
		httpKey: string(cfg.Runtime.HTTPKey),
	}, nil
}
