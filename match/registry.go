package match

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/presence"
	"kumi/store/fault"
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
	idle     sync.WaitGroup
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
		matches: map[uuid.UUID]*Match{},
	}
	if r.metrics == nil {
		r.metrics = noMetrics{}
	}
	return r
}

// SetHandlers sets where the handlers of new matches are found by name. It may
// be called at any time; matches that run keep theirs.
func (r *Registry) SetHandlers(find func(name string) (Factory, bool)) { r.handlers.Store(&find) }

// Count is the number of authoritative matches.
func (r *Registry) Count() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.matches)
}

// Create makes an authoritative match and returns its id. The handler's Init
// runs within the call. Codes: 5 when no handler has that name, 3 for params
// that are not plain data, 14 while the server stops.
func (r *Registry) Create(ctx context.Context, module string, params map[string]any) (id string, err error) {
	return "", fault.New(fault.Unimplemented, "not yet")
}

// Match is one authoritative match.
type Match struct{}

var _ = runtime.ErrMatchBusy

type noMetrics struct{}

func (noMetrics) Matches(int)                     {}
func (noMetrics) MatchTick(string, time.Duration) {}
func (noMetrics) MatchTickSkipped(string, int)    {}
func (noMetrics) MatchDropped(string, string)     {}
func (noMetrics) MatchFailed(string)              {}
