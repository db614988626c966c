package socket

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"kumi/config"
	"kumi/modules"
	"kumi/presence"
	"kumi/rpc"
)

// closingServer has an RPC that waits until release is closed or its context
// ends, and one that is counted. wait is socket.close_ack_wait_ms.
func closingServer(t *testing.T, wait int) (r *testServer, release chan struct{}, puts *atomic.Int32) {
	release, puts = make(chan struct{}), new(atomic.Int32)
	r = newTestServer(t, func(c *config.Config, set *modules.Set) {
		c.Socket.CloseAckWaitMs = wait
		set.RPC.Set(&rpc.Function{ID: "slow", Call: func(ctx context.Context, _ string) (string, error) {
			select {
			case <-release:
				return "done", nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}})
		set.RPC.Set(&rpc.Function{ID: "put", Call: func(context.Context, string) (string, error) { puts.Add(1); return "", nil }})
	})
	return r, release, puts
}

// ask calls RPCs on a new socket.
func ask(t *testing.T, r *testServer, calls ...string) (s *session, conn net.Conn) {
	t.Helper()
	conn = r.bareSocket()
	r.sessions.Each(func(n presence.Session) bool { s = n.(*session); return false })
	var sent []byte
	for _, id := range calls {
		sent = append(sent, clientFrame(0x81, `{"rpc":{"id":"`+id+`"}}`)...)
	}
	if _, err := conn.Write(sent); err != nil {
		t.Fatal(err)
	}
	return s, conn
}

// askAndLeave calls RPCs and sends a close frame. It returns when the server has
// read the frame.
func askAndLeave(t *testing.T, r *testServer, calls ...string) (s *session, conn net.Conn) {
	t.Helper()
	s, conn = ask(t, r, calls...)
	if _, err := conn.Write(clientFrame(0x88, string(binary.BigEndian.AppendUint16(nil, 1000)))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the close frame is read", s.out.conn.leaving.Load)
	return s, conn
}

// What a client asked for before its close frame is done, even if it takes a
// while. The answer to the close frame is the last frame that is sent.
func TestCloseDuringSlowCall(t *testing.T) {
	t.Parallel()
	r, release, puts := closingServer(t, 20_000)
	_, conn := askAndLeave(t, r, "slow", "put")
	if got := readFrame(t, conn); got != "\x88\x03\xe8" {
		t.Errorf("got %q, want the close frame", got)
	}
	release <- struct{}{}
	if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
		t.Errorf("the close frame is followed by %q, %v", rest, err)
	}
	if why := <-r.ended; why != presence.ClosedByPeer.Text() || puts.Load() != 1 {
		t.Errorf("session ended for %q after %d of 1 calls", why, puts.Load())
	}
}

// The same is done for a client that closes its connection without a close frame.
func TestHalfCloseDuringSlowCall(t *testing.T) {
	t.Parallel()
	r, release, puts := closingServer(t, 20_000)
	_, conn := ask(t, r, "slow", "put")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the connection is read", func() bool { return r.Metrics.Messages.Errors.Load() > 0 })
	select {
	case release <- struct{}{}:
	case why := <-r.ended:
		t.Fatalf("session ended for %q during a call", why)
	}
	if why := <-r.ended; why != presence.ClosedByPeer.Text() || puts.Load() != 1 {
		t.Errorf("session ended for %q after %d of 1 calls", why, puts.Load())
	}
}

// That a client does not wait for the answers changes nothing.
func TestCloseAndDisconnectDuringSlowCall(t *testing.T) {
	t.Parallel()
	r, release, puts := closingServer(t, 20_000)
	_, conn := askAndLeave(t, r, "slow", "slow", "put")
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
	release <- struct{}{}
	select {
	case release <- struct{}{}:
	case <-time.After(testWait):
		t.Error("the second call was given up")
	}
	if why := <-r.ended; why != presence.ClosedByPeer.Text() || puts.Load() != 1 {
		t.Errorf("session ended for %q after %d of 1 calls", why, puts.Load())
	}
}

// A call that does not end does not keep a session whose client has left.
func TestCloseDuringEndlessCall(t *testing.T) {
	t.Parallel()
	r, _, puts := closingServer(t, 50)
	_, conn := askAndLeave(t, r, "slow", "put")
	if got := readFrame(t, conn); got != "\x88\x03\xe8" {
		t.Errorf("got %q, want the close frame", got)
	}
	if why := <-r.ended; why != presence.ClosedByPeer.Text() || puts.Load() != 0 {
		t.Errorf("session ended for %q after %d calls", why, puts.Load())
	}
	eventually(t, "nothing is left of it", func() bool { return r.sessions.Count() == 0 && r.tracker.Total() == 0 })
}
