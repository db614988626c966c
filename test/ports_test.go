package test

import (
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// occupy listens on a free port and returns its number.
func occupy(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// The error for a port that is in use names the setting.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	startAt := func(port int) string {
		t.Helper()
		_, err := servertest.TryStart(t, servertest.Flags("--socket.port", strconv.Itoa(port)))
		if err == nil {
			t.Fatalf("a server started although one of its ports is taken")
		}
		return err.Error()
	}
	if got := startAt(occupy(t)); !strings.Contains(got, "socket.port:") {
		t.Errorf("client port taken: %s", got)
	}
	// The gRPC port is the one below the client port, which somebody else may
	// have: then another pair is tried.
	var got string
	for range 10 {
		if got = startAt(occupy(t) + 1); !strings.Contains(got, "socket.port:") {
			break
		}
	}
	if !strings.Contains(got, "socket.port − 1 (gRPC)") {
		t.Errorf("gRPC port taken: %s", got)
	}
}

// The metrics port listens on metrics.address alone: a port that is taken on
// another address of the machine is free there.
func TestMetricsAddress(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("other systems have no second loopback address")
	}
	const address = "127.0.0.2"
	var err error
	for range 10 { // somebody else may have the port
		port := occupy(t)
		if _, err = servertest.TryStart(t, servertest.Flags("--metrics.address", address, "--metrics.prometheus_port", strconv.Itoa(port))); err != nil {
			continue
		}
		resp, err := http.Get(fmt.Sprintf("http://%s:%d/", address, port))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("the metrics port answered %s", resp.Status)
		}
		return
	}
	t.Errorf("no server started: %v", err)
}
