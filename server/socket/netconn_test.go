package socket

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/core"
	"kumi/presence"
)

// lazyConn takes a while to move its write deadline, and refuses what is written
// under one that has passed.
type lazyConn struct {
	net.Conn
	mu       sync.Mutex
	deadline time.Time
}

func (c *lazyConn) SetWriteDeadline(t time.Time) error {
	time.Sleep(time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return nil
}

func (c *lazyConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !time.Now().Before(c.deadline) {
		return 0, os.ErrDeadlineExceeded
	}
	return len(p), nil
}

// Writes that begin together when the deadline has passed all have a new one.
func TestWritesAfterPause(t *testing.T) {
	t.Parallel()
	c := &netConn{Conn: new(lazyConn), writeWait: testWait, sent: new(atomic.Uint64)}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := c.Write([]byte("frame")); err != nil {
				t.Errorf("after a pause: %v", err)
			}
		})
	}
	all.Wait()
}

// writeDeadlines counts how often the write deadline is moved.
type writeDeadlines struct {
	net.Conn
	moved atomic.Int32
}

func (c *writeDeadlines) SetWriteDeadline(t time.Time) error {
	c.moved.Add(1)
	return c.Conn.SetWriteDeadline(t)
}

// A ping does not give a write that is stuck more time, and is not written
// behind a part of a frame.
func TestPingDuringStuckWrite(t *testing.T) {
	t.Parallel()
	pipe, peer := net.Pipe()
	defer peer.Close()
	conn := &writeDeadlines{Conn: pipe}
	c := &netConn{Conn: conn, writeWait: 400 * time.Millisecond, sent: new(atomic.Uint64)}
	ping := make(chan error, 1)
	time.AfterFunc(c.writeWait/2, func() { _, err := c.Write([]byte("ping")); ping <- err })
	if _, err := c.Write([]byte("stuck")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the write ended with %v", err)
	}
	if err := <-ping; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the ping ended with %v", err)
	}
	if n := conn.moved.Load(); n != 1 {
		t.Errorf("the write deadline was set %d times", n)
	}
}

// response is a response whose connection is a pipe.
type response struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (r response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return r.conn, bufio.NewReadWriter(bufio.NewReader(r.conn), bufio.NewWriter(r.conn)), nil
}

// loose makes a session that has no reader and is not registered, over a pipe.
func (r *testServer) loose() (s *session, peer net.Conn) {
	r.t.Helper()
	conn, peer := net.Pipe()
	s = &session{Server: r.Server, kind: websocket.MessageText}
	s.caller.Store(&core.Scope{})
	c := &connection{session: s}
	c.net = &netConn{writeWait: testWait, sent: new(atomic.Uint64), beforeRead: c.writeQueued}
	s.out.conn, s.in.from = c, c
	q := httptest.NewRequest(http.MethodGet, "/ws", nil)
	q.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	var err error
	if c.ws, err = websocket.Accept(upgrade{response{httptest.NewRecorder(), conn}, c.net}, q, nil); err != nil {
		r.t.Fatal(err)
	}
	c.net.held = nil // the answer of the handshake
	s.ctx, s.cancel = context.WithCancel(context.Background())
	c.ping = time.AfterFunc(time.Hour, func() {})
	r.t.Cleanup(func() {
		s.cancel()
		c.ping.Stop()
		_ = peer.Close()
		_ = c.ws.CloseNow()
	})
	return s, peer
}

func streamed(payload string) *presence.Message {
	return presence.NewMessage(&rtapi.Envelope{Message: &rtapi.Envelope_StreamData{StreamData: &rtapi.StreamData{Data: payload}}})
}

// What is queued while the reader writes is not its to write: it has a socket to
// read.
func TestReaderWritesOneBatch(t *testing.T) {
	t.Parallel()
	s, peer := newTestServer(t, nil).loose()
	_ = peer.SetDeadline(time.Now().Add(testWait))
	s.reply(streamed("first"))
	flushed := make(chan struct{})
	go func() {
		s.out.conn.writeQueued()
		close(flushed)
	}()
	eventually(t, "the first is being written", func() bool { return s.out.conn.net.writing() > 0 })
	s.Send(streamed("second"))
	first := readFrame(t, peer)
	select {
	case <-flushed:
	case <-time.After(testWait):
		t.Fatal("the reader still writes")
	}
	if second := readFrame(t, peer); first == second || second == "" {
		t.Errorf("read %q, then %q", first, second)
	}
}

// A reader that waits for room in the inbox gives up when the session begins to
// end, and need not be told by who cleans up.
func TestReaderThatWaitsForRoomEnds(t *testing.T) {
	t.Parallel()
	n := &inbox{handling: true, queue: make([]received, maxInbox)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan [2]bool)
	go func() {
		handle, waited := n.put(ctx, received{nil, new([]byte)})
		done <- [2]bool{handle, waited}
	}()
	cancel()
	select {
	case got := <-done:
		if got != [2]bool{false, true} || len(n.queue) != maxInbox {
			t.Errorf("handle %v, waited %v, with %d messages queued", got[0], got[1], len(n.queue))
		}
	case <-time.After(testWait):
		t.Error("it still waits")
	}
}

// What is gathered is one write, in order, and what others write meanwhile is
// part of it.
func TestGatheredFrames(t *testing.T) {
	t.Parallel()
	conn := new(writes)
	c := &netConn{Conn: conn, writeWait: testWait, sent: new(atomic.Uint64)}
	put := func(text string) {
		if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	put("1")
	c.hold()
	put("2")
	put("3")
	if err := c.release(); err != nil {
		t.Error(err)
	}
	big := strings.Repeat("x", maxGathered+1)
	c.hold()
	put("4")
	put(big)
	put("5")
	_ = c.Close() // of a connection that is held
	if want := []string{"1", "23", "4", big, "5", "closed"}; !slices.Equal(conn.all, want) {
		t.Errorf("%d writes: %.10q", len(conn.all), conn.all)
	}
	if got := c.sent.Load(); got != uint64(5+len(big)) {
		t.Errorf("%d bytes are counted", got)
	}
}

// writes keeps what is written.
type writes struct {
	net.Conn
	all []string
}

func (w *writes) Write(p []byte) (int, error) {
	w.all = append(w.all, string(p))
	return len(p), nil
}

func (w *writes) SetWriteDeadline(time.Time) error { return nil }

func (w *writes) Close() error {
	w.all = append(w.all, "closed")
	return nil
}
