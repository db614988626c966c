package server

import (
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// wire is the network connection of a socket. The reader reads from it; what is
// sent are whole frames, as many as there are in one write, so that writes of
// different goroutines never mix.
type wire struct {
	net.Conn
	wait      *waiter // nil where there is none for the connection
	writeWait time.Duration
	deadline  atomic.Int64 // when the write deadline was last set, Unix ns
	sealed    atomic.Bool  // our close frame is out: nothing may follow it
}

// control writes a control frame.
func (w *wire) control(frame []byte) error {
	if w.sealed.Load() {
		return nil
	}
	_, err := w.write(frame)
	return err
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

// buffers are what frames are read into and gathered in, shared by all sockets.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}

func putBuffer(b *[]byte) {
	if cap(*b) <= 128<<10 {
		*b = (*b)[:0]
		buffers.Put(b)
	}
}
