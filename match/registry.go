package match

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"

	"kumi/presence"
	"kumi/presence/actor"
)

// Options are what a Registry is made of. Node, Tracker and Router must be set;
// a zero number means the protocol's default.
type Options struct {
	Node    string
	Tracker *presence.Tracker
	Router  *presence.Router
	Logger  zerolog.Logger
	Metrics Metrics // nil: nothing is recorded
	// TokenKey signs and checks the tokens that relayed matches are joined with.
	TokenKey []byte

	InputQueue         int           // client messages per tick; more are dropped
	CallQueue          int           // joins and leaves that may wait
	SignalQueue        int           // signals that may wait; more are refused as busy
	JoinAttemptQueue   int           // join attempts that may wait; more are refused
	DeferredQueue      int           // deferred broadcasts per handler call
	JoinMarkerDeadline time.Duration // time an accepted client has to arrive
	MaxEmpty           time.Duration // an empty match stops after it; 0 means never
	// KeepSockets leaves the sockets of a match open that an error ends.
	KeepSockets bool
	// AnswerWait is how long a join attempt or a signal waits for its answer; 0
	// means 10 s.
	AnswerWait time.Duration
}

// Metrics receives what matches count. Implementations must not block.
type Metrics interface {
	// Matches is the number of authoritative matches, after each change.
	Matches(n int)
	// MatchTick is called after each tick with the time its handler took.
	MatchTick(handler string, took time.Duration)
	// MatchTickSkipped counts ticks that were skipped because one took too long.
	MatchTickSkipped(handler string, n int)
	// MatchDropped counts what a full queue of a match refused; queue is
	// "input", "call", "signal" or "join".
	MatchDropped(handler, queue string)
	// MatchFailed counts matches ended by an error of their handler.
	MatchFailed(handler string)
}

// idleWorkers is how many goroutines wait for a match that has something to do.
const idleWorkers = 64

// Registry makes, finds and stops matches. It may be used from any goroutine.
type Registry struct {
	o        Options
	tracker  *presence.Tracker
	router   *presence.Router
	log      zerolog.Logger
	metrics  Metrics
	handlers atomic.Pointer[func(string) (Factory, bool)]

	mu       sync.RWMutex
	matches  map[uuid.UUID]*Match
	stopping atomic.Bool
	seq      atomic.Uint64
	swaps    atomic.Uint64 // how often Swap was called
	clock    clock
	pool     *actor.Pool
	gone     chan struct{} // a match ended
}

// NewRegistry returns a registry without matches. It starts nothing, and takes
// over the tracker's events of authoritative matches.
func NewRegistry(o Options) *Registry {
	def := func(n *int, d int) {
		if *n <= 0 {
			*n = d
		}
	}
	def(&o.InputQueue, 128)
	def(&o.CallQueue, 128)
	def(&o.SignalQueue, 10)
	def(&o.JoinAttemptQueue, 128)
	def(&o.DeferredQueue, 128)
	if o.JoinMarkerDeadline <= 0 {
		o.JoinMarkerDeadline = 15 * time.Second
	}
	if o.AnswerWait <= 0 {
		o.AnswerWait = 10 * time.Second
	}
	r := &Registry{
		o: o, tracker: o.Tracker, router: o.Router, log: o.Logger, metrics: o.Metrics,
		matches: map[uuid.UUID]*Match{}, pool: actor.NewPool(idleWorkers), gone: make(chan struct{}, 1),
	}
	r.clock.pool = r.pool
	r.tracker.Listen(presence.ModeMatchAuthoritative, func(s presence.Stream, join, leave *presence.Presence) {
		if m := r.find(s.Subject, s.Label); m != nil {
			m.moved(join, leave)
		}
	})
	if r.metrics == nil {
		r.metrics = noMetrics{}
	}
	return r
}

// SetHandlers sets where the handlers of new matches are found by name, and
// returns where they were found before, nil at first. It may be called at any
// time; matches that run keep theirs.
func (r *Registry) SetHandlers(find func(name string) (Factory, bool)) (before func(name string) (Factory, bool)) {
	if old := r.handlers.Swap(&find); old != nil {
		before = *old
	}
	return before
}

// Count is the number of authoritative matches.
func (r *Registry) Count() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.matches)
}

func (r *Registry) find(id uuid.UUID, node string) *Match {
	if node != r.o.Node {
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.matches[id]
}

// forget takes a match out and returns how many are left.
func (r *Registry) forget(id uuid.UUID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.matches, id)
	return len(r.matches)
}

// ended is called once a match is gone, to let Stop return early.
func (r *Registry) ended() {
	select {
	case r.gone <- struct{}{}:
	default:
	}
}

// Stop ends all matches and lets none begin. With a grace period, in seconds,
// their handlers are told and the matches go on until they end by themselves,
// the period is over, or ctx is done. It returns when all have ended, and may be
// called once.
func (r *Registry) Stop(ctx context.Context, grace int) {
	r.mu.Lock()
	r.stopping.Store(true)
	r.mu.Unlock()
	if grace > 0 {
		r.tellAll(item{kind: doTerminate, grace: grace})
		ctx, cancel := context.WithTimeout(ctx, time.Duration(grace)*time.Second)
		r.await(ctx)
		cancel()
	}
	r.tellAll(item{kind: doStop})
	// A handler may be in the middle of a call. Calls have a deadline of their
	// own; a match that does not end within it is left behind.
	patience, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	r.await(patience)
	r.pool.Close()
}

const stopPatience = 15 * time.Second

func (r *Registry) tellAll(it item) {
	r.mu.RLock()
	all := make([]*Match, 0, len(r.matches))
	for _, m := range r.matches {
		all = append(all, m)
	}
	r.mu.RUnlock()
	for _, m := range all {
		m.box.mu.Lock()
		m.post(it)
	}
}

// await waits until there is no match or ctx is done.
func (r *Registry) await(ctx context.Context) {
	for r.Count() > 0 {
		select {
		case <-r.gone:
		case <-ctx.Done():
			return
		}
	}
}

type noMetrics struct{}

func (noMetrics) Matches(int)                     {}
func (noMetrics) MatchTick(string, time.Duration) {}
func (noMetrics) MatchTickSkipped(string, int)    {}
func (noMetrics) MatchDropped(string, string)     {}
func (noMetrics) MatchFailed(string)              {}
