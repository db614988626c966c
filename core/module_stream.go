package core

import (
	"context"
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store/fault"
)

// maxStatus is the maximum length of a presence's status, in bytes.
const maxStatus = 2048

var (
	errNodeNotFound    = fault.New(fault.NotFound, "node not found")
	errNodeSilent      = fault.New(fault.Unavailable, "node of the session does not answer")
	errSessionNotFound = fault.New(fault.NotFound, "session not found")
	errSessionClosing  = fault.New(fault.FailedPrecondition, "session is closing")
)

// streamOf parses a stream as module code names it. Empty ids are absent ones.
func streamOf(mode uint8, subject, subcontext, label string) (s presence.Stream, err error) {
	s.Mode, s.Label = mode, label
	if s.Subject, err = optionalID(subject, "subject"); err != nil {
		return s, err
	}
	s.Subcontext, err = optionalID(subcontext, "subcontext")
	return s, err
}

func optionalID(text, what string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.FromString(text)
	if err != nil {
		return uuid.Nil, invalid("stream %s must be a valid identifier", what)
	}
	return id, nil
}

// sessionID parses a session id.
func sessionID(text string) (uuid.UUID, error) {
	id, err := uuid.FromString(text)
	if err != nil {
		return uuid.Nil, invalid("expects session ID to be a valid identifier")
	}
	return id, nil
}

// sessionOnStream parses what the functions for one session have in common.
func (m *Module) sessionOnStream(mode uint8, subject, subcontext, label, user, session string) (s presence.Stream, id uuid.UUID, err error) {
	if s, err = streamOf(mode, subject, subcontext, label); err != nil {
		return s, id, err
	}
	if _, err = userID(user); err != nil {
		return s, id, err
	}
	id, err = sessionID(session)
	return s, id, err
}

// actTimeout is how long the node of a session may take to answer.
const actTimeout = 2 * time.Second

// act does something to a session, on whichever node it is.
func (m *Module) act(ctx context.Context, c presence.SessionCall) (bool, error) {
	if !m.core.tracker.Owns(c.Session) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, actTimeout)
		defer cancel()
	}
	done, err := m.core.tracker.Act(ctx, c)
	return done, trackFailed(err)
}

func trackFailed(err error) error {
	switch {
	case errors.Is(err, presence.ErrNoSession):
		return errSessionNotFound
	case errors.Is(err, presence.ErrSessionEnded):
		return errSessionClosing
	case errors.Is(err, presence.ErrNoNode):
		return errNodeNotFound
	case errors.Is(err, context.DeadlineExceeded):
		return errNodeSilent
	}
	return err
}

// StreamUserList implements runtime.NakamaModule.
func (m *Module) StreamUserList(mode uint8, subject, subcontext, label string, includeHidden, includeNotHidden bool) ([]runtime.Presence, error) {
	s, err := streamOf(mode, subject, subcontext, label)
	if err != nil {
		return nil, err
	}
	found := m.core.tracker.List(s, includeHidden, includeNotHidden)
	all := make([]runtime.Presence, len(found))
	for i, p := range found {
		all[i] = p
	}
	return all, nil
}

// StreamUserGet implements runtime.NakamaModule. It returns nil for a session
// that is not on the stream.
func (m *Module) StreamUserGet(mode uint8, subject, subcontext, label, user, session string) (runtime.PresenceMeta, error) {
	s, id, err := m.sessionOnStream(mode, subject, subcontext, label, user, session)
	if err != nil {
		return nil, err
	}
	if p := m.core.tracker.Get(id, s); p != nil && p.UserID.String() == user {
		return p, nil
	}
	return nil, nil
}

// StreamUserJoin implements runtime.NakamaModule: it reports whether the session
// is new on the stream. Codes: 3 for ids, 5 for a session that does not exist or
// belongs to another user, 9 for one that is closing, 14 if its node does not answer.
func (m *Module) StreamUserJoin(mode uint8, subject, subcontext, label, user, session string, hidden, persistence bool, status string) (bool, error) {
	c, err := m.presenceOf(mode, subject, subcontext, label, user, session, hidden, persistence, status)
	if err != nil {
		return false, err
	}
	c.Do = presence.ActTrack
	return m.act(context.Background(), c)
}

// StreamUserUpdate implements runtime.NakamaModule. A session that is not on
// the stream joins it. Codes are those of StreamUserJoin.
func (m *Module) StreamUserUpdate(mode uint8, subject, subcontext, label, user, session string, hidden, persistence bool, status string) error {
	c, err := m.presenceOf(mode, subject, subcontext, label, user, session, hidden, persistence, status)
	if err != nil {
		return err
	}
	c.Do = presence.ActUpdate
	_, err = m.act(context.Background(), c)
	return err
}

func (m *Module) presenceOf(mode uint8, subject, subcontext, label, user, session string, hidden, persistence bool, status string) (c presence.SessionCall, err error) {
	if c.Stream, c.Session, err = m.sessionOnStream(mode, subject, subcontext, label, user, session); err != nil {
		return c, err
	}
	if len(status) > maxStatus {
		return c, invalid("status must be at most %d bytes", maxStatus)
	}
	if c.User = uuid.FromStringOrNil(user); c.User == uuid.Nil {
		return c, errSessionNotFound
	}
	c.Meta = presence.Meta{Hidden: hidden, Persistence: persistence, Status: status}
	return c, nil
}

// StreamUserLeave implements runtime.NakamaModule. A session that is not on
// the stream is no error. Code 14 if its node does not answer.
func (m *Module) StreamUserLeave(mode uint8, subject, subcontext, label, user, session string) error {
	s, id, err := m.sessionOnStream(mode, subject, subcontext, label, user, session)
	if err != nil {
		return err
	}
	return m.untrack(id, s)
}

// untrack takes a session off a stream, if it is on it.
func (m *Module) untrack(session uuid.UUID, s presence.Stream) error {
	_, err := m.act(context.Background(), presence.SessionCall{Do: presence.ActUntrack, Session: session, Stream: s, Meta: presence.Meta{Reason: runtime.PresenceReasonLeave}})
	if errors.Is(err, errSessionNotFound) {
		return nil
	}
	return err
}

// StreamUserKick implements runtime.NakamaModule.
func (m *Module) StreamUserKick(mode uint8, subject, subcontext, label string, p runtime.Presence) error {
	s, err := streamOf(mode, subject, subcontext, label)
	if err != nil {
		return err
	}
	if p == nil {
		return invalid("expects a presence")
	}
	id, err := sessionID(p.GetSessionId())
	if err != nil {
		return err
	}
	if node := p.GetNodeId(); node != "" && !presence.OnNode(id, presence.NodeHash(node)) {
		return errNodeNotFound
	}
	return m.untrack(id, s)
}

// StreamCount implements runtime.NakamaModule. Hidden presences count.
func (m *Module) StreamCount(mode uint8, subject, subcontext, label string) (int, error) {
	s, err := streamOf(mode, subject, subcontext, label)
	if err != nil {
		return 0, err
	}
	return m.core.tracker.Count(s), nil
}

// StreamClose implements runtime.NakamaModule: all presences leave.
func (m *Module) StreamClose(mode uint8, subject, subcontext, label string) error {
	s, err := streamOf(mode, subject, subcontext, label)
	if err != nil {
		return err
	}
	m.core.tracker.UntrackStream(s, runtime.PresenceReasonLeave)
	return nil
}

// StreamSend implements runtime.NakamaModule. Without presences it sends to
// the whole stream, otherwise to their sessions, whether on the stream or not.
func (m *Module) StreamSend(mode uint8, subject, subcontext, label, data string, to []runtime.Presence, reliable bool) error {
	s, err := streamOf(mode, subject, subcontext, label)
	if err != nil {
		return err
	}
	return m.sendOn(s, &rtapi.Envelope{Message: &rtapi.Envelope_StreamData{StreamData: &rtapi.StreamData{
		Stream: s.Message(), Data: data, Reliable: reliable,
	}}}, to)
}

// StreamSendRaw implements runtime.NakamaModule: StreamSend for any envelope,
// which must not be modified afterwards.
func (m *Module) StreamSendRaw(mode uint8, subject, subcontext, label string, envelope *rtapi.Envelope, to []runtime.Presence, _ bool) error {
	s, err := streamOf(mode, subject, subcontext, label)
	if err != nil {
		return err
	}
	if envelope == nil {
		return invalid("expects an envelope")
	}
	return m.sendOn(s, envelope, to)
}

func (m *Module) sendOn(s presence.Stream, envelope *rtapi.Envelope, to []runtime.Presence) error {
	message := presence.NewMessage(envelope)
	// Report what cannot be encoded here, to the caller.
	if _, err := message.Bytes(presence.Protobuf); err != nil {
		return invalid("message cannot be written, its text must be UTF-8")
	}
	if len(to) == 0 {
		m.core.router.SendToStream(s, message)
		return nil
	}
	ids := make([]presence.ID, 0, len(to))
	for _, p := range to {
		id, err := sessionID(p.GetSessionId())
		if err != nil {
			return err
		}
		ids = append(ids, presence.ID{Node: p.GetNodeId(), Session: id})
	}
	m.core.router.SendToPresences(ids, message)
	return nil
}
