// Package matchmaker puts waiting players together.
//
// A ticket is one session, or one party whose members stay together, with a
// query over the properties of others and the size of the match it wants. A
// Matchmaker holds the tickets; at each interval one pass lets every active
// ticket search the pool, in random order, and forms matches. A ticket that has
// searched often enough turns passive: it can still be found.
//
// Every method may be called from any goroutine. Adding and removing only touch
// a table under a short lock; a pass works on its own index, takes in what was
// added since the last one, and locks again only to take the formed matches out
// of the pool. The package knows nothing of sockets: who owns a Matchmaker is
// told of matches through Options.OnMatched.
package matchmaker

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"
)

// Options are what a Matchmaker is made of. The zero value gives the protocol's
// defaults.
type Options struct {
	MaxTickets   int           // of one session, and of one party; 0 means 3
	Interval     time.Duration // between passes; 0 means 15 s
	MaxIntervals int           // searches of a ticket before it is passive; 0 means 2
	// RevPrecision forms a match only if every pair of tickets in it finds each
	// other by their queries. After Interval × RevThreshold within one pass the
	// rest of that pass goes without; RevThreshold 0 never relaxes.
	RevPrecision bool
	RevThreshold int
	// TicketTimeout removes a ticket that has waited so long, and calls
	// OnTimeout. 0 keeps tickets until they match or are removed.
	TicketTimeout time.Duration
	// CandidateLimit bounds how many combinations one pass offers to an
	// override; 0 means 10 000.
	CandidateLimit int
	// Workers bounds how many OnMatched calls run at the same time; 0 means 64.
	Workers int

	// OnMatched is called once for each formed match, on goroutines of its own
	// and for several matches at a time, without any lock held.
	OnMatched func(*Match)
	// OnTimeout is called with the tickets that have just timed out, without any
	// lock held.
	OnTimeout func([]*Ticket)
	// Hooks is asked at the start of each pass for what replaces parts of it.
	Hooks func() Hooks

	Now     func() time.Time // nil: time.Now
	Rand    *rand.Rand       // order of searchers; nil: the global source. Used by one pass at a time.
	Logger  zerolog.Logger
	Metrics Metrics // nil: nothing is recorded
}

// Hooks replace parts of a pass. The functions are called by the goroutine that
// runs the pass, without a lock; a panic in them forms nothing.
type Hooks struct {
	// Override receives the combinations that could form, and returns those that
	// shall. Each is a list of players, the searching ticket's last.
	Override func(candidates [][]runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry
	// Processor receives every player in the pool, oldest ticket first, and
	// returns the matches. No query, count or interval is looked at. It wins over
	// Override.
	Processor func(entries []runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry
}

// Metrics receives what passes count. Implementations must not block.
type Metrics interface {
	// MatchmakerPass is called after each pass: tickets in the pool and those of
	// them that still search, both as of the start of the pass.
	MatchmakerPass(tickets, active int, took time.Duration)
	// MatchmakerFormed counts the matches a pass formed and their players.
	MatchmakerFormed(matches, players int)
	// MatchmakerTimedOut counts tickets removed by TicketTimeout.
	MatchmakerTimedOut(tickets int)
}

type noMetrics struct{}

func (noMetrics) MatchmakerPass(int, int, time.Duration) {}
func (noMetrics) MatchmakerFormed(int, int)              {}
func (noMetrics) MatchmakerTimedOut(int)                 {}

// Match is one formed match. It does not change.
type Match struct {
	// Entries are its players: those found in the order they were combined, the
	// searching ticket's last.
	Entries []*Entry
}

// Matchmaker is the pool of tickets and what searches it. Make one with New.
type Matchmaker struct {
	o       Options
	log     zerolog.Logger
	metrics Metrics

	mu       sync.Mutex // guards what follows; held for a few map operations at a time
	stopped  bool
	tickets  map[string]*Ticket
	sessions map[uuid.UUID][]*Ticket // a party's tickets count for each member
	parties  map[string][]*Ticket
	order    queue
	added    []*Ticket // since the last pass
	removed  []*Ticket // since the last pass, only those the index knows
	created  int64     // of the newest ticket
	done     completions

	pass sync.Mutex // one pass at a time; taken before mu, guards the index and scratch
	ix   index
	work scratch

	out  delivery
	loop loop
}

// New returns an empty matchmaker. It starts nothing: see Start and Process.
func New(o Options) *Matchmaker {
	def := func(n *int, d int) {
		if *n <= 0 {
			*n = d
		}
	}
	def(&o.MaxTickets, 3)
	def(&o.MaxIntervals, 2)
	def(&o.CandidateLimit, 10_000)
	def(&o.Workers, 64)
	if o.Interval <= 0 {
		o.Interval = 15 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	m := &Matchmaker{
		o: o, log: o.Logger, metrics: o.Metrics,
		tickets: map[string]*Ticket{}, sessions: map[uuid.UUID][]*Ticket{}, parties: map[string][]*Ticket{},
	}
	m.out.limit = o.Workers
	m.out.idle.L = &m.out.mu
	m.ix.reset(0)
	return m
}
