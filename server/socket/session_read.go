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
// connection ends, or until another goroutine reads in its place because a
// handler is slow. So pings are answered and a lost connection is noticed
// whatever handlers do. The calls in which it waits are few and small, as an idle
// session keeps the stack that they need.
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

// next reads a message into a pooled buffer that the caller must give back.
func (s *session) next() (websocket.MessageType, *[]byte, error) {
	kind, r, err := s.ws.Reader(background)
	if err != nil {
		return 0, nil, err
	}
	buffer := takeReadBuffer()
	*buffer, err = readInto(r, *buffer)
	if err == nil {
		// Where the connection ends in the middle of a message and before any byte of
		// a read, the library reports io.EOF, as at the end of the message.
		err = s.conn.readError()
	}
	if err != nil {
		giveReadBuffer(buffer)
		return 0, nil, err
	}
	return kind, buffer, nil
}

// background is the context of all calls into the WebSocket library. A context
// per message would cost allocations; deadlines of the connection do its work.
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

// accepts checks a message before it is handled. If it is refused, its buffer has
// been given back and the session is closing.
func (s *session) accepts(kind websocket.MessageType, message *[]byte) bool {
	s.Metrics.Messages.Count.Add(1)
	s.Metrics.Messages.Received.Add(uint64(len(*message)))
	switch {
	case s.closing.Load() || s.draining.Load():
		// Reading goes on only for the peer's close frame.
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

// alive postpones the read deadline and the next ping, as something was read from
// the peer. Only the reader's goroutine calls it: after messages, and for pongs
// from inside the library.
func (s *session) alive() {
	if s.closing.Load() {
		return // the deadline is closeAckWait now
	}
	s.heard = 0
	_ = s.conn.SetReadDeadline(time.Now().Add(s.limits.pongWait))
	s.ping.Reset(s.limits.pingPeriod)
	if s.closing.Load() { // closing began meanwhile
		s.ping.Stop()
		_ = s.conn.SetReadDeadline(time.Now().Add(s.limits.closeAckWait))
	}
}

// sendPing is the function of the ping timer, on a goroutine of its own. It waits
// for the pong, for which alive sets the timer again. At most one ping is under
// way: messages set the timer, too, for a peer that may never answer pings.
func (s *session) sendPing() {
	if s.closing.Load() {
		return
	}
	// A write in progress tests the peer as well, within its own deadline. The
	// library closes a connection whose ping cannot be written in five seconds, so a
	// ping must not wait for that write.
	if s.conn.writing() > 0 || !s.pinging.CompareAndSwap(false, true) {
		s.ping.Reset(s.limits.pingPeriod)
		return
	}
	defer s.pinging.Store(false)
	if err := s.ws.Ping(background); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.writeFailed(err)
	}
}

// readFailed closes the session for the error that ended reading.
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

// settle waits until the messages that were read are handled: a client that has
// left still wants done what it asked for. It gives up after closeAckWait, or when
// the session ends for another reason.
func (s *session) settle() {
	s.leaving.Store(true)
	s.ping.Stop()
	ctx, cancel := context.WithTimeout(s.ctx, s.limits.closeAckWait)
	defer cancel()
	s.in.waitIdle(ctx)
}

// gone ends the reader. The connection is closed once the last messages and the
// close frame are sent, or cannot be.
func (s *session) gone() {
	s.ping.Stop()
	s.out.wait(s.limits.writeWait + s.limits.closeAckWait)
	_ = s.ws.CloseNow()
	s.Server.left()
}
