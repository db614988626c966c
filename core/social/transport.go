package social

import (
	"errors"
	"net/http"
	"net/url"
	"time"
)

// maxAtOnce limits the requests that run at once, per host: those to a provider that
// hangs must not pile up.
const maxAtOnce = 256

var errBusy = errors.New("too many requests to the host are running")

// certificateHosts stands for the hosts of certificates, which players name.
const certificateHosts = "apple.com"

// transport limits and reports the requests to each host.
type transport struct {
	next    http.RoundTripper
	observe func(host string, ok bool, took time.Duration)
	running map[string]chan struct{} // by host
}

// newTransport returns a transport for the hosts of some addresses, and certificates.
func newTransport(observe func(string, bool, time.Duration), addresses []string) *transport {
	t := &transport{observe: observe, running: map[string]chan struct{}{certificateHosts: make(chan struct{}, maxAtOnce)}}
	for _, address := range addresses {
		if u, err := url.Parse(address); err == nil {
			t.running[u.Host] = make(chan struct{}, maxAtOnce)
		}
	}
	return t
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	host := req.URL.Host
	running, ok := t.running[host]
	if !ok {
		host, running = certificateHosts, t.running[certificateHosts]
	}
	select {
	case running <- struct{}{}:
		defer func() { <-running }()
	default:
		if req.Body != nil {
			_ = req.Body.Close() // as the interface demands
		}
		return nil, errBusy
	}
	start := time.Now()
	resp, err := t.next.RoundTrip(req)
	if t.observe != nil {
		t.observe(host, err == nil && resp.StatusCode < http.StatusInternalServerError, time.Since(start))
	}
	return resp, err
}

// CloseIdleConnections is what http.Client calls to close them.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
