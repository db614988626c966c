package presence

import (
	"runtime/debug"
	"sync"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// eventLanes is how many streams' events can be on their way at once.
const eventLanes = 4

// event is one change on a stream: who came, who went, or one of each for a
// change of a presence. Hidden presences make no event.
type event struct {
	stream      Stream
	join, leave *Presence
	quiet       bool // not for clients
}

// lane sends the events of the streams that belong to it, in order. Its
// goroutine exists while there are events.
type lane struct {
	tracker *Tracker
	bound   int
	mu      sync.Mutex
	room    sync.Cond
	queue   []event
	running bool
}

func (l *lane) init(t *Tracker, bound int) {
	l.tracker, l.bound = t, bound
	l.room.L = &l.mu
}

// The lane must not depend on the low bits that chose the shard.
func (t *Tracker) lane(slot uint64) *lane { return &t.lanes[slot>>32%eventLanes] }

// admit waits until the lane has room. No lock may be held: what makes room
// takes them.
func (l *lane) admit() {
	l.mu.Lock()
	for len(l.queue) >= l.bound {
		l.room.Wait()
	}
	l.mu.Unlock()
}

// add queues an event and never waits.
func (l *lane) add(e event) {
	if e.join == nil && e.leave == nil {
		return
	}
	l.mu.Lock()
	l.queue = append(l.queue, e)
	start := !l.running
	l.running = true
	l.mu.Unlock()
	if start {
		go l.run()
	}
}

func (l *lane) run() {
	var spare []event
	for {
		l.mu.Lock()
		batch := l.queue
		if len(batch) == 0 {
			l.running = false
			l.queue = nil
			l.room.Broadcast()
			l.mu.Unlock()
			return
		}
		l.queue = spare[:0]
		l.room.Broadcast()
		l.mu.Unlock()

		for _, g := range group(batch) {
			l.tracker.announce(g)
		}
		clear(batch)
		spare = batch
	}
}

// Close waits until all events have been sent. The tracker needs no closing
// otherwise.
func (t *Tracker) Close() {
	for i := range t.lanes {
		l := &t.lanes[i]
		l.mu.Lock()
		for l.running {
			l.room.Wait()
		}
		l.mu.Unlock()
	}
}

// change is what happened on one stream in a batch.
type change struct {
	stream        Stream
	joins, leaves []*Presence
}

// group gathers the changes of each stream. A session that comes and goes
// within the batch has its events kept apart, as readers of one event could not
// tell which came first.
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

// announce tells a stream of its changes.
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
	on := t.on(c.stream)
	if len(on) == 0 {
		return
	}
	m := NewMessage(c.envelope())
	for i := range on {
		on[i].session.Send(m)
	}
}

// envelope is the event in the form that the mode of the stream asks for.
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

// Message is the stream as clients see it.
func (s Stream) Message() *rtapi.Stream {
	return &rtapi.Stream{Mode: int32(s.Mode), Subject: idText(s.Subject), Subcontext: idText(s.Subcontext), Label: s.Label}
}

// UserPresences are presences as clients see them, nil where there are none.
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

// UserPresence is p as clients see it. Only status streams show a status.
func (p *Presence) UserPresence() *rtapi.UserPresence {
	u := &rtapi.UserPresence{
		UserId: p.UserID.String(), SessionId: p.Session.String(), Username: p.Username, Persistence: p.Persistence,
	}
	if p.Stream.Mode == ModeStatus {
		u.Status = wrapperspb.String(p.Status)
	}
	return u
}
