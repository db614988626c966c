package presence

import (
	"slices"

	"github.com/gofrs/uuid/v5"
)

// Router delivers messages to sessions. It may be used from any goroutine and
// never blocks on a receiver.
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
	return sent
}

// SendToPresences sends m to sessions of this node, regardless of their
// streams. Sessions that have ended are skipped.
func (r *Router) SendToPresences(ids []ID, m *Message) int {
	sent := 0
	for _, id := range ids {
		if id.Node != "" && id.Node != r.tracker.node {
			continue
		}
		if s := r.sessions.Get(id.Session); s != nil {
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
	return len(all)
}

// SendToAll sends m to every session.
func (r *Router) SendToAll(m *Message) {
	r.sessions.Each(func(s Session) bool { s.Send(m); return true })
}

// Session returns a session of this node, or nil.
func (r *Router) Session(id uuid.UUID) Session { return r.sessions.Get(id) }

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
	return sent
}
