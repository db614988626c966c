package matchmaker

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"kumi/presence"
)

// Times of the protocol. Those of the lease are by the database's clock, all others by
// this process's own monotonic one.
const (
	LeaseTime     = 3 * time.Second // how long a lease holds without being renewed
	leaseMargin   = time.Second     // a leader stops that long before its lease ends
	leasePoll     = time.Second     // between looks at the lease, and its renewals
	syncEvery     = 250 * time.Millisecond
	syncAlive     = time.Second     // a Sync is sent that often, also without a change
	homeSilence   = 3 * time.Second // the tickets of a home that has not sent one leave the pool
	callWait      = 2 * time.Second // for one call to another node or one statement
	decisionWait  = 5 * time.Second // beyond the hook's deadline, a home settles a match itself
	retryWait     = time.Second     // before the database is asked again
	firstPassWait = 2 * time.Second // of a new leader, so that the homes have offered their tickets
)

// DeskOptions configure a Desk. Without Network and Decider, the others are not used.
type DeskOptions struct {
	Network Network // nil on a single node
	Decider Decider

	// Hooked reports whether a module chooses the place of matches; if not, Place is called
	// at the leader.
	Hooked func() bool
	// Place makes the place where a match is played, as a text for Tell that is not empty: it
	// calls the matched hook of this node, or makes a token for a relayed match. undo is
	// called if the match is not to be there; nil if there is nothing to do then. An error
	// puts the match's tickets back into the pool.
	Place func(m *Match) (place string, undo func(), err error)
	// Tell tells the players of those of a match's tickets whose home this node is that they
	// are matched. It must not block.
	Tell func(m *Match, place string, own func(*Ticket) bool)
	// HookDeadline is how long Place may take.
	HookDeadline time.Duration

	Logger zerolog.Logger
}

// Desk connects the matchmakers of a cluster, so that all nodes' players meet.
//
// The home of a ticket is the node of its session, and for parties the party's; its
// Matchmaker keeps the ticket with its limits and its timeout. One node at a time leads:
// it holds the lease in the database and a second Matchmaker, the pool of all homes'
// tickets, whose passes form matches. A formed match comes about in steps:
//
//  1. The leader proposes it to the homes of its tickets. Each locks its tickets, or
//     refuses.
//  2. The matched hook makes its place, on the node with most of its players.
//  3. The database decides: one row per match, written by the leader with the place, or by
//     a home that has waited too long, as not to be. The first row stays.
//  4. The leader tells the homes, and they tell their players.
//
// So a ticket is in one match only, as its home locks it, and a match is told to all or
// none of its homes, as all read the same row. The lease only prevents vain work: with
// two leaders at a time the same holds.
//
// On a single node, with neither Network nor Decider, the Desk passes everything on to its
// Matchmaker. All methods may be called from any goroutine.
type Desk struct {
	o    DeskOptions
	home *Matchmaker
	net  Network
	db   Decider
	self presence.NodeID
	log  zerolog.Logger

	mu     sync.Mutex
	leader presence.NodeID // of term; zero: unknown
	term   int64           // the highest heard of
	lead   *leader         // while this node leads

	// leasing has a place for who reads, renews or releases the lease, so that a node that
	// releases it does not take it again by a renewal that is under way.
	leasing chan struct{}

	held  holds
	offer offering

	campaign chan struct{} // look at the lease now
	sync     chan struct{} // there is another leader: offer everything
	quit     context.CancelFunc
	done     sync.WaitGroup
}

// NewDesk returns the desk of a matchmaker, which it takes over: Start and Stop are those
// of the desk.
func NewDesk(m *Matchmaker, o DeskOptions) *Desk {
	d := &Desk{
		o: o, home: m, net: o.Network, db: o.Decider, log: o.Logger,
		leasing: make(chan struct{}, 1), campaign: make(chan struct{}, 1), sync: make(chan struct{}, 1),
	}
	d.held.wake = make(chan struct{}, 1)
	d.held.byMatch = map[string]*held{}
	if d.net != nil {
		d.self = d.net.Self()
	}
	return d
}

// Start begins the passes, on a single node, and otherwise taking part in the cluster. It
// may be called once.
func (d *Desk) Start() {
	if d.net == nil {
		d.home.Start()
		return
	}
	ctx, quit := context.WithCancel(context.Background())
	d.quit = quit
	d.home.startExpiry()
	for _, f := range []func(context.Context){d.campaignLoop, d.syncLoop, d.resolveLoop} {
		d.done.Go(func() { f(ctx) })
	}
}

// Resign ends this node's lead, if it leads, so that another takes over at once. Matches
// that are being formed come about, or not, before. It is for a planned stop, after
// Network.Eligible has become false.
func (d *Desk) Resign(ctx context.Context) {
	d.mu.Lock()
	l := d.lead
	d.mu.Unlock()
	if l != nil {
		l.finish(ctx)
		d.leasing <- struct{}{}
		defer func() { <-d.leasing }()
		d.depose(l)
		d.release(ctx, l.term)
	}
}

// Stop refuses further tickets and ends everything that Start began. It may be called more
// than once.
func (d *Desk) Stop() {
	if d.quit != nil {
		d.quit()
		d.done.Wait()
		d.mu.Lock()
		l := d.lead
		d.mu.Unlock()
		if l != nil {
			d.depose(l)
			<-l.idle
			l.work.Wait()
		}
	}
	d.home.Stop()
}

// wake makes a loop look now, if it is not about to.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// heard takes in that a node leads a term. Locks of matches of earlier terms are settled
// then, since their leader may be gone.
func (d *Desk) heard(leader presence.NodeID, term int64) {
	d.mu.Lock()
	news := term > d.term
	if news {
		d.leader, d.term = leader, term
	}
	d.mu.Unlock()
	if news {
		d.held.settleBefore(d.home, term)
		wake(d.sync)
	}
}

// leading returns the leader that this node is, nil if it is not.
func (d *Desk) leading() *leader {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lead
}

// leaderNow returns the node that leads; ok is false if none is known.
func (d *Desk) leaderNow() (node presence.NodeID, term int64, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.leader, d.term, d.term > 0
}
