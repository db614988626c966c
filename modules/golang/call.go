package golang

import (
	"context"
	"database/sql"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"

	"kumi/core"
	"kumi/hooks"
	"kumi/internal/trace"
	"kumi/store"
	"kumi/store/fault"
	"kumi/vm"
)

// call is a registered Go function as the server calls it: its name in messages, its
// execution mode and its loggers.
type call struct {
	*goModule
	what   string // in messages: RPC function "echo"
	mode   string // execution mode; empty for event handlers: that of the call which raised the event
	logger *core.Logger
	log    zerolog.Logger
}

func (m *goModule) call(what, mode string, fields map[string]any) *call {
	log := m.log.With().Fields(fields).Logger()
	return &call{goModule: m, what: what, mode: mode, logger: core.NewLogger(m.log).WithFields(fields).(*core.Logger), log: log}
}

// begin returns the context for a call. It ends when the call takes too long. Go code
// that ignores it cannot be stopped, so the caller waits for the call to return in any
// case. After the call the context lives as long as the caller's: until the end of the
// session, of the match or, over HTTP, of the request.
func (c *call) begin(ctx context.Context) (context.Context, context.CancelFunc) {
	switch s, mode := core.ScopeOf(ctx); {
	case s == nil:
		ctx = core.WithMode(ctx, c.scope, c.mode)
	case mode != c.mode && c.mode != "":
		ctx = core.WithMode(ctx, s, c.mode)
	}
	ctx = store.WithCall(ctx)
	if c.timeout > 0 {
		d := vm.NewTimeLimit(ctx, time.Now().Add(c.timeout))
		return d, d.End
	}
	return ctx, func() {}
}

// loggerOf returns the logger for a call. The lines of one that an operator traces are told
// apart by its id.
func (c *call) loggerOf(ctx context.Context) runtime.Logger {
	if t := trace.Of(ctx); t != nil {
		return c.logger.WithField("trace_id", t.ID)
	}
	return c.logger
}

// recovered turns a panic of module code into an error. It must be deferred.
func (c *call) recovered(err *error) {
	if r := recover(); r != nil {
		stack := string(debug.Stack())
		c.log.Error().Str("stack", stack).Msgf("%s panicked: %v", c.what, r)
		if err != nil {
			*err = fault.Wrap(fault.Internal, "internal error in "+c.what, &panicError{r, stack})
		}
	}
}

// panicError is a panic of module code.
type panicError struct {
	value any
	stack string
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// Trace returns where the module's code panicked.
func (e *panicError) Trace() string {
	if _, after, ok := strings.Cut(e.stack, "\npanic("); ok {
		if _, frames, ok := strings.Cut(after, "\n"); ok { // the arguments of panic
			if _, frames, ok = strings.Cut(frames, "\n"); ok { // its own place
				return frames
			}
		}
	}
	return e.stack
}

// noted logs the error of a call that began at start, unless the module returned it
// with a code, for the client.
func (c *call) noted(err error, start time.Time) error {
	if err == nil {
		return nil
	}
	if coded(err) {
		return err
	}
	if c.timeout > 0 && fault.CodeOf(err) == fault.DeadlineExceeded && time.Since(start) >= c.timeout {
		err = fault.Wrap(fault.DeadlineExceeded, fmt.Sprintf("%s did not end within %s", c.what, c.timeout), err)
	}
	c.log.Error().Err(err).Msg(c.what + " failed")
	return asModuleError(err)
}

// The signatures of hooks. All take the same first four arguments.
type (
	goBefore[T any]       = func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in T) (T, error)
	goBare                = func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule) error
	goAfter[T any]        = func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, x T) error
	goAfterBoth[O, I any] = func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out O, in I) error
)

func before[T proto.Message](i *initializer, name string, fn goBefore[T]) error {
	return i.before(hooks.API, name, fn == nil, beforeHook(fn))
}

// beforeHook adapts a before hook. A typed nil pointer that the module returns becomes
// a nil message.
func beforeHook[T proto.Message](fn goBefore[T]) func(c *call) hooks.Before {
	return func(c *call) hooks.Before {
		return func(ctx context.Context, in proto.Message) (_ proto.Message, err error) {
			start := time.Now()
			ctx, end := c.begin(ctx)
			defer end()
			defer c.recovered(&err)
			request, _ := in.(T)
			out, err := fn(ctx, c.loggerOf(ctx), c.db, c.nk, request)
			if err != nil {
				return nil, c.noted(err, start)
			}
			if isNil(out) {
				return nil, nil
			}
			return out, nil
		}
	}
}

func beforeBare(i *initializer, name string, fn goBare) error {
	return i.before(hooks.API, name, fn == nil, func(c *call) hooks.Before {
		return func(ctx context.Context, in proto.Message) (_ proto.Message, err error) {
			return in, c.bare(ctx, fn)
		}
	})
}

// bare calls a function that takes only the fixed arguments.
func (c *call) bare(ctx context.Context, fn goBare) (err error) {
	start := time.Now()
	ctx, end := c.begin(ctx)
	defer end()
	defer c.recovered(&err)
	return c.noted(fn(ctx, c.loggerOf(ctx), c.db, c.nk), start)
}

func afterBare(i *initializer, name string, fn goBare) error {
	return i.after(hooks.API, name, fn == nil, func(c *call) hooks.After {
		return func(ctx context.Context, _, _ proto.Message) error { return c.bare(ctx, fn) }
	})
}

func afterBoth[O, I proto.Message](i *initializer, name string, fn goAfterBoth[O, I]) error {
	return i.after(hooks.API, name, fn == nil, afterHook(fn))
}

func afterOut[O proto.Message](i *initializer, name string, fn goAfter[O]) error {
	return i.after(hooks.API, name, fn == nil, afterHook(func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out O, _ proto.Message) error {
		return fn(ctx, logger, db, nk, out)
	}))
}

func afterIn[I proto.Message](i *initializer, name string, fn goAfter[I]) error {
	return i.after(hooks.API, name, fn == nil, afterHook(func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, _ proto.Message, in I) error {
		return fn(ctx, logger, db, nk, in)
	}))
}

func afterHook[O, I proto.Message](fn goAfterBoth[O, I]) func(c *call) hooks.After {
	return func(c *call) hooks.After {
		return func(ctx context.Context, out, in proto.Message) (err error) {
			start := time.Now()
			ctx, end := c.begin(ctx)
			defer end()
			defer c.recovered(&err)
			answer, _ := out.(O)
			request, _ := in.(I)
			return c.noted(fn(ctx, c.loggerOf(ctx), c.db, c.nk, answer, request), start)
		}
	}
}

// isNil reports whether m is nil or a nil pointer to a message.
func isNil[T proto.Message](m T) bool {
	var none T
	return any(m) == any(none) || any(m) == nil
}
