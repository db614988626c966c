package presence

import "github.com/gofrs/uuid/v5"

// List returns the hidden presences on a stream, the visible ones, or both, in
// order of arrival.
func (t *Tracker) List(stream Stream, hidden, visible bool) []*Presence {
	on := t.entriesOf(stream)
	all := make([]*Presence, 0, len(on))
	for i := range on {
		if p := on[i].presence; p.Hidden && hidden || !p.Hidden && visible {
			all = append(all, p)
		}
	}
	return all
}

// Get returns the presence of a session on a stream, or nil.
func (t *Tracker) Get(session uuid.UUID, stream Stream) *Presence {
	shard := t.shard(t.slot(stream))
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	se := shard.streams[stream]
	if se == nil {
		return nil
	}
	if i := se.find(session); i >= 0 {
		return se.entries[i].presence
	}
	return nil
}

// Count returns the number of presences on a stream, hidden ones included.
func (t *Tracker) Count(stream Stream) int {
	shard := t.shard(t.slot(stream))
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	if se := shard.streams[stream]; se != nil {
		return len(se.entries)
	}
	return 0
}

// Total returns the number of presences on all streams.
func (t *Tracker) Total() int { return int(t.count.Load()) }

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

// StreamsOf returns the streams a session is on, in the order it joined them.
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
				all = append(all, found{s, len(se.entries)})
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
