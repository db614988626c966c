package match

import (
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store/fault"
)

var _ Dispatcher = (*Match)(nil)

// broadcast is a message that is sent when the handler's call is over.
type broadcast struct {
	message *presence.Message
	all     bool
	to      []uuid.UUID
}

var (
	errNoSender  = fault.New(fault.InvalidArgument, "sender needs a user id, a session id and a username")
	errRecipient = fault.New(fault.InvalidArgument, "each presence needs a valid session id and a node")
)

// MatchID implements Dispatcher.
func (m *Match) MatchID() string { return m.text }

// Node implements Dispatcher.
func (m *Match) Node() string { return m.stream.Label }

// Label implements Dispatcher.
func (m *Match) Label() string {
	if l := m.label.Load(); l != nil {
		return *l
	}
	return ""
}

// TickRate implements Dispatcher.
func (m *Match) TickRate() int { return int(m.rate.Load()) }

// BroadcastMessage implements runtime.MatchDispatcher. Nil presences mean all
// members, an empty list nobody; presences that are not members are skipped.
// data may be reused after the call.
func (m *Match) BroadcastMessage(opCode int64, data []byte, presences []runtime.Presence, sender runtime.Presence, reliable bool) error {
	b, err := m.broadcast(opCode, data, presences, sender, reliable)
	if err != nil {
		return err
	}
	m.send(b)
	return nil
}

// BroadcastMessageDeferred implements runtime.MatchDispatcher: the message is
// sent when the handler's call is over.
func (m *Match) BroadcastMessageDeferred(opCode int64, data []byte, presences []runtime.Presence, sender runtime.Presence, reliable bool) error {
	if len(m.deferred) >= m.reg.o.DeferredQueue {
		return runtime.ErrDeferredBroadcastFull
	}
	b, err := m.broadcast(opCode, slices.Clone(data), presences, sender, reliable)
	if err != nil {
		return err
	}
	m.deferred = append(m.deferred, b)
	return nil
}

func (m *Match) broadcast(opCode int64, data []byte, to []runtime.Presence, sender runtime.Presence, reliable bool) (b broadcast, err error) {
	if m.over {
		return b, ErrStopped
	}
	b.all = to == nil
	if !b.all {
		b.to = make([]uuid.UUID, 0, len(to))
		for _, p := range to {
			id, ok := sessionOf(p)
			if !ok {
				return b, errRecipient
			}
			b.to = append(b.to, id)
		}
	}
	switch s := sender.(type) {
	case nil:
		b.message = presence.NewMatchData(m.text, nil, opCode, data, reliable)
	case *presence.Presence:
		b.message = presence.NewMatchData(m.text, s, opCode, data, reliable)
	default:
		user, session, name := s.GetUserId(), s.GetSessionId(), s.GetUsername()
		if user == "" || session == "" || name == "" {
			return b, errNoSender
		}
		b.message = presence.NewMatchDataFrom(m.text, user, session, name, opCode, data, reliable)
	}
	if t := m.tape; t != nil && t.open {
		t.broadcast(opCode, data, &b, sender, reliable)
	}
	if rec := m.rec.Load(); rec != nil {
		receivers := len(b.to)
		if b.all {
			receivers = len(m.list)
		}
		rec.broadcast(opCode, data, receivers)
	}
	return b, nil
}

// sessionOf returns the session id of a presence passed by module code.
func sessionOf(p runtime.Presence) (uuid.UUID, bool) {
	if own, ok := p.(*presence.Presence); ok && own != nil {
		return own.Session, true
	}
	if p == nil || p.GetNodeId() == "" {
		return uuid.Nil, false
	}
	id, err := uuid.FromString(p.GetSessionId())
	return id, err == nil
}

// send gives a message to its recipients. It is encoded for the first
// recipient of each wire format, so the handler's data is not needed
// afterwards.
func (m *Match) send(b broadcast) {
	box := &m.box
	if !b.all {
		for _, id := range b.to {
			box.mu.Lock()
			mem := box.members[id]
			box.mu.Unlock()
			if mem != nil && mem.session != nil {
				m.enqueue(mem.session, b.message)
			}
		}
		return
	}
	// In the order of the list, and without holding the lock that clients post under.
	m.recipients = m.recipients[:0]
	box.mu.Lock()
	for _, p := range m.list {
		if mem := box.members[p.Session]; mem != nil && mem.session != nil {
			m.recipients = append(m.recipients, mem.session)
		}
	}
	box.mu.Unlock()
	for _, s := range m.recipients {
		m.enqueue(s, b.message)
	}
	clear(m.recipients)
}

// maxQueued bounds the messages that wait for the end of a handler's call;
// beyond it messages are written at once.
const maxQueued = 1024

// enqueue queues a message for one session. It is written when the handler's
// call is over.
func (m *Match) enqueue(s presence.Session, message *presence.Message) {
	q, ok := s.(presence.Queuer)
	if !ok || len(m.queued) >= maxQueued {
		s.Send(message)
		return
	}
	q.Queue(message)
	m.queued = append(m.queued, q)
}

// flushSessions has the sessions write what enqueue queued.
func (m *Match) flushSessions() {
	for _, q := range m.queued {
		q.Flush() // a no-op if the session was flushed for an earlier message of this call
	}
	clear(m.queued)
	m.queued = m.queued[:0]
}

// sendDeferred sends the deferred broadcasts.
func (m *Match) sendDeferred() {
	for i := range m.deferred {
		m.send(m.deferred[i])
	}
	clear(m.deferred)
	m.deferred = m.deferred[:0]
}

// MatchKick implements runtime.MatchDispatcher. The handler's Leave is called
// after the current call.
func (m *Match) MatchKick(presences []runtime.Presence) error {
	if m.over {
		return ErrStopped
	}
	for _, p := range presences {
		id, ok := sessionOf(p)
		if !ok {
			return errRecipient
		}
		m.recordKick(id)
		if m.reg.onOtherNode(id) {
			m.kickElsewhere(id)
			continue
		}
		if node := p.GetNodeId(); node != m.reg.o.Node && node != m.stream.Label {
			continue
		}
		if m.reg.tracker.Untrack(id, m.stream, runtime.PresenceReasonLeave) {
			continue
		}
		// Accepted but not yet on the stream.
		box := &m.box
		box.mu.Lock()
		if mem := box.members[id]; mem != nil {
			m.queueLeave(mem.presence.WithReason(runtime.PresenceReasonLeave))
			continue
		}
		box.mu.Unlock()
	}
	return nil
}

// kickElsewhere kicks a session of another node: the match lets go of it now, also if that
// node is down, and its presence follows.
func (m *Match) kickElsewhere(session uuid.UUID) {
	box := &m.box
	box.mu.Lock()
	mem := box.members[session]
	if mem == nil {
		box.mu.Unlock()
		return
	}
	m.queueLeave(mem.presence.WithReason(runtime.PresenceReasonLeave))
	m.reg.o.Elsewhere.Untrack(session, m.stream, mem.admission)
}

// MatchLabelUpdate implements runtime.MatchDispatcher. Listings show the new
// label at once.
func (m *Match) MatchLabelUpdate(label string) error {
	if m.over {
		return ErrStopped
	}
	if len(label) > MaxLabel {
		return runtime.ErrMatchLabelTooLong
	}
	m.label.Store(&label)
	m.recordLabel(label)
	return nil
}
