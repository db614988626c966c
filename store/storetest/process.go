package storetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

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
// this process. If the port that freePort returns is taken meanwhile, it asks for another.
func run(bin string, freePort func() (int, error)) (_ *server, err error) {
	dir, err := os.MkdirTemp("", "kumi-postgres-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	attr, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", dataOf(dir), "-U", "kumi", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	initdb.SysProcAttr, initdb.Dir = attr, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	for tries := 1; ; tries++ {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		s, err := serve(bin, dir, attr, port)
		if err == nil || tries == 10 || !errors.Is(err, syscall.EADDRINUSE) {
			return s, err
		}
	}
}

func dataOf(dir string) string { return filepath.Join(dir, "data") }

// serve starts a server on the cluster in dir, which it removes when it stops. The error
// is syscall.EADDRINUSE if another process listens on the port.
func serve(bin, dir string, attr *syscall.SysProcAttr, port int) (*server, error) {
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", dataOf(dir), "-p", fmt.Sprint(port), "-k", dir,
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
		"-c", "max_connections=300", "-c", "shared_buffers=32MB", "-c", "autovacuum=off")
	cmd.SysProcAttr, cmd.Dir, cmd.Stdout, cmd.Stderr = attr, dir, log, log
	exited, err := startAndWait(cmd)
	if err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	end := func() {
		_ = cmd.Process.Signal(os.Interrupt) // fast shutdown
		select {
		case <-exited:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-exited
		}
	}
	s := &server{address: fmt.Sprintf("postgres://kumi@127.0.0.1:%d/", port), own: true, stop: func() {
		end()
		_ = os.RemoveAll(dir)
	}}
	if err := s.wait(exited, dataOf(dir)); err != nil {
		end()
		out, _ := os.ReadFile(filepath.Join(dir, "log"))
		if strings.Contains(string(out), "Address already in use") {
			err = syscall.EADDRINUSE
		}
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

// wait polls until the server responds: that on this data, and no other that listens on
// the port instead.
func (s *server) wait(exited <-chan struct{}, data string) error {
	limited, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	ctx, end := context.WithCancelCause(limited)
	defer end(nil)
	go func() {
		select {
		case <-exited:
			end(errors.New("postgres ended at once"))
		case <-ctx.Done():
		}
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.runsOn(ctx, data)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// runsOn returns an error unless the server responds and has its data in this folder.
func (s *server) runsOn(ctx context.Context, data string) error {
	c, err := pgx.Connect(ctx, s.database("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	var its string
	if err := c.QueryRow(ctx, "SHOW data_directory").Scan(&its); err != nil {
		return err
	}
	if its != data {
		return fmt.Errorf("another PostgreSQL responds, with the data in %s", its)
	}
	return nil
}
