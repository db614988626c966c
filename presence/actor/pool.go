// Package actor runs mailboxes on goroutines that exist only while there is
// something to do.
//
// An actor (a match, for example) owns a queue under its own mutex and a flag
// that reports whether it is running. A goroutine that posts to an actor that is
// not running sets the flag and submits it to a Pool, which drains the queue
// until it is empty. An idle actor therefore costs no goroutine and no stack,
// and the stacks that script engines need are grown once and shared.
package actor

import "sync"

// Runner is an actor. Run works until its queue is empty, and must not panic.
type Runner interface{ Run() }

// Pool runs actors, each on its own goroutine, and keeps some idle goroutines
// for the next ones. The number of running goroutines is unbounded, since an
// actor may wait for another. Methods may be called from any goroutine. Make
// one with NewPool.
type Pool struct {
	mu      sync.Mutex
	idle    []chan Runner // last in, first out: the stack used last is warm
	maxIdle int
	closed  bool
}

// NewPool returns a pool that keeps at most maxIdle idle goroutines.
func NewPool(maxIdle int) *Pool { return &Pool{maxIdle: maxIdle} }

// Go runs r on a goroutine. It never blocks.
func (p *Pool) Go(r Runner) {
	p.mu.Lock()
	n := len(p.idle)
	if n == 0 {
		p.mu.Unlock()
		go p.work(r)
		return
	}
	hand := p.idle[n-1]
	p.idle = p.idle[:n-1]
	p.mu.Unlock()
	hand <- r
}

// Close ends the idle goroutines, and running ones when they are done. Go
// still works afterwards, but keeps no goroutine.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, hand := range idle {
		close(hand)
	}
}

func (p *Pool) work(r Runner) {
	r.Run()
	var hand chan Runner
	for {
		p.mu.Lock()
		if p.closed || len(p.idle) >= p.maxIdle {
			p.mu.Unlock()
			return
		}
		if hand == nil {
			hand = make(chan Runner, 1)
		}
		p.idle = append(p.idle, hand)
		p.mu.Unlock()
		next, ok := <-hand
		if !ok {
			return
		}
		next.Run()
	}
}
