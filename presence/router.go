package presence

import (
	"slices"

	"github.com/gofrs/uuid/v5"
)

// Router delivers messages to sessions, of this node and of others. It may be used
// from any goroutine and never blocks on a receiver.
type Router struct {
	tracker  *Tracker
	sessions *Sessions
}

// NewRouter returns a router for the streams that t tracks.
func NewRouter(t *Tracker) *Router { return &Router{tracker: t, sessions: t.sessions} }

// SendToStream sends m to every session on a stream, hidden ones included, and
// returns their number.
func (r *Router) SendToStream(stream Stream, m *Message) int {
	on := r.tracker.entriesOf(stream)
	for i := range on {
		on[i].session.Send(m)
	}
	if r.tracker.far != nil {
		return len(on) + r.toStream(stream, uuid.Nil, m)
	}
	return len(on)
}

// SendToStreamExcept is SendToStream without one session.
func (r *Router) SendToStreamExcept(stream Stream, except uuid.UUID, m *Message) int {
	sent := 0
	for _, e := range r.tracker.entriesOf(stream) {
		if e.presence.Session != except {
			e.session.Send(m)
			sent++
		}
	}
	if r.tracker.far != nil {
		sent += r.toStream(stream, except, m)
	}
	return sent
}

// SendToPresences sends m to sessions, regardless of their streams. Sessions that
// have ended are skipped.
func (r *Router) SendToPresences(ids []ID, m *Message) int {
	sent := 0
	for _, id := range ids {
		if s := r.Session(id.Session); s != nil && (id.Node == "" || id.Node == r.tracker.nodeOf(s)) {
			s.Send(m)
			sent++
		}
	}
	return sent
}

// SendToUser sends m to every session of a user.
func (r *Router) SendToUser(user uuid.UUID, m *Message) int {
	all := r.sessions.OfUser(user)
	for _, s := range all {
		s.Send(m)
	}
	if r.tracker.far == nil {
		return len(all)
	}
	elsewhere := r.tracker.SessionsElsewhere(user)
	for _, id := range elsewhere {
		if s := r.Session(id); s != nil {
			s.Send(m)
		}
	}
	return len(all) + len(elsewhere)
}

// SendToAll sends m to every session.
func (r *Router) SendToAll(m *Message) {
	r.SendToOwn(m)
	if r.tracker.far != nil {
		r.tracker.far.Peers.ToAll(m)
	}
}

// Session returns a session, or nil. One of another node, which is known until
// it ends there or the node is lost, passes on what is sent to it.
func (r *Router) Session(id uuid.UUID) Session {
	if s := r.sessions.Get(id); s != nil {
		return s
	}
	if r.tracker.far != nil {
		if s := r.tracker.far.session(id); s != nil {
			return s
		}
	}
	return nil
}

// Visitor is Session for a session that another node vouches for, and that this one may not
// have heard of yet.
func (r *Router) Visitor(p *Presence) Session {
	if s := r.Session(p.Session); s != nil || r.tracker.far == nil {
		return s
	}
	return &farSession{
		id: p.Session, user: p.UserID, username: p.Username,
		node: &Replica{tracker: r.tracker, id: NodeOf(p.Session), name: p.Node},
	}
}

// nodeOf returns the name of a session's node.
func (t *Tracker) nodeOf(s Session) string {
	if far, ok := s.(*farSession); ok {
		return far.node.name
	}
	return t.node
}

// Relay sends a message from one session on a stream to the others, or only to
// those listed in only, which may include the sender. m is called once, with
// the sender's presence. If the sender is not on the stream, nothing is sent.
func (r *Router) Relay(stream Stream, sender uuid.UUID, only []uuid.UUID, m func(sender *Presence) *Message) int {
	on := r.tracker.entriesOf(stream)
	i := indexOf(on, sender)
	if i < 0 {
		return 0
	}
	var made *Message
	sent := 0
	for j := range on {
		if only == nil && j == i || only != nil && !slices.Contains(only, on[j].id) {
			continue
		}
		if made == nil {
			made = m(on[i].presence)
		}
		on[j].session.Send(made)
		sent++
	}
	if r.tracker.far != nil {
		sent += r.relayFar(stream, on[i].presence, only, made, m)
	}
	return sent
}
