package js

import (
	"context"
	"sync"
	"time"
)

// callContext is the context of Go functions: the caller's, with the deadline
// of the script call, so that a query or request ends with it too. The timer
// that takes is only made when a function asks for Done, which most do not.
type callContext struct {
	context.Context
	deadline time.Time

	mu     sync.Mutex
	inner  context.Context // nil until somebody asked for Done
	cancel context.CancelFunc
	ended  bool
}

// Deadline implements context.Context.
func (c *callContext) Deadline() (time.Time, bool) { return c.deadline, true }

// Done implements context.Context.
func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.cancel = context.WithDeadline(c.Context, c.deadline)
		if c.ended {
			c.cancel()
		}
	}
	return c.inner.Done()
}

// Err implements context.Context.
func (c *callContext) Err() error {
	c.mu.Lock()
	inner, ended := c.inner, c.ended
	c.mu.Unlock()
	switch err := c.Context.Err(); {
	case inner != nil:
		return inner.Err()
	case err != nil:
		return err
	case !time.Now().Before(c.deadline):
		return context.DeadlineExceeded
	case ended:
		return context.Canceled
	}
	return nil
}

func (c *callContext) end() {
	c.mu.Lock()
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
	c.mu.Unlock()
}

// callCtx is the context for Go functions of the running call.
func (v *VM) callCtx() context.Context {
	if v.limited != nil {
		return v.limited
	}
	deadline := v.watch.call.deadline // written by this goroutine only
	if deadline == 0 {
		return v.ctx
	}
	v.limited = &callContext{Context: v.ctx, deadline: started.Add(deadline)}
	return v.limited
}
