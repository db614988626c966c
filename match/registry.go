package match

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"

	"kumi/presence"
	"kumi/presence/actor"
)

// Options configure a Registry. Node, Tracker and Router are required; a zero
// number means Nakama's default.
type Options struct {
	Node      string
	Tracker   *presence.Tracker
	Router    *presence.Router
	Logger    zerolog.Logger
	Metrics   Metrics   // nil: nothing is recorded
	Elsewhere Elsewhere // nil: there are no other nodes
	// TokenKey signs and checks the tokens that relayed matches are joined with.
	TokenKey []byte

	InputQueue         int           // client messages per tick; more are dropped
	SignalQueue        int           // signals in the queue; more are refused as busy
	JoinAttemptQueue   int           // join attempts in the queue; more are refused
	DeferredQueue      int           // deferred broadcasts per handler call
	JoinMarkerDeadline time.Duration // time for an accepted client to join the stream
	MaxEmpty           time.Duration // how long a match may be empty before it stops; 0: forever
	// KeepSockets keeps sockets open when their match ends with an error.
	KeepSockets bool
	// Snapshots keeps the matches over a restart of the server; nil: they end with it.
	Snapshots SnapshotStore
	// SnapshotTicks is the number of ticks between two snapshots of a match; 0: matches are
	// kept only when the server is stopped, and not over a crash.
	SnapshotTicks int
	// ResumeTime is how long those who were in a match may come back after a restart.
	ResumeTime time.Duration
	// RestoreTime is how long the handler of a restored match may take to take over its state,
	// before the match is given up; 0: 30 seconds.
	RestoreTime time.Duration
	// Recorder records matches; nil: none are recorded.
	Recorder *Recorder
	// AnswerWait is how long a join attempt or a signal waits for an answer; 0 means
	// 10 s.
	AnswerWait time.Duration
}

// Metrics receives what matches count. Implementations must not block.
type Metrics interface {
	// Matches sets the number of authoritative matches, after each change.
	Matches(n int)
	// MatchTick is called after each tick with the time the handler took.
	MatchTick(handler string, took time.Duration)
	// MatchTickSkipped counts ticks skipped because the one before took too long.
	MatchTickSkipped(handler string, n int)
	// MatchDropped counts what a match's full queue refused; queue is "input", "call",
	// "signal" or "join".
	MatchDropped(handler, queue string)
	// MatchFailed counts matches ended by an error of their handler.
	MatchFailed(handler string)
}

// idleWorkers is how many idle goroutines wait for matches to run.
const idleWorkers = 64

// Registry makes, finds and stops matches. It may be used from any goroutine.
type Registry struct {
	o        Options
	tracker  *presence.Tracker
	router   *presence.Router
	log      zerolog.Logger
	metrics  Metrics
	hash     presence.NodeID // of this node
	handlers atomic.Pointer[func(string) (Factory, bool)]

	mu         sync.RWMutex
	matches    map[uuid.UUID]*Match
	stopping   atomic.Bool
	created    atomic.Int64  // the newest Match.created
	admissions atomic.Uint64 // numbers given to sessions of other nodes
	cancelled  cancelled
	made       madeElsewhere
	moves      moves
	restored   atomic.Bool // Restore has been called, and is over
	load       tickLoad
	swaps      atomic.Uint64 // calls of Swap
	clock      clock
	pool       *actor.Pool
	snapshots  *snapshotWriter // nil: there are none
	matchEnded chan struct{}   // signals that a match ended

	watching sync.Mutex // guards the watchers of recordings, and changes of relays
	// relays are the recordings of relayed matches that somebody watches; nil: none.
	relays atomic.Pointer[map[uuid.UUID]*recording]
}

// NewRegistry returns an empty registry. It starts no goroutine, and becomes
// the tracker's listener for authoritative matches.
func NewRegistry(o Options) *Registry {
	def := func(n *int, d int) {
		if *n <= 0 {
			*n = d
		}
	}
	def(&o.InputQueue, 128)
	def(&o.SignalQueue, 10)
	def(&o.JoinAttemptQueue, 128)
	def(&o.DeferredQueue, 128)
	if o.JoinMarkerDeadline <= 0 {
		o.JoinMarkerDeadline = 15 * time.Second
	}
	if o.AnswerWait <= 0 {
		o.AnswerWait = 10 * time.Second
	}
	if o.RestoreTime <= 0 {
		o.RestoreTime = 30 * time.Second
	}
	r := &Registry{
		o: o, hash: presence.NodeHash(o.Node), tracker: o.Tracker, router: o.Router, log: o.Logger, metrics: o.Metrics,
		matches: map[uuid.UUID]*Match{}, pool: actor.NewPool(idleWorkers), matchEnded: make(chan struct{}, 1),
	}
	r.clock.pool = r.pool
	r.admissions.Store(rand.Uint64() >> 16) // so that no two nodes give the same to a session
	if o.Snapshots != nil {
		r.snapshots = &snapshotWriter{store: o.Snapshots, node: o.Node, log: o.Logger, waiting: map[uuid.UUID]write{}}
	}
	r.tracker.Listen(presence.ModeMatchAuthoritative, r.presenceChanged)
	if r.metrics == nil {
		r.metrics = noMetrics{}
	}
	return r
}

// SetHandlers sets the function that finds handlers by name for new matches,
// and returns the one set before, nil at first. It may be called at any time;
// running matches keep their handlers.
func (r *Registry) SetHandlers(find func(name string) (Factory, bool)) (before func(name string) (Factory, bool)) {
	if old := r.handlers.Swap(&find); old != nil {
		before = *old
	}
	return before
}

// Count returns the number of authoritative matches.
func (r *Registry) Count() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.matches)
}

// find returns the match with an id that this node runs, or nil. home is the node in the
// id.
func (r *Registry) find(id uuid.UUID, home string) *Match {
	if r.moves.node(id, home) != r.o.Node {
		return nil
	}
	return r.homed(id, home)
}

// homed is find for those who know that this node runs the match, if there is one.
func (r *Registry) homed(id uuid.UUID, home string) *Match {
	if m := r.here(id); m != nil && m.stream.Label == home {
		return m
	}
	return nil
}

// here is find by the first part of the id.
func (r *Registry) here(id uuid.UUID) *Match {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.matches[id]
}

// presenceChanged is the tracker's listener: see Match.presenceChanged.
func (r *Registry) presenceChanged(s presence.Stream, join, leave *presence.Presence) {
	if r.Owner(s) != r.o.Node {
		return
	}
	if m := r.homed(s.Subject, s.Label); m != nil {
		m.presenceChanged(join, leave)
	} else if join != nil && !r.Starting() {
		r.refuse(join)
	}
}

// Starting reports whether this node does not know yet which matches it runs: Restore has not
// ended. Until then it takes none over. It may be called from any goroutine.
func (r *Registry) Starting() bool { return r.snapshots != nil && !r.restored.Load() }

// forget removes a match and returns how many are left.
func (r *Registry) forget(id uuid.UUID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.matches, id)
	return len(r.matches)
}

// notifyEnded is called after a match was removed, so that Stop need not poll.
func (r *Registry) notifyEnded() {
	select {
	case r.matchEnded <- struct{}{}:
	default:
	}
}

// Stop ends all matches and refuses new ones. With Options.Snapshots those that can be
// kept are handed over to other nodes or, if there are none, suspended at once. Of the others, with a grace period, in seconds, the handlers'
// Terminate is called and the matches go on until they end by themselves, the period is
// over, or ctx is done. It returns when all have ended, and may be called once.
func (r *Registry) Stop(ctx context.Context, grace int) {
	r.mu.Lock()
	r.stopping.Store(true)
	r.mu.Unlock()
	switch {
	case r.snapshots != nil && r.o.Elsewhere != nil:
		r.handOverAll(ctx, grace)
	case r.snapshots != nil:
		r.postAll(item{kind: doSuspend, grace: grace})
	case grace > 0:
		r.postAll(item{kind: doTerminate, grace: grace})
	}
	if grace > 0 {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(grace)*time.Second)
		r.await(ctx)
		cancel()
	}
	r.postAll(item{kind: doStop})
	// A handler may be in the middle of a call. Calls have a deadline of their own; a
	// match that has not ended by then is abandoned.
	graceCtx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	r.await(graceCtx)
	if r.snapshots != nil {
		r.snapshots.wait(graceCtx)
	}
	r.pool.Close()
}

const stopGrace = 15 * time.Second

// all returns the matches of this node.
func (r *Registry) all() []*Match {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Collect(maps.Values(r.matches))
}

func (r *Registry) postAll(it item) {
	for _, m := range r.all() {
		m.order(it)
	}
}

// await waits until there is no match or ctx is done.
func (r *Registry) await(ctx context.Context) {
	for r.Count() > 0 {
		select {
		case <-r.matchEnded:
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
