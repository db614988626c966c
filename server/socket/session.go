package socket

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/presence"
)

// session is one socket. What the client sends is handled one message at a time
// and in order, by the goroutine that reads it; see turn. That is the only
// goroutine a session always has. It implements presence.Session.
type session struct {
	*Server
	id       uuid.UUID
	user     uuid.UUID
	username string
	format   presence.Format
	frames   byte        // the kind of frame that has messages
	scope    *core.Scope // of every call made for this session
	ctx      context.Context
	cancel   context.CancelFunc

	wire  *wire
	watch *lookout
	ping  *time.Timer
	since int // messages since the read deadline was last moved; the reader's

	incoming incoming
	in       inbox
	out      outbox
	turn     turn

	leaving atomic.Bool // the peer has said good-bye
	closing atomic.Bool
}

var _ presence.Session = (*session)(nil)

// ID implements presence.Session.
func (s *session) ID() uuid.UUID { return s.id }

// UserID implements presence.Session.
func (s *session) UserID() uuid.UUID { return s.user }

// Username implements presence.Session.
func (s *session) Username() string { return s.username }

// Format implements presence.Session.
func (s *session) Format() presence.Format { return s.format }

// note adds to a log line whose it is.
func (s *session) note(e *zerolog.Event) *zerolog.Event {
	return e.Str("session", s.scope.SessionID).Str("user", s.scope.UserID)
}

// Close implements presence.Session.
func (s *session) Close(reason presence.CloseReason, final ...*presence.Message) {
	if !s.closing.CompareAndSwap(false, true) {
		return
	}
	s.cancel()
	s.pool.Go(&ender{s, reason, slices.Clone(final)})
}
