package js

import (
	"container/heap"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/dop251/goja"

	"kumi/internal/journal"
	"kumi/store/fault"
	"kumi/vm"
)

// loop is the event loop of a call: its timers, and work in Go on other goroutines.
// It belongs to the outermost call of a VM, is made when that first needs it, and is
// dropped with all that is pending when the call ends. All script code runs on the
// goroutine of the call.
type loop struct {
	vm     *VM
	ctx    context.Context // of background work; ends with the call
	cancel context.CancelFunc
	done   chan arrived
	works  []*pending
	calls  map[int64]*pending // by their number in the journal, while it plays
	timers timers
	byID   map[int64]*timer
	last   int64 // id of a timer
}

// pending is a piece of work in progress.
type pending struct {
	name    string
	reject  func(any) error
	resolve func(any) error
	// failed is the error that its promise is rejected with if the work fails. It is made
	// when the work begins, since an error has the stack of where it was made.
	failed *goja.Object
}

// arrived is a completed piece of work.
type arrived struct {
	*pending
	finish func(c *vm.Call) error
}

// Limits per call.
const (
	maxTimers = 10_000
	maxWork   = 256
)

// theLoop returns the loop of the running call, which it makes if there is none.
func (v *VM) theLoop() *loop {
	if v.loop == nil {
		l := &loop{vm: v, done: make(chan arrived), byID: map[int64]*timer{}}
		if v.until > 0 {
			l.ctx, l.cancel = context.WithDeadline(v.outermost, started.Add(v.until))
		} else {
			l.ctx, l.cancel = context.WithCancel(v.outermost)
		}
		v.loop = l
	}
	return v.loop
}

func (v *VM) dropLoop() {
	if v.loop != nil {
		v.loop.cancel()
		v.loop = nil
	}
}

// start runs work in the background and returns a promise of its results.
func (v *VM) start(name string, w vm.Work) (goja.Value, error) {
	l := v.theLoop()
	if len(l.works) >= maxWork {
		return nil, fault.Newf(fault.ResourceExhausted, "%s: a call may wait for at most %d at the same time", name, maxWork)
	}
	p, resolve, reject := v.rt.NewPromise()
	one := &pending{name: name, resolve: resolve, reject: reject, failed: v.newGoError(errPending)}
	l.works = append(l.works, one)
	if v.journal.Playing() {
		if l.calls == nil {
			l.calls = map[int64]*pending{}
		}
		l.calls[int64(len(l.calls)+1)] = one
		return v.rt.ToValue(p), nil
	}
	go func() {
		a := arrived{pending: one}
		defer func() {
			if x := recover(); x != nil {
				err := goPanic(name, x)
				a.finish = func(*vm.Call) error { return err }
			}
			select {
			case l.done <- a:
			case <-l.ctx.Done():
			}
		}()
		a.finish = w(l.ctx)
	}()
	return v.rt.ToValue(p), nil
}

// promised returns a promise that is already settled.
func (v *VM) promised(ret goja.Value, err error) goja.Value {
	p, resolve, reject := v.rt.NewPromise()
	if err != nil {
		_ = reject(v.reason(err)) // cannot fail: reactions run later
	} else {
		_ = resolve(ret)
	}
	return v.rt.ToValue(p)
}

// await runs the loop until p is settled. The error is one that scripts cannot
// catch, or was thrown by the function of a timer.
func (v *VM) await(p *goja.Promise) error {
	for p.State() == goja.PromiseStatePending {
		l := v.loop
		if l == nil || (len(l.works) == 0 && len(l.timers) == 0) {
			return &vm.ScriptError{Fault: fault.New(fault.Internal, "the function returned a promise that never settles: nothing is left that could resolve it")}
		}
		if err := l.turn(); err != nil {
			return err
		}
	}
	return nil
}

// linger runs the loop until no work is left, and no timer but intervals that is due within
// a duration.
func (l *loop) linger(within time.Duration) error {
	until := time.Now().Add(within)
	left := func() bool {
		return len(l.works) > 0 || slices.ContainsFunc(l.timers, func(t *timer) bool { return t.every == 0 && t.at.Before(until) })
	}
	for left() {
		if err := l.turn(); err != nil {
			return err
		}
	}
	return nil
}

// turn waits for the next timer or completed work, and runs it.
func (l *loop) turn() error {
	if l.vm.journal.Playing() {
		return l.replay()
	}
	var due <-chan time.Time
	if len(l.timers) > 0 {
		wait := time.Until(l.timers[0].at)
		if wait <= 0 {
			if l.ctx.Err() != nil {
				return l.ended()
			}
			select {
			case a := <-l.done: // so that timers that are always due do not starve work
				return l.arrive(a)
			default:
				return l.fire()
			}
		}
		t := time.NewTimer(wait)
		defer t.Stop()
		due = t.C
	}
	over := vm.Waiting(l.vm.outermost)
	select {
	case <-l.ctx.Done():
		over()
		return l.ended()
	case a := <-l.done:
		over()
		return l.arrive(a)
	case <-due:
		over()
		return l.fire()
	}
}

// ended returns the error of a call that ran out of time while it waited. Its
// async functions will never continue, so the VM is not used again.
func (l *loop) ended() error {
	v := l.vm
	v.broken = true
	why := vm.StoppedDeadline
	defer func() { v.o.Guard.Stopped(vm.JS, why) }()
	code, text := fault.DeadlineExceeded, "the script ran out of time while it waited for a promise"
	if !errors.Is(l.ctx.Err(), context.DeadlineExceeded) {
		why = vm.StoppedCaller
		code, text = fault.Canceled, "the script was stopped while it waited for a promise, because its caller has gone"
	} else if v.watch.limit > 0 {
		text += " (limit " + v.watch.limit.String() + ")"
	}
	stack := text
	if len(l.works) > 0 {
		stack = v.goError(l.works[0].failed, fault.New(code, text)).Get("stack").String()
	}
	return &vm.ScriptError{Fault: fault.New(code, text), Stack: stack}
}

// arrive settles the promise of completed work.
func (l *loop) arrive(a arrived) error {
	v := l.vm
	l.works = slices.DeleteFunc(l.works, func(p *pending) bool { return p == a.pending })
	f := v.push()
	f.call.Begin(v.callCtx(), v, nil)
	err := finished(a, &f.call)
	var ret goja.Value
	if err == nil {
		ret = v.result(&f.call)
	}
	v.depth--
	if err != nil {
		return a.reject(v.reasonAt(err, a.failed))
	}
	return a.resolve(ret)
}

func finished(a arrived, c *vm.Call) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = goPanic(a.name, x)
		}
	}()
	return a.finish(c)
}

// timer is a pending setTimeout or setInterval.
type timer struct {
	id    int64
	at    time.Time
	every time.Duration // 0: once
	args  []goja.Value  // the function, and its arguments
	index int
}

// fire runs the timer that is due next.
func (l *loop) fire() error {
	t := l.timers[0]
	l.vm.journal.Add(journal.Entry{Kind: journal.Fired, Number: t.id})
	if t.every > 0 {
		t.at = time.Now().Add(t.every)
		heap.Fix(&l.timers, 0)
	} else {
		l.clear(t.id)
	}
	return l.vm.entry.call(t.args)
}

func (l *loop) clear(id int64) {
	if t := l.byID[id]; t != nil {
		delete(l.byID, id)
		heap.Remove(&l.timers, t.index)
	}
}

// setTimer implements setTimeout and setInterval.
func (v *VM) setTimer(fc goja.FunctionCall, repeat bool) goja.Value {
	if !v.IsFunc(fc.Argument(0)) {
		panic(v.rt.NewTypeError("the first argument must be a function"))
	}
	l := v.theLoop()
	if len(l.timers) >= maxTimers {
		v.throw(fault.Newf(fault.ResourceExhausted, "a call may have at most %d timers", maxTimers))
	}
	ms := fc.Argument(1).ToFloat()
	if !(ms > 0) {
		ms = 0
	}
	delay := time.Duration(min(ms, 1e9) * float64(time.Millisecond))
	l.last++
	t := &timer{id: l.last, at: time.Now().Add(delay), args: []goja.Value{fc.Argument(0)}}
	if repeat {
		t.every = max(delay, time.Millisecond)
	}
	if len(fc.Arguments) > 2 {
		t.args = append(t.args, fc.Arguments[2:]...)
	}
	l.byID[t.id] = t
	heap.Push(&l.timers, t)
	return v.rt.ToValue(t.id)
}

// clearTimer implements clearTimeout and clearInterval. Unknown ids are ignored.
func (v *VM) clearTimer(fc goja.FunctionCall) goja.Value {
	if v.loop != nil {
		v.loop.clear(fc.Argument(0).ToInteger())
	}
	return goja.Undefined()
}

// timers is a heap, ordered by time and then by id.
type timers []*timer

func (h timers) Len() int { return len(h) }
func (h timers) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].id < h[j].id
	}
	return h[i].at.Before(h[j].at)
}
func (h timers) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timers) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *timers) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return t
}
