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

// netConn is the network connection that the WebSocket library uses. The library
// writes every frame at once; between hold and release frames are gathered and
// written in one system call. Only the reader's goroutine may call Read; any may
// call the other methods.
type netConn struct {
	net.Conn
	writeWait time.Duration
	sent      *atomic.Uint64 // counts bytes
	// beforeRead is called before each read from the network, which may block.
	beforeRead func()
	wait       *waiter               // nil if the connection is not a TCP connection
	ahead      *[]byte               // what was read from the network, nil when all of it was returned
	at         int                   // how much of ahead was returned
	readErr    atomic.Pointer[error] // the error of the network that ended reading
	writeBegan atomic.Int64          // Unix time in nanoseconds of the write in progress, 0 when there is none

	mu       sync.Mutex // held during a write, so that frames never mix
	held     *[]byte    // frames gathered since hold, nil after release
	deadline time.Time  // of writes
	failed   error      // of the first write that failed; a part of a frame may have been sent
	given    uint64     // bytes of Write
	written  uint64     // those of them that the network took
}

// Sizes in bytes. What a socket owns while it is open is small; the large buffers
// come from pools that all sockets share, and are given back once they are empty.
const (
	writerSize      = 16      // the library's write buffer; netConn gathers frames itself
	readerSize      = 16      // the library's read buffer; netConn reads chunks itself
	waitingSize     = 1 << 10 // that buffer for connections without a waiter
	chunkSize       = 4 << 10 // read from the network at once
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

// takeReadBuffer returns an empty buffer for a message.
func takeReadBuffer() *[]byte { return readBuffers.Get().(*[]byte) }

// giveReadBuffer returns a buffer to the pool. Nothing may refer to its bytes.
func giveReadBuffer(b *[]byte) {
	if cap(*b) <= keptMessage {
		*b = (*b)[:0]
		readBuffers.Put(b)
	}
}

// upgrade is a response whose connection the WebSocket library gets as a netConn,
// with buffers of ours instead of those of net/http. The answer of the handshake is
// held on that connection until its release, so that a client that has it finds its
// session on its streams.
type upgrade struct {
	http.ResponseWriter
	conn *netConn // its Conn is set by Hijack
}

// WriteHeader implements http.ResponseWriter. Hijack writes the head of the answer
// that switches protocols.
func (u upgrade) WriteHeader(status int) {
	if status != http.StatusSwitchingProtocols {
		u.ResponseWriter.WriteHeader(status)
	}
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
		early, _ := rw.Reader.Peek(n) // cannot fail: n bytes are buffered
		early = slices.Clone(early)
		c.ahead = &early
	}
	size := readerSize
	if c.wait == nil {
		size = waitingSize
	}
	c.hold()
	answer := http.Response{StatusCode: http.StatusSwitchingProtocols, ProtoMajor: 1, ProtoMinor: 1, Header: u.Header()}
	if err := answer.Write(c); err != nil {
		return nil, nil, fmt.Errorf("write the answer of the handshake: %w", err)
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

// Write implements net.Conn. After an error every call returns that error.
func (c *netConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		return 0, c.failed
	}
	c.given += uint64(len(p))
	if c.held == nil {
		return c.write(p)
	}
	if len(*c.held)+len(p) > maxGathered {
		if err := c.writeHeld(); err != nil {
			return 0, err
		}
		if len(p) > maxGathered {
			return c.write(p)
		}
	}
	*c.held = append(*c.held, p...)
	return len(p), nil
}

// readError is the error of the network that ended reading, or nil.
func (c *netConn) readError() error {
	if err := c.readErr.Load(); err != nil {
		return *err
	}
	return nil
}

// hold gathers frames until release. Only the goroutine that owns writing may call
// it; control frames that others write meanwhile are gathered, too.
func (c *netConn) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = writeBuffers.Get().(*[]byte)
}

// release writes what was gathered.
func (c *netConn) release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.writeHeld()
	if b := c.held; cap(*b) <= keptWriteBuffer {
		*b = (*b)[:0]
		writeBuffers.Put(b)
	}
	c.held = nil
	return err
}

// writeHeld writes the frames that are gathered. mu is held.
func (c *netConn) writeHeld() error {
	if len(*c.held) > 0 && c.failed == nil {
		_, _ = c.write(*c.held)
		*c.held = (*c.held)[:0]
	}
	return c.failed
}

// write writes to the network within writeWait. It holds mu, so a second write, as
// of a ping, waits for the first and cannot move its deadline. mu is held.
func (c *netConn) write(p []byte) (n int, err error) {
	// Setting a deadline costs as much as encoding a message, so it is moved only
	// once a quarter of it has passed.
	now := time.Now()
	if c.deadline.Sub(now) < c.writeWait*3/4 {
		c.deadline = now.Add(c.writeWait)
		if c.failed = c.SetWriteDeadline(c.deadline); c.failed != nil {
			return 0, c.failed
		}
	}
	c.writeBegan.Store(now.UnixNano())
	n, c.failed = c.Conn.Write(p)
	c.writeBegan.Store(0)
	c.sent.Add(uint64(n))
	c.written += uint64(n)
	return n, c.failed
}

// position is how many bytes were written so far, with those that are gathered.
func (c *netConn) position() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.given
}

// taken is how many of the given positions, in ascending order, the network took.
func (c *netConn) taken(positions []uint64) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n < len(positions) && positions[n] <= c.written {
		n++
	}
	return n
}

// writing is for how long a write to the network has been in progress, 0 when
// there is none. Any goroutine may call it.
func (c *netConn) writing() time.Duration {
	began := c.writeBegan.Load()
	if began == 0 {
		return 0
	}
	return max(time.Since(time.Unix(0, began)), 1)
}

// Close implements net.Conn. It writes what is gathered first, as the library
// closes the connection as soon as it has written its answer to a close frame.
func (c *netConn) Close() error {
	c.mu.Lock()
	if c.held != nil {
		_ = c.writeHeld()
	}
	c.mu.Unlock()
	return c.Conn.Close()
}

// abort closes the connection and drops what the peer has not received: the
// system could keep megabytes for a peer that does not read. A write that blocks
// returns with an error.
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
