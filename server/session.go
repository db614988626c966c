package server

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/presence"
)

// session is one socket: an actor that handles what the client sends, one
// message at a time and in order. Its reader is the only goroutine it always
// has; handling and writing are done on shared ones, and only while there is
// something to do. It implements presence.Session.
type session struct {
	*sockets
	id       uuid.UUID
	user     uuid.UUID
	username string
	format   presence.Format
	frames   websocket.MessageType
	scope    *core.Scope // of every call made for this session
	ctx      context.Context
	cancel   context.CancelFunc
	log      zerolog.Logger

	wire  *wire
	conn  *websocket.Conn
	ping  *time.Timer
	since int // messages since the read deadline was last moved; the reader's

	in  inbox
	out outbox

	closing atomic.Bool
	reason  atomic.Uint32 // presence.CloseReason, once closing
}

var _ presence.Session = (*session)(nil)

// ID implements presence.Session.
func (s *session) ID() uuid.UUID { return s.id }

// UserID implements presence.Session.
func (s *session) UserID() uuid.UUID { return s.user }

// Username implements presence.Session.
func (s *session) Username() string { return s.username }

// Format implements presence.Session.
func (s *session) Format() presence.Format { return s.format }

// inbox is what was read and is not yet handled.
type inbox struct {
	mu      sync.Mutex
	queue   []*[]byte
	spare   []*[]byte
	running bool
	ended   bool
	room    chan struct{} // made by a reader that waits for room
}

// maxInbox is how many messages of a client may wait to be handled. The reader
// of a client that sends more waits, and with it the client.
const maxInbox = 128

// outbox is what is to be sent. Whoever set writing writes.
type outbox struct {
	mu      sync.Mutex
	queue   []*presence.Message
	writing bool
	began   time.Time // of the write in progress, zero when there is none
	close   bool      // a close frame follows the queue
	ended   bool      // nothing is sent any more
	code    websocket.StatusCode
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
	if s.enqueue(m) {
		s.pool.Go((*writer)(s))
	}
}

// reply queues a message without having it written; the actor does that itself
// when it is done.
func (s *session) reply(m *presence.Message) {
	o := &s.out
	o.mu.Lock()
	if !o.ended && !o.close {
		o.queue = append(o.queue, m)
	}
	o.mu.Unlock()
}

// enqueue queues a message and tells whether a writer is to be started.
func (s *session) enqueue(m *presence.Message) (start bool) {
	// Encoded here, once for all receivers, as the maker of the message may use
	// its data again.
	if _, err := m.Bytes(s.format); err != nil {
		s.log.Error().Err(err).Msg("message was not sent")
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
	start = !o.writing
	o.writing = true
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

// take moves the inbox to the actor, or tells that there is nothing to do.
func (n *inbox) take() (batch []*[]byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.queue) == 0 || n.ended {
		n.running = false
		for _, b := range n.queue {
			putBuffer(b)
		}
		if n.ended {
			n.spare = nil
		}
		if n.ended || cap(n.queue) > keptQueue {
			n.queue = nil
		}
		return nil
	}
	batch, n.queue = n.queue, n.spare[:0]
	if n.room != nil {
		close(n.room)
		n.room = nil
	}
	return batch
}

// Run implements actor.Runner: it handles what was read until there is nothing.
func (s *session) Run() {
	for {
		batch := s.in.take()
		if batch == nil {
			return
		}
		for i, frame := range batch {
			if !s.closing.Load() {
				s.handle(*frame)
			}
			putBuffer(frame)
			if i < len(batch)-1 {
				// What comes next may take its time; what is answered must not
				// wait for it.
				s.flushBeside()
			}
		}
		s.flush()
		clear(batch)
		if s.in.spare = nil; cap(batch) <= keptQueue {
			s.in.spare = batch[:0]
		}
	}
}

// post gives a message to the actor, waiting while the inbox is full, and tells
// whether it had to wait.
func (s *session) post(frame *[]byte) (waited bool) {
	n := &s.in
	n.mu.Lock()
	for len(n.queue) >= maxInbox && !n.ended {
		if n.room == nil {
			n.room = make(chan struct{})
		}
		room := n.room
		waited = true
		n.mu.Unlock()
		select {
		case <-room:
		case <-s.ctx.Done():
		}
		n.mu.Lock()
	}
	if n.ended {
		n.mu.Unlock()
		putBuffer(frame)
		return waited
	}
	n.queue = append(n.queue, frame)
	start := !n.running
	n.running = true
	n.mu.Unlock()
	if start {
		s.pool.Go(s)
	}
	return waited
}

// Close implements presence.Session.
func (s *session) Close(reason presence.CloseReason, final ...*presence.Message) {
	if !s.closing.CompareAndSwap(false, true) {
		return
	}
	s.reason.Store(uint32(reason))
	s.cancel()
	s.pool.Go(&ender{s, reason, slices.Clone(final)})
}
