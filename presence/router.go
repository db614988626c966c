package presence

import "github.com/gofrs/uuid/v5"

// Router delivers messages to sessions. It may be used from any goroutine and
// never waits for a receiver.
type Router struct {
	tracker  *Tracker
	sessions *Sessions
}

// NewRouter returns a router over what t tracks.
func NewRouter(t *Tracker) *Router { return &Router{tracker: t, sessions: t.sessions} }

// SendToStream sends m to every session on a stream, hidden ones included, and
// returns how many there were.
func (r *Router) SendToStream(stream Stream, m *Message) int {
	on := r.tracker.on(stream)
	for i := range on {
		on[i].session.Send(m)
	}
	return len(on)
}

// SendToStreamExcept is SendToStream without one session.
func (r *Router) SendToStreamExcept(stream Stream, except uuid.UUID, m *Message) int {
	sent := 0
	for _, e := range r.tracker.on(stream) {
		if e.presence.Session != except {
			e.session.Send(m)
			sent++
		}
	}
	return sent
}

// SendToPresences sends m to sessions of this node, whatever streams they are
// on. Those that have ended are skipped.
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
