package server

import (
	"errors"
	"net"
	"os"
	"time"

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
		if s.wire.sealed.Load() { // the reader has told the peer
			s.out.end()
		} else {
			s.sendClose(e.final)
		}
	}
	s.stats.closed[e.why].Add(1)
	s.event(s.scope, true, e.why.String())
	line, text := s.log.Debug(), "session ended"
	if e.why == presence.QueueFull || e.why == presence.WriteTimeout {
		line, text = s.log.Info(), "session ended, its client does not read what it is sent"
	}
	s.note(line).Stringer("reason", e.why).Msg(text)
}

// sendClose queues the last messages and the close frame.
func (s *session) sendClose(final []*presence.Message) {
	o := &s.out
	o.mu.Lock()
	if o.ended {
		o.mu.Unlock()
		_ = s.wire.Close()
		return
	}
	for _, m := range final {
		if _, err := m.Bytes(s.format); err == nil {
			o.queue = append(o.queue, m)
		}
	}
	o.close, o.code = true, closeNormal
	start := !o.writing
	o.writing = true
	o.mu.Unlock()
	if start {
		s.pool.Go((*writer)(s))
	}
}

// closed follows the close frame: the peer has a while to answer it, then the
// reader finds the connection at its end.
func (s *session) closed(err error) {
	s.wire.sealed.Store(true)
	if err != nil {
		_ = s.wire.Close()
		return
	}
	_ = s.wire.SetReadDeadline(time.Now().Add(s.limits.closeAckWait))
}

// writeFailed ends a session that cannot be written to.
func (s *session) writeFailed(err error) {
	reason := presence.ClosedByPeer
	if errors.Is(err, os.ErrDeadlineExceeded) {
		reason = presence.WriteTimeout
	}
	if !errors.Is(err, net.ErrClosed) {
		s.note(s.log.Debug()).Err(err).Msg("write to socket failed")
	}
	s.Close(reason)
}
