// Package actor runs mailboxes on goroutines that exist only while there is
// something to do.
//
// An actor (a session, a match) owns a queue under its own mutex and a flag
// that says whether it is running. Who posts to an actor that is not running
// sets the flag and gives it to a Pool, whose goroutine drains the queue whole,
// again and again, until it is empty. An idle actor so costs no goroutine and no
// stack, and the stacks that script engines need are grown once and shared.
package actor

import "sync"

// Runner is an actor: Run works until its queue is empty. It must not panic.
type Runner interface{ Run() }

// Pool runs actors, each on a goroutine of its own, and keeps some goroutines
// for the next. There is no bound on how many run at once, as an actor may wait
// for another. Methods may be called from any goroutine. Make one with NewPool.
type Pool struct {
	mu      sync.Mutex
	idle    []chan Runner // the one used last is used next: its stack is warm
	maxIdle int
	closed  bool
}

// NewPool returns a pool that keeps at most maxIdle goroutines waiting.
func NewPool(maxIdle int) *Pool { return &Pool{maxIdle: maxIdle} }

// Go runs r soon. It never waits.
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

// Close lets the waiting goroutines end, and those that run end when they are
// done. Go still works afterwards, without keeping any.
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
