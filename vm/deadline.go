package vm

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Deadline is a context that ends at a time, or with its call. Unlike that of
// context.WithDeadline it makes its timer only when somebody asks for Done, which
// most calls do not. It may be used from any goroutine.
type Deadline struct {
	context.Context
	at time.Time
	// lasting is true for contexts that outlive their call, see NewLasting.
	lasting bool

	mu     sync.Mutex
	inner  context.Context // nil until somebody asked for Done
	cancel context.CancelFunc
	timer  *time.Timer // of a lasting context
	late   bool        // a lasting context ended while its call ran
	ended  bool        // the call is over
}

// NewDeadline returns ctx with a deadline, or with its own where that is sooner.
// End must be called when the call is over.
func NewDeadline(ctx context.Context, at time.Time) *Deadline {
	if own, ok := ctx.Deadline(); ok && own.Before(at) {
		at = own
	}
	return &Deadline{Context: ctx, at: at}
}

// NewLasting returns ctx with a limit on the time of a call: it is done at that time
// if the call still runs then. When End is called before, the limit is lifted and
// the context goes on until ctx ends, so that goroutines which the call started may
// use it. Its Deadline is that of ctx: contexts made of it with a longer time of
// their own must keep theirs when the limit is lifted.
func NewLasting(ctx context.Context, at time.Time) *Deadline {
	return &Deadline{Context: ctx, at: at, lasting: true}
}

// Deadline implements context.Context.
func (d *Deadline) Deadline() (time.Time, bool) {
	if d.lasting {
		return d.Context.Deadline()
	}
	return d.at, true
}

// Done implements context.Context.
func (d *Deadline) Done() <-chan struct{} { return d.timed().Done() }

// AfterFunc is what the context package looks for in a context that is not its
// own: without it every context made of this one would take a goroutine.
func (d *Deadline) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(d.timed(), f) }

// timed is the context that has a timer.
func (d *Deadline) timed() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.inner != nil:
	case d.lasting:
		d.last()
	default:
		d.inner, d.cancel = context.WithDeadline(d.Context, d.at)
		if d.ended {
			d.cancel()
		}
	}
	return d.inner
}

// last makes the inner context of a lasting one. Nobody says when that is needed no
// more, so it leaves the parent, which may live for days, when d is collected.
func (d *Deadline) last() {
	d.inner, d.cancel = context.WithCancel(context.WithoutCancel(d.Context))
	leave := context.AfterFunc(d.Context, d.cancel)
	runtime.AddCleanup(d, func(leave func() bool) { leave() }, leave)
	switch {
	case d.late:
		d.cancel()
	case !d.ended:
		d.timer = time.AfterFunc(time.Until(d.at), d.expire)
	}
}

// expire ends a lasting context whose call still runs.
func (d *Deadline) expire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ended {
		d.late = true
		d.cancel()
	}
}

// Err implements context.Context.
func (d *Deadline) Err() error {
	if err := d.Context.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.lasting:
		if d.late = d.late || !d.ended && !time.Now().Before(d.at); d.late {
			return context.DeadlineExceeded
		}
		return nil
	case d.inner != nil:
		return d.inner.Err()
	case !time.Now().Before(d.at):
		return context.DeadlineExceeded
	case d.ended:
		return context.Canceled
	}
	return nil
}

// End says that the call is over. It ends the context, as a context's cancel
// function does, unless it is a lasting one.
func (d *Deadline) End() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	switch {
	case d.timer != nil:
		d.timer.Stop()
	case d.cancel != nil && !d.lasting:
		d.cancel()
	}
}
