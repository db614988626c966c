package socket

import (
	"errors"
	"io"
	"os"
	"time"

	"kumi/presence"
)

// read reads messages and handles them, until the connection ends or another
// goroutine has become the reader. What it calls to wait is kept shallow, so
// that an idle session has a small stack.
func (s *session) read() {
	for {
		message, kind, err := s.next()
		if err != nil {
			s.readFailed(err)
			s.gone()
			return
		}
		s.Metrics.Messages.Count.Add(1)
		s.Metrics.Messages.Received.Add(uint64(len(message)))
		if s.closing.Load() {
			continue // only the peer's close frame is of interest now
		}
		if kind != s.frames {
			s.note(s.Log.Debug()).Msg("frame of the wrong type for the format of the session")
			s.Close(presence.MalformedPayload)
			continue
		}
		if s.since++; s.since >= s.limits.pingBackoff {
			s.alive()
		}
		if !s.process(message) {
			return
		}
	}
}

// alive moves the read deadline and the next ping: the peer was heard of. Only
// the reader calls it.
func (s *session) alive() {
	s.since = 0
	if s.closing.Load() {
		return
	}
	_ = s.wire.SetReadDeadline(time.Now().Add(s.limits.pongWait))
	s.ping.Reset(s.limits.pingPeriod)
	if s.closing.Load() { // closing began meanwhile, with a deadline of its own
		s.ping.Stop()
		_ = s.wire.SetReadDeadline(time.Now().Add(s.limits.closeAckWait))
	}
}

// sendPing is the ping timer's function. Until something is heard of the peer
// there is no other.
func (s *session) sendPing() {
	if s.closing.Load() {
		return
	}
	if err := s.wire.control(pingFrame); err != nil {
		s.writeFailed(err)
	}
}

// readFailed ends the session when it does not end already.
func (s *session) readFailed(err error) {
	if s.closing.Load() {
		return
	}
	var closed closedError
	if !errors.As(err, &closed) || closed.code != closeNormal && closed.code != closeLeaving && closed.code != closeNoCode {
		s.Metrics.Messages.Errors.Add(1)
		s.note(s.Log.Debug()).Err(err).Msg("socket ended")
	}
	switch {
	case errors.Is(err, errTooBig):
		s.reject(closeTooBig, presence.TooBig)
	case errors.As(err, new(protocolError)):
		s.reject(closeProtocol, presence.MalformedPayload)
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.Close(presence.ReadTimeout)
		// The close frame is to go out before the connection is cut.
		s.out.wait(s.limits.closeAckWait)
	default:
		s.Close(presence.ClosedByPeer)
	}
}

// reject ends a session that cannot be read any further. The peer has a while to
// take note: a connection closed with unread data is reset, and the reason lost.
func (s *session) reject(code closeCode, reason presence.CloseReason) {
	s.farewell(code, reason.Text())
	s.Close(reason)
	_ = s.wire.SetReadDeadline(time.Now().Add(s.limits.closeAckWait))
	_, _ = io.Copy(io.Discard, s.wire.Conn)
}

// gone is the reader's end, and with it the connection's.
func (s *session) gone() {
	s.watch.leave(s)
	s.ping.Stop()
	_ = s.wire.Close()
	s.Server.left()
}
