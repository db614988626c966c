package matchmaker

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kumi/presence"
)

// leader is this node's part while it leads: the pool of all homes' tickets, and the
// forming of matches. It is made at an election and thrown away at the end of its term.
type leader struct {
	d    *Desk
	term int64
	pool *Matchmaker

	passes atomic.Int64
	ctx    context.Context // ends with the lead
	cancel context.CancelFunc
	quiet  context.CancelFunc // ends the passes
	idle   chan struct{}      // closed when they have ended
	work   sync.WaitGroup     // the matches being formed, and what they still need

	mu       sync.Mutex
	until    time.Time // by the monotonic clock; no longer leading from then on
	stopped  bool
	homes    map[presence.NodeID]*homeStream
	ready    []*forming // with a place, to be decided
	deciding bool       // a goroutine does
}

// homeStream is how far a home's stream of Syncs was taken in.
type homeStream struct {
	stream, seq uint64
	heard       time.Time
}

func newLeader(d *Desk, term int64, until time.Time) *leader {
	o := d.home.o
	o.MaxTickets, o.TicketTimeout, o.OnMatched, o.OnTimeout = math.MaxInt, 0, nil, nil // the homes see to those
	l := &leader{d: d, term: term, pool: New(o), until: until, homes: map[presence.NodeID]*homeStream{}}
	l.pool.propose = l.form
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.idle = make(chan struct{})
	return l
}

// start begins the passes.
func (l *leader) start() {
	ctx, quiet := context.WithCancel(l.ctx)
	l.quiet = quiet
	go l.run(ctx)
}

func (l *leader) run(ctx context.Context) {
	defer close(l.idle)
	l.pool.metrics.MatchmakerLeads(true)
	defer func() {
		if now := l.d.leading(); now == nil || now == l { // not again already
			l.pool.metrics.MatchmakerLeads(false)
		}
	}()
	first := time.NewTimer(min(firstPassWait, l.pool.o.Interval))
	defer first.Stop()
	tick := time.NewTicker(l.pool.o.Interval)
	defer tick.Stop()
	lease := time.NewTimer(l.leaseLeft())
	defer lease.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-lease.C:
			left := l.leaseLeft()
			if left <= 0 {
				l.d.depose(l)
				return
			}
			lease.Reset(left)
		case <-first.C:
			l.pass()
			tick.Reset(l.pool.o.Interval)
		case <-tick.C:
			l.pass()
		}
	}
}

func (l *leader) pass() {
	if l.leaseLeft() <= 0 {
		return
	}
	l.dropSilent()
	l.passes.Add(1)
	l.pool.Process()
}

// leaseLeft returns how long this node may go on leading; at most 0 if it may not.
func (l *leader) leaseLeft() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return 0
	}
	return time.Until(l.until)
}

// renew extends the lead after the lease was renewed by a statement sent at asked. It
// returns false if the lead is over.
func (l *leader) renew(asked time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped || time.Until(l.until) <= 0 {
		return false
	}
	l.until = asked.Add(LeaseTime - leaseMargin)
	return true
}

// stop ends the lead. It returns false if it was over already.
func (l *leader) stop() bool {
	l.mu.Lock()
	was := l.stopped
	l.stopped = true
	l.mu.Unlock()
	l.cancel()
	return !was
}

// finish ends the passes and waits for the matches that are being formed, at most until
// ctx ends.
func (l *leader) finish(ctx context.Context) {
	l.quiet()
	<-l.idle
	formed := make(chan struct{})
	go func() {
		l.work.Wait()
		close(formed)
	}()
	select {
	case <-formed:
	case <-ctx.Done():
	}
}

// HandleSync takes in what changed in a home's tickets. Errors: fault.Unavailable if this
// node does not lead that term.
func (d *Desk) HandleSync(_ context.Context, from presence.NodeID, s *Sync) (*Synced, error) {
	l := d.leading()
	if l == nil || l.term != s.Term {
		return nil, errTermOver
	}
	add := make([]*Ticket, 0, len(s.Add))
	for i := range s.Add {
		t, err := l.pool.offered(&s.Add[i], from)
		if err != nil {
			d.log.Warn().Err(err).Str("ticket", s.Add[i].ID).Msg("another node's ticket is invalid here and cannot match")
			continue
		}
		add = append(add, t)
	}
	return l.take(from, s, add), nil
}

func (l *leader) take(from presence.NodeID, s *Sync, add []*Ticket) *Synced {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.homes[from]
	switch {
	case s.Reset:
		if h != nil && h.stream == s.Stream { // sent again
			break
		}
		l.pool.removeHome(from)
		h = &homeStream{stream: s.Stream}
		l.homes[from] = h
	case h == nil || h.stream != s.Stream || s.Seq > h.seq+1:
		return &Synced{Resync: true}
	}
	if s.Seq > h.seq {
		l.pool.exchange(from, add, s.Remove)
		h.seq = s.Seq
	}
	h.heard = time.Now()
	return &Synced{Passes: l.passes.Load()}
}

// dropSilent removes the tickets of homes that have not been heard. They offer them again
// when they are back.
func (l *leader) dropSilent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for node, h := range l.homes {
		if time.Since(h.heard) > homeSilence {
			l.dropLocked(node)
		}
	}
}

// PeerDown tells that another node is not heard: its tickets do not match until it offers
// them again.
func (d *Desk) PeerDown(node presence.NodeID) {
	if l := d.leading(); l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.dropLocked(node)
	}
}

func (l *leader) dropLocked(node presence.NodeID) {
	if _, there := l.homes[node]; there {
		delete(l.homes, node)
		l.pool.removeHome(node)
	}
}

// offered compiles a ticket of a home. It has a search left in any case, as the matches
// that an earlier leader found for it may not have come about.
func (m *Matchmaker) offered(o *Offer, home presence.NodeID) (*Ticket, error) {
	t, err := newTicket(o.Request)
	if err != nil {
		return nil, err
	}
	t.ID, t.CreatedAt, t.home = o.ID, o.CreatedAt, home
	t.describe()
	t.intervals.Store(int32(o.Searches))
	m.searchAgain(t)
	return t, nil
}

// searchAgain gives a ticket one more search if it has none left.
func (m *Matchmaker) searchAgain(t *Ticket) {
	if t.searches(m.o.MaxIntervals) {
		return
	}
	left := int32(0)
	if t.MinCount != t.MaxCount {
		left = int32(m.o.MaxIntervals) - 1
	}
	t.intervals.Store(left)
}

// exchange adds tickets of a home and removes others.
func (m *Matchmaker) exchange(home presence.NodeID, add []*Ticket, remove []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range add {
		if m.tickets[t.ID] == nil {
			m.insertLocked(t)
		}
	}
	for _, id := range remove {
		if t := m.tickets[id]; t != nil && t.home == home {
			m.removeLocked(t)
		}
	}
}

// removeHome removes all tickets of a home.
func (m *Matchmaker) removeHome(home presence.NodeID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range slices.Clone(m.order.all()) {
		if t.home == home && !t.removed.Load() {
			m.removeLocked(t)
		}
	}
}

// putBack lets tickets of a match that is not to be search and be found again.
func (m *Matchmaker) putBack(match *Match) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range match.Entries {
		m.searchAgain(e.Ticket)
		e.Ticket.taken.Store(false)
	}
	m.back = true
}

// removeMatched removes the tickets of a match that came about.
func (m *Matchmaker) removeMatched(match *Match) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range match.Entries {
		if !e.Ticket.removed.Load() {
			m.removeLocked(e.Ticket)
		}
	}
}

// removeGone removes tickets that their home does not have.
func (m *Matchmaker) removeGone(ids []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if t := m.tickets[id]; t != nil {
			m.removeLocked(t)
		}
	}
}
