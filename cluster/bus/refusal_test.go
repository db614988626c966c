//go:build !no_cluster

package bus_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kumi/cluster/bus"
	"kumi/internal/testutil"
)

// hurried passes connections on to a node. It closes the first one after some time in which
// the node that made it takes it for a route, before that can read why it is refused.
type hurried struct {
	net.Listener
	to    string
	tries atomic.Int32
}

func (h *hurried) run() {
	for {
		from, err := h.Accept()
		if err != nil {
			return
		}
		go h.pass(from, h.tries.Add(1) == 1)
	}
}

func (h *hurried) pass(from net.Conn, first bool) {
	defer from.Close()
	to, err := net.Dial("tcp", h.to)
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}()
	if !first {
		_, _ = io.Copy(from, to)
		return
	}
	info, err := bufio.NewReader(to).ReadString('\n')
	if err != nil {
		return
	}
	_, _ = io.WriteString(from, info)
	time.Sleep(200 * time.Millisecond)
}

// A node whose connection is closed before it can read why is refused all the same.
func TestRefusalThatIsNotHeard(t *testing.T) {
	t.Parallel()
	a := open(t, "a", func(o *bus.Options) { o.Secret = "0123456789abcdef" })
	b := open(t, "b", func(o *bus.Options) { o.Secret = "fedcba9876543210" })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hurried{Listener: l, to: a.Address()}
	go h.run()
	t.Cleanup(func() { _ = l.Close() })
	if err := b.Join(l.Addr().String(), "127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	if err := b.Reach(t.Context()); err == nil || !strings.Contains(err.Error(), "cluster.secret") {
		t.Errorf("the start ends with %v", err)
	}
	testutil.Eventually(t, "b has tried twice", func() bool { return h.tries.Load() >= 2 })
}
