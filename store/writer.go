package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"kumi/internal/trace"
)

const (
	maxBatch    = 64
	maxLinger   = time.Millisecond
	maxAttempts = 5
)

// writer runs all SQLite write transactions on one goroutine and commits waiting ones
// together. A single transaction is not delayed.
type writer struct {
	pool *sql.DB
	lock *writeLock
	log  zerolog.Logger
	// owner returns the user whose write a context is for; empty for the server's own.
	owner func(ctx context.Context) string

	queue writeQueue
	wake  chan struct{} // one slot: something is queued, or closed
	gone  chan struct{} // closed when the goroutine has ended

	// Owned by the writer goroutine.
	sqlConn *sql.Conn
	conn    *conn
}

// op is one queued transaction.
type op struct {
	ctx      context.Context
	owner    string
	fn       func(ctx context.Context, q Querier) error
	state    atomic.Int32
	attempts int
	done     chan error // one slot
}

const (
	opQueued int32 = iota
	opTaken
	opDropped
)

func startWriter(pool *sql.DB, lock *writeLock, owner func(context.Context) string, log zerolog.Logger) *writer {
	w := &writer{pool: pool, lock: lock, owner: owner, log: log, wake: make(chan struct{}, 1), gone: make(chan struct{})}
	go w.loop()
	return w
}

// do runs fn in a write transaction and returns after the commit. If ctx ends while fn
// is queued, fn does not run; once it runs, do waits for the result.
func (w *writer) do(ctx context.Context, fn func(ctx context.Context, q Querier) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if t := trace.Of(ctx); t != nil {
		defer t.Transaction(time.Now())
	}
	o := &op{ctx: ctx, fn: fn, done: make(chan error, 1)}
	if w.owner != nil {
		o.owner = w.owner(ctx)
	}
	if err := w.queue.push(o); err != nil {
		return err
	}
	w.signal()

	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		if o.state.CompareAndSwap(opQueued, opDropped) {
			return ctx.Err()
		}
		return <-o.done
	}
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// close drains the queue and ends the goroutine.
func (w *writer) close() {
	w.queue.close()
	w.signal()
	<-w.gone
}

func (w *writer) loop() {
	ended := false
	defer func() {
		if !ended {
			// A transaction function ended this goroutine (runtime.Goexit, as
			// testing's FailNow does). Continue with the others.
			go w.loop()
			return
		}
		if w.sqlConn != nil {
			_ = w.sqlConn.Close()
		}
		close(w.gone)
	}()
	for {
		ops, closed := w.queue.take(maxBatch)
		if len(ops) == 0 {
			if closed {
				ended = true
				return
			}
			<-w.wake
			continue
		}
		w.batch(ops)
	}
}

// putBack returns operations to the head of the queue.
func (w *writer) putBack(ops []*op) {
	if len(ops) == 0 {
		return
	}
	w.queue.putBack(ops)
	w.signal()
}

// batch runs ops, and those that arrive in the meantime, in one transaction. Each
// operation after the first success has its own savepoint, so that a failure rolls
// back only that operation.
func (w *writer) batch(ops []*op) {
	var (
		good    []*op // succeeded, waiting for the commit
		current *op
		open    bool // a transaction is open
		next    int
		started = time.Now()
	)
	var turn turn
	if err := w.lock.acquire(context.Background(), &turn); err != nil {
		finish(ops, err)
		return
	}
	defer turn.release()
	defer func() {
		if current == nil {
			return
		}
		// Only reached by Goexit: roll back, and run the others again.
		if open {
			_ = w.exec("ROLLBACK")
		}
		current.done <- errors.New("a transaction function ended its goroutine")
		w.putBack(append(good, ops[next:]...))
	}()

	for ; ; next++ {
		if next == len(ops) {
			// Take only what is queued already: a single write is not delayed.
			if room := maxBatch - len(good); room > 0 && time.Since(started) < maxLinger {
				ops, _ = w.queue.take(room)
				next = 0
			}
			if next == len(ops) {
				break
			}
		}
		o := ops[next]
		if !o.begin() {
			continue
		}
		if !open {
			if err := w.begin(o.ctx); err != nil {
				o.done <- err
				continue
			}
			open = true
		}
		save := len(good) > 0
		current = o
		next++ // what Goexit must put back begins after o
		err := w.run(o, save)
		next--
		current = nil
		if err == nil {
			good = append(good, o)
			continue
		}
		o.done <- err
		switch {
		case !save:
			if err := w.exec("ROLLBACK"); err != nil && w.conn != nil {
				w.log.Debug().Err(err).Msg("rollback")
			}
			open = false
		case w.exec("ROLLBACK TO op") != nil || w.exec("RELEASE op") != nil:
			// SQLite rolled back the whole transaction (interrupted statement, full
			// disk): run the operations before o again.
			_ = w.exec("ROLLBACK")
			w.again(good, ops[next+1:], err)
			return
		}
	}
	if !open {
		return
	}
	if err := w.exec("COMMIT"); err != nil {
		_ = w.exec("ROLLBACK")
		finish(good, fmt.Errorf("commit: %w", err))
		return
	}
	finish(good, nil)
}

// begin reports whether o should run: its caller may have given up.
func (o *op) begin() bool {
	if !o.state.CompareAndSwap(opQueued, opTaken) && o.state.Load() == opDropped {
		return false
	}
	if err := o.ctx.Err(); err != nil {
		o.done <- err
		return false
	}
	o.attempts++
	return true
}

func finish(ops []*op, err error) {
	for _, o := range ops {
		o.done <- err
	}
}

// again requeues the operations of a transaction that was lost because of another one,
// and fails those that have been tried too often.
func (w *writer) again(good, rest []*op, cause error) {
	retry := make([]*op, 0, len(good)+len(rest))
	for _, o := range good {
		if o.attempts >= maxAttempts {
			o.done <- fmt.Errorf("the transaction was lost %d times because of errors of others, the last one: %w", o.attempts, cause)
			continue
		}
		retry = append(retry, o)
	}
	w.putBack(append(retry, rest...))
}

// begin opens the transaction, and connects first if needed. It waits several times
// the driver's busy timeout for another process that holds the file.
func (w *writer) begin(ctx context.Context) error {
	if w.conn == nil {
		if err := w.connect(); err != nil {
			return err
		}
	}
	var err error
	for range maxAttempts {
		if err = w.exec("BEGIN IMMEDIATE"); err == nil || !isBusy(err) || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	return nil
}

func (w *writer) connect() error {
	c, err := w.pool.Conn(context.Background())
	if err != nil {
		return fmt.Errorf("connect the writer: %w", err)
	}
	w.sqlConn = c
	return c.Raw(func(dc any) error {
		w.conn = dc.(*conn)
		return nil
	})
}

// exec runs a transaction control statement. It clears the recorded error of a failed
// statement, because all callers leave that transaction or savepoint.
func (w *writer) exec(query string) error {
	return w.raw(func(c *conn) error {
		c.failed = nil
		_, err := c.ExecContext(context.Background(), query, nil)
		c.failed = nil
		return err
	})
}

// raw calls fn under database/sql's lock: the end of a context may close rows that a
// function left open at any time.
func (w *writer) raw(fn func(c *conn) error) error {
	return w.sqlConn.Raw(func(any) error { return fn(w.conn) })
}

// settle closes rows that a function left open, and returns the error of a failed
// statement, if any.
func (w *writer) settle() (failed error) {
	_ = w.raw(func(c *conn) error {
		c.closeRows()
		failed = c.failed
		return nil
	})
	return failed
}

// run calls the function of o and turns every way in which it can end into an error.
func (w *writer) run(o *op, save bool) (err error) {
	if save {
		if err := w.exec("SAVEPOINT op"); err != nil {
			return err
		}
	}
	st := &txState{pool: w.pool, q: w.sqlConn, raw: w.raw}
	defer st.ended.Store(true)
	exited := true
	defer func() {
		if exited {
			w.settle()
		}
	}()
	err = callTx(context.WithValue(o.ctx, txKey{}, st), o.fn, st.q, w.log)
	exited = false
	if failed := w.settle(); err == nil {
		err = failed // as on PostgreSQL, there is nothing to commit
	}
	if err == nil && save {
		err = w.exec("RELEASE op")
	}
	return err
}

// callTx calls fn and turns a panic into an error for its caller.
func callTx(ctx context.Context, fn func(context.Context, Querier) error, q Querier, log zerolog.Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Error().Interface("panic", fmt.Sprint(p)).Bytes("stack", debug.Stack()).Msg("panic in a transaction")
			err = fmt.Errorf("panic in a transaction: %v", p)
		}
	}()
	return fn(ctx, q)
}
