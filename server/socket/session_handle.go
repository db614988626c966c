package socket

import (
	"context"
	"sync"
	"time"

	"kumi/presence"
)

// inbox sees to it that a client's messages are handled one at a time and in
// order. Nearly always the reader handles a message as soon as it has read it,
// which costs no change of goroutines. A handler that is slow is left behind:
// another goroutine becomes the reader and queues what it reads here, and the
// first one handles that, too, until there is nothing left.
type inbox struct {
	waited bool // put had to wait for room; the reader's

	mu       sync.Mutex
	handling bool // somebody handles messages
	queue    []*[]byte
	spare    []*[]byte     // the memory of the queue that was taken last
	ended    bool          // nothing is handled any more
	drained  bool          // the session is to be closed when there is nothing left
	changed  chan struct{} // closed when the handler comes for more, made by who waits for it
}

const (
	// slowHandler is how long the reader handles a message before another
	// goroutine reads in its place.
	slowHandler = 10 * time.Millisecond
	// maxInbox is how many messages of a client may wait to be handled. The reader
	// of a client that sends more waits, and with it the client.
	maxInbox = 128
)

// put queues a message for who handles the one before, having waited for room
// until ctx ends. Where nobody does, the caller is to handle it.
func (n *inbox) put(ctx context.Context, message *[]byte) (handle bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for n.handling && len(n.queue) >= maxInbox && !n.ended {
		n.waited = true
		if !n.wait(ctx) {
			return false
		}
	}
	if n.ended {
		return false
	}
	if n.handling {
		n.queue = append(n.queue, message)
		return false
	}
	n.handling = true
	return true
}

// take gives the handler what was queued, or tells that there is nothing left.
func (n *inbox) take() (batch []*[]byte, drained bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.changed != nil {
		close(n.changed)
		n.changed = nil
	}
	if len(n.queue) == 0 || n.ended {
		n.handling, n.queue, n.spare = false, nil, nil
		return nil, n.drained
	}
	batch, n.queue = n.queue, n.spare[:0]
	return batch, false
}

// wait waits, without mu, until the handler comes for more. It tells whether
// that was before ctx ended.
func (n *inbox) wait(ctx context.Context) bool {
	if n.changed == nil {
		n.changed = make(chan struct{})
	}
	changed := n.changed
	n.mu.Unlock()
	defer n.mu.Lock()
	select {
	case <-changed:
		return true
	case <-ctx.Done():
		return false
	}
}

// waitIdle waits until there is nothing left to handle, or until ctx ends.
func (n *inbox) waitIdle(ctx context.Context) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for n.handling && !n.ended && n.wait(ctx) {
	}
}

// end gives up what is not yet handled.
func (n *inbox) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended, n.queue = true, nil
}

// drain has the session closed by its handler when nothing is left to handle.
// It tells whether that is so already.
func (n *inbox) drain() (idle bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drained = true
	return !n.handling
}

// process handles a message that the caller, the reader, has read, or leaves it
// to who handles the one before. It tells whether the caller is still the reader.
func (s *session) process(message *[]byte) (reader bool) {
	handle := s.in.put(s.ctx, message)
	if s.in.waited {
		s.in.waited = false
		s.alive() // nothing could be heard of the peer meanwhile
	}
	if !handle {
		return true
	}
	s.slow.Reset(slowHandler)
	s.handleOne(message)
	reader = s.slow.Stop()
	s.handleQueued(reader)
	return reader
}

// standIn is the slow timer's function: its goroutine becomes the reader.
func (s *session) standIn() {
	s.Flush()
	s.read()
}

// handleQueued handles what another reader has queued, until there is nothing
// left.
func (s *session) handleQueued(reader bool) {
	for {
		if !reader {
			// What comes next may take its time; what is answered must not wait.
			s.Flush()
		}
		batch, drained := s.in.take()
		if batch == nil {
			if drained {
				s.Close(presence.Shutdown)
			}
			return
		}
		for i, message := range batch {
			if i > 0 {
				s.Flush()
			}
			s.handleOne(message)
		}
		clear(batch)
		s.in.spare = batch[:0]
	}
}

// handleOne handles a message, unless the session ends.
func (s *session) handleOne(message *[]byte) {
	s.makeRoom()
	if !s.closing.Load() {
		s.handle(*message)
	}
	giveReadBuffer(message)
}
