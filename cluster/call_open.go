package cluster

import (
	"sync"

	"kumi/presence"
	"kumi/store/fault"
)

// openCalls are the calls that wait for an answer.
type openCalls struct {
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]openCall
	counts  map[presence.NodeID]int
}

type openCall struct {
	to     presence.NodeID
	answer chan answer // of size one
}

type answer struct {
	body []byte
	err  error
}

func (c *openCalls) init() {
	c.waiting, c.counts = map[uint64]openCall{}, map[presence.NodeID]int{}
}

func (c *openCalls) open(to Peer) (id uint64, _ <-chan answer, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts[to.ID] >= callsMax {
		return 0, nil, fault.Newf(fault.ResourceExhausted, "Node %s has too many calls to answer", to.Name)
	}
	c.last++
	c.counts[to.ID]++
	call := openCall{to: to.ID, answer: make(chan answer, 1)}
	c.waiting[c.last] = call
	return c.last, call.answer, nil
}

// answer gives a call its answer, unless it has one.
func (c *openCalls) answer(id uint64, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if call, ok := c.waiting[id]; ok {
		c.give(call, a)
	}
}

func (c *openCalls) give(call openCall, a answer) {
	select {
	case call.answer <- a:
	default:
	}
}

// fail ends all calls to a peer, or all at all.
func (c *openCalls) fail(to *presence.NodeID, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range c.waiting {
		if to == nil || call.to == *to {
			c.give(call, answer{err: err})
		}
	}
}

func (c *openCalls) done(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.waiting[id]
	delete(c.waiting, id)
	if c.counts[call.to]--; c.counts[call.to] == 0 {
		delete(c.counts, call.to)
	}
}

func (c *openCalls) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting)
}
