//go:build unix

package socket

import (
	"io"
	"net"
	"syscall"
)

// waiter reads from a TCP connection and takes a buffer only when there is
// something to read, so that an idle socket has none.
type waiter struct {
	conn  syscall.RawConn
	ready func(fd uintptr) bool // w.try, bound once

	got *[]byte
	err error
}

// newWaiter returns nil for connections that are not TCP, as those under TLS.
func newWaiter(c net.Conn) *waiter {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	w := &waiter{conn: raw}
	w.ready = w.try
	return w
}

// read waits for bytes and returns them in a buffer of the pool chunks.
func (w *waiter) read() (*[]byte, error) {
	if err := w.conn.Read(w.ready); err != nil {
		return nil, err
	}
	got, err := w.got, w.err
	w.got, w.err = nil, nil
	return got, err
}

// try reads without blocking. It is false when there is nothing to read yet.
func (w *waiter) try(fd uintptr) (done bool) {
	b := chunks.Get().(*[]byte)
	for {
		n, err := syscall.Read(int(fd), (*b)[:cap(*b)])
		switch {
		case err == syscall.EINTR:
			continue
		case err == nil && n > 0:
			*b = (*b)[:n]
			w.got = b
			return true
		case err == nil:
			w.err = io.EOF
		case err != syscall.EAGAIN:
			w.err = err
		}
		chunks.Put(b)
		return err != syscall.EAGAIN
	}
}
