package vm

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// The contexts in this file limit the time of a call. They may be used from any
// goroutine. Contexts of the standard library start a timer and register with their
// parent when they are made, which takes longer than some calls. These do so only when
// Done is first called, which few calls need.

// LazyDeadline is like the context of context.WithDeadline, but has no timer until
// Done is called.
type LazyDeadline struct {
	context.Context
	at time.Time

	mu     sync.Mutex
	timed  context.Context // nil until Done is called
	cancel context.CancelFunc
	ended  bool
}

// NewLazyDeadline returns ctx with the deadline at, or that of ctx if it is earlier.
// End must be called when the call returns.
func NewLazyDeadline(ctx context.Context, at time.Time) *LazyDeadline {
	if own, ok := ctx.Deadline(); ok && own.Before(at) {
		at = own
	}
	return &LazyDeadline{Context: ctx, at: at}
}

// End cancels the context. It may be called more than once.
func (d *LazyDeadline) End() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	if d.cancel != nil {
		d.cancel()
	}
}

// Deadline implements context.Context.
func (d *LazyDeadline) Deadline() (time.Time, bool) { return d.at, true }

// Done implements context.Context.
func (d *LazyDeadline) Done() <-chan struct{} { return d.withTimer().Done() }

// AfterFunc is called by the context package for derived contexts, which otherwise
// start a goroutine each.
func (d *LazyDeadline) AfterFunc(f func()) (stop func() bool) {
	return context.AfterFunc(d.withTimer(), f)
}

// Err implements context.Context.
func (d *LazyDeadline) Err() error {
	if err := d.Context.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.timed != nil:
		return d.timed.Err()
	case !time.Now().Before(d.at):
		return context.DeadlineExceeded
	case d.ended:
		return context.Canceled
	}
	return nil
}

func (d *LazyDeadline) withTimer() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timed == nil {
		d.timed, d.cancel = context.WithDeadline(d.Context, d.at)
		if d.ended {
			d.cancel()
		}
	}
	return d.timed
}

// TimeLimit is a context that ends with DeadlineExceeded if its call takes too long.
// Otherwise it outlives the call, until its parent ends, so that goroutines started by
// the call can continue to use it. Its Deadline is that of the parent, since derived
// contexts must not end when the limit is lifted.
//
// It is never cancelled, and its parent may live for days. So it is unregistered from
// the parent when it is garbage collected, unlike contexts of the standard library.
type TimeLimit struct {
	context.Context
	at time.Time

	mu       sync.Mutex
	timed    context.Context // nil until Done is called
	cancel   context.CancelFunc
	timer    *time.Timer
	exceeded bool // the limit passed while the call ran
	returned bool // the call has returned
}

// NewTimeLimit returns ctx with a limit on a call that must return before at. End must
// be called when it returns.
func NewTimeLimit(ctx context.Context, at time.Time) *TimeLimit {
	return &TimeLimit{Context: ctx, at: at}
}

// End lifts the limit, unless it was exceeded. It may be called more than once.
func (l *TimeLimit) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.returned = true
	if l.timer != nil {
		l.timer.Stop()
	}
}

// Done implements context.Context.
func (l *TimeLimit) Done() <-chan struct{} { return l.withTimer().Done() }

// AfterFunc is like that of LazyDeadline.
func (l *TimeLimit) AfterFunc(f func()) (stop func() bool) {
	return context.AfterFunc(l.withTimer(), f)
}

// Err implements context.Context.
func (l *TimeLimit) Err() error {
	if err := l.Context.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.returned && !time.Now().Before(l.at) {
		l.exceeded = true
	}
	if l.exceeded {
		return context.DeadlineExceeded
	}
	return nil
}

func (l *TimeLimit) withTimer() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timed != nil {
		return l.timed
	}
	l.timed, l.cancel = context.WithCancel(context.WithoutCancel(l.Context))
	leave := context.AfterFunc(l.Context, l.cancel)
	runtime.AddCleanup(l, func(leave func() bool) { leave() }, leave)
	switch {
	case l.exceeded:
		l.cancel()
	case !l.returned:
		l.timer = time.AfterFunc(time.Until(l.at), l.expire)
	}
	return l.timed
}

// expire runs on the timer's goroutine.
func (l *TimeLimit) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.returned {
		l.exceeded = true
		l.cancel()
	}
}
