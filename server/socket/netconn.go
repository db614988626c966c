package socket

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// netConn is the network connection under a WebSocket. The WebSocket library
// writes each frame by itself; while the connection is held, frames are gathered
// and go out in one system call. Read is for one goroutine, everything else for
// any.
type netConn struct {
	net.Conn
	writeWait time.Duration
	sent      *atomic.Uint64 // counts bytes
	// beforeRead is called before each read from the network.
	beforeRead func()
	wait       *waiter               // nil where there is none for the connection
	ahead      *[]byte               // what was read from the network and is not yet given out, nil for nothing
	at         int                   // in ahead
	readErr    atomic.Pointer[error] // of the network, which ended reading

	mu       sync.Mutex // held during a write, so that writes never mix
	held     *[]byte    // frames of a connection that is held, nil when it is not
	deadline time.Time  // of writes
	failed   error      // of a write: a part of a frame may be out
}

// Sizes in bytes. What a socket has for its whole life is small. The large
// buffers are shared by all sockets, and belong to one only as long as there is
// something in them.
const (
	writerSize      = 16      // of the library's writer; netConn gathers frames
	readerSize      = 16      // of the library's reader, where chunks are read
	waitingSize     = 1 << 10 // of that reader where it waits itself
	chunkSize       = 4 << 10 // of what is read from the network at once
	messageSize     = 1 << 10
	keptMessage     = 16 << 10
	maxGathered     = 64 << 10
	keptWriteBuffer = 128 << 10
)

var (
	chunks       = sync.Pool{New: func() any { b := make([]byte, 0, chunkSize); return &b }}
	readBuffers  = sync.Pool{New: func() any { b := make([]byte, 0, messageSize); return &b }}
	writeBuffers = sync.Pool{New: func() any { b := make([]byte, 0, chunkSize); return &b }}
)

// takeReadBuffer gives an empty buffer for a message.
func takeReadBuffer() *[]byte { return readBuffers.Get().(*[]byte) }

// giveReadBuffer gives it back. Nobody may hold its bytes any longer.
func giveReadBuffer(b *[]byte) {
	if cap(*b) <= keptMessage {
		*b = (*b)[:0]
		readBuffers.Put(b)
	}
}

// upgrade is a response that hands its connection to the WebSocket library as a
// netConn. Nothing of net/http stays with the connection.
type upgrade struct {
	http.ResponseWriter
	conn *netConn // without a connection until Hijack
}

// Hijack implements http.Hijacker.
func (u upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("take over the connection: %w", err)
	}
	c := u.conn
	c.Conn, c.wait = conn, newWaiter(conn)
	if n := rw.Reader.Buffered(); n > 0 {
		early, _ := rw.Reader.Peek(n) // all of it is there
		early = slices.Clone(early)
		c.ahead = &early
	}
	size := readerSize
	if c.wait == nil {
		size = waitingSize
	}
	return c, bufio.NewReadWriter(bufio.NewReaderSize(c, size), bufio.NewWriterSize(c, writerSize)), nil
}

// Read implements net.Conn.
func (c *netConn) Read(p []byte) (n int, err error) {
	if c.ahead == nil {
		c.beforeRead()
		if c.wait == nil || len(p) >= chunkSize {
			n, err = c.Conn.Read(p)
		} else {
			c.ahead, err = c.wait.read()
		}
		if n == 0 && err != nil {
			c.readErr.Store(&err)
		}
		if c.ahead == nil {
			return n, err
		}
	}
	n = copy(p, (*c.ahead)[c.at:])
	if c.at += n; c.at == len(*c.ahead) {
		if cap(*c.ahead) == chunkSize {
			chunks.Put(c.ahead)
		}
		c.ahead, c.at = nil, 0
	}
	return n, nil
}

// Write implements net.Conn. After an error there is only that.
func (c *netConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		return 0, c.failed
	}
	if c.held == nil {
		return c.write(p)
	}
	if len(*c.held)+len(p) > maxGathered {
		if err := c.flush(); err != nil {
			return 0, err
		}
		if len(p) > maxGathered {
			return c.write(p)
		}
	}
	*c.held = append(*c.held, p...)
	return len(p), nil
}

// readError is the error of the network that ended reading, nil until then.
func (c *netConn) readError() error {
	if err := c.readErr.Load(); err != nil {
		return *err
	}
	return nil
}

// hold has frames gathered until release. One goroutine at a time may hold the
// connection; frames that others write meanwhile are gathered, too.
func (c *netConn) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = writeBuffers.Get().(*[]byte)
}

// release writes what was gathered.
func (c *netConn) release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.flush()
	if b := c.held; cap(*b) <= keptWriteBuffer {
		*b = (*b)[:0]
		writeBuffers.Put(b)
	}
	c.held = nil
	return err
}

// flush writes what is gathered. mu is held, and so is the connection.
func (c *netConn) flush() error {
	if len(*c.held) > 0 && c.failed == nil {
		_, _ = c.write(*c.held)
		*c.held = (*c.held)[:0]
	}
	return c.failed
}

// write writes to the network within writeWait. A write has the time that was
// left when it began: another one, as of a ping, waits for it and does not give
// it more. mu is held.
func (c *netConn) write(p []byte) (n int, err error) {
	// Setting a deadline costs as much as encoding a message, so it is moved only
	// once a quarter of it has passed.
	if now := time.Now(); c.deadline.Sub(now) < c.writeWait*3/4 {
		c.deadline = now.Add(c.writeWait)
		if c.failed = c.SetWriteDeadline(c.deadline); c.failed != nil {
			return 0, c.failed
		}
	}
	n, c.failed = c.Conn.Write(p)
	c.sent.Add(uint64(n))
	return n, c.failed
}

// Close implements net.Conn. What is gathered goes out first: the library closes
// as soon as it has written its answer to a close frame.
func (c *netConn) Close() error {
	c.mu.Lock()
	if c.held != nil {
		_ = c.flush()
	}
	c.mu.Unlock()
	return c.Conn.Close()
}

// abort closes the connection without what was written and not yet taken: the
// system would keep megabytes for a peer that does not read, for as long as that
// answers at all. A write that is stuck ends with it.
func (c *netConn) abort() {
	conn := c.Conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Conn.Close()
}
