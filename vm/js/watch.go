package js

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"kumi/vm"
)

// poll is the default of Options.Poll.
const poll = 250 * time.Millisecond

// started is the zero of the clock of watches.
var started = time.Now()

func now() time.Duration { return time.Since(started) }

// watch is the watchdog of a VM: it stops calls that take too long, or whose caller
// has gone. There is one timer per VM, which keeps running when a call ends, so the
// next call usually finds it armed and costs only a lock and a read of the clock. The
// timer of an idle VM fires once more and is not armed again.
type watch struct {
	rt    *goja.Runtime
	limit time.Duration // 0: none
	poll  time.Duration // see Options.Poll

	mu      sync.Mutex
	timer   *time.Timer
	armed   bool
	fires   time.Duration
	depth   int
	call    watched
	stopped stopReason // why the runtime was interrupted, or running
	stuck   func()     // called when a stopped call does not end, with mu locked; may be nil
	grace   time.Duration
	given   bool // stuck was called
	retired bool
	memory  *vm.Watched

	interrupted atomic.Bool // the runtime is, or is about to be
}

// watched has the limits of the running call.
type watched struct {
	ctx      context.Context
	ends     bool          // the context may end
	deadline time.Duration // 0: none
}

type stopReason uint8

const (
	running stopReason = iota
	tooLong
	cancelled
	tooBig
	halted
)

// begin sets the limits of a call and returns those of the call around it.
func (w *watch) begin(ctx context.Context) (outer watched) {
	var t time.Duration
	deadline, limited := ctx.Deadline()
	// A context with a deadline has a Done, too, but calling it may make a timer.
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

// end restores the limits of the call around.
func (w *watch) end(outer watched) {
	w.mu.Lock()
	w.depth--
	if w.depth == 0 {
		w.memory.End()
	}
	w.call = outer
	if w.stopped != running {
		if w.depth == 0 || (w.stopped != tooBig && w.stopped != halted && w.over(now()) == running) {
			// The stopped call has ended, and the call around it continues.
			w.stopped = running
			w.rt.ClearInterrupt()
			w.interrupted.Store(false)
			w.arm(now())
		}
	}
	w.mu.Unlock()
}

// over tells whether the running call must be stopped, and why.
func (w *watch) over(t time.Duration) stopReason {
	switch {
	case w.call.deadline > 0 && t >= w.call.deadline:
		return tooLong
	case w.call.ctx != nil && w.call.ctx.Err() != nil:
		return cancelled
	}
	return running
}

// arm sets the timer for the running call.
func (w *watch) arm(t time.Duration) {
	if w.depth == 0 || w.retired {
		return
	}
	next := w.call.deadline
	if w.call.ends && (next == 0 || next > t+w.poll) {
		next = t + w.poll
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

// halt stops the running call at once, without a timer; see vm.Guard.Halt.
func (w *watch) halt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.depth > 0 && w.stopped == running {
		w.stopped = halted
		w.interrupted.Store(true)
		w.rt.Interrupt(halted)
	}
}

// reason returns why the running call is being stopped, or running.
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
	w.armed, w.fires = true, now()+w.grace // to check whether it has ended
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
		w.timer.Reset(0) // not Stop: Go may keep a stopped timer, and so the VM, for many seconds
	}
	w.mu.Unlock()
	memory.Close() // not under mu: it takes the guard's lock, under which the guard takes mu
}
