package script

import (
	"math"

	"kumi/store/fault"
	"kumi/vm"
)

// Weigh notes what a new VM of the program keeps: the limit on what VMs keep is for
// what comes on top. It is called once, before the program serves calls.
func (p *Program) Weigh(inst vm.Instance) {
	w, ok := inst.(vm.Weighed)
	if !ok || p.guard.KeepLimit() == 0 {
		return
	}
	p.own = w.Weigh(math.MaxUint64, local(inst).roots()...)
}

// roots are the values that only Go code has.
func (l *Local) roots() []any {
	roots := []any{l.Registrar.refs, l.objects, l.env, l.ids, l.senders}
	if g := l.game; g != nil {
		roots = append(roots, g.state, g.ctx, g.fns[:], g.fixed[:])
	}
	return roots
}

// TooLarge weighs a VM of a pool that is due, and says whether it keeps too much.
// It may be called from any goroutine that has the VM to itself.
func (p *Program) TooLarge(inst vm.Instance) bool {
	w, ok := inst.(vm.Weighed)
	if !ok {
		return false
	}
	l := local(inst)
	bytes, over := vm.WeighDue(w, p.own, l.roots()...)
	if !over {
		return false
	}
	p.guard.Retired(p.lang, false)
	ev := p.log.Warn().Uint64("bytes", bytes).Uint64("limit", p.guard.KeepLimit())
	if n := l.last; n != nil {
		ev.Str("function", n.what).Str("module", n.module)
	}
	ev.Msg("a VM keeps more memory from call to call than it may (runtime.max_vm_memory_mb) and is replaced by a new one; function is what it ran last")
	return true
}

// tooLarge is the error of a match whose VM keeps too much.
func (g *game) tooLarge() error {
	w, ok := g.inst.(vm.Weighed)
	if !ok || !w.Watched().Due() {
		return nil
	}
	p := g.program
	bytes, over := vm.WeighDue(w, p.own, g.local.roots()...)
	if !over {
		return nil
	}
	p.guard.Retired(p.lang, true)
	return fault.Newf(fault.ResourceExhausted, "the match keeps %d MB of memory; the most is %d MB (runtime.max_vm_memory_mb)", bytes>>20, p.guard.KeepLimit()>>20)
}
