package server

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// wire is the network connection of a socket. The websocket library reads from
// it and writes control frames to it, each in one Write; data frames the
// session writes itself, as many as there are in one Write, which is why they
// never mix. Frames of a server are not masked, so that is all there is to it.
type wire struct {
	net.Conn
	writeWait time.Duration
	deadline  atomic.Int64 // when the write deadline was last set, Unix ns
	sealed    atomic.Bool  // our close frame is out: nothing may follow it
	head      []byte       // what was read before the connection was ours
	waits     func()       // called before each read from the network
}

// Read implements net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.head) > 0 {
		n := copy(p, w.head)
		if w.head = w.head[n:]; len(w.head) == 0 {
			w.head = nil
		}
		return n, nil
	}
	w.waits()
	return w.Conn.Read(p)
}

// Write implements net.Conn for the websocket library's control frames.
func (w *wire) Write(p []byte) (int, error) {
	if w.sealed.Load() {
		return len(p), nil
	}
	return w.write(p)
}

// write writes with the configured deadline. Setting one costs as much as
// encoding a message, so it is moved only once a quarter of it has passed.
func (w *wire) write(p []byte) (int, error) {
	now := time.Now()
	if ns := now.UnixNano(); ns-w.deadline.Load() > int64(w.writeWait/4) {
		w.deadline.Store(ns)
		if err := w.Conn.SetWriteDeadline(now.Add(w.writeWait)); err != nil {
			return 0, err
		}
	}
	return w.Conn.Write(p)
}

// abort closes the connection without what was written and not yet taken: the
// system would keep megabytes for a peer that does not read, for as long as that
// answers at all.
func (w *wire) abort() {
	conn := w.Conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = w.Close()
}

// Control frames are at most 127 bytes; the library's write buffer must hold
// one whole.
const (
	controlBuffer = 136
	readBuffer    = 1024
)

// slim takes over a connection with small buffers. The 8 KiB that net/http
// hands over would stay with every idle socket.
type slim struct {
	http.ResponseWriter
	writeWait time.Duration
	wire      *wire
}

// Hijack implements http.Hijacker for the websocket library.
func (s *slim) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(s.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	s.wire = &wire{Conn: conn, writeWait: s.writeWait}
	if n := rw.Reader.Buffered(); n > 0 {
		s.wire.head = make([]byte, n)
		if _, err := rw.Read(s.wire.head); err != nil {
			_ = conn.Close()
			return nil, nil, err
		}
	}
	return s.wire, bufio.NewReadWriter(bufio.NewReaderSize(s.wire, readBuffer), bufio.NewWriterSize(s.wire, controlBuffer)), nil
}

// appendFrame appends one whole message as an unmasked frame.
func appendFrame(b []byte, kind websocket.MessageType, payload []byte) []byte {
	const final = 0x80
	b = append(b, final|byte(kind))
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(b, payload...)
}

// appendClose appends a close frame.
func appendClose(b []byte, code websocket.StatusCode, reason string) []byte {
	reason = reason[:min(len(reason), 123)]
	b = append(b, 0x88, byte(2+len(reason)))
	b = binary.BigEndian.AppendUint16(b, uint16(code))
	return append(b, reason...)
}

// pingFrame is an empty ping.
var pingFrame = []byte{0x89, 0}

// buffers are what frames are read into and gathered in, shared by all sockets.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}

func putBuffer(b *[]byte) {
	if cap(*b) <= 128<<10 {
		*b = (*b)[:0]
		buffers.Put(b)
	}
}
