//go:build !unix

package socket

import "net"

// waiter is not available here: every socket has a read buffer.
type waiter struct{}

func newWaiter(net.Conn) *waiter { return nil }

func (*waiter) read() (*[]byte, error) { return nil, net.ErrClosed }
