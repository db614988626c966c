package presence

import "github.com/gofrs/uuid/v5"

var _ Queuer = (*farSession)(nil)

// ID implements Session.
func (s *farSession) ID() uuid.UUID { return s.id }

// UserID implements Session.
func (s *farSession) UserID() uuid.UUID { return s.user }

// Username implements Session.
func (s *farSession) Username() string { return s.username }

// Format implements Session: messages cross in protobuf.
func (s *farSession) Format() Format { return Protobuf }

// Send implements Session.
func (s *farSession) Send(m *Message) { s.peers().ToSessions(s.node.id, []uuid.UUID{s.id}, m) }

// Close implements Session.
func (s *farSession) Close(reason CloseReason, final ...*Message) {
	s.peers().Close(s.node.id, s.id, reason, final)
}

// Queue implements Queuer.
func (s *farSession) Queue(m *Message) { s.peers().Queue(s.node.id, s.id, m) }

// Flush implements Queuer.
func (s *farSession) Flush() { s.peers().Flush(s.node.id) }

func (s *farSession) peers() Peers { return s.node.tracker.far.Peers }
