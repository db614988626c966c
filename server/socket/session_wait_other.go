//go:build !unix

package socket

import "net"

// waiter is for systems on which a connection can be waited for without a
// buffer.
type waiter struct{}

func newWaiter(net.Conn) *waiter { return nil }

func (*waiter) read() (*[]byte, error) { panic("there is no waiter") }
