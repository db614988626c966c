package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Phases of a load. Workers run through all of them; only operations that end
// in the measured phase count.
const (
	warming int32 = iota
	measuring
	stopping
)

// drainTime is how long workers may take to end after stopping.
const drainTime = 10 * time.Second

// load is work for a target, done by several workers concurrently.
type load struct {
	unit    string
	workers []func(*worker) error
	// stop unblocks waiting workers; it may be nil. Errors after it do not count.
	stop func()
	// perOp is how many recorded events make up one operation; 0 means one.
	perOp int
}

// worker records what one worker of a load does. Only that worker uses it.
type worker struct {
	phase *atomic.Int32
	hist  histogram
	fails uint64
	first error
}

// stopped tells the worker to return.
func (w *worker) stopped() bool { return w.phase.Load() == stopping }

// record counts an event and its duration.
func (w *worker) record(d time.Duration) {
	if w.phase.Load() == measuring {
		w.hist.add(d)
	}
}

// fail counts an operation that failed.
func (w *worker) fail(err error) {
	if w.first == nil {
		w.first = err
	}
	if w.phase.Load() == measuring {
		w.fails++
	}
}

// spent is the CPU time a target has used so far.
type spent struct{ server, database time.Duration }

func (t *target) used() (spent, error) {
	server, err := t.process.cpu()
	if err != nil {
		return spent{}, err
	}
	database, err := t.database.cpu()
	return spent{server, database}, err
}

// measure runs the load: warm-up, measured time, stop.
func measure(ctx context.Context, o *options, t *target, l load) (*Result, error) {
	var phase atomic.Int32
	workers := make([]*worker, len(l.workers))
	failed := make(chan error, len(l.workers))
	var wg sync.WaitGroup
	for i, work := range l.workers {
		w := &worker{phase: &phase}
		workers[i] = w
		wg.Go(func() {
			if err := work(w); err != nil && !w.stopped() {
				failed <- err
			}
		})
	}
	r := &Result{Unit: l.unit, perOp: max(l.perOp, 1), hist: &histogram{}}
	err := r.observe(ctx, o, t, &phase, failed)
	phase.Store(stopping)
	if l.stop != nil {
		l.stop()
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(drainTime):
		return nil, errors.New("the server stopped answering")
	}
	if err != nil {
		return nil, err
	}
	var first error
	for _, w := range workers {
		r.hist.merge(&w.hist)
		r.Errors += w.fails
		if first == nil {
			first = w.first
		}
	}
	if r.hist.total == 0 {
		if first != nil {
			return nil, fmt.Errorf("no operation succeeded: %w", first)
		}
		return nil, errors.New("no operation was answered in the measured time")
	}
	if first != nil {
		r.FirstError = first.Error()
	}
	r.RSS, err = t.process.rss()
	return r, err
}

// observe waits for the warm-up and the measured time and records what was
// used.
func (r *Result) observe(ctx context.Context, o *options, t *target, phase *atomic.Int32, failed <-chan error) error {
	if err := wait(ctx, o.warmup, failed); err != nil {
		return err
	}
	before, err := t.used()
	if err != nil {
		return err
	}
	begin := time.Now()
	phase.Store(measuring)
	if err := wait(ctx, o.duration, failed); err != nil {
		return err
	}
	after, err := t.used()
	r.elapsed = time.Since(begin)
	r.cpu, r.dbCPU = after.server-before.server, after.database-before.database
	r.hasCPU, r.hasDB = t.process != nil, t.database != nil
	return err
}

func wait(ctx context.Context, d time.Duration, failed <-chan error) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case err := <-failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
