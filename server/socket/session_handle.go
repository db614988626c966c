package socket

import (
	"context"
	"sync"
	"time"
)

// inbox makes sure that a client's messages are handled one at a time and in
// order. Nearly always the reader handles a message as soon as it has read it,
// which saves switching goroutines: a handler goroutine of its own costs a fifth
// of the throughput of RPCs. While a handler takes longer than slowHandler,
// another goroutine reads in its place and queues here what it reads; the first
// one handles that when it is done, and ends.
type inbox struct {
	mu       sync.Mutex
	handling bool // a goroutine handles messages
	queue    []received
	ended    bool          // nothing is handled any more
	drained  bool          // the session closes when the queue is empty
	changed  chan struct{} // closed by take; nil while nobody waits

	// from is the connection of the message that is being handled, which gets the reply.
	// Only the handling goroutine uses it.
	from *connection
}

// received is a message that waits to be handled, with the connection that it came by.
type received struct {
	from    *connection
	message *[]byte
}

const (
	// slowHandler is how long the reader handles a message before another
	// goroutine reads in its place.
	slowHandler = 10 * time.Millisecond
	// maxInbox is how many messages of a client may wait to be handled. Beyond that
	// its reader stops reading, which holds the client back.
	maxInbox = 128
)

// put queues a message for the goroutine that is handling the one before. If
// there is none, handle is true and the caller must handle it. put waits for room
// in the queue until ctx ends, and drops the message then; waited is whether it had to.
func (n *inbox) put(ctx context.Context, message received) (handle, waited bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for n.handling && len(n.queue) >= maxInbox && !n.ended {
		waited = true
		if !n.wait(ctx) {
			return false, true
		}
	}
	if n.ended {
		return false, waited
	}
	if n.handling {
		n.queue = append(n.queue, message)
		return false, waited
	}
	n.handling = true
	return true, waited
}

// take returns what was queued. An empty batch means that the caller no longer
// handles messages, and drained that it must close the session.
func (n *inbox) take() (batch []received, drained bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.changed != nil {
		close(n.changed)
		n.changed = nil
	}
	if len(n.queue) == 0 || n.ended {
		n.handling, n.queue = false, nil
		return nil, n.drained
	}
	batch, n.queue = n.queue, nil
	return batch, false
}

// wait releases mu until the next take. It is false when ctx ended first.
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

// waitIdle waits until everything queued is handled, or until ctx ends.
func (n *inbox) waitIdle(ctx context.Context) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for n.handling && !n.ended && n.wait(ctx) {
	}
}

// end drops what is not yet handled.
func (n *inbox) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended, n.queue = true, nil
}

// drain asks the handling goroutine to close the session once the queue is empty.
// idle means that nothing is being handled, and the caller must close it.
func (n *inbox) drain() (idle bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drained = true
	return !n.handling
}

// process handles a message that the caller, the reader, has read, or queues it
// behind the one that is being handled. reader is false when another goroutine
// has become the reader.
func (c *connection) process(message *[]byte) (reader bool) {
	handle, waited := c.in.put(c.ctx, received{c, message})
	if waited {
		c.alive() // nothing was read meanwhile, so no pong could be seen
	}
	if !handle {
		return true
	}
	c.slow.Reset(slowHandler)
	c.handleOne(received{c, message})
	reader = c.slow.Stop()
	c.handleQueued(reader)
	return reader
}

// standIn is the function of the slow timer: its goroutine becomes the reader.
// What was answered before the slow message is sent now.
func (c *connection) standIn() {
	c.Flush()
	c.read()
}

// handleQueued handles what another reader has queued until the queue is empty.
// Replies are sent before each message, as that may be slow, too.
func (c *connection) handleQueued(reader bool) {
	for {
		if !reader {
			c.Flush()
		}
		batch, drained := c.in.take()
		if batch == nil {
			if drained {
				c.leave()
			}
			return
		}
		for i, message := range batch {
			if i > 0 {
				c.Flush()
			}
			c.handleOne(message)
		}
	}
}

// handleOne handles a message, unless the session is closing.
func (s *session) handleOne(r received) {
	s.in.from = r.from
	s.makeRoom()
	if !s.closing.Load() {
		s.handle(*r.message)
	}
	giveReadBuffer(r.message)
}
