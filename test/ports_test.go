package test

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// A port that somebody else has is told by the setting's name.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	for setting, at := range map[string]int{"socket.port": port, "socket.port − 1 (gRPC)": port + 1} {
		_, err := servertest.TryStart(t, servertest.Flags("--socket.port", strconv.Itoa(at)))
		if err == nil || !strings.Contains(err.Error(), setting) {
			t.Errorf("%s: %v, want an error that names the setting", setting, err)
		}
	}
}
