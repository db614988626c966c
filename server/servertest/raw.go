package servertest

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Raw is a JSON socket of a client that may misbehave: it reads only when told to, can
// stop in the middle of a frame, and can cut the connection. It is cheap enough for
// thousands in one test. Its methods return errors, because they are called from
// goroutines that cannot fail a test. One goroutine may read while another writes.
type Raw struct {
	conn *net.TCPConn
	in   *bufio.Reader
	buf  []byte
}

// Raw opens a socket with a session token. query is appended to the address's query,
// such as "&status=true".
func (s *Server) Raw(token, query string) (*Raw, error) {
	host := strings.TrimPrefix(s.URL, "http://")
	conn, err := net.DialTimeout("tcp", host, wait)
	if err != nil {
		return nil, err
	}
	r := &Raw{conn: conn.(*net.TCPConn), in: bufio.NewReaderSize(conn, 1024)}
	_ = conn.SetDeadline(time.Now().Add(wait))
	_, err = fmt.Fprintf(conn, "GET /ws?format=json&token=%s%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", url.QueryEscape(token), query, host)
	if err != nil {
		r.Cut()
		return nil, err
	}
	resp, err := http.ReadResponse(r.in, nil)
	if err == nil && resp.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("the socket was refused: %s", resp.Status)
	}
	if err != nil {
		r.Cut()
		return nil, err
	}
	return r, conn.SetDeadline(time.Time{})
}

// The kinds of frames.
const (
	textFrame  = 1
	closeFrame = 8
	pingFrame  = 9
	pongFrame  = 10
)

// frame returns a client's frame. Its mask is zero, so the payload is unchanged.
func frame(kind byte, payload string) []byte {
	b := []byte{0x80 | kind}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// Send sends an envelope.
func (r *Raw) Send(text string) error {
	_, err := r.conn.Write(frame(textFrame, text))
	return err
}

// SendPart sends the first percent of the bytes of an envelope's frame, at least one
// byte.
func (r *Raw) SendPart(text string, percent int) error {
	b := frame(textFrame, text)
	_, err := r.conn.Write(b[:max(1, len(b)*percent/100)])
	return err
}

// Next reads the next envelope and answers pings. The bytes are valid until the next
// call. If the server closed the socket with a close frame, the error wraps io.EOF and
// has the reason in its text.
func (r *Raw) Next() ([]byte, error) {
	for {
		kind, payload, err := r.read()
		if err != nil {
			return nil, err
		}
		switch kind {
		case textFrame:
			return payload, nil
		case pingFrame:
			if _, err := r.conn.Write(frame(pongFrame, string(payload))); err != nil {
				return nil, err
			}
		case closeFrame:
			_, _ = r.conn.Write(frame(closeFrame, string(payload[:min(2, len(payload))])))
			return nil, fmt.Errorf("closed by the server: %q: %w", payload[min(2, len(payload)):], io.EOF)
		}
	}
}

func (r *Raw) read() (kind byte, payload []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(r.in, head[:2]); err != nil {
		return 0, nil, err
	}
	kind = head[0] & 0xf
	n := uint64(head[1] & 0x7f)
	switch n {
	case 126:
		_, err = io.ReadFull(r.in, head[:2])
		n = uint64(binary.BigEndian.Uint16(head[:]))
	case 127:
		_, err = io.ReadFull(r.in, head[:])
		n = binary.BigEndian.Uint64(head[:])
	}
	if err != nil {
		return 0, nil, err
	}
	if uint64(cap(r.buf)) < n {
		r.buf = make([]byte, n)
	}
	r.buf = r.buf[:n]
	_, err = io.ReadFull(r.in, r.buf)
	return kind, r.buf, err
}

// Until reads until an envelope contains text, and returns it.
func (r *Raw) Until(text string) (string, error) {
	for {
		_ = r.conn.SetReadDeadline(time.Now().Add(wait))
		b, err := r.Next()
		if err != nil {
			return "", fmt.Errorf("waiting for %s: %w", text, err)
		}
		if strings.Contains(string(b), text) {
			return string(b), r.conn.SetReadDeadline(time.Time{})
		}
	}
}

// Close sends a close frame and waits for the server to close the connection.
func (r *Raw) Close() error {
	defer r.conn.Close()
	if _, err := r.conn.Write(frame(closeFrame, "\x03\xe8")); err != nil {
		return err
	}
	_ = r.conn.SetReadDeadline(time.Now().Add(wait))
	for {
		if _, _, err := r.read(); err != nil {
			return nil
		}
	}
}

// HangUp closes the connection without a close frame.
func (r *Raw) HangUp() { _ = r.conn.Close() }

// Cut resets the connection, as a broken network does: data in transit is lost.
func (r *Raw) Cut() {
	_ = r.conn.SetLinger(0)
	_ = r.conn.Close()
}

// Narrow makes the client's receive buffer small.
func (r *Raw) Narrow() { _ = r.conn.SetReadBuffer(4096) }
