// Package matchmaker forms matches from waiting players.
//
// A ticket is one session, or one party whose members stay together, with a
// query over the properties of others and the match sizes it accepts. A
// Matchmaker holds the tickets. At each interval one pass lets every active
// ticket search the pool, in random order, and forms matches. After
// MaxIntervals searches a ticket turns passive: it can still be found.
//
// Every method may be called from any goroutine. Adding and removing only
// change maps under a short lock. A pass works on its own index, takes in what
// was added and removed since the last one, and locks again only to take the
// formed matches out of the pool. The package does not know about sockets:
// formed matches go to Options.OnMatched.
package matchmaker

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"
)

// Options configure a Matchmaker. The zero value gives Nakama's defaults.
type Options struct {
	MaxTickets   int           // per session and per party; 0 means 3
	Interval     time.Duration // between passes; 0 means 15 s
	MaxIntervals int           // searches before a ticket turns passive; 0 means 2
	// RevPrecision forms a match only if each ticket in it accepts every other by its
	// query. Once a pass has taken Interval × RevThreshold, the rest of it goes
	// without; 0 never relaxes.
	RevPrecision bool
	RevThreshold int
	// TicketTimeout removes tickets that have waited that long and calls OnTimeout. 0
	// keeps tickets until they match or are removed.
	TicketTimeout time.Duration
	// CandidateLimit bounds the combinations that one pass offers to an override; 0
	// means 10 000.
	CandidateLimit int
	// Workers bounds concurrent OnMatched calls; 0 means 64.
	Workers int

	// OnMatched is called once for each formed match, on its own goroutines, for
	// several matches concurrently, without any lock held.
	OnMatched func(*Match)
	// OnTimeout is called with tickets that timed out, without any lock held.
	OnTimeout func([]*Ticket)
	// Hooks is called at the start of each pass.
	Hooks func() Hooks

	Now     func() time.Time // nil: time.Now
	Rand    *rand.Rand       // order of searchers, used by one pass at a time; nil: the global source
	Logger  zerolog.Logger
	Metrics Metrics // nil: nothing is recorded
}

// Hooks replace parts of a pass. They are called by the goroutine that runs
// the pass, without a lock; if one panics, no match is formed.
type Hooks struct {
	// Override receives the combinations that could form a match, and returns those
	// that should. Each is a list of players, the searching ticket's last.
	Override func(candidates [][]runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry
	// Processor receives every player in the pool, oldest ticket first, and returns
	// the matches. Queries, counts and intervals are ignored. It takes precedence over
	// Override.
	Processor func(entries []runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry
}

// Metrics receives what passes count. Implementations must not block.
type Metrics interface {
	// MatchmakerPass is called after each pass, with the tickets in the pool and the
	// active ones among them, both at the start of the pass.
	MatchmakerPass(tickets, active int, took time.Duration)
	// MatchmakerFormed counts the matches formed by a pass, and their players.
	MatchmakerFormed(matches, players int)
	// MatchmakerTimedOut counts tickets removed by TicketTimeout.
	MatchmakerTimedOut(tickets int)
	// MatchmakerLeads tells whether this node of a cluster leads from now on. A node that
	// does not has no passes, and no tickets to report.
	MatchmakerLeads(leads bool)
}

type noMetrics struct{}

func (noMetrics) MatchmakerPass(int, int, time.Duration) {}
func (noMetrics) MatchmakerFormed(int, int)              {}
func (noMetrics) MatchmakerTimedOut(int)                 {}
func (noMetrics) MatchmakerLeads(bool)                   {}

// Match is one formed match. It is immutable.
type Match struct {
	// Entries are the players: found ones in the order they were combined, the
	// searching ticket's last.
	Entries []*Entry
}

// Matchmaker is a pool of tickets and the passes over it. Make one with New.
type Matchmaker struct {
	o       Options
	log     zerolog.Logger
	metrics Metrics

	mu       sync.Mutex // guards what follows; held for a few map operations at a time
	stopped  bool
	tickets  map[string]*Ticket
	sessions map[uuid.UUID][]*Ticket // a party's tickets are listed for each member
	parties  map[string][]*Ticket
	order    queue
	added    []*Ticket // since the last pass
	removed  []*Ticket // since the last pass
	back     bool      // taken tickets are back, so the index is stale
	created  int64     // CreatedAt of the newest ticket
	done     completions

	pass sync.Mutex // held during a pass, taken before mu; guards the index and scratch
	ix   index
	work scratch

	out  delivery
	loop loop

	// propose, if set, receives a pass's matches instead of OnMatched, from the goroutine
	// that runs it; their tickets are taken, but stay in the pool. Set before the first pass.
	propose func([]*Match)
}

// New returns an empty matchmaker. Nothing runs before Start or Process.
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
