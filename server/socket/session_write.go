package socket

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/coder/websocket"

	"kumi/presence"
)

// outbox is what is to be sent. Whoever set writing writes.
type outbox struct {
	mu      sync.Mutex
	queue   []*presence.Message
	bytes   int // of the queue
	writing bool
	began   time.Time     // of the write in progress, zero when there is none
	bye     *goodbye      // the close frame, once it is to follow the queue
	ended   bool          // nothing is sent any more
	changed chan struct{} // closed after a write and at the end, made by who waits for it
}

// goodbye is what a close frame says.
type goodbye struct {
	code   websocket.StatusCode
	reason string
}

// tell wakes who waits. mu is held.
func (o *outbox) tell() {
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
}

// until is closed at the next tell. mu is held.
func (o *outbox) until() <-chan struct{} {
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	return o.changed
}

// end makes the outbox send nothing any more.
func (o *outbox) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended, o.queue = true, nil
	o.tell()
}

// finish has the last messages follow what is queued, and then the close frame.
// Only the first call counts. It takes the right to write where nobody has it,
// and tells so.
func (o *outbox) finish(bye *goodbye, last ...*presence.Message) (start bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended || o.bye != nil {
		return false
	}
	o.queue, o.bye = append(o.queue, last...), bye
	start = !o.writing
	o.writing = true
	return start
}

// wait waits until the outbox has ended, or for limit.
func (o *outbox) wait(limit time.Duration) {
	ctx, cancel := context.WithTimeout(background, limit)
	defer cancel()
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.ended && o.waitTold(ctx) {
	}
}

// waitTold waits, without mu, for the next tell. It tells whether that was
// before ctx ended.
func (o *outbox) waitTold(ctx context.Context) bool {
	told := o.until()
	o.mu.Unlock()
	defer o.mu.Lock()
	select {
	case <-told:
		return true
	case <-ctx.Done():
		return false
	}
}

// A session is slow when its queue is full and a write to it has not come to an
// end for stallTime: a full queue alone may be the doing of a busy server. Far
// more than the queue size it never holds.
const (
	stallTime  = 250 * time.Millisecond
	hardFactor = 32
)

// maxUnsent is how many bytes of replies may wait to be sent before the session's
// next message is handled.
const maxUnsent = 256 << 10

// Send implements presence.Session.
func (s *session) Send(m *presence.Message) {
	if s.push(m, true) {
		s.pool.Go((*writer)(s))
	}
}

// Queue implements presence.Queuer.
func (s *session) Queue(m *presence.Message) { s.push(m, false) }

// Flush implements presence.Queuer.
func (s *session) Flush() {
	o := &s.out
	o.mu.Lock()
	start := !o.writing && len(o.queue) > 0
	o.writing = o.writing || start
	o.mu.Unlock()
	if start {
		s.pool.Go((*writer)(s))
	}
}

var _ presence.Queuer = (*session)(nil)

// push queues what others send to the client, which ends a session that does not
// take it. With write it takes the right to write where nobody has it, and tells
// so: a writer is to be started then.
func (s *session) push(m *presence.Message, write bool) (start bool) {
	size, ok := s.encoded(m)
	if !ok {
		return false
	}
	o := &s.out
	o.mu.Lock()
	if o.ended || o.bye != nil {
		o.mu.Unlock()
		return false
	}
	if n := len(o.queue); n >= s.limits.outgoing {
		if n >= s.limits.outgoing*hardFactor || !o.began.IsZero() && time.Since(o.began) > stallTime {
			o.mu.Unlock()
			s.Close(presence.QueueFull)
			return false
		}
	}
	o.queue = append(o.queue, m)
	o.bytes += size
	start = write && !o.writing
	o.writing = o.writing || start
	o.mu.Unlock()
	return start
}

// encoded encodes a message, here and once for all receivers, as the maker of
// the message may use its data again.
func (s *session) encoded(m *presence.Message) (size int, ok bool) {
	b, err := m.Bytes(s.format)
	if err != nil {
		s.note(s.Log.Error()).Err(err).Msg("message was not sent")
		return 0, false
	}
	return len(b), true
}

// reply queues an answer to the client. The reader writes before it waits for
// the network, so that calls that come together are answered in one write. How
// much is queued makeRoom bounds.
func (s *session) reply(m *presence.Message) {
	if s.closing.Load() {
		return // the call was cancelled; what it answers says only that
	}
	size, ok := s.encoded(m)
	if !ok {
		return
	}
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.ended && o.bye == nil {
		o.queue = append(o.queue, m)
		o.bytes += size
	}
}

// makeRoom waits until few enough replies are to be sent to handle the next
// message: a client that sends faster than it reads waits, and is not closed as
// slow for what it asked for. The handler calls it.
func (s *session) makeRoom() {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	for (len(o.queue) >= s.limits.outgoing || o.bytes >= maxUnsent) && !o.ended && o.bye == nil {
		if !o.writing {
			o.mu.Unlock()
			s.flush()
			o.mu.Lock()
		} else if !o.waitTold(s.ctx) {
			return
		}
	}
}

// flush writes what is queued on the caller's goroutine, unless another does.
// What is queued meanwhile is left to a writer of its own: the caller has a
// socket to read. It never sends the close frame: closing waits for the reader,
// which the caller may be.
func (s *session) flush() {
	o := &s.out
	o.mu.Lock()
	if o.writing || len(o.queue) == 0 || o.bye != nil {
		o.mu.Unlock()
		return
	}
	o.writing = true
	batch := o.takeQueue()
	o.mu.Unlock()
	if s.write(batch, nil) {
		s.pool.Go((*writer)(s))
	}
}

// takeQueue empties the queue into the hands of the caller, who has the right to
// write. mu is held.
func (o *outbox) takeQueue() []*presence.Message {
	batch := o.queue
	o.queue, o.bytes = nil, 0
	o.began = time.Now()
	return batch
}

// busy reports whether a write is in progress.
func (o *outbox) busy() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.began.IsZero()
}

// writer is a session in its role of writing what it has to send.
type writer session

// keptQueue is the length up to which the memory of a queue is kept for its
// next messages.
const keptQueue = 8

// Run implements actor.Runner: it writes until nothing is queued.
func (w *writer) Run() {
	for w.step() {
	}
}

// step writes all that is queued and the close frame if it is due. It reports
// whether more has come meanwhile, and gives up the right to write if not.
func (w *writer) step() (more bool) {
	s, o := (*session)(w), &w.out
	o.mu.Lock()
	if o.ended {
		o.writing = false
		o.mu.Unlock()
		return false
	}
	batch, bye := o.takeQueue(), o.bye
	o.mu.Unlock()
	return s.write(batch, bye)
}

// write writes a batch in as few system calls as possible, and then the close
// frame if there is one. It reports whether more has come meanwhile, and gives up
// the right to write if not.
func (s *session) write(batch []*presence.Message, bye *goodbye) (more bool) {
	err := s.send(batch)
	clear(batch)
	switch {
	case err != nil:
		s.writeFailed(err)
		s.conn.abort() // nothing can follow, so neither can a close frame
	case bye != nil:
		// The peer has a while to answer.
		_ = s.conn.SetReadDeadline(time.Now().Add(s.limits.closeAckWait))
		_ = s.ws.Close(bye.code, bye.reason)
	}
	o := &s.out
	if bye != nil || err != nil {
		o.end()
	}

	o.mu.Lock()
	defer o.mu.Unlock()
	o.began = time.Time{}
	if o.queue == nil && cap(batch) <= keptQueue {
		o.queue = batch[:0]
	}
	more = !o.ended && (len(o.queue) > 0 || o.bye != nil)
	o.writing = more
	o.tell()
	return more
}

// send writes messages. The error is the network's.
func (s *session) send(batch []*presence.Message) error {
	s.conn.hold()
	for _, m := range batch {
		payload, err := m.Bytes(s.format)
		if err != nil {
			continue // who queued it has seen to that
		}
		// The library refuses what follows a close frame of its own: after an error of
		// the peer's there is nobody to send to. Errors of the network stay with conn.
		if err := s.ws.Write(background, s.kind, payload); err != nil {
			break
		}
	}
	return s.conn.release()
}

// writeFailed ends a session that cannot be written to.
func (s *session) writeFailed(err error) {
	if errors.Is(err, net.ErrClosed) {
		return // the reader closed it, and has what the peer sent before to handle
	}
	reason := presence.ClosedByPeer
	if errors.Is(err, os.ErrDeadlineExceeded) {
		reason = presence.WriteTimeout
	}
	s.note(s.Log.Debug()).Err(err).Msg("write to socket failed")
	if s.leaving.Load() {
		return // what the peer asked for before it left is still done
	}
	s.Close(reason)
}
