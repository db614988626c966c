package presence

import (
	"errors"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"
)

// Errors of the tracker.
var (
	ErrNoSession    = errors.New("session not found")
	ErrSessionEnded = errors.New("session is closing")
)

const streamShards = 64 // a power of two

// TrackerOptions are what a Tracker is made of. Node and Sessions must be set.
type TrackerOptions struct {
	Node     string
	Sessions *Sessions
	Logger   zerolog.Logger
	// EventQueue is how many joins and leaves may wait to be sent before those
	// who cause more have to wait; 0 means 1024. None is ever dropped.
	EventQueue int
	Metrics    Metrics // nil: nothing is recorded
}

// Metrics receives what the tracker counts. Implementations must not block.
type Metrics interface {
	// PresenceEvents counts joins and leaves that were sent out.
	PresenceEvents(n int)
}

// Tracker holds who is on which stream, and tells the streams of joins and
// leaves. Streams are spread over shards with a lock each, so that busy streams
// do not wait for each other. Events of one stream are sent in the order in
// which they happened, by goroutines that exist only while there are any.
//
// Locks are taken in this order: member, stream shard, event lane; and member,
// follows.
type Tracker struct {
	node      string
	sessions  *Sessions
	log       zerolog.Logger
	metrics   Metrics
	seed      maphash.Seed
	shards    [streamShards]streamShard
	lanes     [eventLanes]lane
	listeners [256]atomic.Pointer[Listener]
	follows   follows
	count     atomic.Int64
}

// Listener is told of each join and leave on the streams of one mode at the
// moment it happens, hidden ones included. One of the two is nil, except when a
// presence changed. It runs under the Tracker's locks: it must not block and not
// call the Tracker.
type Listener func(stream Stream, join, leave *Presence)

type streamShard struct {
	mu sync.RWMutex
	by map[Stream]*place
}

// place is one stream: its presences in order of arrival. The slice is handed
// out to readers, so what they can see of it is never written again.
type place struct {
	on     []entry
	shared bool // on was handed out
}

type entry struct {
	id       uuid.UUID // the session, here so that a scan touches no other memory
	presence *Presence
	session  Session
}

// NewTracker returns a tracker. It starts nothing.
func NewTracker(o TrackerOptions) *Tracker {
	t := &Tracker{node: o.Node, sessions: o.Sessions, log: o.Logger, metrics: o.Metrics, seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].by = map[Stream]*place{}
	}
	bound := o.EventQueue
	if bound <= 0 {
		bound = 1024
	}
	for i := range t.lanes {
		t.lanes[i].init(t, bound)
	}
	t.follows.init()
	return t
}

// Node is the name of the node whose sessions this tracker holds.
func (t *Tracker) Node() string { return t.node }

// Listen sets who is told of the joins and leaves on streams of a mode.
func (t *Tracker) Listen(mode uint8, l Listener) { t.listeners[mode].Store(&l) }

func (t *Tracker) slot(s Stream) uint64 { return maphash.Comparable(t.seed, s) }

func (t *Tracker) shard(slot uint64) *streamShard { return &t.shards[slot%streamShards] }

// Track puts a session on a stream. Where it already is nothing changes and
// isNew is false. The error is ErrNoSession or ErrSessionEnded.
func (t *Tracker) Track(session uuid.UUID, stream Stream, meta Meta) (p *Presence, isNew bool, err error) {
	return t.put(session, stream, meta, false)
}

// Update puts a session on a stream or changes what it says of itself there,
// which others see as a leave and a join in one event.
func (t *Tracker) Update(session uuid.UUID, stream Stream, meta Meta) (*Presence, error) {
	p, _, err := t.put(session, stream, meta, true)
	return p, err
}

// Persist changes whether what a session says on a stream is stored, of which
// others need not know: there is no event. It returns the new presence, nil when
// the session is not on the stream.
func (t *Tracker) Persist(session uuid.UUID, stream Stream, persistence bool) *Presence {
	shard := t.shard(t.slot(stream))
	shard.mu.Lock()
	defer shard.mu.Unlock()
	at := shard.by[stream]
	if at == nil {
		return nil
	}
	i := at.find(session)
	if i < 0 {
		return nil
	}
	changed := *at.on[i].presence
	changed.Persistence = persistence
	at.own()
	at.on[i].presence = &changed
	return &changed
}

func (t *Tracker) put(session uuid.UUID, stream Stream, meta Meta, replace bool) (*Presence, bool, error) {
	m := t.sessions.member(session)
	if m == nil {
		return nil, false, ErrNoSession
	}
	slot := t.slot(stream)
	t.lane(slot).admit()

	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return nil, false, ErrSessionEnded
	}
	if meta.Username == "" {
		meta.Username = m.session.Username()
	}
	isNew := !slices.Contains(m.streams, stream)
	meta.Reason = runtime.PresenceReasonJoin
	if !isNew {
		meta.Reason = runtime.PresenceReasonUpdate
	}
	p := &Presence{ID: ID{Node: t.node, Session: session}, Stream: stream, UserID: m.session.UserID(), Meta: meta}

	shard := t.shard(slot)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	at := shard.by[stream]
	if at == nil {
		at = &place{}
		shard.by[stream] = at
	}
	if isNew {
		m.streams = append(m.streams, stream)
		// Readers hold the slice up to its old length: what is appended behind
		// that they do not see.
		at.on = append(at.on, entry{id: session, presence: p, session: m.session})
		t.count.Add(1)
		t.happened(slot, event{stream: stream, join: p})
		return p, true, nil
	}
	i := at.find(session)
	old := at.on[i].presence
	if !replace {
		return old, false, nil
	}
	at.own()
	at.on[i].presence = p
	t.happened(slot, event{stream: stream, join: p, leave: old.WithReason(runtime.PresenceReasonUpdate)})
	return p, false, nil
}

// Untrack takes a session off a stream and tells whether it was on it.
func (t *Tracker) Untrack(session uuid.UUID, stream Stream, reason runtime.PresenceReason) bool {
	m := t.sessions.member(session)
	if m == nil {
		return false
	}
	t.lane(t.slot(stream)).admit()
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.Index(m.streams, stream)
	if i < 0 {
		return false
	}
	m.streams = slices.Delete(m.streams, i, i+1)
	t.take(session, stream, reason, false)
	return true
}

// UntrackAll takes a session off every stream for which which is true (nil
// means all) and returns how many those were.
func (t *Tracker) UntrackAll(session uuid.UUID, reason runtime.PresenceReason, which func(Stream) bool) int {
	return t.untrackAll(session, reason, which, false)
}

// End takes a session off every stream and lets it onto none any more. It also
// ends what the session follows.
func (t *Tracker) End(session uuid.UUID, reason runtime.PresenceReason) {
	t.untrackAll(session, reason, nil, true)
	t.unfollowAll(session)
}

func (t *Tracker) untrackAll(session uuid.UUID, reason runtime.PresenceReason, which func(Stream) bool, end bool) int {
	m := t.sessions.member(session)
	if m == nil {
		return 0
	}
	for i := range t.lanes {
		t.lanes[i].admit()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = m.ended || end
	kept, taken := m.streams[:0], 0
	for _, s := range m.streams {
		if which != nil && !which(s) {
			kept = append(kept, s)
			continue
		}
		t.take(session, s, reason, false)
		taken++
	}
	clear(m.streams[len(kept):])
	m.streams = kept
	return taken
}

// UntrackStream takes every session off a stream. Nobody is left to be told, so
// clients hear nothing of it; the mode's listener does.
func (t *Tracker) UntrackStream(stream Stream, reason runtime.PresenceReason) {
	for _, e := range t.on(stream) {
		m := t.sessions.member(e.id)
		if m == nil {
			continue
		}
		m.mu.Lock()
		if i := slices.Index(m.streams, stream); i >= 0 {
			m.streams = slices.Delete(m.streams, i, i+1)
			t.take(e.id, stream, reason, true)
		}
		m.mu.Unlock()
	}
}

// take removes a session from a stream, without an event for clients if quiet.
// The member's lock is held.
func (t *Tracker) take(session uuid.UUID, stream Stream, reason runtime.PresenceReason, quiet bool) {
	slot := t.slot(stream)
	shard := t.shard(slot)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	at := shard.by[stream]
	i := at.find(session)
	p := at.on[i].presence
	if len(at.on) == 1 {
		delete(shard.by, stream)
	} else {
		at.own()
		at.on = slices.Delete(at.on, i, i+1)
	}
	t.count.Add(-1)
	t.happened(slot, event{stream: stream, leave: p.WithReason(reason), quiet: quiet})
}

// own makes sure that no reader holds the slice that is about to change.
func (p *place) own() {
	if p.shared {
		p.on, p.shared = slices.Clone(p.on), false
	}
}

func (p *place) find(session uuid.UUID) int { return indexOf(p.on, session) }

func indexOf(on []entry, session uuid.UUID) int {
	for i := range on {
		if on[i].id == session {
			return i
		}
	}
	return -1
}

// on is who is on a stream now. The slice is never written again.
func (t *Tracker) on(stream Stream) []entry {
	shard := t.shard(t.slot(stream))
	shard.mu.RLock()
	at := shard.by[stream]
	if at == nil {
		shard.mu.RUnlock()
		return nil
	}
	if at.shared {
		on := at.on
		shard.mu.RUnlock()
		return on[:len(on):len(on)]
	}
	shard.mu.RUnlock()
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if at = shard.by[stream]; at == nil {
		return nil
	}
	at.shared = true
	return at.on[:len(at.on):len(at.on)]
}

// happened tells the listener of an event, and queues what clients may see of
// it. The locks of its stream are held.
func (t *Tracker) happened(slot uint64, e event) {
	if l := t.listeners[e.stream.Mode].Load(); l != nil {
		(*l)(e.stream, e.join, e.leave)
	}
	if e.quiet {
		return
	}
	if e.join != nil && e.join.Hidden {
		e.join = nil
	}
	if e.leave != nil && e.leave.Hidden {
		e.leave = nil
	}
	t.lane(slot).add(e)
}

// WithReason is a copy of p that says why it came or went.
func (p *Presence) WithReason(reason runtime.PresenceReason) *Presence {
	changed := *p
	changed.Reason = reason
	return &changed
}
