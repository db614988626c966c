package server

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/rs/zerolog"
)

// Banner writes what a developer needs after a start: the addresses, the database,
// what was loaded, and commands to try.
func (s *Server) Banner(w io.Writer) {
	base := "http://" + reachable(s.HTTPAddr())
	key := string(s.config.Socket.ServerKey)
	fmt.Fprintf(w, "\n  Kumi %s\n\n", Version)
	fmt.Fprintf(w, "  client    %s  (REST, ws://%s/ws)\n", base, reachable(s.HTTPAddr()))
	fmt.Fprintf(w, "  gRPC      %s\n", reachable(s.GRPCAddr()))
	if url := s.ConsoleURL(); url != "" {
		signIn := ""
		if c := &s.config.Console; c.DefaultPassword() {
			signIn = fmt.Sprintf("  (sign in as %s with the password %q)", c.Username, string(c.Password))
		}
		fmt.Fprintf(w, "  console   %s%s\n", url, signIn)
	}
	if addr := s.MetricsAddr(); addr != nil {
		fmt.Fprintf(w, "  metrics   http://%s\n", reachable(addr))
	}
	fmt.Fprintf(w, "  database  %s\n", s.databaseName())
	watched := ""
	if s.config.Runtime.Watch {
		watched = "  (watched: saving a file reloads it)"
	}
	fmt.Fprintf(w, "  modules   %s%s\n\n", s.config.Runtime.Path, watched)

	set := s.set.Load()
	if len(set.Modules) == 0 {
		fmt.Fprintf(w, "  Nothing is loaded yet: put an index.ts, index.js or *.lua into that folder.\n\n")
	}
	rpc := ""
	for _, m := range set.Modules {
		fmt.Fprintf(w, "  %-10s  %s\n", m.Runtime, m.Name)
		list(w, "rpc", m.RPCs)
		list(w, "hook", m.Hooks)
		list(w, "match", m.Matches)
		list(w, "route", m.Routes)
		list(w, "job", m.Jobs)
		if rpc == "" && len(m.RPCs) > 0 {
			rpc = m.RPCs[0]
		}
		if slices.Contains(m.RPCs, "hello") {
			rpc = "hello"
		}
	}
	fmt.Fprintf(w, "\n  Try it:\n")
	fmt.Fprintf(w, "    curl -u %s: '%s/v2/account/authenticate/device?create=true' -d '{\"id\":\"my-first-device\"}'\n", key, base)
	if rpc != "" {
		fmt.Fprintf(w, "    curl '%s/v2/rpc/%s?http_key=%s'\n", base, rpc, string(s.config.Runtime.HTTPKey))
	}
	if _, err := os.Stat("docs/compatibility.md"); err == nil { // this is the folder of the source
		fmt.Fprintf(w, "    open docs/README.md   # how to write modules, what differs from Nakama\n")
	}
	fmt.Fprintln(w)
}

// Describe adds to a log line what Banner shows. Registrations are only counted,
// because there may be hundreds.
func (s *Server) Describe(e *zerolog.Event) *zerolog.Event {
	e = e.Str("version", Version).Stringer("http", s.HTTPAddr()).Stringer("grpc", s.GRPCAddr()).
		Str("database", s.databaseName()).Str("modules_path", s.config.Runtime.Path)
	if addr := s.MetricsAddr(); addr != nil {
		e = e.Stringer("metrics", addr)
	}
	loaded := zerolog.Arr()
	for _, m := range s.set.Load().Modules {
		loaded = loaded.Dict(zerolog.Dict().Str("runtime", m.Runtime).Str("name", m.Name).
			Int("rpcs", len(m.RPCs)).Int("hooks", len(m.Hooks)).Int("matches", len(m.Matches)).
			Int("routes", len(m.Routes)).Int("jobs", len(m.Jobs)))
	}
	return e.Array("modules", loaded)
}

// list writes the names of one kind, several per line, and how many more there are
// than maxNames.
func list(w io.Writer, kind string, names []string) {
	const width, maxNames = 72, 30
	more := 0
	if len(names) > maxNames {
		more, names = len(names)-maxNames, names[:maxNames]
	}
	line := ""
	flush := func() {
		if line != "" {
			fmt.Fprintf(w, "    %-6s  %s\n", kind, line)
			kind, line = "", ""
		}
	}
	for _, n := range names {
		if len(line)+len(n) > width {
			flush()
		}
		line += strings.TrimSpace(n) + "  "
	}
	if more > 0 {
		line += fmt.Sprintf("and %d more", more)
	}
	flush()
}

// ConsoleURL returns the address of the console's page on this machine, empty if there is
// no console.
func (s *Server) ConsoleURL() string {
	addr := s.ConsoleAddr()
	if addr == nil {
		return ""
	}
	return "http://" + reachable(addr)
}

// reachable returns an address to connect to for one that the server listens on.
func reachable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// quietLog returns a logger for net/http that logs at debug level: its messages are
// mostly about broken client connections.
func quietLog(l zerolog.Logger) *log.Logger { return log.New(debugWriter{l}, "", 0) }

type debugWriter struct{ log zerolog.Logger }

func (d debugWriter) Write(p []byte) (int, error) {
	text, level := strings.TrimSpace(string(p)), zerolog.DebugLevel
	if strings.Contains(text, "too many open files") { // no client can connect until some are closed
		level = zerolog.WarnLevel
	}
	d.log.WithLevel(level).Msg(text)
	return len(p), nil
}
