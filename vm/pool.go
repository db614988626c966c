package vm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"kumi/internal/trace"
	"kumi/store/fault"
)

// PoolOptions configure a Pool.
type PoolOptions struct {
	// Name is the runtime's name in errors: "javascript".
	Name string
	// Min VMs are kept; Max is the maximum of VMs whose calls do not wait, see
	// Waiting. Max is at least 1 and Min.
	Min, Max int
	// New makes a VM. It is called from any goroutine, concurrently.
	New func(ctx context.Context) (Instance, error)
	// Private makes the VMs that Pool.New returns; nil means New.
	Private func(ctx context.Context) (Instance, error)
	// First is a VM that exists already, or nil.
	First Instance
	// Wait bounds the time that Lease waits for a free VM; 0 leaves that to the
	// context.
	Wait time.Duration
	// Guard may replace all VMs, see Renew; may be nil.
	Guard *Guard
	// Failed is called with errors of VMs made in the background; may be nil.
	Failed func(error)
}

// PoolStats describe a pool at one time.
type PoolStats struct {
	Max       int // VMs whose calls do not wait, at most
	Allocated int // VMs that exist, leased or idle, and VMs being made
	Idle      int
	InUse     int
	Waiting   int    // callers waiting for a VM
	Waits     uint64 // callers that had to wait, in total
	Retired   uint64 // VMs discarded because they were broken, in total
	Abandoned uint64 // VMs abandoned because their call did not end, in total
}

// Pool lends VMs. It may be used from any goroutine.
type Pool struct {
	o      PoolOptions
	ctx    context.Context // ends when the pool closes
	cancel context.CancelFunc
	done   sync.WaitGroup // the filler

	mu      sync.Mutex
	members map[*member]struct{} // all VMs counted in stats.Allocated, once made
	idle    []*member            // last in, first out: the memory of the VM used last is warm
	waiting []*waiter            // in order of arrival
	stats   PoolStats            // Idle and Waiting are not set
	away    int                  // members whose calls wait, see Waiting
	filling bool
	retired bool
	closed  bool
}

// member is a VM of the pool.
type member struct {
	vm        Instance
	stale     bool // to be closed on return, see Renew
	waiting   bool // its call waits, see Waiting; counted in Pool.away
	abandoned bool // not counted any more, see Abandon
}

// waiter receives a VM, or nil if it should try again.
type waiter struct{ ready chan *member }

// NewPool makes a pool with one VM in it (Options.First, or a new one) and
// makes the rest of Min in the background. The error is that of New.
func NewPool(ctx context.Context, o PoolOptions) (*Pool, error) {
	o.Max = max(o.Max, o.Min, 1)
	first := o.First
	if first == nil {
		var err error
		if first, err = o.New(ctx); err != nil {
			return nil, err
		}
	}
	o.First = nil // do not keep it longer than the pool does
	m := &member{vm: first}
	p := &Pool{o: o, members: map[*member]struct{}{m: {}}, idle: []*member{m}}
	p.stats.Allocated = 1
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	p.mu.Lock()
	p.fill()
	p.mu.Unlock()
	o.Guard.add(p)
	return p, nil
}

// Lease is a leased VM. It belongs to the goroutine that holds it.
type Lease struct {
	outer    *Lease // the lease that the context already carried
	pool     *Pool
	member   *member
	nested   bool
	released atomic.Bool
}

// leaseKey is the context key of the innermost *Lease.
type leaseKey struct{}

// leaseOf returns the innermost lease that ctx carries, or nil.
func leaseOf(ctx context.Context) *Lease {
	l, _ := ctx.Value(leaseKey{}).(*Lease)
	return l
}

// in returns the innermost lease of p among l and those around it, or nil.
func (l *Lease) in(p *Pool) *Lease {
	for l != nil && l.pool != p {
		l = l.outer
	}
	return l
}

// Detach returns ctx without its leases. A context that is passed to another
// goroutine must be detached, because a VM has one owner.
func Detach(ctx context.Context) context.Context {
	if leaseOf(ctx) == nil {
		return ctx
	}
	return context.WithValue(ctx, leaseKey{}, (*Lease)(nil))
}

// Instance returns the VM. It must not be used after Release.
func (l *Lease) Instance() Instance { return l.member.vm }

// Lease leases a VM. With the context it returns, leasing again from this pool
// returns the same VM, so that nested calls cannot deadlock. If all VMs are
// leased it waits; it fails with DeadlineExceeded or Canceled when ctx ends,
// or ResourceExhausted after Options.Wait, or earlier if the calls of all VMs
// wait themselves. A closed pool returns Unavailable.
func (p *Pool) Lease(ctx context.Context) (*Lease, context.Context, error) {
	outer := leaseOf(ctx)
	if held := outer.in(p); held != nil && !held.released.Load() {
		return &Lease{pool: p, member: held.member, nested: true}, ctx, nil
	}
	m, err := p.take(ctx)
	if err != nil {
		return nil, nil, err
	}
	l := &Lease{outer: outer, pool: p, member: m}
	return l, context.WithValue(ctx, leaseKey{}, l), nil
}

// Release returns the VM to the pool. A second call does nothing.
func (l *Lease) Release() {
	if l.released.Swap(true) || l.nested {
		return
	}
	l.pool.give(l.member)
}

func (p *Pool) take(ctx context.Context) (*member, error) {
	var busy <-chan time.Time // after Options.Wait
	traced := false
	for {
		if err := ctx.Err(); err != nil {
			return nil, p.ended(err)
		}
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, p.unavailable()
		}
		if n := len(p.idle); n > 0 {
			m := p.idle[n-1]
			p.idle[n-1] = nil
			p.idle = p.idle[:n-1]
			p.stats.InUse++
			p.mu.Unlock()
			return m, nil
		}
		if !traced { // the call has to wait, be it for a new VM
			traced = true
			if t := trace.Of(ctx); t != nil {
				defer t.Queued(time.Now())
			}
		}
		if p.room() {
			p.stats.Allocated++
			p.stats.InUse++
			p.mu.Unlock()
			return p.make()
		}
		w := &waiter{ready: make(chan *member, 1)}
		p.waiting = append(p.waiting, w)
		p.stats.Waits++
		p.mu.Unlock()

		if busy == nil && p.o.Wait > 0 {
			t := time.NewTimer(p.o.Wait)
			defer t.Stop()
			busy = t.C
		}
		if m, err := p.await(ctx, w, busy); m != nil || err != nil {
			return m, err
		}
	}
}

// make makes the VM that take has already counted.
func (p *Pool) make() (*member, error) {
	vm, err := p.o.New(p.ctx)
	if err == nil {
		return p.join(vm), nil
	}
	p.mu.Lock()
	p.stats.Allocated--
	p.stats.InUse--
	p.wakeOne(nil)
	p.mu.Unlock()
	return nil, fmt.Errorf("make a %s VM: %w", p.o.Name, err)
}

// join adds a new VM, which has already been counted, to the pool.
func (p *Pool) join(vm Instance) *member {
	m := &member{vm: vm}
	p.mu.Lock()
	p.members[m] = struct{}{}
	p.mu.Unlock()
	return m
}

// wakeOne hands m to the first waiter, and tells whether there was one. With
// nil it makes the waiter try again. The pool is locked.
func (p *Pool) wakeOne(m *member) bool {
	if len(p.waiting) == 0 {
		return false
	}
	w := p.waiting[0]
	p.waiting[0] = nil
	p.waiting = p.waiting[1:]
	w.ready <- m
	return true
}

// forget removes a waiter that gave up, and passes on what it was handed.
func (p *Pool) forget(w *waiter) {
	p.mu.Lock()
	for i, x := range p.waiting {
		if x == w {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			break
		}
	}
	p.mu.Unlock()
	select {
	case m := <-w.ready:
		if m != nil {
			p.give(m)
			return
		}
		p.mu.Lock()
		p.wakeOne(nil)
		p.mu.Unlock()
	default:
	}
}

// give takes a VM back, or closes one that must not be reused.
func (p *Pool) give(m *member) {
	broken := m.vm.Broken()
	p.mu.Lock()
	switch {
	case m.abandoned:
		p.mu.Unlock()
		m.vm.Close()
		return
	case p.closed || broken || m.stale || p.crowded():
		delete(p.members, m)
		p.stats.Allocated--
		p.stats.InUse--
		if broken {
			p.stats.Retired++
		}
		// If there is room for a new VM, the next waiter makes it.
		if !p.closed && !(p.room() && p.wakeOne(nil)) {
			p.fill()
		}
		p.mu.Unlock()
		m.vm.Close()
		return
	case p.wakeOne(m): // it stays in use
	case p.retired:
		delete(p.members, m)
		p.stats.Allocated--
		p.stats.InUse--
		p.mu.Unlock()
		m.vm.Close()
		return
	default:
		p.stats.InUse--
		p.idle = append(p.idle, m)
	}
	p.mu.Unlock()
}

// fill starts the goroutine that brings the pool to Min. The pool is locked.
func (p *Pool) fill() {
	if p.filling || p.retired || p.stats.Allocated >= p.o.Min {
		return
	}
	p.filling = true
	p.done.Go(func() {
		for {
			p.mu.Lock()
			if p.closed || p.retired || p.stats.Allocated >= p.o.Min {
				p.filling = false
				p.mu.Unlock()
				return
			}
			p.stats.Allocated++
			p.stats.InUse++ // as give expects
			p.mu.Unlock()
			vm, err := p.o.New(p.ctx)
			if err == nil {
				p.give(p.join(vm))
				continue
			}
			p.mu.Lock()
			p.stats.Allocated--
			p.stats.InUse--
			p.filling = false
			closed := p.closed
			p.wakeOne(nil)
			p.mu.Unlock()
			if p.o.Failed != nil && !closed && p.ctx.Err() == nil {
				p.o.Failed(err)
			}
			return // the next lease that needs a VM tries again
		}
	})
}

// New makes a VM that is not part of the pool; the caller closes it.
func (p *Pool) New(ctx context.Context) (Instance, error) {
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	if closed {
		return nil, p.unavailable()
	}
	if p.o.Private != nil {
		return p.o.Private(Detach(ctx))
	}
	return p.o.New(Detach(ctx))
}

// Stats returns the current figures.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Max, s.Idle, s.Waiting = p.o.Max, len(p.idle), len(p.waiting)
	return s
}

// Close closes the pool: idle VMs are closed now, leased ones on return, and
// waiting callers get Unavailable. It may be called twice.
func (p *Pool) Close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	idle := p.idle
	p.idle = nil
	p.stats.Allocated -= len(idle)
	for _, m := range idle {
		delete(p.members, m)
	}
	for p.wakeOne(nil) {
	}
	p.mu.Unlock()
	p.cancel()
	p.done.Wait()
	for _, m := range idle {
		m.vm.Close()
	}
	p.o.Guard.drop(p)
}

func (p *Pool) unavailable() error {
	return fault.Newf(fault.Unavailable, "the %s runtime has been closed", p.o.Name)
}

func (p *Pool) ended(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.DeadlineExceeded, "no free "+p.o.Name+" VM in time", err)
	}
	return fault.Wrap(fault.Canceled, "the caller went away", err)
}
