//go:build !no_cluster

package bus

// ClientAddress is the port for clients of the embedded server.
func (b *NATS) ClientAddress() string { return b.embedded.server.Addr().String() }
