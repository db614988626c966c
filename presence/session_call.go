package presence

import (
	"context"
	"errors"

	"github.com/gofrs/uuid/v5"
)

// ErrNoNode is the error for a session whose node does not exist.
var ErrNoNode = errors.New("node not found")

// SessionAction is what a SessionCall does.
type SessionAction uint8

// The actions, with the fields that they need.
const (
	ActTrack      SessionAction = iota + 1 // Stream, Meta
	ActUpdate                              // Stream, Meta
	ActUntrack                             // Stream, Reason
	ActFollow                              // Users
	ActUnfollow                            // Users
	ActDisconnect                          // Reason: take it off all streams, and close it
)

// SessionCall is something that is done to one session.
type SessionCall struct {
	Do      SessionAction
	Session uuid.UUID
	User    uuid.UUID // whose session it must be; nil: anybody's
	Stream  Stream
	Meta    Meta
	Users   []uuid.UUID
}

// Act does something to a session, on the node that has it, and reports whether that
// changed anything. ErrNoSession is also the error for another user's session. For a
// session of this node it does not block, so long as there is room for events. For one of
// another node it waits for the answer or for ctx: the error is ErrNoNode, or has code
// Unavailable if the node does not answer.
func (t *Tracker) Act(ctx context.Context, c SessionCall) (bool, error) {
	if t.Owns(c.Session) {
		return t.ActHere(c)
	}
	if t.far == nil {
		return false, ErrNoNode
	}
	return t.far.Peers.Act(ctx, NodeOf(c.Session), c)
}

// ActHere is Act for a session of this node.
func (t *Tracker) ActHere(c SessionCall) (bool, error) {
	s := t.sessions.Get(c.Session)
	if s == nil || c.User != uuid.Nil && s.UserID() != c.User {
		return false, ErrNoSession
	}
	switch c.Do {
	case ActTrack:
		_, isNew, err := t.Track(c.Session, c.Stream, c.Meta)
		return isNew, err
	case ActUpdate:
		_, err := t.Update(c.Session, c.Stream, c.Meta)
		return err == nil, err
	case ActUntrack:
		return t.Untrack(c.Session, c.Stream, c.Meta.Reason), nil
	case ActFollow:
		t.Follow(c.Session, c.Users...)
	case ActUnfollow:
		t.Unfollow(c.Session, c.Users...)
	case ActDisconnect:
		// End with this reason; the session's own clean-up then finds nothing left.
		t.End(c.Session, c.Meta.Reason)
		s.Close(Disconnected)
	default:
		return false, errors.New("unknown action")
	}
	return true, nil
}
