package transport

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// HTTPClientAddress returns the address of the client of an HTTP request, for
// module code and logs. It is taken from X-Forwarded-For where that header has
// a usable one, otherwise it is the peer's. proxies is the number of reverse
// proxies in front of the server.
func HTTPClientAddress(r *http.Request, proxies int) (ip, port string) {
	return clientAddress(r.Header["X-Forwarded-For"], r.RemoteAddr, proxies)
}

// GRPCClientAddress is HTTPClientAddress for the context of a gRPC call.
func GRPCClientAddress(ctx context.Context, proxies int) (ip, port string) {
	remote := ""
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		remote = p.Addr.String()
	}
	return clientAddress(metadata.ValueFromIncomingContext(ctx, "x-forwarded-for"), remote, proxies)
}

// clientAddress reads the forwarding list from its end, where each proxy appended
// the address it was called from: it skips as many addresses as there are
// proxies and returns the next, or the leftmost of a shorter list. Loopback and
// invalid addresses do not count.
func clientAddress(forwarded []string, remote string, proxies int) (ip, port string) {
	seen := 0
	for i := len(forwarded) - 1; i >= 0 && seen <= proxies; i-- {
		for rest := forwarded[i]; rest != "" && seen <= proxies; {
			entry := rest
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, entry = rest[:comma], rest[comma+1:]
			} else {
				rest = ""
			}
			if host, p, ok := parseForwarded(strings.TrimSpace(entry)); ok {
				ip, port = host, p
				seen++
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

// parseForwarded splits one entry of a forwarding list, with or without a port,
// and reports whether it counts.
func parseForwarded(entry string) (ip, port string, ok bool) {
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
