package server

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/coder/websocket"

	"kumi/presence"
)

// read reads messages and handles them, until the connection ends or another
// goroutine has become the reader. What it calls to wait is kept shallow, so
// that an idle session has a small stack.
func (s *session) read() {
	for {
		kind, r, err := s.conn.Reader(context.Background())
		if err != nil {
			s.readFailed(err)
			s.gone()
			return
		}
		frame := buffers.Get().(*[]byte)
		if err := readAll(r, frame); err != nil {
			putBuffer(frame)
			s.readFailed(err)
			s.gone()
			return
		}
		s.metrics.messages.count.Add(1)
		s.metrics.messages.received.Add(uint64(len(*frame)))
		if s.closing.Load() {
			putBuffer(frame) // only the peer's close frame is of interest now
			continue
		}
		if kind != s.frames {
			putBuffer(frame)
			s.log.Debug().Msg("frame of the wrong type for the format of the session")
			s.Close(presence.MalformedPayload)
			continue
		}
		if s.since++; s.since >= s.limits.pingBackoff {
			s.alive()
		}
		if !s.process(frame) {
			return
		}
	}
}

// rest is called before the reader waits for the network: what was answered
// goes out, all of it at once.
func (s *session) rest() {
	s.flush()
	s.watch.leave(s)
}

// readAll reads a message into a buffer, which grows as needed.
func readAll(r io.Reader, to *[]byte) error {
	b := (*to)[:0]
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		*to = b
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
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
	if _, err := s.wire.Write(pingFrame); err != nil {
		s.writeFailed(err)
	}
}

// readFailed ends the session when it does not end already.
func (s *session) readFailed(err error) {
	reason := presence.ClosedByPeer
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		reason = presence.TooBig
	case errors.Is(err, os.ErrDeadlineExceeded):
		reason = presence.ReadTimeout
	}
	if s.closing.Load() {
		return
	}
	if code := websocket.CloseStatus(err); reason != presence.ClosedByPeer || code != websocket.StatusNormalClosure && code != websocket.StatusGoingAway && code != websocket.StatusNoStatusRcvd {
		s.metrics.messages.errors.Add(1)
		s.log.Debug().Err(err).Msg("socket ended")
	}
	s.Close(reason)
	if reason == presence.TooBig {
		// The library has told the peer. Give it a while to take note: a
		// connection closed with unread data is reset, and the reason lost.
		s.wire.sealed.Store(true)
		_ = s.wire.SetReadDeadline(time.Now().Add(s.limits.closeAckWait))
		_ = s.conn.Close(websocket.StatusMessageTooBig, "")
	}
	if reason == presence.ReadTimeout {
		// The close frame is to go out before the connection is cut.
		s.out.wait(s.limits.closeAckWait)
	}
}

// gone is the reader's end, and with it the connection's.
func (s *session) gone() {
	s.watch.leave(s)
	s.ping.Stop()
	_ = s.conn.CloseNow()
	s.sockets.left()
}
