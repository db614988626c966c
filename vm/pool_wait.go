package vm

import "context"

// manyWaiting times Options.Max is the maximum number of VMs, including those
// whose calls wait.
const manyWaiting = 16

// Waiting declares that the call of ctx waits for something outside, such as
// the response of another server. Until the returned function is called, the
// call's VM does not count towards Max of its pool, so that waiting calls do
// not keep others from running; the total number of VMs stays below 16 times
// Max. Nor is the call stopped if the heap grows meanwhile, which is not its
// doing.
//
// It is called by the goroutine that holds the lease. Without a lease it does
// nothing.
func Waiting(ctx context.Context) (over func()) {
	l := leaseOf(ctx)
	if l == nil || l.released.Load() || l.away {
		return func() {}
	}
	p := l.pool
	l.away = true
	var w *Watched
	if v, ok := l.member.vm.(Guarded); ok {
		w = v.Watched()
	}
	goesOn := w.wait()
	p.mu.Lock()
	p.away++
	if p.room() {
		p.wakeOne(nil) // the next waiter makes a VM
	}
	p.mu.Unlock()
	return func() {
		goesOn()
		p.mu.Lock()
		p.away--
		p.mu.Unlock()
		l.away = false
	}
}

// room tells whether another VM may be made. The pool is locked.
func (p *Pool) room() bool {
	return p.stats.Allocated-p.away < p.o.Max && p.stats.Allocated < manyWaiting*p.o.Max
}

// crowded tells whether there are more VMs than Max whose calls do not wait,
// since some have stopped waiting. The pool is locked.
func (p *Pool) crowded() bool { return p.stats.Allocated-p.away > p.o.Max }
