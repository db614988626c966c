package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"kumi/presence"
)

// read is the session's reader: it reads and handles messages until the
// connection ends or another goroutine reads in its place, which is so as soon as
// a handler is slow. So pings are answered and a lost connection is noticed
// whatever handlers do. What it calls to wait is kept shallow, so that an idle
// session has a small stack.
func (s *session) read() {
	for {
		kind, message, err := s.next()
		if err != nil {
			s.readFailed(err)
			s.gone()
			return
		}
		if s.accepts(kind, message) && !s.process(message) {
			return
		}
	}
}

// next reads a message into a buffer, which becomes the caller's.
func (s *session) next() (websocket.MessageType, *[]byte, error) {
	kind, r, err := s.ws.Reader(background)
	if err != nil {
		return 0, nil, err
	}
	buffer := takeReadBuffer()
	*buffer, err = readInto(r, *buffer)
	if err == nil {
		// The library takes an end of the network in the middle of a message for the
		// message's own where no byte of what it asked for came.
		err = s.conn.readError()
	}
	if err != nil {
		giveReadBuffer(buffer)
		return 0, nil, err
	}
	return kind, buffer, nil
}

// background bounds no call into the WebSocket library: a context per message
// costs allocations, and the connection's deadlines do the same.
var background = context.Background()

// readInto is io.ReadAll into a given buffer.
func readInto(r io.Reader, b []byte) ([]byte, error) {
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case err == io.EOF:
			return b, nil
		case err != nil:
			return b, err
		case len(b) == cap(b):
			b = append(b, 0)[:len(b)]
		}
	}
}

// accepts checks a message that was read and is still to be handled.
func (s *session) accepts(kind websocket.MessageType, message *[]byte) bool {
	s.Metrics.Messages.Count.Add(1)
	s.Metrics.Messages.Received.Add(uint64(len(*message)))
	switch {
	case s.closing.Load() || s.draining.Load():
		// Only the peer's close frame is of interest now.
	case kind != s.kind:
		s.note(s.Log.Debug()).Msg("message of the wrong type for the format of the session")
		s.Close(presence.MalformedPayload)
	case kind == websocket.MessageText && !utf8.Valid(*message):
		s.note(s.Log.Debug()).Msg("text message is not UTF-8")
		s.closeWith(websocket.StatusInvalidFramePayloadData, presence.MalformedPayload)
	default:
		if s.heard++; s.heard >= s.limits.pingBackoff {
			s.alive()
		}
		return true
	}
	giveReadBuffer(message)
	return false
}

// alive moves the read deadline and the next ping: something was read from the
// peer. The reader calls it, for messages itself and for pongs from within the
// library.
func (s *session) alive() {
	if s.closing.Load() {
		return // the goroutine that closes reads now, with a deadline of its own
	}
	s.heard = 0
	_ = s.conn.SetReadDeadline(time.Now().Add(s.limits.pongWait))
	s.ping.Reset(s.limits.pingPeriod)
	if s.closing.Load() { // closing began meanwhile
		s.ping.Stop()
		_ = s.conn.SetReadDeadline(time.Now().Add(s.limits.closeAckWait))
	}
}

// sendPing is the ping timer's function, on a goroutine of its own: it waits for
// the pong, which sets the timer again. At most one ping is on its way, as the
// timer is also set by messages of a peer that may never answer pings.
func (s *session) sendPing() {
	if s.closing.Load() {
		return
	}
	// While a write is in progress the peer is tested by that, within the write's
	// deadline. The library closes a connection whose ping cannot be written in
	// five seconds, whatever the deadline is.
	if s.out.busy() || !s.pinging.CompareAndSwap(false, true) {
		s.ping.Reset(s.limits.pingPeriod)
		return
	}
	defer s.pinging.Store(false)
	if err := s.ws.Ping(background); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.writeFailed(err)
	}
}

// readFailed ends the session when it does not end already.
func (s *session) readFailed(err error) {
	if s.closing.Load() {
		return
	}
	status := websocket.CloseStatus(err)
	switch status {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd:
	default:
		s.Metrics.Messages.Errors.Add(1)
		s.note(s.Log.Debug()).Err(err).Msg("socket ended")
	}
	switch network := s.conn.readError(); {
	case status >= 0, errors.Is(network, io.EOF):
		s.settle()
		s.Close(presence.ClosedByPeer)
	case errors.Is(network, os.ErrDeadlineExceeded):
		s.Close(presence.ReadTimeout)
	case network != nil, errors.Is(err, net.ErrClosed):
		s.Close(presence.ClosedByPeer)
	case errors.Is(err, websocket.ErrMessageTooBig):
		s.closeWith(websocket.StatusMessageTooBig, presence.TooBig)
	default:
		s.closeWith(websocket.StatusProtocolError, presence.MalformedPayload)
	}
}

// settle lets what was read be handled when the peer has left: that it asked and
// left is no reason not to do it. It returns when all is done, the session ends
// for another reason, or the time to part has passed.
func (s *session) settle() {
	s.leaving.Store(true)
	s.ping.Stop()
	ctx, cancel := context.WithTimeout(s.ctx, s.limits.closeAckWait)
	defer cancel()
	s.in.waitIdle(ctx)
}

// gone is the reader's end. The connection is closed once the session has parted
// from the peer, or cannot.
func (s *session) gone() {
	s.ping.Stop()
	s.out.wait(s.limits.writeWait + s.limits.closeAckWait)
	_ = s.ws.CloseNow()
	s.Server.left()
}
