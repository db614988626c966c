package fleet

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"kumi/internal/testutil"
)

func alive(pid int) bool { return startTime(pid) != "" }

// When the server dies, so do its game servers; what they started is killed by the
// next server of that name, and by no other.
func TestServerDies(t *testing.T) {
	t.Parallel()
	name := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(exe)
	server.Env = append(os.Environ(), "FLEET_TEST=server", "FLEET_TEST_NAME="+name)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Wait() }()
	var pids []int
	lines := bufio.NewScanner(out)
	lines.Scan()
	if err := json.Unmarshal(lines.Bytes(), &pids); err != nil || len(pids) != 2 {
		_ = server.Process.Kill()
		t.Fatalf("the server printed %q", lines.Text())
	}
	game, child := pids[0], pids[1]
	t.Cleanup(func() { _ = syscall.Kill(-game, syscall.SIGKILL) })
	if killed := killOrphans(name); len(killed) > 0 || !alive(game) || !alive(child) {
		t.Fatalf("processes %v of a running server were killed", killed)
	}
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	testutil.Eventually(t, "the end of the game server", func() bool { return !alive(game) && !alive(server.Process.Pid) })
	if !alive(child) {
		t.Fatal("what the game server started ended with it: there is nothing to test")
	}
	if killed := killOrphans("another server"); len(killed) > 0 {
		t.Errorf("another server killed %v", killed)
	}
	m, log := start(t, "serve", func(o *Options) { o.Name = name })
	testutil.Eventually(t, "the end of what it started", func() bool { return !alive(child) })
	if len(log.Lines("killed a process that an earlier run")) != 1 {
		t.Error(log.String())
	}
	created(t, m, 1)
}

// A game server's end, however it comes, ends what it started.
func TestFamily(t *testing.T) {
	t.Parallel()
	m, _ := start(t, "family")
	info := created(t, m, 1)
	pids := info.Metadata["pids"].([]any)
	game, child := int(pids[0].(float64)), int(pids[1].(float64))
	if !alive(game) || !alive(child) {
		t.Fatal("they do not run")
	}
	if err := syscall.Kill(game, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testutil.Eventually(t, "the end of both", func() bool { return !alive(game) && !alive(child) && none(m) })
}
