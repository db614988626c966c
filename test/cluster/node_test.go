package cluster

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kumi/internal/testutil"
	"kumi/server/servertest"
	"kumi/store/storetest"
)

// long asks for the tests that take minutes and for checks of how fast things happen.
var long = os.Getenv("KUMI_TEST_FAULTS") != ""

// nodes are servers that share a database and know one another.
type nodes struct {
	t        testing.TB
	database string
	flags    []string
	modules  string
	list     []*node
	ways     map[[2]int]*proxy // from the node with the larger number, which opens the connection
}

// node is one server, and its process while it runs. Its address changes with each start.
type node struct {
	*servertest.Server
	all    *nodes
	no     int
	name   string
	listen string // where other nodes reach it, through proxies
	args   []string
	log    *testutil.Log
	cmd    *exec.Cmd
	ended  chan struct{}
}

// startNodes starts servers. The files are modules; flags are for all of them.
func startNodes(t testing.TB, n int, files map[string]string, flags ...string) *nodes {
	t.Helper()
	all := &nodes{t: t, database: storetest.Postgres(t), flags: flags, modules: t.TempDir(), ways: map[[2]int]*proxy{}}
	for name, source := range files {
		if err := os.WriteFile(filepath.Join(all.modules, name), []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		all.add()
	}
	for _, one := range all.list {
		one.Start()
	}
	for _, one := range all.list {
		one.Ready()
	}
	return all
}

// add adds a node that joins all before it, each through a proxy of its own.
func (all *nodes) add() *node {
	n := &node{all: all, no: len(all.list), name: string(rune('a' + len(all.list))), listen: servertest.FreeAddress(all.t)}
	var join []string
	for _, other := range all.list {
		p := newProxy(all.t, other.listen)
		all.ways[[2]int{n.no, other.no}] = p
		join = append(join, p.Addr())
	}
	n.args = append([]string{
		"--name", n.name, "--database.address", all.database, "--data_dir", all.t.TempDir(), "--runtime.path", all.modules,
		"--socket.port", "0", "--socket.address", "127.0.0.1", "--console.port", "0", "--logger.format", "json",
		"--runtime.js_min_count", "1", "--runtime.lua_min_count", "1", "--session.token_expiry_sec", "7200",
		"--session.encryption_key", "a key of the tests", "--session.refresh_encryption_key", "another key of the tests",
	}, all.flags...)
	if !slices.Contains(all.flags, "--cluster.nats") {
		n.args = append(n.args, "--cluster.listen", n.listen, "--cluster.secret", "a secret of the tests",
			// Other nodes would try this address beside the proxies: nobody listens there.
			"--cluster.advertise", "127.0.0.1:1")
		if len(join) > 0 {
			n.args = append(n.args, "--cluster.join", strings.Join(join, ","))
		}
	}
	all.list = append(all.list, n)
	all.t.Cleanup(n.Kill)
	return n
}

// way is the connection between two nodes.
func (all *nodes) way(a, b int) *proxy { return all.ways[[2]int{max(a, b), min(a, b)}] }

// Start starts the process. Ready waits for it.
func (n *node) Start() {
	n.all.t.Helper()
	n.log = new(testutil.Log)
	n.cmd = exec.Command(os.Args[0], n.args...)
	n.cmd.Env = append(os.Environ(), nodeVariable+"=1")
	n.cmd.Stdout, n.cmd.Stderr = n.log, n.log
	if err := n.cmd.Start(); err != nil {
		n.all.t.Fatal(err)
	}
	cmd, ended := n.cmd, make(chan struct{})
	n.ended = ended
	go func() { defer close(ended); _ = cmd.Wait() }()
}

// Ready waits until the server says that it is.
func (n *node) Ready() {
	n.all.t.Helper()
	var line struct{ HTTP, GRPC string }
	testutil.Eventually(n.all.t, "node "+n.name+" is ready", func() bool {
		select {
		case <-n.ended:
			n.all.t.Fatalf("node %s ended:\n%s", n.name, n.log)
		default:
		}
		found := n.log.Lines("server is ready")
		return len(found) > 0 && json.Unmarshal([]byte(found[0]), &line) == nil
	})
	n.Server = &servertest.Server{URL: "http://" + line.HTTP, WS: "ws://" + line.HTTP + "/ws", GRPC: line.GRPC}
}

// Signal sends a signal to the process.
func (n *node) Signal(s syscall.Signal) {
	n.all.t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil {
		n.all.t.Fatalf("node %s: %v", n.name, err)
	}
}

// Kill ends the process at once, if it runs.
func (n *node) Kill() {
	if n.cmd != nil {
		_ = n.cmd.Process.Kill()
		<-n.ended
		if n.all.t.Failed() {
			n.all.t.Logf("the log of node %s:\n%s", n.name, tail(n.log.String(), 60))
		}
	}
	n.cmd = nil
}

// Stop ends the process as an operator does, and fails the test unless it ends by itself.
func (n *node) Stop() {
	n.all.t.Helper()
	n.Signal(syscall.SIGTERM)
	n.Ended()
}

// Ended waits for the end of the process.
func (n *node) Ended() {
	n.all.t.Helper()
	select {
	case <-n.ended:
	case <-time.After(testutil.Wait):
		n.all.t.Fatalf("node %s did not stop:\n%s", n.name, n.log)
	}
	n.cmd = nil
}

// tail is the last lines of a text.
func tail(text string, lines int) string {
	all := strings.SplitAfter(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "")
}
