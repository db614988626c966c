package lua

import (
	"sync"
	"time"
)

// stuckWatch reports an outermost call that has not ended some time after its deadline,
// or after the guard has stopped it, since a function of Go does not return. There is one timer per VM, which keeps running
// when a call ends, so most calls find it armed. The zero value reports nothing.
type stuckWatch struct {
	report func() // called at most once, with mu locked; nil: never
	grace  time.Duration

	mu     sync.Mutex
	timer  *time.Timer
	armed  bool
	due    time.Time // when the running call is reported; zero: none runs, or has no deadline
	closed bool
}

// begin is called before an outermost call, with its deadline, which may be zero.
func (w *stuckWatch) begin(deadline time.Time) {
	if w.report == nil || deadline.IsZero() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due = deadline.Add(w.grace)
	w.arm()
}

// stop is called when the guard has told the running call to stop, from any goroutine.
func (w *stuckWatch) stop() {
	if w.report == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	due := time.Now().Add(w.grace)
	if !w.due.IsZero() && !due.Before(w.due) {
		return
	}
	w.due = due
	if w.armed { // for the deadline, which is later
		w.timer.Reset(w.grace)
		return
	}
	w.arm()
}

// end is called after it.
func (w *stuckWatch) end() {
	if w.report == nil {
		return
	}
	w.mu.Lock()
	w.due = time.Time{}
	w.mu.Unlock()
}

// arm sets the timer. w is locked.
func (w *stuckWatch) arm() {
	if w.armed || w.closed {
		return
	}
	w.armed = true
	wait := time.Until(w.due)
	if w.timer == nil {
		w.timer = time.AfterFunc(wait, w.fire)
		return
	}
	w.timer.Reset(wait)
}

func (w *stuckWatch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	switch {
	case w.closed || w.due.IsZero():
	case time.Now().Before(w.due): // another call than the one for which it was set
		w.arm()
	default:
		w.closed = true
		w.report()
	}
}

func (w *stuckWatch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.timer != nil {
		w.timer.Reset(0) // not Stop: Go may keep a stopped timer, and so the VM, for many seconds
	}
}
