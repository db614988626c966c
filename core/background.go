package core

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"kumi/store"
)

// background runs work that outlives its call, until Close.
type background struct {
	ctx  context.Context
	stop context.CancelFunc

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
}

func newBackground() *background {
	b := &background{}
	b.ctx, b.stop = context.WithCancel(context.Background())
	return b
}

// Close cancels work in the background and waits for it. The Core holds
// nothing else that needs closing; later background work is not started.
func (c *Core) Close() {
	b := c.background
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.stop()
	b.work.Wait()
	c.hosts.close()
	c.satori.Close()
	c.social.Close()
	c.stores.Close()
}

// duePoll is the longest time until the next look while something is to come: the clock
// may be set, and a machine may sleep.
const duePoll = 15 * time.Second

// untilDue returns the time until the next look, if the next thing is due at a time.
func (c *Core) untilDue(at time.Time) time.Duration {
	wait := max(at.Sub(c.now()), time.Millisecond)
	if c.steadyClock {
		return wait
	}
	return min(wait, duePoll)
}

// pollOthers is the time between looks at what other servers on the database may have
// done, such as creating boards or enqueuing jobs. The embedded database has no others, so
// there the look is only a precaution: what this server does wakes whoever must know.
func (c *Core) pollOthers() time.Duration {
	if c.db.Dialect() == store.SQLite {
		return 15 * time.Minute
	}
	return 15 * time.Second
}

// later runs work on its own goroutine. Its context ends with Close, and its
// errors are logged.
func (c *Core) later(doing string, work func(ctx context.Context) error) {
	b := c.background
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.work.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				c.log.Error().Interface("panic", p).Bytes("stack", debug.Stack()).Msg(doing + " panicked")
			}
		}()
		if err := work(b.ctx); err != nil && !c.DatabaseUnreachable(err) {
			c.log.Error().Err(err).Msg("could not " + doing)
		}
	})
}
