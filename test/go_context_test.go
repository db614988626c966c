package test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/server/servertest"
)

func init() { golang.Register("contexts", goContexts) }

// keptContexts are the contexts that goContexts was called with, by what they were
// for.
var keptContexts sync.Map

func keepContext(ctx context.Context, what string) {
	mode, _ := ctx.Value(runtime.RUNTIME_CTX_MODE).(string)
	keptContexts.LoadOrStore(what+" in mode "+mode, ctx)
}

// contextMatch keeps the context of its loop.
type contextMatch struct{}

func goContexts(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["contexts"] != "go" {
		return nil
	}
	return errors.Join(
		initializer.RegisterRpc("keep", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, what string) (string, error) {
			keepContext(ctx, what)
			trace, _ := ctx.Value(runtime.RUNTIME_CTX_TRACE_ID).(string)
			again, _ := ctx.Value(runtime.RUNTIME_CTX_TRACE_ID).(string)
			if trace != again {
				return "", errors.New("the trace id changed within a call")
			}
			return trace, nk.Event(ctx, &api.Event{Name: what})
		}),
		initializer.RegisterBeforeRt("StatusUpdate", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, in *rtapi.Envelope) (*rtapi.Envelope, error) {
			keepContext(ctx, "hook")
			return in, nil
		}),
		initializer.RegisterEvent(func(ctx context.Context, _ runtime.Logger, e *api.Event) { keepContext(ctx, "event "+e.Name) }),
		initializer.RegisterEventSessionStart(func(ctx context.Context, _ runtime.Logger, e *api.Event) { keepContext(ctx, "session start") }),
		initializer.RegisterMatch("contexts", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule) (runtime.Match, error) {
			return contextMatch{}, nil
		}),
		initializer.RegisterRpc("play", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, nk runtime.NakamaModule, _ string) (string, error) {
			return nk.MatchCreate(ctx, "contexts", nil)
		}))
}

func (contextMatch) MatchInit(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, map[string]any) (any, int, string) {
	return true, 20, ""
}

func (contextMatch) MatchJoinAttempt(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ runtime.Presence, _ map[string]string) (any, bool, string) {
	return state, true, ""
}

func (contextMatch) MatchJoin(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ []runtime.Presence) any {
	return state
}

func (contextMatch) MatchLeave(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ []runtime.Presence) any {
	return state
}

func (contextMatch) MatchTerminate(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ int) any {
	return state
}

func (contextMatch) MatchSignal(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, data string) (any, string) {
	return state, data
}

func (contextMatch) MatchLoop(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ []runtime.MatchData) any {
	keepContext(ctx, "loop")
	return state
}

// Goroutines that a Go module starts may use the context of the function they were
// started in: over sockets to the end of the session, in matches to the end of the
// match, over HTTP to the end of the request. Each call has a trace id.
func TestGoContexts(t *testing.T) {
	t.Parallel()
	keptContexts.Clear() // of what -count=2 ran before
	srv := servertest.Start(t, servertest.Flags("--runtime.env", "contexts=go"), servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, init) {
			init.registerRpc("trace", c => c.traceId);
			init.registerRtBefore("StatusUpdate", (c, l, n, m) => { l.info("hook trace %s", c.traceId); return m });
		}`))
	kept := func(what string) context.Context {
		t.Helper()
		var ctx context.Context
		servertest.Eventually(t, "the context of "+what, func() bool {
			c, ok := keptContexts.Load(what)
			if ok {
				ctx = c.(context.Context)
			}
			return ok
		})
		return ctx
	}
	user := srv.User(t, "ann")
	if _, a := user.RPC(t, "keep", "http"); a.Status != 200 {
		t.Fatal(a.Status, a.Body)
	}
	<-kept("http in mode rpc").Done()
	if err := kept("event http in mode rpc").Err(); err != nil {
		t.Errorf("the handler of an event may go on after the request; got %v", err)
	}

	socket := user.Socket(t)
	traces := map[string]bool{}
	for i, id := range []string{"keep", "keep", "trace", "trace"} {
		trace := socket.Call(t, "rpc", fmt.Sprintf(`{"id": %q, "payload": "socket"}`, id)).Field("rpc", "payload")
		if len(trace) != 32 || traces[trace] {
			t.Errorf("call %d has the trace id %q; before it were %v", i, trace, traces)
		}
		traces[trace] = true
	}
	socket.Call(t, "status_update", `{"status": "here"}`)
	if trace, _ := kept("hook in mode before").Value(runtime.RUNTIME_CTX_TRACE_ID).(string); len(trace) != 32 {
		t.Errorf("the hook has the trace id %q", trace)
	}
	if id, a := user.RPC(t, "play", ""); a.Status != 200 {
		t.Fatal(id, a.Status, a.Body)
	}
	lives := []context.Context{kept("socket in mode rpc"), kept("event socket in mode rpc"), kept("session start in mode event"), kept("loop in mode match")}
	for _, ctx := range lives {
		child, cancel := context.WithCancel(ctx)
		defer cancel()
		select {
		case <-ctx.Done():
			t.Errorf("the context of a call that has returned ended: %v", ctx.Err())
		case <-child.Done():
			t.Errorf("a context made of that of a call that has returned ended: %v", child.Err())
		default:
		}
	}
	socket.Close()
	<-lives[0].Done()
	if err := lives[0].Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("the session ended, and its context with %v", err)
	}
}
