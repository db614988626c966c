package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// writeLock makes the handles in this process take turns at writing, in the order of
// their requests. Without it they would poll SQLite's file lock with sleeps of up to
// 100 ms, and a busy writer would starve the others.
//
// The turn of a module is limited: if it has lasted for limit and others wait, it is
// ended from outside.
type writeLock struct {
	slot    chan struct{}
	limit   time.Duration
	waiting atomic.Int32

	mu     sync.Mutex
	holder *turn
}

// turn is the right to write, from acquire to release.
type turn struct {
	lock *writeLock
	// expire ends what is done in this turn and leads to its release; nil for the
	// writer's own turns. It runs on a separate goroutine, at most once.
	expire func(limit time.Duration)

	since time.Time
	timer *time.Timer
}

func newWriteLock(limit time.Duration) *writeLock {
	return &writeLock{slot: make(chan struct{}, 1), limit: limit}
}

// acquire waits for the turn, for longer than the current one may last.
func (l *writeLock) acquire(ctx context.Context, t *turn) error {
	t.lock = l
	select {
	case l.slot <- struct{}{}:
		l.begin(t)
		return nil
	default:
	}
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	l.watch()
	timer := time.NewTimer(l.limit + busyTimeout)
	defer timer.Stop()
	select {
	case l.slot <- struct{}{}:
		l.begin(t)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("wait for the turn to write: %w", errBusy)
	}
}

func (l *writeLock) begin(t *turn) {
	l.mu.Lock()
	l.holder, t.since = t, time.Now()
	l.mu.Unlock()
	if l.waiting.Load() > 0 {
		l.watch()
	}
}

// watch makes the current turn end in time, because others wait now.
func (l *writeLock) watch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.holder
	if t == nil || t.expire == nil || t.timer != nil {
		return
	}
	t.timer = time.AfterFunc(l.limit-time.Since(t.since), func() { t.expire(l.limit) })
}

// release ends a turn. It may be called once.
func (t *turn) release() {
	l := t.lock
	l.mu.Lock()
	if t.timer != nil {
		t.timer.Stop()
	}
	l.holder = nil
	l.mu.Unlock()
	<-l.slot
}
