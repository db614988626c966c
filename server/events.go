package server

import (
	"context"
	"runtime/debug"
	"sync"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core"
	"kumi/hooks"
	"kumi/server/metrics"
)

// events runs event handlers apart from the calls that raised the events, with a
// bounded queue and a fixed number of workers. When the queue is full, events are
// dropped and counted.
type events struct {
	queue   chan func()
	metrics *metrics.Metrics
	log     zerolog.Logger

	mu     sync.RWMutex // read-locked while sending, so that close is safe
	closed bool
	done   sync.WaitGroup
}

func newEvents(size, workers int, metrics *metrics.Metrics, log zerolog.Logger) *events {
	e := &events{queue: make(chan func(), size), metrics: metrics, log: log}
	for range workers {
		e.done.Go(func() {
			for run := range e.queue {
				run()
			}
		})
	}
	return e
}

// post queues an event for handlers. Only the scope of ctx is passed to them:
// they outlive the call.
func (e *events) post(ctx context.Context, handlers []hooks.Slot[hooks.Event], event *api.Event) {
	if len(handlers) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return
	}
	select {
	case e.queue <- func() { e.run(ctx, handlers, event) }:
	default:
		e.metrics.EventDropped()
		e.log.Warn().Str("event", event.GetName()).Msg("event queue full, event dropped")
	}
}

func (e *events) run(ctx context.Context, handlers []hooks.Slot[hooks.Event], event *api.Event) {
	for _, h := range handlers {
		func() {
			defer func() {
				if p := recover(); p != nil {
					e.log.Error().Str("module", h.Module).Str("event", event.GetName()).
						Interface("panic", p).Bytes("stack", debug.Stack()).Msg("event handler panicked")
				}
			}()
			h.Call(ctx, event)
		}()
	}
}

// close handles the queued events and ends the workers.
func (e *events) close() {
	e.mu.Lock()
	already := e.closed
	e.closed = true
	e.mu.Unlock()
	if !already {
		close(e.queue)
	}
	e.done.Wait()
}

// customEvent queues an event that a client or a module raised. Handlers run in the
// execution mode of the call that raised it; that of a client is "event".
func (s *Server) customEvent(ctx context.Context, event *api.Event) {
	set := s.set.Load()
	if set == nil && s.early.keep(ctx, event, s.customEvent) {
		return
	}
	set = s.set.Load()
	if scope, _ := core.ScopeOf(ctx); scope == nil {
		ctx = core.WithMode(ctx, s.scope, "event")
	}
	s.events.post(ctx, set.Hooks.Events.Custom, event)
}

// earlyEvents are events that modules raised while they loaded. They are handled once
// all handlers are known.
type earlyEvents struct {
	mu     sync.Mutex
	kept   []func()
	loaded bool
}

// keep stores an event, unless loading is over.
func (e *earlyEvents) keep(ctx context.Context, event *api.Event, handle func(context.Context, *api.Event)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.loaded {
		ctx = context.WithoutCancel(ctx)
		e.kept = append(e.kept, func() { handle(ctx, event) })
	}
	return !e.loaded
}

// release handles the stored events. Later events are not stored.
func (e *earlyEvents) release() {
	e.mu.Lock()
	kept := e.kept
	e.kept, e.loaded = nil, true
	e.mu.Unlock()
	for _, handle := range kept {
		handle()
	}
}

// sessionEvent raises the event of a socket session's start or end.
func (s *Server) sessionEvent(scope *core.Scope, ended bool, reason string) {
	handlers := s.set.Load().Hooks.Events.SessionStart
	event := &api.Event{Name: "session_start", Timestamp: timestamppb.Now()}
	if ended {
		handlers = s.set.Load().Hooks.Events.SessionEnd
		event.Name = "session_end"
		event.Properties = map[string]string{"reason": reason}
	}
	s.events.post(core.WithMode(context.Background(), scope, "event"), handlers, event)
}
