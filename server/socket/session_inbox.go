package socket

import (
	"bytes"
	"context"
	"sync"
)

// inbox says who handles what the client sends, and holds what was read and is
// not yet handled. Nearly always the reader handles a message as soon as it has
// read it. When that takes long another goroutine becomes the reader (see
// lookout), puts what it reads here, and the first one handles that, too, until
// there is nothing left.
type inbox struct {
	mu      sync.Mutex
	running bool // somebody handles messages
	inline  bool // and it is the reader
	ended   bool
	queue   [][]byte
	spare   [][]byte
	taken   chan struct{} // made by a reader that waits until the queue is taken
}

// maxInbox is how many messages of a client may wait to be handled. The reader
// of a client that sends more waits, and with it the client.
const maxInbox = 128

// process handles a message that was read, or leaves it to the goroutine that
// handles the one before. It tells whether the caller is still the reader.
func (s *session) process(message []byte) (reader bool) {
	s.watch.enter(s)
	n := &s.in
	n.mu.Lock()
	for n.running && len(n.queue) >= maxInbox && !n.ended {
		taken := n.untilTaken()
		n.mu.Unlock()
		select {
		case <-taken:
			s.alive() // nothing could be heard of the peer meanwhile
		case <-s.ctx.Done():
			return true // nothing is handled any more
		}
		n.mu.Lock()
	}
	if n.ended {
		n.mu.Unlock()
		return true
	}
	if n.running {
		n.queue = append(n.queue, bytes.Clone(message))
		n.mu.Unlock()
		return true
	}
	n.running, n.inline = true, true
	n.mu.Unlock()

	s.handle(message)

	n.mu.Lock()
	if reader = n.inline; reader {
		n.running, n.inline = false, false
	}
	n.mu.Unlock()
	if !reader {
		s.drain()
	}
	return reader
}

// untilTaken is closed when who handles messages comes for more. It is called
// with mu held, by the reader.
func (n *inbox) untilTaken() <-chan struct{} {
	if n.taken == nil {
		n.taken = make(chan struct{})
	}
	return n.taken
}

// settle lets what was read be handled when the peer has said good-bye: that it
// asked and left is no reason not to do it, however long what came before takes.
// It is called by the reader, and returns when all is done, the session ends for
// another reason, or the peer cannot be expected to wait any longer.
func (s *session) settle() {
	s.leaving.Store(true)
	s.ping.Stop()
	s.watch.leave(s)
	ctx, cancel := context.WithTimeout(s.ctx, s.limits.closeAckWait)
	defer cancel()
	for n := &s.in; ; {
		n.mu.Lock()
		if !n.running || n.ended {
			n.mu.Unlock()
			return
		}
		taken := n.untilTaken()
		n.mu.Unlock()
		select {
		case <-taken:
		case <-ctx.Done():
			return
		}
	}
}

// handOver takes the reading from a reader that handles a message, and with it
// what else that has read. It is for the lookout, which then starts another one.
func (s *session) handOver() bool {
	n := &s.in
	n.mu.Lock()
	defer n.mu.Unlock()
	was := n.inline
	if n.inline = false; was {
		s.incoming.part()
	}
	return was
}

// take moves what was read to the caller, or tells that there is nothing left
// to do.
func (n *inbox) take() (batch [][]byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.taken != nil {
		close(n.taken)
		n.taken = nil
	}
	if len(n.queue) == 0 || n.ended {
		n.running = false
		n.queue, n.spare = nil, nil
		return nil
	}
	batch, n.queue = n.queue, n.spare[:0]
	return batch
}

// drain handles what was read until there is nothing.
func (s *session) drain() {
	for {
		// What comes next may take its time; what is answered must not wait.
		s.flushBeside()
		batch := s.in.take()
		if batch == nil {
			return
		}
		for i, frame := range batch {
			if i > 0 {
				s.flushBeside()
			}
			if !s.closing.Load() {
				s.handle(frame)
			}
		}
		clear(batch)
		s.in.spare = batch[:0]
	}
}
