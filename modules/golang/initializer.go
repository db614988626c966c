package golang

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"

	"kumi/core"
	"kumi/hooks"
	"kumi/store/fault"
)

// Initializer is what a Go module can register beyond runtime.Initializer. The
// initializer of InitModule implements it; a module can use it without
// importing this package, by a type assertion to an interface with the methods
// it needs:
//
//	more := initializer.(interface {
//	    RegisterHttpAuth(path, auth string, handler func(http.ResponseWriter, *http.Request), methods ...string) error
//	})
type Initializer interface {
	runtime.Initializer

	// RegisterHttpAuth is RegisterHttp for callers with a session token (auth
	// "session") or the HTTP key ("http_key"). The request's context has the caller
	// under the keys of runtime, as in RPCs. Other callers get code 16.
	RegisterHttpAuth(path, auth string, handler func(http.ResponseWriter, *http.Request), methods ...string) error

	// RegisterConsoleHttpAuth is RegisterConsoleHttp for operators who are logged in to the
	// console and have a right, such as "ACCOUNT:write"; with an empty one any operator
	// may. The request's context has the operator's name under the key "operator".
	RegisterConsoleHttpAuth(path, right string, handler func(http.ResponseWriter, *http.Request), methods ...string) error

	// RegisterJob registers a job, for nk's JobEnqueue and on a schedule: a cron
	// expression in UTC, "@every 90s", or empty for none. Code 3 for a bad name or
	// schedule.
	RegisterJob(name, schedule string, fn Job) error

	// RegisterBeforeChain adds a hook that runs before an API call, after those added
	// earlier and before the one of RegisterBefore…. in is nil for calls without a
	// request; the result is passed to the next hook. Fails with InvalidArgument for
	// unknown names, as the others do.
	RegisterBeforeChain(name string, fn BeforeHook) error
	// RegisterAfterChain adds a hook that runs after an API call, before the one of
	// RegisterAfter….
	RegisterAfterChain(name string, fn AfterHook) error
	// RegisterRtBeforeChain is RegisterBeforeChain for realtime messages; in is a
	// *rtapi.Envelope.
	RegisterRtBeforeChain(name string, fn BeforeHook) error
	// RegisterRtAfterChain is RegisterAfterChain for realtime messages.
	RegisterRtAfterChain(name string, fn AfterHook) error
}

// BeforeHook and AfterHook are hooks of any call.
type (
	BeforeHook = func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in proto.Message) (proto.Message, error)
	AfterHook  = func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out, in proto.Message) error
)

// Job is the function of a job; the payload is that of JobEnqueue, empty for
// scheduled runs. After an error it is retried.
type Job = func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, payload string) error

var _ Initializer = (*initializer)(nil)

// RegisterJob implements Initializer.
func (i *initializer) RegisterJob(name, schedule string, fn Job) error {
	what := "job " + strconv.Quote(name)
	if err := core.CheckJobName(name); err != nil {
		return err
	}
	when, err := core.ParseSchedule(schedule)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return i.register(what, fn == nil, func() *hooks.Origin {
		c := i.call(what, "job", map[string]any{"job": name})
		run := func(ctx context.Context, payload string) (err error) {
			start := time.Now()
			ctx, end := c.begin(ctx)
			defer end()
			defer c.recovered(&err)
			return c.noted(fn(ctx, c.logger, c.db, c.nk, payload), start)
		}
		i.loaded.Jobs = append(i.loaded.Jobs, name)
		var was *hooks.Origin
		if old, ok := i.Into.Jobs[name]; ok {
			was = &old.Origin
		}
		i.Into.Jobs[name] = hooks.Slot[core.Job]{Origin: i.origin(), Call: core.Job{Schedule: when, Run: run}}
		return was
	})
}

// RegisterBeforeChain implements Initializer.
func (i *initializer) RegisterBeforeChain(name string, fn BeforeHook) error {
	return i.beforeChain(hooks.API, name, fn)
}

// RegisterAfterChain implements Initializer.
func (i *initializer) RegisterAfterChain(name string, fn AfterHook) error {
	return i.afterChain(hooks.API, name, fn)
}

// RegisterRtBeforeChain implements Initializer.
func (i *initializer) RegisterRtBeforeChain(name string, fn BeforeHook) error {
	return i.beforeChain(hooks.Realtime, name, fn)
}

// RegisterRtAfterChain implements Initializer.
func (i *initializer) RegisterRtAfterChain(name string, fn AfterHook) error {
	return i.afterChain(hooks.Realtime, name, fn)
}

func (i *initializer) beforeChain(kind hooks.Kind, name string, fn BeforeHook) error {
	return i.chain(kind, "before", name, fn == nil, func(c *call, exact string) {
		i.Into.Hooks.AddBefore(kind, exact, hooks.Slot[hooks.Before]{Origin: i.origin(), Call: beforeHook(fn)(c)})
	})
}

func (i *initializer) afterChain(kind hooks.Kind, name string, fn AfterHook) error {
	return i.chain(kind, "after", name, fn == nil, func(c *call, exact string) {
		i.Into.Hooks.AddAfter(kind, exact, hooks.Slot[hooks.After]{Origin: i.origin(), Call: afterHook(fn)(c)})
	})
}

func (i *initializer) chain(kind hooks.Kind, when, name string, missing bool, add func(c *call, exact string)) error {
	exact, ok := hooks.Canonical(kind, name)
	if !ok {
		return fault.Newf(fault.InvalidArgument, "there is no call named %s to hook", strconv.Quote(name))
	}
	what := "chained " + when + " hook " + strconv.Quote(exact)
	return i.register(what, missing, func() *hooks.Origin {
		add(i.call(what, when, map[string]any{"api_id": exact, "mode": when}), exact)
		i.loaded.Hooks = append(i.loaded.Hooks, when+" "+exact+" (chain)")
		return nil
	})
}
