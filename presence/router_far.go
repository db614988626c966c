package presence

import (
	"slices"

	"github.com/gofrs/uuid/v5"
)

// nodesOf returns the nodes that have presences on a stream, and the number of
// these, without that of one session.
func (t *Tracker) nodesOf(stream Stream, except uuid.UUID) (nodes []NodeID, n int) {
	shard := t.shard(t.slot(stream))
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	l := shard.far[stream]
	if l == nil {
		return nil, 0
	}
	n = len(l.entries)
	if except != uuid.Nil && l.findID(except) >= 0 {
		n--
	}
	return l.appendNodes(make([]NodeID, 0, 8)), n
}

// toStream sends m to the sessions of other nodes on a stream, but except.
func (r *Router) toStream(stream Stream, except uuid.UUID, m *Message) int {
	nodes, n := r.tracker.nodesOf(stream, except)
	if n > 0 {
		r.tracker.far.Peers.ToStream(nodes, stream, except, m)
	}
	return n
}

// relayFar is the part of Relay for members on other nodes. made is the message
// if there is one already.
func (r *Router) relayFar(stream Stream, sender *Presence, only []uuid.UUID, made *Message, m func(*Presence) *Message) int {
	if only == nil {
		nodes, n := r.tracker.nodesOf(stream, uuid.Nil)
		if n > 0 {
			if made == nil {
				made = m(sender)
			}
			r.tracker.far.Peers.ToStream(nodes, stream, uuid.Nil, made)
		}
		return n
	}
	byNode := map[NodeID][]uuid.UUID{}
	sent := 0
	r.tracker.eachFar(stream, func(e *farEntry) {
		if slices.Contains(only, e.session.id) {
			byNode[e.session.node.id] = append(byNode[e.session.node.id], e.session.id)
			sent++
		}
	})
	for node, sessions := range byNode {
		if made == nil {
			made = m(sender)
		}
		r.tracker.far.Peers.ToSessions(node, sessions, made)
	}
	return sent
}

// ArriveOnStream delivers what Peers.ToStream of another node sent to this node's
// sessions.
func (r *Router) ArriveOnStream(stream Stream, except uuid.UUID, m *Message) {
	on := r.tracker.entriesOf(stream)
	for i := range on {
		if on[i].id != except {
			on[i].session.Send(m)
		}
	}
}

// ArriveForSession delivers what Peers.ToSessions of another node sent.
func (r *Router) ArriveForSession(id uuid.UUID, m *Message) {
	if s := r.sessions.Get(id); s != nil {
		s.Send(m)
	}
}

// Own returns a session of this node, or nil.
func (r *Router) Own(id uuid.UUID) Session { return r.sessions.Get(id) }

// SendToOwn sends m to all sessions of this node.
func (r *Router) SendToOwn(m *Message) {
	r.sessions.Each(func(s Session) bool { s.Send(m); return true })
}
