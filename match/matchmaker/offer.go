package matchmaker

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"kumi/presence"
)

// offering is what a home has told the leader of its tickets. Only syncLoop uses it.
type offering struct {
	to     presence.NodeID
	term   int64
	stream uint64
	seq    uint64
	reset  bool
	queue  []*Ticket // to be offered, oldest first
	gone   []string  // to be withdrawn
	last   *Sync     // not answered yet, with the tickets it offers
	sent   []*Ticket
	passes int64 // of this leader, as far as known
	at     time.Time
}

// maxSync bounds what one Sync carries: tickets or ids, and roughly its bytes.
const (
	maxSyncTickets = 512
	maxSyncBytes   = 256 << 10
)

// syncLoop offers this home's waiting tickets to the leader: all of them to a new one, then
// what changes.
func (d *Desk) syncLoop(ctx context.Context) {
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		more := d.syncOnce(ctx)
		if more && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-d.sync:
		case <-tick.C:
		}
	}
}

// maxChanges is how many added and removed tickets a home keeps while no leader answers,
// as none may while the database is away.
const maxChanges = 10_000

// syncOnce sends one Sync, if there is a leader and something to tell it, and reports
// whether there is more to send now.
func (d *Desk) syncOnce(ctx context.Context) (more bool) {
	o := &d.offer
	leader, term, ok := d.leaderNow()
	if !ok {
		d.home.dropChanges() // the first stream begins with what waits then
		return false
	}
	if term != o.term {
		d.beginStream(leader, term)
	}
	if o.last == nil && !d.nextSync() {
		return false
	}
	call, cancel := context.WithTimeout(ctx, callWait)
	answer, err := d.callSync(call, o.to, o.last)
	cancel()
	switch {
	case err != nil:
		if d.home.dropChanges() {
			o.term = 0 // begin anew, with what waits then
		}
		return false // the same one again
	case answer.Resync:
		d.beginStream(leader, term)
		return false // at the next tick, so that a confused leader is not called in a loop
	}
	d.acknowledge(answer)
	return len(o.queue) > 0 || len(o.gone) > 0
}

func (d *Desk) callSync(ctx context.Context, to presence.NodeID, s *Sync) (*Synced, error) {
	if to == d.self {
		return d.HandleSync(ctx, to, s)
	}
	return d.net.Sync(ctx, to, s)
}

// beginStream queues all waiting tickets for a leader that knows none of them.
func (d *Desk) beginStream(leader presence.NodeID, term int64) {
	before := d.offer.passes
	d.offer = offering{to: leader, term: term, stream: rand.Uint64(), reset: true}
	m := d.home
	m.mu.Lock()
	defer m.mu.Unlock()
	m.added, m.removed = nil, nil
	for _, t := range m.order.all() {
		if t.removed.Load() {
			continue
		}
		if t.known { // so the leader before has searched for it since
			t.intervals.Store(min(t.intervals.Load()+int32(max(0, before-t.since)), int32(m.o.MaxIntervals)))
			t.known = false
		}
		if t.held == nil {
			d.offer.queue = append(d.offer.queue, t)
		}
	}
}

// nextSync makes the next Sync of the stream. It returns false if there is nothing to
// send: no change, and the last Sync not long ago.
func (d *Desk) nextSync() bool {
	o := &d.offer
	s := &Sync{Term: o.term, Stream: o.stream, Seq: o.seq + 1, Reset: o.reset}
	o.sent = o.sent[:0]
	m := d.home
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.removed {
		if t.known {
			o.gone = append(o.gone, t.ID)
		}
	}
	o.queue = append(o.queue, m.added...)
	m.added, m.removed = nil, nil
	n := min(len(o.gone), maxSyncTickets)
	s.Remove, o.gone = slices.Clone(o.gone[:n]), o.gone[n:]
	bytes := 0
	for len(o.queue) > 0 && len(s.Add) < maxSyncTickets && bytes < maxSyncBytes {
		t := o.queue[0]
		o.queue = o.queue[1:]
		if t.removed.Load() || t.held != nil {
			continue // a held one is queued again if its match is not to be
		}
		t.known, t.since = true, math.MaxInt64 // until the leader has answered
		offer := t.Offer()
		bytes += offer.size()
		s.Add, o.sent = append(s.Add, offer), append(o.sent, t)
	}
	if !o.reset && len(s.Add) == 0 && len(s.Remove) == 0 && time.Since(o.at) < syncAlive {
		return false
	}
	o.last = s
	return true
}

// acknowledge takes in that the leader has the last Sync.
func (d *Desk) acknowledge(answer *Synced) {
	o := &d.offer
	m := d.home
	m.mu.Lock()
	for _, t := range o.sent {
		t.since = answer.Passes
	}
	m.mu.Unlock()
	o.seq, o.reset, o.last, o.passes, o.at = o.last.Seq, false, nil, answer.Passes, time.Now()
}

// Offer returns the ticket as its home offers it.
func (t *Ticket) Offer() Offer {
	return Offer{Request: t.Request, ID: t.ID, CreatedAt: t.CreatedAt, Searches: int(t.intervals.Load())}
}

// Ticket returns the ticket as far as it can be shown: it is in no pool and cannot be.
func (o *Offer) Ticket() *Ticket {
	t := &Ticket{Request: o.Request, ID: o.ID, CreatedAt: o.CreatedAt, slot: noSlot}
	t.enter()
	return t
}

// size is roughly the bytes that the offer takes in a message.
func (o *Offer) size() int {
	n := 100 + len(o.Query) + 100*len(o.Presences)
	for key, text := range o.StringProperties {
		n += len(key) + len(text) + 8
	}
	for key := range o.NumericProperties {
		n += len(key) + 16
	}
	return n
}
