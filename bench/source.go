package main

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// sources are the addresses that connections to a target come from. One
// address has about 28,000 ports, and one that a connection left is not free
// for a minute; every address of 127.0.0.0/8 is this machine.
type sources struct {
	clients []*http.Client
	next    atomic.Uint64
}

// newSources makes n of them. With one, the system chooses.
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

// client takes the addresses in turn.
func (s *sources) client() *http.Client {
	return s.clients[s.next.Add(1)%uint64(len(s.clients))]
}
