package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kumi/internal/testenv"
)

// server is the PostgreSQL server that the tests of one binary share.
type server struct {
	address  string // ends with the slash before a database name
	template string // a migrated database to copy
	pristine state  // what the template holds
	own      bool   // started by the tests
	stop     func()

	mu   sync.Mutex
	free []string // databases that equal the template

	restoring sync.Mutex
	dumps     map[string]string // the databases to copy, by dump
}

var shared = struct {
	sync.Once
	*server
	skip string // why there is no server
	err  error
}{}

// Main runs the tests, stops the PostgreSQL server that they may have started, runs
// the checks if the tests have passed, and exits. A leak check is one: func() error {
// return goleak.Find() }.
func Main(m *testing.M, checks ...func() error) {
	code := testenv.Run(m)
	if shared.server != nil {
		shared.close()
	}
	for _, check := range checks {
		if code != 0 {
			break
		}
		if err := check(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func start() (s *server, skip string, err error) {
	if address := os.Getenv("KUMI_TEST_POSTGRES"); address != "" {
		if s, err = external(address); err != nil {
			return nil, "", err
		}
	} else {
		bin := findBinaries()
		if bin == "" {
			return nil, "no PostgreSQL: set KUMI_TEST_POSTGRES or install the server (initdb, postgres) to run this test", nil
		}
		if s, err = run(bin); err != nil {
			return nil, "", err
		}
	}
	if err := s.makeTemplate(); err != nil {
		s.close()
		return nil, "", err
	}
	return s, "", nil
}

func external(address string) (*server, error) {
	if !strings.Contains(address, "://") {
		address = "postgres://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("KUMI_TEST_POSTGRES is not an address of the form user:password@host:port")
	}
	u.Path = "/"
	return &server{address: u.String(), stop: func() {}}, nil
}

// findBinaries returns the folder with initdb and postgres: in PATH, or where Debian
// installs them.
func findBinaries() string {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for i := len(dirs) - 1; i >= 0; i-- { // the newest version usually comes last
		if isServer(dirs[i]) {
			return dirs[i]
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if isServer(dir) {
			return dir
		}
	}
	return ""
}

func isServer(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// run makes a cluster in a temporary folder and starts a server on it, which ends with
// this process.
func run(bin string) (_ *server, err error) {
	dir, err := os.MkdirTemp("", "kumi-postgres-")
	if err != nil {
		return nil, err
	}
	cleanup := func() { _ = os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			cleanup()
		}
	}()
	attr, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "kumi", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	initdb.SysProcAttr, initdb.Dir = attr, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", fmt.Sprint(port), "-k", dir,
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
		"-c", "max_connections=300", "-c", "shared_buffers=32MB", "-c", "autovacuum=off")
	cmd.SysProcAttr, cmd.Dir, cmd.Stdout, cmd.Stderr = attr, dir, log, log
	exited, err := startAndWait(cmd)
	if err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	s := &server{address: fmt.Sprintf("postgres://kumi@127.0.0.1:%d/", port), own: true, stop: func() {
		_ = cmd.Process.Signal(os.Interrupt) // fast shutdown
		select {
		case <-exited:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-exited
		}
		cleanup()
	}}
	if err := s.wait(exited); err != nil {
		out, _ := os.ReadFile(filepath.Join(dir, "log"))
		s.stop()
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return s, nil
}

// startAndWait starts cmd and closes the channel when it has ended. It stays on one
// thread, because on Linux the death signal that cmd may have requested is sent when
// the thread that started it ends.
func startAndWait(cmd *exec.Cmd) (exited <-chan struct{}, err error) {
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(ended)
	}()
	return ended, <-started
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// wait polls until the server responds.
func (s *server) wait(exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.admin(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-exited:
			return errors.New("postgres ended at once")
		case <-ctx.Done():
			return fmt.Errorf("postgres does not answer: %w", err)
		case <-tick.C:
		}
	}
}

func (s *server) close() {
	if !s.own {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		for _, name := range slices.Concat(s.free, []string{s.template}, slices.Collect(maps.Values(s.dumps))) {
			_ = s.drop(ctx, name)
		}
	}
	s.stop()
}

// database returns the address of a database on the server.
func (s *server) database(name string) string {
	base, query, _ := strings.Cut(s.address, "?")
	if query != "" {
		query = "?" + query
	}
	return base + name + query
}

// admin runs one statement in the server's own database.
func (s *server) admin(ctx context.Context, query string) error {
	c, err := pgx.Connect(ctx, s.database("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	_, err = c.Exec(ctx, query)
	return err
}
