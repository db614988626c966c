package server

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"kumi/config"
	"kumi/modules"
	"kumi/presence"
	"kumi/rpc"
)

// farewellRealm has a call that waits until it is released or its context ends,
// and one that is counted.
func farewellRealm(t *testing.T, change func(*config.Config)) (r *realm, release chan struct{}, puts *atomic.Int32) {
	release, puts = make(chan struct{}), new(atomic.Int32)
	r = newRealm(t, func(c *config.Config, set *modules.Set) {
		if change != nil {
			change(c)
		}
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

// askAndLeave sends two calls, and a close frame behind them. It returns when
// the server has read that.
func askAndLeave(t *testing.T, r *realm) net.Conn {
	t.Helper()
	conn := r.bareSocket()
	var s *session
	r.sessions.Each(func(n presence.Session) bool { s = n.(*session); return false })
	var sent []byte
	for _, text := range []string{`{"cid":"1","rpc":{"id":"slow"}}`, `{"cid":"2","rpc":{"id":"put"}}`} {
		sent = append(sent, clientFrame(0x81, text)...)
	}
	if _, err := conn.Write(append(sent, clientFrame(0x88, string(binary.BigEndian.AppendUint16(nil, 1000)))...)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the good-bye is read", s.leaving.Load)
	return conn
}

// What a client asked for before it said good-bye is done and answered, although
// it takes longer than a moment.
func TestGoodbyeBehindSlowCall(t *testing.T) {
	t.Parallel()
	r, release, puts := farewellRealm(t, func(c *config.Config) { c.Socket.CloseAckWaitMs = 20_000 })
	conn := askAndLeave(t, r)
	close(release)
	for _, want := range []string{
		"\x81" + `{"cid":"1","rpc":{"id":"slow","payload":"done"}}`, "\x81" + `{"cid":"2","rpc":{"id":"put"}}`, "\x88\x03\xe8",
	} {
		if got := readFrame(t, conn); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
		t.Errorf("the close frame is followed by %q, %v", rest, err)
	}
	if why := <-r.ended; why != "peer" || puts.Load() != 1 {
		t.Errorf("session ended for %q after %d of 1 calls", why, puts.Load())
	}
}

// That a client does not wait for the answers changes nothing.
func TestGoodbyeAndHangUpBehindSlowCall(t *testing.T) {
	t.Parallel()
	r, release, puts := farewellRealm(t, func(c *config.Config) { c.Socket.CloseAckWaitMs = 20_000 })
	conn := askAndLeave(t, r)
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
	close(release)
	if why := <-r.ended; why != "peer" || puts.Load() != 1 {
		t.Errorf("session ended for %q after %d of 1 calls", why, puts.Load())
	}
}

// A call that does not end does not keep a session whose client has left.
func TestGoodbyeBehindEndlessCall(t *testing.T) {
	t.Parallel()
	r, _, puts := farewellRealm(t, func(c *config.Config) { c.Socket.CloseAckWaitMs = 50 })
	conn := askAndLeave(t, r)
	if got := readFrame(t, conn); got != "\x88\x03\xe8" {
		t.Errorf("got %q, want the close frame", got)
	}
	if why := <-r.ended; why != "peer" || puts.Load() != 0 {
		t.Errorf("session ended for %q after %d calls", why, puts.Load())
	}
	eventually(t, "nothing is left of it", func() bool { return r.sessions.Count() == 0 && r.tracker.Total() == 0 })
}
