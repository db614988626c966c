package vm

// Retire makes the pool keep nothing: idle VMs are closed now, leased ones when
// they come back. Calls that began with the pool go on as before, and those of
// them that need a VM once more get one that is made for them alone. So nobody
// has to know when the last of them has ended; there are no VMs left then.
//
// A retired pool needs no Close. It may be called twice.
func (p *Pool) Retire() {
	p.mu.Lock()
	p.retired = true
	idle := p.idle
	p.idle = nil
	p.stats.Allocated -= len(idle)
	for _, m := range idle {
		delete(p.members, m)
	}
	p.mu.Unlock()
	for _, m := range idle {
		m.vm.Close()
	}
	p.o.Guard.drop(p)
}
