package test

import (
	"bufio"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kumi/server/servertest"
	"kumi/store/storetest"
)

// TestSDKRestart has the published JavaScript client, as it is, come back after its
// connection broke, and after the server was restarted.
func TestSDKRestart(t *testing.T) {
	t.Parallel()
	dir := servertest.NodePackages(t)
	servertest.CopyFile(t, filepath.Join("testdata", "restart.mjs"), dir)
	for _, c := range []struct {
		format, language string
		postgres         bool
	}{{"json", "typescript", true}, {"protobuf", "lua", false}} {
		t.Run(c.format+" and "+c.language, func(t *testing.T) {
			t.Parallel()
			options := append([]servertest.Option{
				servertest.Flags("--session.resume_sec", "600", "--match.snapshot", "shutdown", "--match.resume_sec", "600", "--data_dir", t.TempDir()),
			}, plainModules[c.language]...)
			if c.postgres {
				options = append(options, servertest.Flags("--database.address", storetest.Postgres(t)))
			}
			srv := servertest.Start(t, options...)
			stable, cuttable := newRelay(t), newRelay(t)
			to := func(s *servertest.Server) {
				stable.to(strings.TrimPrefix(s.URL, "http://"))
				cuttable.to(strings.TrimPrefix(s.URL, "http://"))
			}
			to(srv)
			cmd := exec.CommandContext(t.Context(), "node", "restart.mjs", stable.port(), c.format, cuttable.port())
			cmd.Dir = dir
			var said strings.Builder
			cmd.Stderr = &said
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for lines := bufio.NewScanner(out); lines.Scan(); {
				switch lines.Text() {
				case "@cut":
					cuttable.cut()
				case "@restart":
					srv.Close()
					srv = servertest.Start(t, options...)
					to(srv)
				default:
					t.Log(lines.Text())
					continue
				}
				_, _ = io.WriteString(in, "done\n")
			}
			if err := cmd.Wait(); err != nil {
				t.Fatalf("%v\n%s", err, said.String())
			}
		})
	}
}

// relay passes connections on to an address that may change, and breaks them when it is
// told to.
type relay struct {
	listener net.Listener

	mu     sync.Mutex
	target string
	open   []*net.TCPConn
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l}
	t.Cleanup(func() { _ = l.Close(); r.cut() })
	go r.serve()
	return r
}

func (r *relay) port() string {
	_, port, _ := net.SplitHostPort(r.listener.Addr().String())
	return port
}

// to has connections from now on go to an address.
func (r *relay) to(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = address
}

// cut breaks all connections on both sides.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.open {
		_ = c.SetLinger(0)
		_ = c.Close()
	}
	r.open = nil
}

func (r *relay) serve() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		server, err := net.Dial("tcp", r.target)
		if err != nil {
			_ = client.Close()
			r.mu.Unlock()
			continue
		}
		a, b := client.(*net.TCPConn), server.(*net.TCPConn)
		r.open = append(r.open, a, b)
		r.mu.Unlock()
		pass := func(to, from *net.TCPConn) {
			_, _ = io.Copy(to, from)
			_ = to.CloseWrite()
		}
		go pass(a, b)
		go pass(b, a)
	}
}
