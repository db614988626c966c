package door

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// ClientOf returns the address of the client of an HTTP request, for module
// code and logs: from X-Forwarded-For if present, otherwise the peer's.
func ClientOf(r *http.Request, proxies int) (ip, port string) {
	return clientAddress(r.Header["X-Forwarded-For"], r.RemoteAddr, proxies)
}

// ClientOfRPC is ClientOf for gRPC calls.
func ClientOfRPC(ctx context.Context, proxies int) (ip, port string) {
	remote := ""
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		remote = p.Addr.String()
	}
	return clientAddress(metadata.ValueFromIncomingContext(ctx, "x-forwarded-for"), remote, proxies)
}

// clientAddress walks the forwarding list from its end: the first addresses,
// as many as there are proxies, are the proxies, the next is the client's. In
// a shorter list it is the leftmost. Loopback and invalid addresses do not
// count.
func clientAddress(forwarded []string, remote string, proxies int) (ip, port string) {
	passed := 0
	for i := len(forwarded) - 1; i >= 0 && passed <= proxies; i-- {
		for rest := forwarded[i]; rest != "" && passed <= proxies; {
			entry := rest
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, entry = rest[:comma], rest[comma+1:]
			} else {
				rest = ""
			}
			if host, p, ok := usable(strings.TrimSpace(entry)); ok {
				ip, port = host, p
				passed++
			}
		}
	}
	if ip != "" {
		return ip, port
	}
	host, port, err := net.SplitHostPort(remote)
	if err != nil {
		return remote, ""
	}
	return host, port
}

// usable parses one entry of a forwarding list.
func usable(entry string) (ip, port string, ok bool) {
	host := strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]")
	if h, p, err := net.SplitHostPort(entry); err == nil {
		host, port = h, p
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.IsLoopback() {
		return "", "", false
	}
	return host, port, true
}
