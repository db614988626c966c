package presence

import "github.com/gofrs/uuid/v5"

// Restore puts a session on a stream that it was on before the server was restarted, as
// Track does. Nobody is told, as nobody was told that it left: neither clients nor the
// mode's listener.
func (t *Tracker) Restore(session uuid.UUID, stream Stream, meta Meta) error {
	_, _, err := t.put(session, stream, meta, false, true)
	return err
}

// FollowsOf returns the users whose status a session of this node follows, in no order.
func (t *Tracker) FollowsOf(session uuid.UUID) []uuid.UUID {
	m := t.sessions.member(session)
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	users := make([]uuid.UUID, 0, len(m.follows))
	for u := range m.follows {
		users = append(users, u)
	}
	return users
}

// NewKept makes a message of an envelope that was encoded in format f before the server was
// restarted. b must not be modified afterwards.
func NewKept(b []byte, f Format) *Message {
	m := &Message{from: keptSource{b, f}}
	m.encoded[f].Store(&encoded{bytes: b})
	return m
}

type keptSource struct {
	bytes  []byte
	format Format
}

func (s keptSource) encode(f Format) ([]byte, error) {
	env, err := Decode(s.bytes, s.format)
	if err != nil {
		return nil, err
	}
	return Encode(env, f)
}
