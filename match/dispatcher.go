package match

import (
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store/fault"
)

var _ Dispatcher = (*Match)(nil)

// broadcast is a message that waits for the end of a handler's call.
type broadcast struct {
	message *presence.Message
	all     bool
	to      []uuid.UUID
}

var (
	errNoSender  = fault.New(fault.InvalidArgument, "sender needs a user id, a session id and a username")
	errRecipient = fault.New(fault.InvalidArgument, "each presence needs a valid session id and a node")
	errDeferred  = known(fault.ResourceExhausted, runtime.ErrDeferredBroadcastFull)
)

// MatchID implements Dispatcher.
func (m *Match) MatchID() string { return m.text }

// Node implements Dispatcher.
func (m *Match) Node() string { return m.reg.o.Node }

// Label implements Dispatcher.
func (m *Match) Label() string {
	if l := m.label.Load(); l != nil {
		return *l
	}
	return ""
}

// TickRate implements Dispatcher.
func (m *Match) TickRate() int { return int(m.rate.Load()) }

// BroadcastMessage implements runtime.MatchDispatcher. Nil presences are all
// members, an empty list is nobody; who is no member is skipped. data may be
// reused once it returns.
func (m *Match) BroadcastMessage(opCode int64, data []byte, presences []runtime.Presence, sender runtime.Presence, reliable bool) error {
	b, err := m.broadcast(opCode, data, presences, sender, reliable)
	if err != nil {
		return err
	}
	m.send(b)
	return nil
}

// BroadcastMessageDeferred implements runtime.MatchDispatcher: the message goes
// out when the handler's call is done.
func (m *Match) BroadcastMessageDeferred(opCode int64, data []byte, presences []runtime.Presence, sender runtime.Presence, reliable bool) error {
	if len(m.deferred) >= m.reg.o.DeferredQueue {
		return errDeferred
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
	return b, nil
}

// sessionOf finds the session a presence from module code means.
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

// send gives a message to its recipients. The first of each wire format has it
// encoded, so that nothing of the handler's is needed afterwards.
func (m *Match) send(b broadcast) {
	box := &m.box
	if !b.all {
		for _, id := range b.to {
			box.mu.Lock()
			who := box.members[id]
			box.mu.Unlock()
			if who != nil && who.session != nil {
				m.hand(who.session, b.message)
			}
		}
		return
	}
	// In order of the list, and without the lock that clients post under.
	m.recipients = m.recipients[:0]
	box.mu.Lock()
	for _, p := range m.list {
		if who := box.members[p.Session]; who != nil && who.session != nil {
			m.recipients = append(m.recipients, who.session)
		}
	}
	box.mu.Unlock()
	for _, s := range m.recipients {
		m.hand(s, b.message)
	}
	clear(m.recipients)
}

// queuedMost bounds what waits for the end of a handler's call; beyond it
// messages are written at once.
const queuedMost = 1024

// hand queues a message for one session. It is written when the handler's call
// is over.
func (m *Match) hand(s presence.Session, message *presence.Message) {
	q, ok := s.(presence.Queuer)
	if !ok || len(m.queued) >= queuedMost {
		s.Send(message)
		return
	}
	q.Queue(message)
	m.queued = append(m.queued, q)
}

// write has the sessions write what hand queued.
func (m *Match) write() {
	for _, q := range m.queued {
		q.Flush() // nothing, where an earlier message of this call had it flushed
	}
	clear(m.queued)
	m.queued = m.queued[:0]
}

// flush sends what was deferred.
func (m *Match) flush() {
	for i := range m.deferred {
		m.send(m.deferred[i])
	}
	clear(m.deferred)
	m.deferred = m.deferred[:0]
}

// MatchKick implements runtime.MatchDispatcher. The handler is told of the
// leaves in a call of their own, soon.
func (m *Match) MatchKick(presences []runtime.Presence) error {
	if m.over {
		return ErrStopped
	}
	for _, p := range presences {
		id, ok := sessionOf(p)
		if !ok {
			return errRecipient
		}
		if p.GetNodeId() != m.reg.o.Node {
			continue
		}
		if m.reg.tracker.Untrack(id, m.stream, runtime.PresenceReasonLeave) {
			continue
		}
		// Accepted but not yet on the stream.
		box := &m.box
		box.mu.Lock()
		if who := box.members[id]; who != nil {
			m.left(who.presence.WithReason(runtime.PresenceReasonLeave))
			continue
		}
		box.mu.Unlock()
	}
	return nil
}

// MatchLabelUpdate implements runtime.MatchDispatcher. Listings show the new
// label at once.
func (m *Match) MatchLabelUpdate(label string) error {
	if m.over {
		return ErrStopped
	}
	if len(label) > maxLabel {
		return errLabel
	}
	m.label.Store(&label)
	return nil
}
