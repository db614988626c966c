package main

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// sources are the local addresses of connections to a target. One address has
// about 28,000 ports, and a port is not free again for a minute after its
// connection ended; every address in 127.0.0.0/8 is local.
type sources struct {
	clients []*http.Client
	next    atomic.Uint64
}

// newSources returns n addresses. With one, the system chooses.
func newSources(n int) *sources {
	s := &sources{}
	for i := range n {
		dialer := &net.Dialer{}
		if n > 1 {
			dialer.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, byte((i+1)>>8), byte(i+1))}
		}
		s.clients = append(s.clients, &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, address)
			},
		}})
	}
	return s
}

// client returns a client for the next address in turn.
func (s *sources) client() *http.Client {
	return s.clients[s.next.Add(1)%uint64(len(s.clients))]
}
