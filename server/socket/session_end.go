package socket

import (
	"errors"
	"net"
	"os"
	"slices"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
)

// ender is a session that ends.
type ender struct {
	*session
	why   presence.CloseReason
	final []*presence.Message
}

// Run implements actor.Runner: the clean-up, in the protocol's order. The
// context is cancelled already.
func (e *ender) Run() {
	s := e.session
	s.ping.Stop()
	s.in.mu.Lock()
	s.in.ended = true
	s.in.mu.Unlock()

	s.matchmaker.RemoveSession(s.id)
	s.tracker.End(s.id, runtime.PresenceReasonDisconnect)
	s.sessions.Remove(s.id)

	switch e.why {
	case presence.ClosedByPeer:
		s.out.end()
		_ = s.wire.Close()
	case presence.QueueFull, presence.WriteTimeout:
		// The peer does not read. A write that is stuck ends with this, too.
		s.out.end()
		s.wire.abort()
	default:
		// Unless the reader has told the peer. Malformed text and the wrong kind of
		// frame have codes of their own in RFC 6455, 1007 and 1003; the protocol that
		// clients know closes with 1000 and says in words what it was.
		final := slices.DeleteFunc(e.final, func(m *presence.Message) bool { _, err := m.Bytes(s.format); return err != nil })
		if s.out.finish(appendClose(nil, closeNormal, e.why.Text()), final...) {
			s.pool.Go((*writer)(s))
		}
	}
	s.stats.Closed(e.why)
	s.event(s.scope, true, e.why.String())
	line, text := s.Log.Debug(), "session ended"
	if e.why == presence.QueueFull || e.why == presence.WriteTimeout {
		line, text = s.Log.Info(), "session ended, its client does not read what it is sent"
	}
	s.note(line).Stringer("reason", e.why).Msg(text)
}

// farewell tells the peer, behind all that is queued, that nothing follows. The
// reader calls it, which has nothing more to read.
func (s *session) farewell(code closeCode, text string) {
	if s.out.finish(appendClose(nil, code, text)) {
		(*writer)(s).Run()
	}
	s.out.wait(s.limits.closeAckWait)
}

// writeFailed ends a session that cannot be written to.
func (s *session) writeFailed(err error) {
	reason := presence.ClosedByPeer
	if errors.Is(err, os.ErrDeadlineExceeded) {
		reason = presence.WriteTimeout
	}
	if !errors.Is(err, net.ErrClosed) {
		s.note(s.Log.Debug()).Err(err).Msg("write to socket failed")
	}
	if s.leaving.Load() {
		return // what the peer asked for before it left is still done
	}
	s.Close(reason)
}
