package testkit

import (
	"context"
	"net"

	"google.golang.org/grpc/test/bufconn"
)

// socketBuffer is the size in bytes of the buffer that stands for those of the kernel, for
// each direction of a connection.
const socketBuffer = 64 << 10

// listener accepts connections in memory. All its waiting is durable in the sense of
// testing/synctest, so virtual time passes while a connection is idle.
type listener struct{ *bufconn.Listener }

func listen() listener { return listener{bufconn.Listen(socketBuffer)} }

// address is what both ends of a connection have as their address.
var address = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7350}

type conn struct{ net.Conn }

// LocalAddr implements net.Conn.
func (conn) LocalAddr() net.Addr { return address }

// RemoteAddr implements net.Conn.
func (conn) RemoteAddr() net.Addr { return address }

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, net.ErrClosed
	}
	return conn{c}, nil
}

// Addr implements net.Listener.
func (l listener) Addr() net.Addr { return address }

// dial opens a connection to the listener.
func (l listener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return l.DialContext(ctx)
}
