//go:build !unix

package socket

import "net"

// waiter is not available here: sockets wait with a buffer of their own.
type waiter struct{}

func newWaiter(net.Conn) *waiter { return nil }

func (*waiter) read() (*[]byte, error) { return nil, net.ErrClosed }
