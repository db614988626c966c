package presence

import "github.com/gofrs/uuid/v5"

// List returns the hidden presences on a stream, the visible ones, or both, in
// order of arrival: those of this node, then those of others.
func (t *Tracker) List(stream Stream, hidden, visible bool) []*Presence {
	on := t.entriesOf(stream)
	all := make([]*Presence, 0, len(on))
	for i := range on {
		if p := on[i].presence; p.Hidden && hidden || !p.Hidden && visible {
			all = append(all, p)
		}
	}
	if t.far != nil {
		t.eachFar(stream, func(e *farEntry) {
			if h := e.flags&flagHidden != 0; h && hidden || !h && visible {
				all = append(all, e.presence(stream))
			}
		})
	}
	return all
}

// Get returns the presence of a session on a stream, or nil.
func (t *Tracker) Get(session uuid.UUID, stream Stream) *Presence {
	shard := t.shard(t.slot(stream))
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	if se := shard.streams[stream]; se != nil {
		if i := se.find(session); i >= 0 {
			return se.entries[i].presence
		}
	}
	if shard.far == nil {
		return nil
	}
	if l := shard.far[stream]; l != nil {
		if i := l.findID(session); i >= 0 {
			return l.entries[i].presence(stream)
		}
	}
	return nil
}

// Count returns the number of presences on a stream, hidden ones included.
func (t *Tracker) Count(stream Stream) int {
	shard := t.shard(t.slot(stream))
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	n := 0
	if shard.far != nil {
		n = shard.countFar(stream)
	}
	if se := shard.streams[stream]; se != nil {
		n += len(se.entries)
	}
	return n
}

// Total returns the number of presences on all streams.
func (t *Tracker) Total() int {
	if t.far != nil {
		return t.Own() + int(t.far.count.Load())
	}
	return t.Own()
}

// Own returns the number of presences of this node's sessions.
func (t *Tracker) Own() int { return int(t.count.Load()) }

// Online reports whether a user shows a status, on any of its sockets.
func (t *Tracker) Online(user uuid.UUID) bool { return t.Count(StatusOf(user)) > 0 }

// OnlineMany is Online for several users, in their order.
func (t *Tracker) OnlineMany(users []uuid.UUID) []bool {
	online := make([]bool, len(users))
	for i, u := range users {
		online[i] = t.Online(u)
	}
	return online
}

// StreamsOf returns the streams a session of this node is on, in the order it joined them.
func (t *Tracker) StreamsOf(session uuid.UUID) []Stream {
	m := t.sessions.member(session)
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Stream(nil), m.streams...)
}

// Streams calls visit for the streams of a mode, with their number of
// presences, in no order, until it returns false. No lock is held meanwhile.
func (t *Tracker) Streams(mode uint8, visit func(s Stream, presences int) bool) {
	type found struct {
		stream Stream
		n      int
	}
	for i := range t.shards {
		shard := &t.shards[i]
		shard.mu.RLock()
		var all []found
		for s, se := range shard.streams {
			if s.Mode == mode {
				all = append(all, found{s, len(se.entries) + shard.countFar(s)})
			}
		}
		for s, l := range shard.far {
			if s.Mode == mode && shard.streams[s] == nil {
				all = append(all, found{s, len(l.entries)})
			}
		}
		shard.mu.RUnlock()
		for _, f := range all {
			if !visit(f.stream, f.n) {
				return
			}
		}
	}
}
