package presence

import (
	"runtime/debug"
	"sync"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// eventQueues is how many queues there are, and so how many events can be sent
// concurrently.
const eventQueues = 4

// event is one change on a stream: a join, a leave, or both for a changed
// presence. Hidden presences make no event.
type event struct {
	stream      Stream
	join, leave *Presence
	quiet       bool // only for the listener, not for clients
}

// eventQueue sends the events of the streams assigned to it, in order. Its
// goroutine exists while there are events.
type eventQueue struct {
	tracker *Tracker
	bound   int
	mu      sync.Mutex
	room    sync.Cond
	queue   []event
	running bool
	holds   int    // while there are any, a queue that is not running does not start
	added   uint64 // events, ever
	sent    uint64 // of those
}

func (q *eventQueue) init(t *Tracker, bound int) {
	q.tracker, q.bound = t, bound
	q.room.L = &q.mu
}

// The queue must not depend on the low bits of slot, which choose the shard.
func (t *Tracker) queueOf(slot uint64) *eventQueue { return &t.queues[slot>>32%eventQueues] }

// waitForRoom blocks while the queue is full. No lock may be held, since the
// sending goroutine takes them.
func (q *eventQueue) waitForRoom() {
	q.mu.Lock()
	for len(q.queue) >= q.bound {
		q.room.Wait()
	}
	q.mu.Unlock()
}

// add queues an event and never blocks.
func (q *eventQueue) add(e event) {
	if e.join == nil && e.leave == nil {
		return
	}
	q.mu.Lock()
	q.queue = append(q.queue, e)
	q.added++
	q.start()
	q.mu.Unlock()
}

// start makes events be sent. q.mu is held.
func (q *eventQueue) start() {
	if !q.running && q.holds == 0 && len(q.queue) > 0 {
		q.running = true
		go q.run()
	}
}

// holdEvents makes the events until releaseEvents be sent together, so that the
// changes of one frame of a log make one event per stream. It waits for room in
// the queues: no lock may be held, and what follows must not take long.
func (t *Tracker) holdEvents() {
	for i := range t.queues {
		q := &t.queues[i]
		q.mu.Lock()
		for len(q.queue) >= q.bound {
			q.room.Wait()
		}
		q.holds++
		q.mu.Unlock()
	}
}

func (t *Tracker) releaseEvents() {
	for i := range t.queues {
		q := &t.queues[i]
		q.mu.Lock()
		q.holds--
		q.start()
		q.mu.Unlock()
	}
}

func (q *eventQueue) run() {
	var spare []event
	for done := 0; ; {
		q.mu.Lock()
		q.sent += uint64(done)
		batch := q.queue
		if len(batch) == 0 {
			q.running = false
			q.queue = nil
			q.room.Broadcast()
			q.mu.Unlock()
			return
		}
		q.queue = spare[:0]
		q.room.Broadcast()
		q.mu.Unlock()

		for _, g := range group(batch) {
			q.tracker.announce(g)
		}
		done = len(batch)
		clear(batch)
		spare = batch
	}
}

// Settle waits until clients have been sent the events of a stream that happened
// so far, as before something that has to follow them. No lock may be held that
// a session's Send takes.
func (t *Tracker) Settle(stream Stream) {
	slot := t.slot(stream)
	shard := t.shard(slot)
	// Listeners hear of an event under this lock, before it is queued: once it can
	// be had, what they were told is in the queue.
	shard.mu.RLock()
	//lint:ignore SA2001 nothing is read, the lock is waited for
	shard.mu.RUnlock()
	q := t.queueOf(slot)
	q.mu.Lock()
	defer q.mu.Unlock()
	for upTo := q.added; q.sent < upTo; {
		q.room.Wait()
	}
}

// Close waits until all events have been sent. The tracker holds nothing else
// that needs closing.
func (t *Tracker) Close() {
	for i := range t.queues {
		q := &t.queues[i]
		q.mu.Lock()
		for q.running {
			q.room.Wait()
		}
		q.mu.Unlock()
	}
}

// change is all that happened on one stream in a batch.
type change struct {
	stream        Stream
	joins, leaves []*Presence
}

// group collects the changes of each stream. Events of a session that joins
// and leaves within a batch go into separate changes, since the order within a
// change is lost.
func group(batch []event) []*change {
	type seen struct {
		c       *change
		session uuid.UUID
	}
	var changes []*change
	latest := make(map[Stream]*change, 1)
	var known map[seen]struct{}
	if len(batch) > 1 {
		known = make(map[seen]struct{}, len(batch))
	}
	for _, e := range batch {
		p := e.join
		if p == nil {
			p = e.leave
		}
		c := latest[e.stream]
		if c != nil {
			if _, twice := known[seen{c, p.Session}]; twice {
				c = nil
			}
		}
		if c == nil {
			c = &change{stream: e.stream}
			latest[e.stream] = c
			changes = append(changes, c)
		}
		if known != nil {
			known[seen{c, p.Session}] = struct{}{}
		}
		if e.leave != nil {
			c.leaves = append(c.leaves, e.leave)
		}
		if e.join != nil {
			c.joins = append(c.joins, e.join)
		}
	}
	return changes
}

// announce sends a change to the sessions that may see it.
func (t *Tracker) announce(c *change) {
	defer func() {
		if r := recover(); r != nil {
			t.log.Error().Interface("panic", r).Bytes("stack", debug.Stack()).Msg("presence event failed")
		}
	}()
	if t.metrics != nil {
		t.metrics.PresenceEvents(len(c.joins) + len(c.leaves))
	}
	if c.stream.Mode == ModeStatus {
		followers := t.follows.of(c.stream.Subject)
		if len(followers) == 0 {
			return
		}
		m := NewMessage(c.envelope())
		for _, id := range followers {
			if s := t.sessions.Get(id); s != nil {
				s.Send(m)
			}
		}
		return
	}
	on := t.entriesOf(c.stream)
	if len(on) == 0 {
		return
	}
	m := NewMessage(c.envelope())
	for i := range on {
		on[i].session.Send(m)
	}
}

// envelope returns the event in the form that the stream's mode prescribes.
func (c *change) envelope() *rtapi.Envelope {
	s := c.stream
	joins, leaves := UserPresences(c.joins), UserPresences(c.leaves)
	switch s.Mode {
	case ModeStatus:
		return &rtapi.Envelope{Message: &rtapi.Envelope_StatusPresenceEvent{StatusPresenceEvent: &rtapi.StatusPresenceEvent{Joins: joins, Leaves: leaves}}}
	case ModeRoom, ModeGroup, ModeDirect:
		e := &rtapi.ChannelPresenceEvent{ChannelId: s.ChannelID(), Joins: joins, Leaves: leaves}
		switch s.Mode {
		case ModeRoom:
			e.RoomName = s.Label
		case ModeGroup:
			e.GroupId = s.Subject.String()
		default:
			e.UserIdOne, e.UserIdTwo = s.Subject.String(), s.Subcontext.String()
		}
		return &rtapi.Envelope{Message: &rtapi.Envelope_ChannelPresenceEvent{ChannelPresenceEvent: e}}
	case ModeMatchRelayed, ModeMatchAuthoritative:
		return &rtapi.Envelope{Message: &rtapi.Envelope_MatchPresenceEvent{MatchPresenceEvent: &rtapi.MatchPresenceEvent{MatchId: s.MatchID(), Joins: joins, Leaves: leaves}}}
	case ModeParty:
		return &rtapi.Envelope{Message: &rtapi.Envelope_PartyPresenceEvent{PartyPresenceEvent: &rtapi.PartyPresenceEvent{PartyId: s.MatchID(), Joins: joins, Leaves: leaves}}}
	}
	return &rtapi.Envelope{Message: &rtapi.Envelope_StreamPresenceEvent{StreamPresenceEvent: &rtapi.StreamPresenceEvent{Stream: s.Message(), Joins: joins, Leaves: leaves}}}
}

// Message returns the stream as clients see it.
func (s Stream) Message() *rtapi.Stream {
	return &rtapi.Stream{Mode: int32(s.Mode), Subject: idText(s.Subject), Subcontext: idText(s.Subcontext), Label: s.Label}
}

// UserPresences returns presences as clients see them, nil for none.
func UserPresences(all []*Presence) []*rtapi.UserPresence {
	if len(all) == 0 {
		return nil
	}
	out := make([]*rtapi.UserPresence, len(all))
	for i, p := range all {
		out[i] = p.UserPresence()
	}
	return out
}

// UserPresence returns p as clients see it. Only status streams show a status.
func (p *Presence) UserPresence() *rtapi.UserPresence {
	u := &rtapi.UserPresence{
		UserId: p.UserID.String(), SessionId: p.Session.String(), Username: p.Username, Persistence: p.Persistence,
	}
	if p.Stream.Mode == ModeStatus {
		u.Status = wrapperspb.String(p.Status)
	}
	return u
}
