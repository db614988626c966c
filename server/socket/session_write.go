package socket

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/coder/websocket"

	"kumi/presence"
)

// outbox holds the messages to be sent. The goroutine that sets writing owns the
// write side of the connection until it clears it.
type outbox struct {
	mu      sync.Mutex
	conn    *connection // nil while the session is parked
	queue   []*presence.Message
	bytes   int // encoded size of the queue
	writing bool
	final   *closeFrame   // sent after the queue; nothing can be queued once it is set
	ended   bool          // nothing is sent any more
	changed chan struct{} // closed after a write, when conn changes and at the end; nil while nobody waits
	parked  *parking      // how the session was parked last; nil if it never was
}

// closeFrame is the code and reason of a close frame of RFC 6455.
type closeFrame struct {
	code   websocket.StatusCode
	reason string
}

// notify wakes the goroutines in waitChange. mu is held.
func (o *outbox) notify() {
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
}

// end drops what is queued and refuses what follows.
func (o *outbox) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended, o.queue = true, nil
	o.notify()
}

// finish queues the last messages and then the close frame. Only the first call
// has an effect. When start is true the caller owns writing and must start a
// writer.
func (o *outbox) finish(final *closeFrame, last ...*presence.Message) (start bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended || o.final != nil {
		return false
	}
	o.queue, o.final = append(o.queue, last...), final
	start = !o.writing
	o.writing = true
	return start
}

// wait waits until the outbox has ended or has another connection, at most for limit.
func (o *outbox) wait(c *connection, limit time.Duration) {
	ctx, cancel := context.WithTimeout(background, limit)
	defer cancel()
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.ended && o.conn == c && o.waitChange(ctx) {
	}
}

// waitChange releases mu until the next notify. It is false when ctx ended first.
func (o *outbox) waitChange(ctx context.Context) bool {
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	changed := o.changed
	o.mu.Unlock()
	defer o.mu.Lock()
	select {
	case <-changed:
		return true
	case <-ctx.Done():
		return false
	}
}

// A client is slow when its queue is full and a write to it has not returned for
// stallTime: on a busy server the queue alone may be full for a moment. A queue
// of hardFactor times the configured size ends the session at once.
const (
	stallTime  = 250 * time.Millisecond
	hardFactor = 32
)

// maxUnsent is how many bytes of replies may be queued before the session's next
// message is handled.
const maxUnsent = 256 << 10

// Send implements presence.Session: it queues m and starts a writer if there is
// none. It never blocks.
func (s *session) Send(m *presence.Message) {
	if s.push(m, true) {
		s.pool.Go((*writer)(s))
	}
}

// Queue implements presence.Queuer: it queues m and leaves writing to Flush.
func (s *session) Queue(m *presence.Message) { s.push(m, false) }

// Flush implements presence.Queuer: it starts a writer if there is something to
// write and nobody writes.
func (s *session) Flush() {
	o := &s.out
	o.mu.Lock()
	start := !o.writing && len(o.queue) > 0 && o.conn != nil
	o.writing = o.writing || start
	o.mu.Unlock()
	if start {
		s.pool.Go((*writer)(s))
	}
}

var _ presence.Queuer = (*session)(nil)

// push queues a message that the client did not ask for, and ends the session of
// a slow client. When start is true, which it only is with write, the caller owns
// writing and must start a writer.
func (s *session) push(m *presence.Message, write bool) (start bool) {
	size, ok := s.encoded(m)
	if !ok {
		return false
	}
	o := &s.out
	o.mu.Lock()
	if o.ended || o.final != nil {
		o.mu.Unlock()
		return false
	}
	if o.full(size, s.limits.outgoing) {
		o.mu.Unlock()
		s.Close(presence.QueueFull)
		return false
	}
	o.queue = append(o.queue, m)
	o.bytes += size
	start = write && !o.writing && o.conn != nil
	o.writing = o.writing || start
	o.mu.Unlock()
	return start
}

// full reports whether the client is too slow to queue that many bytes more. limit is the
// configured size of the queue. mu is held.
func (o *outbox) full(size, limit int) bool {
	n := len(o.queue)
	if o.conn == nil {
		return n >= limit*hardFactor || o.bytes+size > maxParked
	}
	return n >= limit && (n >= limit*hardFactor || o.conn.net.writing() > stallTime)
}

// encoded encodes a message for the session's format and returns its size. The
// message keeps the bytes for its other receivers. It happens before queueing, as
// the sender may reuse the data of the message afterwards.
func (s *session) encoded(m *presence.Message) (size int, ok bool) {
	b, err := m.Bytes(s.format)
	if err != nil {
		s.note(s.Log.Error()).Err(err).Msg("message was not sent")
		return 0, false
	}
	return len(b), true
}

// reply queues the answer to a message of the client. The reader writes it before
// it waits for the network again, so that calls that arrive together are answered
// in one write. makeRoom bounds how much is queued. A reply is for the connection that
// the message came by: on another one its cid may be that of another message.
func (s *session) reply(m *presence.Message) {
	if s.closing.Load() {
		return // the call was cancelled, and the reply says only that
	}
	size, ok := s.encoded(m)
	if !ok {
		return
	}
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.ended && o.final == nil && o.conn == s.in.from {
		o.queue = append(o.queue, m)
		o.bytes += size
	}
}

// makeRoom waits until there is room for the reply to the next message. A client
// that sends faster than it reads is held back this way; it is not closed as slow
// for replies that it asked for. The handling goroutine calls it.
func (s *session) makeRoom() {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	for (len(o.queue) >= s.limits.outgoing || o.bytes >= maxUnsent) && !o.ended && o.final == nil && o.conn != nil {
		if conn := o.conn; !o.writing {
			o.mu.Unlock()
			conn.writeQueued()
			o.mu.Lock()
		} else if !o.waitChange(s.ctx) {
			return
		}
	}
}

// writeQueued writes what is queued on the caller's goroutine, unless another
// goroutine is writing. What is queued meanwhile is left to a writer, as the
// caller has a socket to read. It never sends the close frame: closing waits for
// the reader, which may be the caller.
func (c *connection) writeQueued() {
	o := &c.out
	o.mu.Lock()
	if o.writing || len(o.queue) == 0 || o.final != nil || o.conn != c {
		o.mu.Unlock()
		return
	}
	o.writing = true
	batch := o.takeQueue()
	o.mu.Unlock()
	if c.write(batch, nil) {
		c.pool.Go((*writer)(c.session))
	}
}

// opened writes the answer of the handshake, which the connection holds, and then lets
// writers write what was sent to the session since it began, or was parked.
func (c *connection) opened() {
	if err := c.net.release(); err != nil {
		c.writeFailed(err)
	}
	o := &c.out
	o.mu.Lock()
	o.writing = !o.ended && o.conn != nil && (len(o.queue) > 0 || o.final != nil)
	start := o.writing
	o.notify()
	o.mu.Unlock()
	if start {
		c.pool.Go((*writer)(c.session))
	}
}

// takeQueue empties the queue for the caller, who owns writing. mu is held.
func (o *outbox) takeQueue() []*presence.Message {
	batch := o.queue
	o.queue, o.bytes = nil, 0
	return batch
}

// writer is a session as a task of the pool: it writes what is queued.
type writer session

// keptQueue is the capacity up to which the memory of a queue is reused.
const keptQueue = 8

// Run implements actor.Runner: it writes until nothing is queued. Goroutines that
// can run go first, as they may have more for this client: on a busy server a
// write takes along what a few of them queued, on an idle one nothing is lost.
func (w *writer) Run() {
	runtime.Gosched()
	for w.step() {
	}
}

// step writes what is queued, and the close frame if it is set. more is whether
// anything was queued meanwhile; if not, writing has been cleared.
func (w *writer) step() (more bool) {
	o := &w.out
	o.mu.Lock()
	if o.ended || o.conn == nil {
		o.writing = false
		o.notify()
		o.mu.Unlock()
		return false
	}
	c, batch, final := o.conn, o.takeQueue(), o.final
	o.mu.Unlock()
	return c.write(batch, final)
}

// write writes a batch in as few system calls as possible, and then the close
// frame if there is one. Its result is that of step.
func (c *connection) write(batch []*presence.Message, final *closeFrame) (more bool) {
	written, err := c.send(batch)
	parked := false
	switch {
	case err != nil:
		if parked = c.writeFailed(err); !parked {
			c.net.abort() // a frame may be cut, so that not even a close frame can follow
		}
	case final != nil:
		// The peer has closeAckWait to answer.
		_ = c.net.SetReadDeadline(time.Now().Add(c.limits.closeAckWait))
		_ = c.ws.Close(final.code, final.reason)
	case written < len(batch) && !c.leaving.Load():
		parked = c.park(presence.ClosedByPeer)
	}
	o := &c.out
	if final != nil || err != nil && !parked {
		o.end()
	}

	o.mu.Lock()
	defer o.mu.Unlock()
	if parked && !o.ended {
		o.putBack(batch[written:], c.format)
	}
	clear(batch)
	if o.queue == nil && cap(batch) <= keptQueue {
		o.queue = batch[:0]
	}
	more = !o.ended && o.conn != nil && (len(o.queue) > 0 || o.final != nil)
	o.writing = more
	o.notify()
	return more
}

// send writes messages. The error is one of the network; written is how many messages
// the network took as a whole before. Without an error written is less than all where the
// connection was closed before.
func (c *connection) send(batch []*presence.Message) (written int, err error) {
	c.net.hold()
	c.Metrics.Messages.Out.Add(uint64(len(batch)))
	var ends []uint64 // in the connection's stream; only where what was not sent is kept
	given := 0
	for i, m := range batch {
		payload, err := m.Bytes(c.format)
		if err != nil {
			continue // cannot be: push and reply encode before they queue
		}
		// The library refuses to write after it has sent a close frame of its own, as it
		// does after a protocol error of the peer. Errors of the network are conn's.
		if err := c.ws.Write(background, c.kind, payload); err != nil {
			break
		}
		given = i + 1
		if c.limits.resume > 0 {
			ends = append(ends, c.net.position())
		}
	}
	if err := c.net.release(); err != nil {
		return c.net.taken(ends), err
	}
	return given, nil
}

// writeFailed ends a connection that cannot be written to, and reports whether its
// session goes on without it.
func (c *connection) writeFailed(err error) (parked bool) {
	if errors.Is(err, net.ErrClosed) {
		return c.replaced() // closed by the reader, which still handles what the peer sent before
	}
	reason := presence.ClosedByPeer
	if errors.Is(err, os.ErrDeadlineExceeded) {
		reason = presence.WriteTimeout
	}
	c.note(c.Log.Debug()).Err(err).Msg("write to socket failed")
	if c.leaving.Load() {
		return false // what the peer sent before it left is still handled
	}
	return c.lost(reason)
}
