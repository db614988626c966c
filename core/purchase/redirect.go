package purchase

import (
	"net/http"
	"net/url"
)

// redirect sends requests to another server than the one they are for, at the path
// /HOST/PATH.
type redirect struct {
	to   *url.URL
	next *http.Transport
}

// Redirect returns a transport whose requests all go to one server, which answers
// instead of the stores: a request for https://HOST/PATH is sent to to/HOST/PATH. It is
// for tests and development.
func Redirect(to *url.URL) http.RoundTripper {
	if to.Path == "" {
		to = to.JoinPath("/")
	}
	return redirect{to, http.DefaultTransport.(*http.Transport).Clone()}
}

// CloseIdleConnections is what http.Client calls to close them.
func (r redirect) CloseIdleConnections() { r.next.CloseIdleConnections() }

// RoundTrip implements http.RoundTripper.
func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.URL = r.to.JoinPath(req.URL.Host, req.URL.EscapedPath())
	out.URL.RawQuery = req.URL.RawQuery
	out.Host = ""
	return r.next.RoundTrip(out)
}
