package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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
	w := &wire{Conn: new(lazyConn), writeWait: testWait}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := w.control(pingFrame); err != nil {
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
	w := &wire{Conn: conn, writeWait: 400 * time.Millisecond}
	ping := make(chan error, 1)
	time.AfterFunc(w.writeWait/2, func() { ping <- w.control(pingFrame) })
	if _, err := w.write([]byte("stuck"), false); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the write ended with %v", err)
	}
	if err := <-ping; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the ping ended with %v", err)
	}
	if n := conn.moved.Load(); n != 1 {
		t.Errorf("the write deadline was set %d times", n)
	}
}

// Nothing follows the close frame, whoever waited to write.
func TestNothingFollowsCloseFrame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, peer := net.Pipe()
		w := &wire{Conn: conn, writeWait: time.Second}
		bye := appendClose(nil, closeNormal, "")
		go func() { _, _ = w.write(bye, true) }()
		synctest.Wait() // it waits for the peer
		for range 3 {
			go func() { _, _ = w.write(appendFrame(nil, opText, []byte("late")), false) }()
			go func() { _ = w.control(pingFrame) }()
		}
		go func() {
			time.Sleep(time.Millisecond)
			_ = conn.Close()
		}()
		got, err := io.ReadAll(peer)
		if err != nil || string(got) != string(bye) {
			t.Errorf("the peer read %q, %v, want the close frame alone", got, err)
		}
	})
}

// loose makes a session that has no reader and is not registered, over a pipe.
func (r *realm) loose(change func(net.Conn) net.Conn) (s *session, peer net.Conn) {
	conn, peer := net.Pipe()
	r.t.Cleanup(func() { _ = peer.Close() })
	if change != nil {
		conn = change(conn)
	}
	s = &session{Server: r.Server, frames: opText, scope: &core.Scope{}, watch: &r.Server.watches[0], wire: &wire{Conn: conn, writeWait: testWait}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.ping = time.AfterFunc(time.Hour, func() {})
	r.t.Cleanup(func() {
		s.cancel()
		s.ping.Stop()
		_ = conn.Close()
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
	s, peer := newRealm(t, nil).loose(nil)
	_ = peer.SetDeadline(time.Now().Add(testWait))
	s.reply(streamed("first"))
	flushed := make(chan struct{})
	go func() {
		s.flush()
		close(flushed)
	}()
	eventually(t, "the first is being written", func() bool {
		s.out.mu.Lock()
		defer s.out.mu.Unlock()
		return !s.out.began.IsZero()
	})
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
	s, _ := newRealm(t, nil).loose(nil)
	s.in.running = true
	for range maxInbox {
		s.process([]byte("{}"))
	}
	s.cancel()
	done := make(chan bool)
	go func() { done <- s.process([]byte("{}")) }()
	select {
	case reader := <-done:
		if !reader || len(s.in.queue) != maxInbox {
			t.Errorf("reader %v, with %d messages queued", reader, len(s.in.queue))
		}
	case <-time.After(testWait):
		t.Error("it still waits")
	}
	s.watch.leave(s)
}

// readDeadlines counts how often the read deadline is moved.
type readDeadlines struct {
	net.Conn
	moved chan struct{}
}

func (c readDeadlines) SetReadDeadline(time.Time) error {
	c.moved <- struct{}{}
	return nil
}

// A reader that has waited for room has heard nothing of the peer meanwhile,
// which is not the peer's fault, whoever handles the message then.
func TestReaderThatWaitedMovesDeadline(t *testing.T) {
	t.Parallel()
	moved := make(chan struct{}, 10)
	s, _ := newRealm(t, nil).loose(func(c net.Conn) net.Conn { return readDeadlines{c, moved} })
	s.limits.pongWait = time.Hour
	n := &s.in
	n.running = true
	for range maxInbox {
		s.process([]byte("{}"))
	}
	done := make(chan bool)
	go func() { done <- s.process([]byte(`{"pong":{}}`)) }()
	eventually(t, "the reader waits", func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.taken != nil
	})
	n.mu.Lock() // as who handles does that has finished, in two steps
	n.queue, n.running = nil, false
	close(n.taken)
	n.taken = nil
	n.mu.Unlock()
	<-done
	s.watch.leave(s)
	if len(moved) != 1 {
		t.Errorf("the read deadline was moved %d times, want once", len(moved))
	}
}

// What waits for long is held in little memory, whatever else was sent.
func TestBuffersThatWaitAreSmall(t *testing.T) {
	t.Parallel()
	s, peer := newRealm(t, nil).loose(nil)
	go func() { _, _ = io.Copy(io.Discard, peer) }()
	big := streamed(strings.Repeat("x", 80<<10))
	for range 20 {
		s.reply(big)
		s.flush()
		grown := make([]byte, 0, 64<<10)
		putRead(&grown)
	}
	s.in.running = true
	s.process([]byte(`{"cid":"1","ping":{}}`))
	if n := cap(s.in.queue[0]); n > 64 {
		t.Errorf("a small message waits in %d bytes", n)
	}
	for range 20 {
		if b := getRead(); cap(*b) != readBuffer {
			t.Fatalf("half a frame would wait in %d bytes", cap(*b))
		}
	}
	s.watch.leave(s)
}
