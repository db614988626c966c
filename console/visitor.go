package console

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"kumi/core"
	"kumi/server/transport"
)

// visitorOf returns what is known of the sender of a request.
func visitorOf(r *http.Request, proxies int) core.Visitor {
	address, _ := transport.HTTPClientAddress(r, proxies)
	return core.Visitor{Address: address, Authorization: r.Header.Get("Authorization"), Local: isLocal(r)}
}

// forwardingHeaders are those of proxies.
var forwardingHeaders = []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via"}

// isLocal reports whether a request comes from this machine: by its connection, without
// a proxy in between, and not from a page of another site that a browser on this machine
// shows, which may also have made its own name lead here.
func isLocal(r *http.Request) bool {
	for _, header := range forwardingHeaders {
		if len(r.Header.Values(header)) > 0 {
			return false
		}
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || !isLoopback(u.Host) {
			return false
		}
	}
	return isLoopback(r.RemoteAddr) && isLoopback(r.Host)
}

// isLoopback reports whether a host, with or without a port, is this machine.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}

// Headers and methods that pages of other origins may use.
const allowedHeaders = "Authorization, Content-Type, User-Agent"

var allowedMethods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"}

// cors allows pages of any origin to use the API, which takes no cookies. It responds to
// preflight requests itself and returns true for them.
func cors(w http.ResponseWriter, r *http.Request) (answered bool) {
	if r.Header.Get("Origin") == "" {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	asked := r.Header.Get("Access-Control-Request-Method")
	if r.Method != http.MethodOptions || asked == "" {
		return false
	}
	if !slices.Contains(allowedMethods, asked) {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return true
	}
	h.Set("Access-Control-Allow-Headers", allowedHeaders)
	h.Set("Access-Control-Allow-Methods", strings.Join(allowedMethods, ", "))
	w.WriteHeader(http.StatusOK)
	return true
}
