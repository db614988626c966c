package vm

// Retire makes the pool keep nothing: idle VMs are closed now, leased ones on
// return. Calls in progress continue, and get a VM made for them alone if they
// need another one. So nobody has to track when the last call ends; no VMs are
// left then.
//
// A retired pool needs no Close. Retire may be called twice.
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
