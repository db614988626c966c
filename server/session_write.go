package server

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
	began   time.Time // of the write in progress, zero when there is none
	close   bool      // a close frame follows the queue
	ended   bool      // nothing is sent any more
	code    closeCode
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

// reply queues a message without having it written; the actor does that itself
// when it is done.
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
		s.note(s.log.Error()).Err(err).Msg("message was not sent")
		return false
	}
	o := &s.out
	o.mu.Lock()
	if o.ended || o.close {
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
func (s *session) flush() {
	o := &s.out
	o.mu.Lock()
	if o.writing || len(o.queue) == 0 {
		o.mu.Unlock()
		return
	}
	o.writing = true
	o.mu.Unlock()
	(*writer)(s).Run()
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

// Run implements actor.Runner: it writes all that is queued, in as few writes
// as possible, until there is nothing.
func (w *writer) Run() {
	s, o := (*session)(w), &w.out
	buffer := buffers.Get().(*[]byte)
	defer putBuffer(buffer)
	var batch []*presence.Message
	for {
		o.mu.Lock()
		o.began = time.Time{}
		if o.queue == nil && cap(batch) <= keptQueue {
			o.queue = batch[:0]
		}
		if o.ended || len(o.queue) == 0 && !o.close {
			o.writing = false
			o.mu.Unlock()
			return
		}
		batch, o.queue = o.queue, nil
		last := o.close
		o.began = time.Now()
		o.mu.Unlock()

		b := (*buffer)[:0]
		var err error
		for i, m := range batch {
			payload, bad := m.Bytes(s.format)
			if bad != nil {
				continue // enqueue and reply have seen to that
			}
			b = appendFrame(b, s.frames, payload)
			if len(b) >= maxWrite && i < len(batch)-1 {
				if err = s.write(b); err != nil {
					break
				}
				b = b[:0]
			}
		}
		clear(batch)
		if last && err == nil {
			b = appendClose(b, o.code, presence.CloseReason(s.reason.Load()).Text())
		}
		if err == nil && len(b) > 0 {
			err = s.write(b)
		}
		*buffer = b
		if err != nil {
			if s.closing.Load() {
				s.wire.abort() // the close frame was to come after this
			}
			s.writeFailed(err)
		}
		if last || err != nil {
			o.end()
		}
		if last {
			s.closed(err)
		}
	}
}

func (s *session) write(b []byte) error {
	n, err := s.wire.write(b)
	s.metrics.messages.sent.Add(uint64(n))
	return err
}
