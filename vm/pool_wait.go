package vm

import (
	"context"
	"time"

	"kumi/store/fault"
)

// manyWaiting times Options.Max is the maximum number of VMs, including those
// whose calls wait.
const manyWaiting = 16

// stalledLook is how often a caller that waits for a VM checks whether the calls
// of all VMs wait, too. If so it gives up, since they may be waiting for it: that
// is the case when RPCs call RPCs of their own server.
const stalledLook = time.Second

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
	if l == nil || l.released.Load() || !l.pool.setWaiting(l.member, true) {
		return func() {}
	}
	var w *Watched
	if v, ok := l.member.vm.(Guarded); ok {
		w = v.Watched()
	}
	resume := w.wait()
	return func() {
		resume()
		l.pool.setWaiting(l.member, false)
	}
}

// setWaiting notes that the call of a leased VM begins or ends to wait. It returns
// false if that is known already, or if the VM was abandoned.
func (p *Pool) setWaiting(m *member, waiting bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.waiting == waiting || m.abandoned {
		return false
	}
	m.waiting = waiting
	if !waiting {
		p.away--
		return true
	}
	p.away++
	if p.room() {
		p.wakeOne(nil) // the next waiter makes a VM
	}
	return true
}

// room tells whether another VM may be made. The pool is locked.
func (p *Pool) room() bool {
	return p.stats.Allocated-p.away < p.o.Max && p.stats.Allocated < manyWaiting*p.o.Max
}

// await waits until w is handed a VM, or nil if it should try again.
func (p *Pool) await(ctx context.Context, w *waiter, busy <-chan time.Time) (*member, error) {
	look := time.NewTicker(stalledLook)
	defer look.Stop()
	for {
		select {
		case m := <-w.ready:
			return m, nil
		case <-ctx.Done():
			p.forget(w)
			return nil, p.ended(ctx.Err())
		case <-busy:
			p.forget(w)
			return nil, fault.Newf(fault.ResourceExhausted, "all %d VMs of the %s runtime are busy", p.o.Max, p.o.Name)
		case <-look.C:
			if !p.stalled() {
				continue
			}
			p.forget(w)
			return nil, fault.Newf(fault.ResourceExhausted, "all VMs of the %s runtime, %d, wait for answers from elsewhere, perhaps from this server itself",
				p.o.Name, manyWaiting*p.o.Max)
		}
	}
}

// stalled tells whether there are as many VMs as there may be, and the calls of
// all of them wait.
func (p *Pool) stalled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats.Allocated >= manyWaiting*p.o.Max && p.away >= p.stats.Allocated
}

// crowded tells whether there are more VMs than Max whose calls do not wait,
// since some have stopped waiting. The pool is locked.
func (p *Pool) crowded() bool { return p.stats.Allocated-p.away > p.o.Max }
