package socket

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/core"
	"kumi/presence"
)

// session is a client with its presences: an actor with three roles, reading
// (session_read.go), handling what was read (session_handle.go) and writing
// (session_write.go). Mostly one goroutine has all three, and an idle session has no
// other. It has a connection, and with session.resume_sec it may outlive that
// (session_resume.go). It implements presence.Session, whose methods any goroutine may
// call.
type session struct {
	*Server
	id       uuid.UUID
	user     uuid.UUID
	username string
	token    string // the id of its token, by which a client that reconnects is known
	format   presence.Format
	kind     websocket.MessageType      // text or binary, as the format asks
	caller   atomic.Pointer[core.Scope] // see scope
	ctx      context.Context            // ends when the session does
	cancel   context.CancelFunc

	in  inbox
	out outbox

	draining atomic.Bool // the server stops: no more messages are accepted
	closing  atomic.Bool // Close was called
}

// connection is a session's network connection.
type connection struct {
	*session // set once the connection is accepted, before anything is read
	net      *netConn
	ws       *websocket.Conn
	ping     *time.Timer
	slow     *time.Timer // runs while the reader handles a message

	heard int // messages since alive; only the reader uses it

	pinging atomic.Bool // a ping waits for its pong
	leaving atomic.Bool // the peer has closed or lost the connection, and its messages are still handled
}

var _ presence.Session = (*session)(nil)

// scope is the scope of calls that are made for the session. It changes when a client
// reconnects, as from another address.
func (s *session) scope() *core.Scope { return s.caller.Load() }

// ID implements presence.Session.
func (s *session) ID() uuid.UUID { return s.id }

// UserID implements presence.Session.
func (s *session) UserID() uuid.UUID { return s.user }

// Username implements presence.Session.
func (s *session) Username() string { return s.username }

// Format implements presence.Session.
func (s *session) Format() presence.Format { return s.format }

// note adds the session and its user to a log line.
func (s *session) note(e *zerolog.Event) *zerolog.Event {
	scope := s.scope()
	return e.Str("session", scope.SessionID).Str("user", scope.UserID)
}

// drain closes or suspends the session once what was read has been handled and answered.
func (s *session) drain() {
	s.draining.Store(true)
	if s.in.drain() {
		s.leave()
	}
}

// Close implements presence.Session. As Nakama does it closes with code 1000 and
// gives the reason as text. It does not wait; only the first call has an effect.
func (s *session) Close(reason presence.CloseReason, final ...*presence.Message) {
	s.closeWith(websocket.StatusNormalClosure, reason, final...)
}

// closeWith is Close with a code of RFC 6455.
func (s *session) closeWith(code websocket.StatusCode, reason presence.CloseReason, final ...*presence.Message) {
	if !s.closing.CompareAndSwap(false, true) {
		return
	}
	s.cancel()
	s.pool.Go(&closer{s, code, reason, slices.Clone(final)})
}

// end is Close for a session without a connection. It returns when others have been told,
// which must be before the server closes what that takes.
func (s *session) end(reason presence.CloseReason) {
	if s.closing.CompareAndSwap(false, true) {
		s.cancel()
		(&closer{s, websocket.StatusNormalClosure, reason, nil}).Run()
	}
}

// closer is a session as a task of the pool: its clean-up.
type closer struct {
	*session
	code   websocket.StatusCode
	reason presence.CloseReason
	final  []*presence.Message
}

// Run implements actor.Runner. Others see the session leave before its own
// connection is closed, as in Nakama.
func (c *closer) Run() {
	s := c.session
	s.in.end()

	s.matchmaker.RemoveSession(s.id)
	s.tracker.End(s.id, runtime.PresenceReasonDisconnect)
	s.sessions.Remove(s.id)

	conn := s.lastConnection()
	if conn != nil {
		c.disconnect(conn)
		s.stats.Closed(c.reason)
	}
	s.event(s.scope(), true, c.reason.Text())
	line, text := s.Log.Debug(), "session ended"
	if c.reason == presence.QueueFull || c.reason == presence.WriteTimeout {
		line, text = s.Log.Info(), "closing slow client"
	}
	s.note(line).Stringer("reason", c.reason).Msg(text)
	if conn == nil {
		s.unparked()
	}
}

// disconnect ends the session's connection.
func (c *closer) disconnect(conn *connection) {
	conn.ping.Stop()
	switch c.reason {
	case presence.ClosedByPeer:
		c.out.end()
		_ = conn.net.Close()
	case presence.QueueFull, presence.WriteTimeout:
		// The peer does not read, so nothing more can be sent.
		c.out.end()
		conn.net.abort()
	default:
		final := slices.DeleteFunc(c.final, func(m *presence.Message) bool { _, err := m.Bytes(c.format); return err != nil })
		if c.out.finish(&closeFrame{c.code, c.reason.Text()}, final...) {
			c.pool.Go((*writer)(c.session))
		}
	}
}
