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
func (c *connection) read() {
	for {
		kind, message, err := c.next()
		if err != nil {
			c.readFailed(err)
			c.gone()
			return
		}
		if c.accepts(kind, message) && !c.process(message) {
			return
		}
	}
}

// next reads a message into a pooled buffer that the caller must give back.
func (c *connection) next() (websocket.MessageType, *[]byte, error) {
	kind, r, err := c.ws.Reader(background)
	if err != nil {
		return 0, nil, err
	}
	buffer := takeReadBuffer()
	*buffer, err = readInto(r, *buffer)
	if err == nil {
		// Where the connection ends in the middle of a message and before any byte of
		// a read, the library reports io.EOF, as at the end of the message.
		err = c.net.readError()
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
// been given back, and the session is closing or has another connection.
func (c *connection) accepts(kind websocket.MessageType, message *[]byte) bool {
	c.Metrics.Messages.Count.Add(1)
	c.Metrics.Messages.Received.Add(uint64(len(*message)))
	switch {
	case c.closing.Load() || c.draining.Load():
		// Reading goes on only for the peer's close frame.
	case c.limits.resume > 0 && !c.last():
		// It was sent before the messages of the connection that the session has now.
	case kind != c.kind:
		c.note(c.Log.Debug()).Msg("message of the wrong type for the format of the session")
		c.Close(presence.MalformedPayload)
	case kind == websocket.MessageText && !utf8.Valid(*message):
		c.note(c.Log.Debug()).Msg("text message is not UTF-8")
		c.closeWith(websocket.StatusInvalidFramePayloadData, presence.MalformedPayload)
	default:
		if c.heard++; c.heard >= c.limits.pingBackoff {
			c.alive()
		}
		return true
	}
	giveReadBuffer(message)
	return false
}

// alive postpones the read deadline and the next ping, as something was read from
// the peer. Only the reader's goroutine calls it: after messages, and for pongs
// from inside the library.
func (c *connection) alive() {
	if c.closing.Load() {
		return // the deadline is closeAckWait now
	}
	c.heard = 0
	_ = c.net.SetReadDeadline(time.Now().Add(c.limits.pongWait))
	c.ping.Reset(c.limits.pingPeriod)
	if c.closing.Load() { // closing began meanwhile
		c.ping.Stop()
		_ = c.net.SetReadDeadline(time.Now().Add(c.limits.closeAckWait))
	}
}

// sendPing is the function of the ping timer, on a goroutine of its own. It waits
// for the pong, for which alive sets the timer again. At most one ping is under
// way: messages set the timer, too, for a peer that may never answer pings.
func (c *connection) sendPing() {
	if c.closing.Load() {
		return
	}
	// A write in progress tests the peer as well, within its own deadline. The
	// library closes a connection whose ping cannot be written in five seconds, so a
	// ping must not wait for that write.
	if c.net.writing() > 0 || !c.pinging.CompareAndSwap(false, true) {
		c.ping.Reset(c.limits.pingPeriod)
		return
	}
	defer c.pinging.Store(false)
	if err := c.ws.Ping(background); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		c.writeFailed(err)
	}
}

// readFailed ends the connection, and mostly its session, for the error that ended
// reading.
func (c *connection) readFailed(err error) {
	if c.closing.Load() {
		return
	}
	status := websocket.CloseStatus(err)
	switch status {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd:
	default:
		c.Metrics.Messages.Errors.Add(1)
		c.note(c.Log.Debug()).Err(err).Msg("socket ended")
	}
	switch network := c.net.readError(); {
	case status >= 0:
		c.settle()
		c.closed()
	case errors.Is(network, io.EOF):
		if c.park(presence.ClosedByPeer) {
			_ = c.net.Conn.Close() // so that a write that is in progress ends
			return
		}
		c.settle()
		c.Close(presence.ClosedByPeer)
	case errors.Is(network, os.ErrDeadlineExceeded):
		c.lost(presence.ReadTimeout)
	case network != nil, errors.Is(err, net.ErrClosed):
		c.lost(presence.ClosedByPeer)
	case !c.last():
		// What it sent is no concern of the connection that the session has now.
	case errors.Is(err, websocket.ErrMessageTooBig):
		c.closeWith(websocket.StatusMessageTooBig, presence.TooBig)
	default:
		c.closeWith(websocket.StatusProtocolError, presence.MalformedPayload)
	}
}

// settle waits until the messages that were read are handled: a client that has
// left, even without a close frame, still wants done what it asked for. It gives up after closeAckWait, or when
// the session ends for another reason.
func (c *connection) settle() {
	c.leaving.Store(true)
	c.ping.Stop()
	ctx, cancel := context.WithTimeout(c.ctx, c.limits.closeAckWait)
	defer cancel()
	c.in.waitIdle(ctx)
}

// gone ends the reader. The connection is closed once the last messages and the
// close frame are sent, or cannot be.
func (c *connection) gone() {
	c.ping.Stop()
	c.out.wait(c, c.limits.writeWait+c.limits.closeAckWait)
	_ = c.ws.CloseNow()
	c.Server.left()
}
