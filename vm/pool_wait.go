package vm

import "context"

// leaseKey finds the innermost lease of a context.
type leaseKey struct{}

// manyWaiting is how many VMs there may be for each of Options.Max, when the
// calls of the others wait.
const manyWaiting = 16

// Waiting says that the call to which ctx belongs begins to wait for something
// outside, such as the answer of another server. Until the function it returns
// is called, the VM that the call holds does not count among the Max of its
// pool, so that those who wait keep nobody from running. The number of VMs stays
// below 16 times Max all the same. Nor is it stopped when the heap grows
// meanwhile, which others do.
//
// It is called by the goroutine that holds the lease. Without a lease it does
// nothing.
func Waiting(ctx context.Context) (over func()) {
	c, ok := ctx.Value(leaseKey{}).(*leaseContext)
	if !ok || c.released.Load() || c.away {
		return func() {}
	}
	p := c.pool
	c.away = true
	var w *Watched
	if v, ok := c.member.vm.(Guarded); ok {
		w = v.Watched()
	}
	goesOn := w.wait()
	p.mu.Lock()
	p.away++
	if p.room() {
		p.wakeOne(nil) // the next in line makes a VM
	}
	p.mu.Unlock()
	return func() {
		goesOn()
		p.mu.Lock()
		p.away--
		p.mu.Unlock()
		c.away = false
	}
}

// room says whether there may be one VM more. The pool is locked.
func (p *Pool) room() bool {
	return p.stats.Allocated-p.away < p.o.Max && p.stats.Allocated < manyWaiting*p.o.Max
}

// crowded says whether there are more VMs than there may be of calls that do not
// wait, as some no longer do. The pool is locked.
func (p *Pool) crowded() bool { return p.stats.Allocated-p.away > p.o.Max }
