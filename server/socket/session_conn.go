package socket

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// wire is the network connection of a socket. The reader reads from it; what is
// sent are whole frames, as many as there are in one write, so that writes of
// different goroutines never mix.
type wire struct {
	net.Conn
	wait      *waiter // nil where there is none for the connection
	writeWait time.Duration

	mu       sync.Mutex // of who writes
	deadline time.Time  // of writes
	failed   error      // of a write: a part of a frame may be out
	sealed   bool       // our close frame is out: nothing may follow it
}

// control writes a control frame that is not a close frame.
func (w *wire) control(frame []byte) error {
	_, err := w.write(frame, false)
	return err
}

// write writes whole frames with the configured deadline; last says that they
// end with the close frame. What comes after that is left out, and after an error
// there is only that. A write has the time that was left when it began: another
// one, as of a ping, waits for it and does not give it more.
func (w *wire) write(p []byte, last bool) (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed != nil || w.sealed {
		return 0, w.failed
	}
	w.sealed = last
	// Setting a deadline costs as much as encoding a message, so it is moved only
	// once a quarter of it has passed.
	if now := time.Now(); w.deadline.Sub(now) < w.writeWait*3/4 {
		w.deadline = now.Add(w.writeWait)
		if w.failed = w.Conn.SetWriteDeadline(w.deadline); w.failed != nil {
			return 0, w.failed
		}
	}
	n, w.failed = w.Conn.Write(p)
	return n, w.failed
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

// Sizes of the buffers that all sockets share. What is read waits in one for the
// rest of a frame, perhaps for long, so those are small and all alike; those of
// writers go back as soon as the write has ended.
const (
	readBuffer      = 4 << 10
	keptWriteBuffer = 128 << 10
)

var (
	readBuffers  = sync.Pool{New: func() any { b := make([]byte, 0, readBuffer); return &b }}
	writeBuffers = sync.Pool{New: func() any { b := make([]byte, 0, readBuffer); return &b }}
)

// getRead gives an empty buffer to read into.
func getRead() *[]byte { return readBuffers.Get().(*[]byte) }

// putRead gives it back, unless it has grown.
func putRead(b *[]byte) {
	if cap(*b) == readBuffer {
		*b = (*b)[:0]
		readBuffers.Put(b)
	}
}
