package vm

import "slices"

// Renew replaces all VMs: idle ones are closed now and made again as needed,
// leased ones are closed on return.
func (p *Pool) Renew() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.stats.Allocated -= len(idle)
	for _, m := range idle {
		delete(p.members, m)
	}
	for m := range p.members {
		m.stale = true
	}
	if !p.closed {
		p.fill()
	}
	p.mu.Unlock()
	for _, m := range idle {
		m.vm.Close()
	}
}

// renewing tells whether VMs from before Renew are still leased, other than
// those whose calls wait for something.
func (p *Pool) renewing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for m := range p.members {
		if m.stale && !m.waiting {
			return true
		}
	}
	return false
}

// Abandon gives up a leased VM whose call does not end: the pool no longer
// counts it, so that another one can be made in its place. If the call does
// end, the VM is closed. It may be called from any goroutine; a VM that is not
// of the pool, or not leased, is ignored.
func (p *Pool) Abandon(vm Instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for m := range p.members {
		if m.vm != vm || slices.Contains(p.idle, m) {
			continue
		}
		delete(p.members, m)
		m.abandoned = true
		p.stats.Allocated--
		p.stats.InUse--
		p.stats.Abandoned++
		if m.waiting {
			p.away--
		}
		if !p.closed && !(p.room() && p.wakeOne(nil)) {
			p.fill()
		}
		return
	}
}
