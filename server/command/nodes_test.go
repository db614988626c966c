package command

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kumi/internal/testutil"
)

// A running server is listed, and one that is drained ends by itself.
func TestNodes(t *testing.T) {
	t.Parallel()
	dir, console := t.TempDir(), strconv.Itoa(testutil.FreePorts(t, 4)+3) // gRPC listens three ports below
	flags := []string{
		"--data_dir", dir, "--runtime.path", dir, "--socket.port", "0", "--socket.address", "127.0.0.1", "--name", "first",
		"--console.address", "127.0.0.1", "--console.port", console, "--logger.format", "json",
	}
	var log buffer
	ended := make(chan int, 1)
	go func() {
		ended <- dispatch(t.Context(), append([]string{"run"}, flags...), streams{out: &log, err: &log})
	}()
	testutil.Eventually(t, "the server is ready", func() bool {
		select {
		case code := <-ended:
			t.Fatalf("the server ended with %d:\n%s", code, log.String())
		default:
		}
		return strings.Contains(log.String(), "server is ready")
	})
	command := func(args ...string) (int, string) {
		var out buffer
		name := 1
		if len(args) > 1 && args[0] == "drain" {
			name = 2
		}
		code := dispatch(context.Background(), slices.Concat(args[:name], flags, args[name:]), streams{out: &out, err: &out})
		return code, out.String()
	}
	if code, out := command("nodes"); code != exitOK || !strings.Contains(out, "NODE") || !strings.Contains(out, "first  ready") {
		t.Errorf("nodes ended with %d:\n%s", code, out)
	}
	if code, out := command("drain", "second"); code != exitFailed || !strings.Contains(out, "drain second: There is no node of that name.") {
		t.Errorf("drain of another node ended with %d:\n%s", code, out)
	}
	if code, out := command("nodes", "--console.password", "wrong"); code == exitOK {
		t.Errorf("nodes with a wrong password ended with %d:\n%s", code, out)
	}
	if code, out := command("drain"); code != exitOK || !strings.HasSuffix(out, "first has stopped\n") {
		t.Errorf("drain ended with %d:\n%s", code, out)
	}
	if code := <-ended; code != exitOK {
		t.Errorf("the server ended with %d:\n%s", code, log.String())
	}
	if code, out := command("nodes"); code != exitFailed || !strings.Contains(out, "refused") || !strings.Contains(out, "127.0.0.1:"+console) || !strings.Contains(out, "--console.port") {
		t.Errorf("nodes without a server ended with %d:\n%s", code, out)
	}
	if code, out := command("nodes", "--console.port", "0"); code != exitFailed || !strings.Contains(out, "console.port") {
		t.Errorf("nodes without a console ended with %d:\n%s", code, out)
	}
}

// A port of clients answers, too.
func TestNodesAtAnotherPort(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	_, port, _ := net.SplitHostPort(other.Listener.Addr().String())
	for _, name := range []string{"nodes", "drain"} {
		var out buffer
		code := dispatch(t.Context(), []string{name, "--console.address", "127.0.0.1", "--console.port", port}, streams{out: &out, err: &out})
		if code != exitFailed || !strings.Contains(out.String(), "404 Not Found") || !strings.Contains(out.String(), "--console.port") || !strings.Contains(out.String(), port) {
			t.Errorf("%s ended with %d:\n%s", name, code, out.String())
		}
		out = buffer{}
		if code := dispatch(t.Context(), []string{name, "--help"}, streams{out: &out, err: &out}); code != exitOK || !strings.Contains(out.String(), "console of a running node is asked") {
			t.Errorf("%s --help ended with %d:\n%s", name, code, out.String())
		}
	}
}

// One is not several.
func TestCount(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 matches", 1: "1 match", 2: "2 matches"} {
		if got := count(n, "match", "matches"); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
