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
