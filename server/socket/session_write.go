package socket

import (
	"sync"
	"time"

	"kumi/presence"
)

// outbox is what is to be sent. Whoever set writing writes.
type outbox struct {
	mu      sync.Mutex
	queue   []*presence.Message
	writing bool
	began   time.Time     // of the write in progress, zero when there is none
	bye     []byte        // the close frame, once it is to follow the queue
	ended   bool          // nothing is sent any more
	waiting chan struct{} // of who waits for the end
}

// end makes the outbox send nothing any more.
func (o *outbox) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended, o.queue = true, nil
	if o.waiting != nil {
		close(o.waiting)
		o.waiting = nil
	}
}

// finish has the last messages follow what is queued, and then the close frame.
// Only the first call counts. It takes the right to write where nobody has it,
// and tells so.
func (o *outbox) finish(bye []byte, last ...*presence.Message) (start bool) {
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
	o.mu.Lock()
	if o.ended {
		o.mu.Unlock()
		return
	}
	if o.waiting == nil {
		o.waiting = make(chan struct{})
	}
	ended := o.waiting
	o.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
}

// A session is slow when its queue is full and a write to it has not come to an
// end for stallTime: a full queue alone may be the doing of a busy server. Far
// more than the queue size it never holds.
const (
	stallTime  = 250 * time.Millisecond
	hardFactor = 32
)

// Send implements presence.Session.
func (s *session) Send(m *presence.Message) {
	if s.enqueue(m, true) {
		s.pool.Go((*writer)(s))
	}
}

// reply queues a message without having it written: who handles the session's
// messages does that when there is nothing more to handle.
func (s *session) reply(m *presence.Message) { s.enqueue(m, false) }

// Queue implements presence.Queuer.
func (s *session) Queue(m *presence.Message) { s.enqueue(m, false) }

// Flush implements presence.Queuer.
func (s *session) Flush() { s.flushBeside() }

var _ presence.Queuer = (*session)(nil)

// enqueue queues a message. With write it takes the right to write where nobody
// has it, and tells so: a writer is to be started then.
func (s *session) enqueue(m *presence.Message, write bool) (start bool) {
	// Encoded here, once for all receivers, as the maker of the message may use
	// its data again.
	if _, err := m.Bytes(s.format); err != nil {
		s.note(s.Log.Error()).Err(err).Msg("message was not sent")
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
	start = write && !o.writing
	o.writing = o.writing || start
	o.mu.Unlock()
	return start
}

// flush writes what is queued on the caller's goroutine, unless another does.
// What is queued meanwhile is left to another one: the caller has a socket to
// read.
func (s *session) flush() {
	o := &s.out
	o.mu.Lock()
	if o.writing || len(o.queue) == 0 {
		o.mu.Unlock()
		return
	}
	o.writing = true
	o.mu.Unlock()
	if w := (*writer)(s); w.step() {
		s.pool.Go(w)
	}
}

// flushBeside has what is queued written by another goroutine.
func (s *session) flushBeside() {
	o := &s.out
	o.mu.Lock()
	start := !o.writing && len(o.queue) > 0
	o.writing = o.writing || start
	o.mu.Unlock()
	if start {
		s.pool.Go((*writer)(s))
	}
}

// writer is a session in its role of writing what it has to send.
type writer session

// keptQueue is the length up to which the memory of a queue is kept for its
// next messages.
const keptQueue = 8

// maxWrite is about how much is gathered for one write.
const maxWrite = 64 << 10

// Run implements actor.Runner: it writes until nothing is queued.
func (w *writer) Run() {
	for w.step() {
	}
}

// step writes all that is queued, in as few writes as possible. It tells whether
// more has come meanwhile, and gives up the right to write if not.
func (w *writer) step() (more bool) {
	s, o := (*session)(w), &w.out
	o.mu.Lock()
	if o.ended {
		o.writing = false
		o.mu.Unlock()
		return false
	}
	batch, bye := o.queue, o.bye
	o.queue = nil
	o.began = time.Now()
	o.mu.Unlock()

	err := s.send(batch, bye)
	clear(batch)
	if err != nil {
		s.writeFailed(err)
		s.wire.abort() // nothing can follow, so neither can a close frame
	} else if bye != nil {
		// The peer has a while to answer, then the reader finds the end.
		_ = s.wire.SetReadDeadline(time.Now().Add(s.limits.closeAckWait))
	}
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
	return more
}

// send writes messages, and the close frame where that is to follow.
func (s *session) send(batch []*presence.Message, bye []byte) error {
	buffer := writeBuffers.Get().(*[]byte)
	b := *buffer
	defer func() {
		if cap(b) <= keptWriteBuffer {
			*buffer = b[:0]
			writeBuffers.Put(buffer)
		}
	}()
	for i, m := range batch {
		payload, err := m.Bytes(s.format)
		if err != nil {
			continue // enqueue and reply have seen to that
		}
		b = appendFrame(b, s.frames, payload)
		if len(b) >= maxWrite && i < len(batch)-1 {
			if err := s.write(b, false); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	if b = append(b, bye...); len(b) == 0 {
		return nil
	}
	return s.write(b, bye != nil)
}

func (s *session) write(b []byte, last bool) error {
	n, err := s.wire.write(b, last)
	s.Metrics.Messages.Sent.Add(uint64(n))
	return err
}
