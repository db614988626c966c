package store

import (
	"sync"

	"kumi/store/fault"
)

const (
	// maxWaiting bounds how many writes of one user wait at a time.
	maxWaiting = 4096
	// serverShare is how many of the server's own writes go in one round, in
	// which every user has one.
	serverShare = 16
)

var errTooManyWrites = fault.New(fault.ResourceExhausted, "Too many writes of this user are waiting.")

// writeQueue holds the transactions that wait for the writer, in one queue per user.
// The queues are served in turn, so a user with many writes only delays their own. The
// server's own writes have a queue without a limit.
type writeQueue struct {
	mu     sync.Mutex
	queues map[string][]*op
	order  []string // the owners with a queue, in the order in which they are served
	length int
	closed bool
}

// push adds a transaction to its owner's queue. It fails if too many of that user are
// waiting.
func (q *writeQueue) push(o *op) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	queue, exists := q.queues[o.owner]
	switch {
	case q.closed:
		return ErrClosed
	case o.owner != "" && len(queue) >= maxWaiting:
		return errTooManyWrites
	case !exists:
		if q.queues == nil {
			q.queues = map[string][]*op{}
		}
		q.order = append(q.order, o.owner)
	}
	q.queues[o.owner] = append(queue, o)
	q.length++
	return nil
}

// take removes up to n transactions, one of each owner in turn. Those whose caller has
// gone are dropped and do not count.
func (q *writeQueue) take(n int) (ops []*op, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(ops) < n && len(q.order) > 0 {
		owner := q.order[0]
		queue, share := q.queues[owner], 1
		if owner == "" {
			share = serverShare
		}
		for share > 0 && len(queue) > 0 && len(ops) < n {
			o := queue[0]
			queue[0], queue = nil, queue[1:]
			q.length--
			if o.state.Load() != opDropped {
				ops = append(ops, o)
				share--
			}
		}
		q.order = q.order[1:]
		if len(queue) == 0 {
			delete(q.queues, owner)
			continue
		}
		q.queues[owner] = queue
		q.order = append(q.order, owner)
	}
	return ops, q.closed
}

// putBack returns transactions to the head of their queues, and these queues to the
// head of the order.
func (q *writeQueue) putBack(ops []*op) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := len(ops) - 1; i >= 0; i-- {
		o := ops[i]
		queue, exists := q.queues[o.owner]
		if !exists {
			if q.queues == nil {
				q.queues = map[string][]*op{}
			}
			q.order = append([]string{o.owner}, q.order...)
		}
		q.queues[o.owner] = append([]*op{o}, queue...)
		q.length++
	}
}

func (q *writeQueue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.length
}

// close makes push refuse further transactions.
func (q *writeQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}
