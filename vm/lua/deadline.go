package lua

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"kumi/vm"
)

// deadline is the context that the interpreter polls before every instruction. Its
// Done reads the clock and the caller's context only every checkEvery instructions,
// and returns nil until a limit is passed, which costs the interpreter almost
// nothing. There is no timer and no other goroutine. Once a limit is passed every
// further instruction fails, so scripts cannot continue by catching the error.
type deadline struct {
	context.Context // background
	held
	budget int
	memory *vm.Watched
	tooBig atomic.Bool // set by the guard
	halted atomic.Bool // set by the guard, with tooBig
	stuck  stuckWatch
	mu     sync.Mutex // between the guard and begin and end
}

// held has the limits of the running call.
type held struct {
	at   time.Time // zero: none
	call context.Context
	err  error // why the call has ended
}

// errMemory is the error of a call during which the heap grew too much.
var errMemory = errors.New("out of memory")

// errHalted is the error of a call that the guard halted.
var errHalted = errors.New("halted")

// halt stops the running call; see vm.Guard.Halt.
func (d *deadline) halt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.halted.Store(true)
	d.tooBig.Store(true)
}

// begin and end are called before and after an outermost call.
func (d *deadline) begin() {
	if d.memory != nil {
		d.mu.Lock()
		d.memory.Begin()
		d.mu.Unlock()
	}
}

func (d *deadline) end() {
	if d.memory != nil {
		d.mu.Lock()
		d.memory.End()
		d.tooBig.Store(false)
		d.halted.Store(false)
		d.mu.Unlock()
	}
}

// Watched implements vm.Guarded.
func (v *VM) Watched() *vm.Watched { return v.deadline.memory }

// tooMuch stops the running call because the heap has grown.
func (d *deadline) tooMuch(still func() bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if still() {
		d.tooBig.Store(true)
		d.stuck.stop()
	}
}

// checkEvery is a number of instructions that take about ten microseconds.
const checkEvery = 1024

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Done implements context.Context.
func (d *deadline) Done() <-chan struct{} {
	d.budget--
	if d.budget > 0 && !d.tooBig.Load() {
		return nil
	}
	return d.check()
}

func (d *deadline) check() <-chan struct{} {
	if d.err == nil {
		switch {
		case d.halted.Load():
			d.err = errHalted
		case d.tooBig.Load():
			d.err = errMemory
		case !d.at.IsZero() && !time.Now().Before(d.at):
			d.err = context.DeadlineExceeded
		case d.call != nil:
			d.err = d.call.Err()
		}
		if d.err == nil {
			d.budget = checkEvery
			return nil
		}
	}
	return closed
}

// Err implements context.Context.
func (d *deadline) Err() error {
	if d.err == nil {
		return context.Canceled
	}
	return d.err
}
