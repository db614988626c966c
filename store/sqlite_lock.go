package store

import (
	"context"
	"fmt"
	"time"
)

// writeLock lets the handles inside this process take turns at writing, in the
// order they asked. Without it they would poll SQLite's file lock with sleeps
// of up to 100 ms, and a busy writer would starve the others.
type writeLock struct{ slot chan struct{} }

func newWriteLock() *writeLock { return &writeLock{slot: make(chan struct{}, 1)} }

// acquire waits at most the busy timeout, like the file lock.
func (l *writeLock) acquire(ctx context.Context) error {
	select {
	case l.slot <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(busyTimeout)
	defer timer.Stop()
	select {
	case l.slot <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("wait for the turn to write: %w", errBusy)
	}
}

func (l *writeLock) release() { <-l.slot }
