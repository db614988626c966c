package vm

// weigh weighs a VM on its way back, if it is due, and says whether it will come
// back by itself.
func (p *Pool) weigh(vm Instance) bool {
	if p.o.TooLarge == nil {
		return false
	}
	w, ok := vm.(Weighed)
	if !ok || !w.Watched().Due() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.retired {
		return false
	}
	p.done.Go(func() { p.put(vm, p.o.TooLarge(vm)) })
	return true
}
