package js

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"kumi/vm"
)

// poll is how soon a script notices that its context ended without a deadline
// having passed (the caller went away).
const poll = 250 * time.Millisecond

// DefaultGrace is Options.Grace where that is 0.
const DefaultGrace = 5 * time.Second

// started is the zero of the watch's clock.
var started = time.Now()

func now() time.Duration { return time.Since(started) }

// watch stops a runtime whose call lasts too long or whose caller has gone. It
// has one timer per VM, which is left running when a call ends: the next call
// mostly finds it armed already, so that a call costs a lock and a look at the
// clock. An idle VM's timer fires once more and then rests.
type watch struct {
	rt    *goja.Runtime
	limit time.Duration // 0: none

	mu      sync.Mutex
	timer   *time.Timer
	armed   bool
	fires   time.Duration
	depth   int
	call    watched
	stopped stopReason // why the runtime was interrupted, or none
	stuck   func()     // told of a call that does not end when it is stopped, with w locked; may be nil
	grace   time.Duration
	given   bool // the VM has been given up
	retired bool
	memory  *vm.Watched

	interrupted atomic.Bool // the runtime is, or is about to be
}

// watched is what the running call is held to.
type watched struct {
	ctx      context.Context
	ends     bool          // the context may
	deadline time.Duration // 0: none
}

type stopReason uint8

const (
	running stopReason = iota
	tooLong
	cancelled
	tooBig
)

// begin puts the VM under the limits of a call and returns those of the call
// around it.
func (w *watch) begin(ctx context.Context) (outer watched) {
	var t time.Duration
	deadline, limited := ctx.Deadline()
	// What has a deadline can be asked for Done, too, but may make a timer then.
	ends := limited || ctx.Done() != nil
	if w.limit > 0 || ends {
		t = now()
	}
	w.mu.Lock()
	outer = w.call
	call := watched{ctx: ctx, ends: ends, deadline: outer.deadline}
	if w.depth == 0 {
		call.deadline = 0
		if w.limit > 0 {
			call.deadline = t + w.limit
		}
	}
	if limited {
		if d := max(deadline.Sub(started), 1); call.deadline == 0 || d < call.deadline {
			call.deadline = d
		}
	}
	w.depth++
	if w.depth == 1 {
		w.memory.Begin()
	}
	w.call = call
	w.arm(t)
	w.mu.Unlock()
	return outer
}

// end returns to the limits of the call around.
func (w *watch) end(outer watched) {
	w.mu.Lock()
	w.depth--
	if w.depth == 0 {
		w.memory.End()
	}
	w.call = outer
	if w.stopped != running {
		if w.depth == 0 || (w.stopped != tooBig && w.over(now()) == running) {
			// What was stopped has ended, the call around it goes on.
			w.stopped = running
			w.rt.ClearInterrupt()
			w.interrupted.Store(false)
			w.arm(now())
		}
	}
	w.mu.Unlock()
}

// over says whether the running call must end.
func (w *watch) over(t time.Duration) stopReason {
	switch {
	case w.call.deadline > 0 && t >= w.call.deadline:
		return tooLong
	case w.call.ctx != nil && w.call.ctx.Err() != nil:
		return cancelled
	}
	return running
}

// arm makes the timer fire in time for the running call.
func (w *watch) arm(t time.Duration) {
	if w.depth == 0 || w.retired {
		return
	}
	next := w.call.deadline
	if w.call.ends && (next == 0 || next > t+poll) {
		next = t + poll
	}
	if next == 0 || (w.armed && w.fires <= next) {
		return
	}
	w.armed, w.fires = true, next
	if w.timer == nil {
		w.timer = time.AfterFunc(next-t, w.fire)
		return
	}
	w.timer.Reset(next - t)
}

func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	if w.depth == 0 {
		return
	}
	if w.stopped != running {
		if w.stuck != nil && !w.given && !w.retired {
			w.given = true
			w.stuck()
		}
		return
	}
	t := now()
	if reason := w.over(t); reason != running {
		w.interrupt(reason)
		return
	}
	w.arm(t)
}

// Watched implements vm.Guarded.
func (v *VM) Watched() *vm.Watched { return v.watch.memory }

// tooMuch stops the running call because the heap has grown.
func (w *watch) tooMuch(still func() bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.depth > 0 && w.stopped == running && still() {
		w.interrupt(tooBig)
	}
}

// reason is why the running call is being stopped, or none.
func (w *watch) reason() stopReason {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopped
}

// interrupt stops the running call. w is locked.
func (w *watch) interrupt(reason stopReason) {
	w.stopped = reason
	w.interrupted.Store(true) // before goja knows, see entry.name
	w.rt.Interrupt(reason)
	w.armed, w.fires = true, now()+w.grace // to see whether it ended
	if w.timer == nil {
		w.timer = time.AfterFunc(w.grace, w.fire)
		return
	}
	w.timer.Reset(w.grace)
}

func (w *watch) close() {
	w.mu.Lock()
	w.retired = true
	memory := w.memory
	w.memory = nil
	if w.timer != nil {
		w.timer.Stop()
	}
	w.mu.Unlock()
	memory.Close() // which takes the guard's lock, and the guard takes ours under it
}
