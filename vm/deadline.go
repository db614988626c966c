package vm

import (
	"context"
	"sync"
	"time"
)

// Deadline is a context that ends at a time, or with its call. Unlike that of
// context.WithDeadline it makes its timer only when somebody asks for Done, which
// most calls do not. It may be used from any goroutine.
type Deadline struct {
	context.Context
	at time.Time

	mu     sync.Mutex
	inner  context.Context // nil until somebody asked for Done
	cancel context.CancelFunc
	ended  bool
}

// NewDeadline returns ctx with a deadline, or with its own where that is sooner.
// End must be called when the call is over.
func NewDeadline(ctx context.Context, at time.Time) *Deadline {
	if own, ok := ctx.Deadline(); ok && own.Before(at) {
		at = own
	}
	return &Deadline{Context: ctx, at: at}
}

// Deadline implements context.Context.
func (d *Deadline) Deadline() (time.Time, bool) { return d.at, true }

// Done implements context.Context.
func (d *Deadline) Done() <-chan struct{} { return d.timed().Done() }

// AfterFunc is what the context package looks for in a context that is not its
// own: without it every context made of this one would take a goroutine.
func (d *Deadline) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(d.timed(), f) }

// timed is the context that has a timer.
func (d *Deadline) timed() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inner == nil {
		d.inner, d.cancel = context.WithDeadline(d.Context, d.at)
		if d.ended {
			d.cancel()
		}
	}
	return d.inner
}

// Err implements context.Context.
func (d *Deadline) Err() error {
	d.mu.Lock()
	inner, ended := d.inner, d.ended
	d.mu.Unlock()
	if inner != nil {
		return inner.Err()
	}
	switch err := d.Context.Err(); {
	case err != nil:
		return err
	case !time.Now().Before(d.at):
		return context.DeadlineExceeded
	case ended:
		return context.Canceled
	}
	return nil
}

// End ends the context, as a context's cancel function does.
func (d *Deadline) End() {
	d.mu.Lock()
	d.ended = true
	if d.cancel != nil {
		d.cancel()
	}
	d.mu.Unlock()
}
