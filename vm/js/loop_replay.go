package js

import (
	"container/heap"

	"kumi/internal/journal"
	"kumi/store/fault"
	"kumi/vm"
)

// replay does what the loop did next when the match was recorded: it runs the same timer, or
// settles the same promise.
func (l *loop) replay() error {
	j := l.vm.journal
	e, _, ok := j.Take(func(e *journal.Entry) bool {
		return e.Kind == journal.Fired && l.byID[e.Number] != nil || e.Kind == journal.Arrived && l.calls[e.Number] != nil
	})
	switch {
	case ok && e.Kind == journal.Arrived:
		one := l.calls[e.Number]
		l.calls[e.Number] = nil
		return l.arrive(arrived{pending: one, finish: func(c *vm.Call) error { return vm.PlayArrived(j, e, c) }})
	case ok:
		t := l.byID[e.Number]
		t.at = l.timers[0].at.Add(-1)
		heap.Fix(&l.timers, t.index)
		return l.fire()
	case len(l.timers) > 0: // a timer that the recorded code did not have
		return l.fire()
	}
	return fault.New(fault.FailedPrecondition, "the function waits for something that had not happened when the match was recorded")
}
