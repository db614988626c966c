package presence

import (
	"errors"
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

// TrackerOptions configure a Tracker. Node and Sessions are required.
type TrackerOptions struct {
	Node     string
	Sessions *Sessions
	Logger   zerolog.Logger
	// EventQueue is how many joins and leaves may be queued for sending before calls
	// that cause more block; 0 means 1024. None is ever dropped.
	EventQueue int
	Metrics    Metrics // nil: nothing is recorded
}

// Metrics receives what the tracker counts. Implementations must not block.
type Metrics interface {
	// PresenceEvents counts joins and leaves sent to clients.
	PresenceEvents(n int)
}

// Tracker holds the presences of each stream, and sends joins and leaves to
// the stream. Streams are spread over shards with a lock each, so that busy
// streams do not contend. The events of a stream are sent in the order in
// which they happened, by goroutines that exist only while there are any.
//
// Lock order: member, stream shard, follows, event queue, Log; and member, follows.
type Tracker struct {
	node      string
	id        NodeID
	sessions  *Sessions
	log       zerolog.Logger
	metrics   Metrics
	far       *elsewhere // the other nodes; nil if there are none
	shards    [streamShards]streamShard
	queues    [eventQueues]eventQueue
	listeners [256]atomic.Pointer[Listener]
	follows   follows
	count     atomic.Int64
}

// Listener is called for each join and leave on the streams of one mode when
// it happens, hidden ones and those of other nodes included. One of the two is
// nil, except when a presence changed. It runs with the Tracker's locks held: it
// must not block and not call the Tracker.
type Listener func(stream Stream, join, leave *Presence)

type streamShard struct {
	mu      sync.RWMutex
	streams map[Stream]*streamEntry
	far     map[Stream]*farList // presences of other nodes; nil if there are none
}

// streamEntry holds the presences of one stream, in order of arrival. The
// slice is handed out to readers, so the part they see is never written again.
type streamEntry struct {
	entries []entry
	shared  bool // entries was handed out
}

type entry struct {
	id       uuid.UUID // the session id, here so that a scan stays within the slice
	presence *Presence
	session  Session
}

// NewTracker returns a tracker. It starts no goroutine.
func NewTracker(o TrackerOptions) *Tracker {
	t := &Tracker{node: o.Node, id: NodeHash(o.Node), sessions: o.Sessions, log: o.Logger, metrics: o.Metrics}
	for i := range t.shards {
		t.shards[i].streams = map[Stream]*streamEntry{}
	}
	bound := o.EventQueue
	if bound <= 0 {
		bound = 1024
	}
	for i := range t.queues {
		t.queues[i].init(t, bound)
	}
	t.follows.init()
	return t
}

// Node returns the name of the node whose sessions this tracker holds.
func (t *Tracker) Node() string { return t.node }

// Owns reports whether a session id is one of this node.
func (t *Tracker) Owns(session uuid.UUID) bool { return OnNode(session, t.id) }

// Listen sets the listener for streams of a mode.
func (t *Tracker) Listen(mode uint8, l Listener) { t.listeners[mode].Store(&l) }

func (t *Tracker) slot(s Stream) uint64 { return s.hash() }

func (t *Tracker) shard(slot uint64) *streamShard { return &t.shards[slot%streamShards] }

// Track puts a session on a stream. If it is there already, nothing changes
// and isNew is false. The error is ErrNoSession or ErrSessionEnded.
func (t *Tracker) Track(session uuid.UUID, stream Stream, meta Meta) (p *Presence, isNew bool, err error) {
	return t.put(session, stream, meta, false, false)
}

// Update puts a session on a stream, or replaces its metadata there except the
// admission, which others see as a leave and a join in one event.
func (t *Tracker) Update(session uuid.UUID, stream Stream, meta Meta) (*Presence, error) {
	p, _, err := t.put(session, stream, meta, true, false)
	return p, err
}

// Persist changes the persistence of a session on a stream, without an event,
// as others need not know. It returns the new presence, nil if the session is
// not on the stream.
func (t *Tracker) Persist(session uuid.UUID, stream Stream, persistence bool) *Presence {
	shard := t.shard(t.slot(stream))
	shard.mu.Lock()
	defer shard.mu.Unlock()
	se := shard.streams[stream]
	if se == nil {
		return nil
	}
	i := se.find(session)
	if i < 0 {
		return nil
	}
	changed := *se.entries[i].presence
	changed.Persistence = persistence
	t.logUpdate(&changed, se.entries[i].presence, se.entries[i].session, true)
	se.makeWritable()
	se.entries[i].presence = &changed
	return &changed
}

func (t *Tracker) put(session uuid.UUID, stream Stream, meta Meta, replace, silent bool) (*Presence, bool, error) {
	m := t.sessions.member(session)
	if m == nil {
		return nil, false, ErrNoSession
	}
	slot := t.slot(stream)
	t.queueOf(slot).waitForRoom()

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
	se := shard.streams[stream]
	if se == nil {
		se = &streamEntry{}
		shard.streams[stream] = se
	}
	if isNew {
		m.streams = append(m.streams, stream)
		// Readers hold the slice with its old length and do not see what is appended.
		se.entries = append(se.entries, entry{id: session, presence: p, session: m.session})
		t.count.Add(1)
		t.logTrack(p, m.session, len(se.entries) == 1)
		if !silent {
			t.emit(slot, event{stream: stream, join: p})
		}
		return p, true, nil
	}
	i := se.find(session)
	old := se.entries[i].presence
	if !replace {
		return old, false, nil
	}
	p.Admission = old.Admission
	se.makeWritable()
	se.entries[i].presence = p
	t.logUpdate(p, old, m.session, false)
	t.emit(slot, event{stream: stream, join: p, leave: old.WithReason(runtime.PresenceReasonUpdate)})
	return p, false, nil
}

// Untrack takes a session off a stream and reports whether it was on it.
func (t *Tracker) Untrack(session uuid.UUID, stream Stream, reason runtime.PresenceReason) bool {
	m := t.sessions.member(session)
	if m == nil {
		return false
	}
	t.queueOf(t.slot(stream)).waitForRoom()
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.Index(m.streams, stream)
	if i < 0 {
		return false
	}
	m.streams = slices.Delete(m.streams, i, i+1)
	t.remove(session, stream, reason, false)
	return true
}

// UntrackAll takes a session off the streams for which which returns true
// (nil: all) and returns their number.
func (t *Tracker) UntrackAll(session uuid.UUID, reason runtime.PresenceReason, which func(Stream) bool) int {
	return t.untrackAll(session, reason, which, false)
}

// End takes a session off every stream and makes Track fail from now on. It
// also ends what the session follows.
func (t *Tracker) End(session uuid.UUID, reason runtime.PresenceReason) {
	t.untrackAll(session, reason, nil, true)
	t.unfollowAll(session)
}

func (t *Tracker) untrackAll(session uuid.UUID, reason runtime.PresenceReason, which func(Stream) bool, end bool) int {
	m := t.sessions.member(session)
	if m == nil {
		return 0
	}
	for i := range t.queues {
		t.queues[i].waitForRoom()
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
		t.remove(session, s, reason, false)
		taken++
	}
	clear(m.streams[len(kept):])
	m.streams = kept
	return taken
}

// UntrackStream takes every session off a stream, those of other nodes soon
// after. No event is sent, since nobody is left to receive it, but the mode's
// listener is called.
func (t *Tracker) UntrackStream(stream Stream, reason runtime.PresenceReason) {
	// Told first, so that the others have nobody on the stream when they hear who of
	// this node has left it.
	t.tell(Op{Kind: OpClear, Stream: stream, Meta: Meta{Reason: reason}})
	t.clear(stream, reason)
}

// UntrackUser takes all sessions of a user off a stream, those of other nodes
// soon after.
func (t *Tracker) UntrackUser(user uuid.UUID, stream Stream, reason runtime.PresenceReason) {
	t.kick(user, stream, reason)
	t.tell(Op{Kind: OpKick, User: user, Stream: stream, Meta: Meta{Reason: reason}})
}

func (t *Tracker) kick(user uuid.UUID, stream Stream, reason runtime.PresenceReason) {
	for _, s := range t.sessions.OfUser(user) {
		t.Untrack(s.ID(), stream, reason)
	}
}

// clear takes the sessions of this node off a stream, without an event.
func (t *Tracker) clear(stream Stream, reason runtime.PresenceReason) {
	for _, e := range t.entriesOf(stream) {
		m := t.sessions.member(e.id)
		if m == nil {
			continue
		}
		m.mu.Lock()
		if i := slices.Index(m.streams, stream); i >= 0 {
			m.streams = slices.Delete(m.streams, i, i+1)
			t.remove(e.id, stream, reason, true)
		}
		m.mu.Unlock()
	}
}

// remove removes a session from a stream, without an event for clients if
// quiet. The member's lock is held.
func (t *Tracker) remove(session uuid.UUID, stream Stream, reason runtime.PresenceReason, quiet bool) {
	slot := t.slot(stream)
	shard := t.shard(slot)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	se := shard.streams[stream]
	i := se.find(session)
	p := se.entries[i].presence
	if len(se.entries) == 1 {
		delete(shard.streams, stream)
	} else {
		se.makeWritable()
		se.entries = slices.Delete(se.entries, i, i+1)
	}
	t.count.Add(-1)
	t.logUntrack(p, reason)
	t.emit(slot, event{stream: stream, leave: p.WithReason(reason), quiet: quiet})
}

// makeWritable clones the slice if readers may hold it.
func (e *streamEntry) makeWritable() {
	if e.shared {
		e.entries, e.shared = slices.Clone(e.entries), false
	}
}

func (e *streamEntry) find(session uuid.UUID) int { return indexOf(e.entries, session) }

func indexOf(on []entry, session uuid.UUID) int {
	for i := range on {
		if on[i].id == session {
			return i
		}
	}
	return -1
}

// entriesOf returns the entries of a stream. The slice is never written again.
func (t *Tracker) entriesOf(stream Stream) []entry {
	shard := t.shard(t.slot(stream))
	shard.mu.RLock()
	se := shard.streams[stream]
	if se == nil {
		shard.mu.RUnlock()
		return nil
	}
	if se.shared {
		on := se.entries
		shard.mu.RUnlock()
		return on[:len(on):len(on)]
	}
	shard.mu.RUnlock()
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if se = shard.streams[stream]; se == nil {
		return nil
	}
	se.shared = true
	return se.entries[:len(se.entries):len(se.entries)]
}

// emit calls the listener, and queues the event for clients if they may see
// it. The stream's shard is locked.
func (t *Tracker) emit(slot uint64, e event) {
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
	t.queueOf(slot).add(e)
}

// WithReason returns a copy of p with a reason.
func (p *Presence) WithReason(reason runtime.PresenceReason) *Presence {
	changed := *p
	changed.Reason = reason
	return &changed
}
