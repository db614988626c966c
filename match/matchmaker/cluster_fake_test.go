package matchmaker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// fakeCluster is several nodes in one process, each with a real Matchmaker and Desk, over
// a network that loses and delays calls and a database that fails in every way.
type fakeCluster struct {
	faults faults
	end    chan struct{} // closed when the test is over: nothing blocks any more
	hook   time.Duration // how long each matched hook takes, at least
	passes int           // MaxIntervals
	db     fakeDatabase

	mu    sync.Mutex
	rand  *rand.Rand
	calm  bool                          // no more faults
	nodes map[presence.NodeID]*fakeNode // the latest run of each
	runs  []*fakeNode
	steps int            // calls and statements so far
	kills map[int]string // at which step who acts is killed: "before" or "after" its effect
	cut   map[[2]presence.NodeID]bool
	seen  ledger
}

// faults are probabilities per call.
type faults struct {
	lost, slow, fails float64
	untold            float64 // of a Settle, to be lost
	unanswered        float64 // of a Decide, to fail after its effect or have it later
	oldTerms          bool    // the database decides for leaders whose term is over
}

// ledger is what the nodes' players and modules saw.
type ledger struct {
	trace    []string
	told     map[string][]string  // ticket to places
	matches  map[string]*Match    // place to the match as one home told it
	places   map[string]madePlace // made and neither told nor undone, with its node
	undone   map[string]bool
	removed  map[string]bool               // tickets that a player removed with success
	homes    map[string]*fakeNode          // ticket to its home
	tickets  map[string]*Ticket            // added, and not removed by its player
	sessions map[uuid.UUID]presence.NodeID // living
	wrong    []string
}

// madePlace is the place of a match, with the node that made it.
type madePlace struct {
	by    *fakeNode
	match *Match
}

// fakeNode is one run of a node.
type fakeNode struct {
	c        *fakeCluster
	id       presence.NodeID
	epoch    int64
	desk     *Desk
	pool     *Matchmaker
	dead     chan struct{} // closed by kill
	paused   chan struct{} // closed by going on; nil: not paused
	draining bool
}

func newFakeCluster(seed uint64, f faults) *fakeCluster {
	c := &fakeCluster{
		faults: f, end: make(chan struct{}), rand: rand.New(rand.NewPCG(seed, 7)), nodes: map[presence.NodeID]*fakeNode{},
		kills: map[int]string{}, cut: map[[2]presence.NodeID]bool{},
		seen: ledger{
			told: map[string][]string{}, matches: map[string]*Match{}, places: map[string]madePlace{}, removed: map[string]bool{}, undone: map[string]bool{},
			homes: map[string]*fakeNode{}, tickets: map[string]*Ticket{}, sessions: map[uuid.UUID]presence.NodeID{},
		},
	}
	c.db = fakeDatabase{c: c, decided: map[string]string{}}
	return c
}

// start begins a run of a node; the one before, if any, is dead.
func (c *fakeCluster) start(id presence.NodeID, epoch int64) *fakeNode {
	n := &fakeNode{c: c, id: id, epoch: epoch, dead: make(chan struct{})}
	n.pool = New(Options{Interval: time.Second, MaxTickets: 5, MaxIntervals: c.passes})
	n.desk = NewDesk(n.pool, DeskOptions{
		Network: n, Decider: fakeDecider{&c.db, n}, HookDeadline: time.Second,
		Hooked: func() bool { return true }, Place: n.place, Tell: n.tell,
	})
	c.mu.Lock()
	c.nodes[id] = n
	c.runs = append(c.runs, n)
	c.mu.Unlock()
	n.desk.Start()
	return n
}

func (c *fakeCluster) chance(p float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.calm && c.rand.Float64() < p
}

// between returns a random duration.
func (c *fakeCluster) between(low, high time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return low + time.Duration(c.rand.Int64N(int64(high-low)))
}

func (c *fakeCluster) delay() time.Duration {
	if c.chance(c.faults.slow) {
		return c.between(time.Millisecond, 12*time.Second)
	}
	return c.between(100*time.Microsecond, 3*time.Millisecond)
}

// living returns the runs that are not dead, in the order of their ids.
func (c *fakeCluster) living() (list []*fakeNode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range 16 {
		if n := c.nodes[nodeID(i)]; n != nil && !closed(n.dead) {
			list = append(list, n)
		}
	}
	return list
}

func (c *fakeCluster) tracef(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen.trace = append(c.seen.trace, time.Now().Format("04:05.000 ")+fmt.Sprintf(format, args...))
}

func nodeID(n int) presence.NodeID { return presence.NodeID{0xaa, byte(n)} }

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// kill ends the run, unless it is the last one.
func (n *fakeNode) kill() {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	alive := 0
	for _, other := range n.c.nodes {
		if !closed(other.dead) {
			alive++
		}
	}
	if alive > 1 && !closed(n.dead) {
		close(n.dead)
		for session, node := range n.c.seen.sessions {
			if node == n.id {
				delete(n.c.seen.sessions, session)
			}
		}
	}
}

// pause freezes what the node sends and receives.
func (n *fakeNode) pause() {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	if n.paused == nil {
		n.paused = make(chan struct{})
	}
}

func (n *fakeNode) goOn() {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	if n.paused != nil {
		close(n.paused)
		n.paused = nil
	}
}

// running waits until the node is not paused. It returns false if it is dead.
func (n *fakeNode) running() bool {
	n.c.mu.Lock()
	paused := n.paused
	n.c.mu.Unlock()
	if paused != nil {
		select {
		case <-paused:
		case <-n.dead:
		case <-n.c.end:
		}
	}
	return !closed(n.dead)
}

// step counts an effect and, if it is planned so, kills the acting node around it.
func (n *fakeNode) step(effect func()) {
	n.c.mu.Lock()
	n.c.steps++
	when := n.c.kills[n.c.steps]
	calm := n.c.calm
	n.c.mu.Unlock()
	if calm {
		when = ""
	}
	if when == "before" {
		n.kill()
	}
	if !closed(n.dead) {
		effect()
	}
	if when == "after" {
		n.kill()
	}
}

var errFake = errors.New("fault made by the test")

type reply[T any] struct {
	value T
	err   error
}

// travel makes an effect somewhere else, late or never, and brings its answer, or not.
// The effect may come after the caller has given up. A dead caller waits in vain.
func travel[T any](ctx context.Context, n *fakeNode, effect func(answered func(T, error))) (T, error) {
	c := n.c
	answers := make(chan reply[T], 1)
	go func() {
		if !n.running() {
			return
		}
		select {
		case <-time.After(c.delay()):
		case <-c.end:
			return
		}
		effect(func(value T, err error) {
			select {
			case <-time.After(c.delay()):
			case <-c.end:
				return
			}
			if n.running() && !c.chance(c.faults.lost) {
				answers <- reply[T]{value, err}
			}
		})
	}()
	var none T
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
	case <-c.end:
	}
	return none, errFake
}

// call makes a call from n to another node, whichever run of it is there.
func call[T any](ctx context.Context, n *fakeNode, to presence.NodeID, f func(d *Desk) (T, error)) (T, error) {
	return travel(ctx, n, func(answered func(T, error)) {
		c := n.c
		c.mu.Lock()
		other, cut := c.nodes[to], c.cut[[2]presence.NodeID{n.id, to}]
		c.mu.Unlock()
		if other == nil || cut || c.chance(c.faults.lost) || !other.running() {
			return
		}
		other.step(func() { answered(f(other.desk)) })
	})
}

func (n *fakeNode) Self() presence.NodeID { return n.id }

func (n *fakeNode) Eligible() bool {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	return !n.draining
}

func (n *fakeNode) Places(node presence.NodeID) bool { return true } // also of dead ones

func (n *fakeNode) Sync(ctx context.Context, to presence.NodeID, s *Sync) (*Synced, error) {
	return call(ctx, n, to, func(d *Desk) (*Synced, error) { return d.HandleSync(ctx, n.id, s) })
}

func (n *fakeNode) Propose(ctx context.Context, to presence.NodeID, p *Proposal) (*Accepted, error) {
	return call(ctx, n, to, func(d *Desk) (*Accepted, error) {
		a, err := d.HandlePropose(ctx, n.id, p)
		for _, m := range p.Matches {
			n.c.tracef("%s→%s propose %s term %d of %v: %v %v", n.id, to, m.ID[:4], p.Term, ids(m.Tickets), a, err)
		}
		return a, err
	})
}

func (n *fakeNode) Place(ctx context.Context, to presence.NodeID, p *Proposed) (string, error) {
	return call(ctx, n, to, func(d *Desk) (string, error) { return d.HandlePlace(ctx, p) })
}

func (n *fakeNode) Settle(ctx context.Context, to presence.NodeID, s []Settlement) error {
	if n.c.chance(n.c.faults.untold) {
		return errFake
	}
	_, err := call(ctx, n, to, func(d *Desk) (struct{}, error) {
		n.c.tracef("%s→%s settle %v", n.id, to, s)
		d.HandleSettle(ctx, s)
		return struct{}{}, nil
	})
	return err
}

func (n *fakeNode) Stats(ctx context.Context) (all []Stats) {
	n.c.mu.Lock()
	others := slices.Collect(maps.Keys(n.c.nodes))
	n.c.mu.Unlock()
	for _, to := range others {
		if to == n.id {
			continue
		}
		if s, err := call(ctx, n, to, func(d *Desk) (Stats, error) { return d.HandleStats(), nil }); err == nil {
			all = append(all, s)
		}
	}
	return all
}

func (n *fakeNode) Tickets(ctx context.Context, to presence.NodeID, limit int, user uuid.UUID) ([]*Ticket, error) {
	return call(ctx, n, to, func(d *Desk) ([]*Ticket, error) { return d.HandleTickets(limit, user) })
}

func (n *fakeNode) Explain(ctx context.Context, to presence.NodeID, ticket string) (*Explanation, error) {
	return call(ctx, n, to, func(d *Desk) (*Explanation, error) { return d.HandleExplain(ticket) })
}

func (n *fakeNode) Remove(ctx context.Context, to presence.NodeID, ticket string) error {
	_, err := call(ctx, n, to, func(d *Desk) (struct{}, error) { return struct{}{}, d.HandleRemove(ctx, ticket) })
	return err
}

func (n *fakeNode) Announce(term int64, leads bool) {
	for _, other := range n.c.living() {
		if other != n {
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				_, _ = call(ctx, n, other.id, func(d *Desk) (struct{}, error) { d.HandleAnnounce(n.id, term, leads); return struct{}{}, nil })
			}()
		}
	}
}

func ids(list []ProposedTicket) (out []string) {
	for _, t := range list {
		out = append(out, t.ID[:4]+"@"+t.Home.String()[2:4])
	}
	return out
}

// place is the matched hook: it takes a while, and fails sometimes.
func (n *fakeNode) place(m *Match) (string, func(), error) {
	n.c.mu.Lock()
	hook := n.c.hook
	n.c.mu.Unlock()
	time.Sleep(hook)
	if n.c.chance(0.3) {
		time.Sleep(n.c.between(time.Millisecond, 1500*time.Millisecond))
	}
	if n.c.chance(0.05) {
		return "", nil, errFake
	}
	place := uuid.Must(uuid.NewV4()).String()
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	n.c.seen.places[place] = madePlace{n, m}
	return place, func() { n.unplace(place) }, nil
}

func (n *fakeNode) unplace(place string) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	s := &n.c.seen
	if s.matches[place] != nil {
		s.wrong = append(s.wrong, "a place was undone whose match was told")
	}
	delete(s.places, place)
	s.undone[place] = true
}

func (n *fakeNode) tell(m *Match, place string, own func(*Ticket) bool) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	if closed(n.dead) {
		return
	}
	s := &n.c.seen
	s.matches[place] = m
	if s.undone[place] {
		s.wrong = append(s.wrong, "a match was told whose place was undone")
	}
	delete(s.places, place)
	for t := range ticketsIn(m) {
		if own(t) {
			s.told[t.ID] = append(s.told[t.ID], place)
		}
	}
}

// ticketsIn returns the tickets of a match.
func ticketsIn(m *Match) map[*Ticket]bool {
	set := map[*Ticket]bool{}
	for _, e := range m.Entries {
		set[e.Ticket] = true
	}
	return set
}

// fakeDatabase has the lease and the decisions.
type fakeDatabase struct {
	c *fakeCluster

	mu      sync.Mutex
	away    bool
	holder  presence.NodeID
	epoch   int64
	term    int64
	until   time.Time
	decided map[string]string
}

type fakeDecider struct {
	db *fakeDatabase
	n  *fakeNode
}

// statement runs a statement: it may fail before its effect, after it, or have its effect
// long after its caller got an error.
func statement[T any](ctx context.Context, d fakeDecider, run func() T) (T, error) {
	return travel(ctx, d.n, func(answered func(T, error)) {
		var none T
		d.db.mu.Lock()
		away := d.db.away
		d.db.mu.Unlock()
		if away || d.n.c.chance(d.n.c.faults.fails) {
			answered(none, errFake)
			return
		}
		var result T
		d.n.step(func() {
			d.db.mu.Lock()
			defer d.db.mu.Unlock()
			result = run()
		})
		if d.n.c.chance(d.n.c.faults.fails) {
			answered(none, errFake)
			return
		}
		answered(result, nil)
	})
}

func (d fakeDecider) Lease(ctx context.Context, campaign bool) (Lease, error) {
	return statement(ctx, d, func() Lease {
		db := d.db
		free := !time.Now().Before(db.until)
		mine := db.holder == d.n.id && db.epoch == d.n.epoch
		if campaign && (free || mine) {
			if free || !mine {
				db.term++
			}
			db.holder, db.epoch, db.until = d.n.id, d.n.epoch, time.Now().Add(LeaseTime)
			mine = true
		} else {
			mine = false
		}
		return Lease{Holder: db.holder, Term: db.term, Mine: mine}
	})
}

func (d fakeDecider) Release(ctx context.Context, term int64) error {
	_, err := statement(ctx, d, func() bool {
		if d.db.term == term && d.db.holder == d.n.id {
			d.db.until = time.Time{}
		}
		return true
	})
	return err
}

func (d fakeDecider) Decide(ctx context.Context, term int64, places map[string]string) (map[string]string, error) {
	places = maps.Clone(places) // a statement that comes late has the values it was sent with
	if d.n.c.chance(d.n.c.faults.unanswered) {
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			if d.n.c.chance(0.5) {
				time.Sleep(d.n.c.between(time.Millisecond, 6*time.Second))
			}
			_, _ = d.decide(ctx, term, places)
		}()
		time.Sleep(d.n.c.between(time.Millisecond, time.Second))
		return nil, errFake
	}
	return d.decide(ctx, term, places)
}

func (d fakeDecider) decide(ctx context.Context, term int64, places map[string]string) (map[string]string, error) {
	return statement(ctx, d, func() map[string]string {
		holds := d.db.term == term && time.Now().Before(d.db.until) || d.n.c.faults.oldTerms
		out := map[string]string{}
		defer func() { d.n.c.tracef("%s decide %v", d.n.id, out) }()
		for match, place := range places {
			_, before := d.db.decided[match]
			if !before && holds {
				d.db.decided[match] = place
			}
			// A row that another statement writes at the same time is not seen.
			if place, there := d.db.decided[match]; there && !(before && d.n.c.chance(d.n.c.faults.unanswered)) {
				out[match] = place
			}
		}
		return out
	})
}

func (d fakeDecider) Resolve(ctx context.Context, matches []string) (map[string]string, error) {
	return statement(ctx, d, func() map[string]string {
		out := map[string]string{}
		defer func() { d.n.c.tracef("%s resolve %v", d.n.id, out) }()
		for _, match := range matches {
			if _, there := d.db.decided[match]; !there {
				d.db.decided[match] = ""
			}
			out[match] = d.db.decided[match]
		}
		return out
	})
}
