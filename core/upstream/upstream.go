// Package upstream sends the server's own requests to the services that it depends on:
// sign-in providers, the stores of apps and Satori.
//
// Every request has a time limit and a maximum size of its response, and is reported to
// an observer. The number of requests that run at once is limited per host, so that those
// to a service that hangs do not pile up. Redirects are not followed: they could lead
// keys, or an address that a player chose, to another host.
package upstream

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// MaxAtOnce is the maximum number of requests to one host that run at once.
const MaxAtOnce = 256

var (
	// ErrBusy is the error of a request that was not sent because MaxAtOnce others run.
	ErrBusy = errors.New("too many requests to the host are running")
	// ErrTooLarge is the error of a response over Options.MaxResponse.
	ErrTooLarge = errors.New("the response is too large")
)

// Options configure a Client.
type Options struct {
	// Transport sends the requests; nil: connections of the client's own.
	Transport http.RoundTripper
	// Timeout limits a request until its response has been read; 0 is 5 seconds.
	Timeout time.Duration
	// MaxResponse is the maximum size of the body of a response, in bytes.
	MaxResponse int64
	// Group returns the name under which the requests to a host are limited and reported.
	// There must be a limited number of names. Nil: the name of the host.
	Group func(host string) string
	// Observe is told of each request that has ended, unless nil. It must not block, and
	// may be called from any goroutine.
	Observe func(Sent)
}

// Sent is a request that was sent and has ended.
type Sent struct {
	Request *http.Request
	Group   string // see Options.Group
	Status  int    // 0: no response
	Err     error  // why there was none, or why it could not be read
	Took    time.Duration
}

// OK reports whether there was a response that is not a failure of the host.
func (s Sent) OK() bool { return s.Err == nil && s.Status < http.StatusInternalServerError }

// ByHost makes a function for Options.Observe of one that is told the group, whether the
// request is OK, and how long it took. It returns nil for nil.
func ByHost(observe func(host string, ok bool, took time.Duration)) func(Sent) {
	if observe == nil {
		return nil
	}
	return func(s Sent) { observe(s.Group, s.OK(), s.Took) }
}

// Client sends requests. Its methods may be called from any goroutine.
type Client struct {
	http *http.Client
	max  int64
}

// New makes a client.
func New(o Options) *Client {
	if o.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 64
		o.Transport = t
	}
	if o.Group == nil {
		o.Group = func(host string) string { return host }
	}
	if o.Observe == nil {
		o.Observe = func(Sent) {}
	}
	return &Client{
		http: &http.Client{
			Transport:     &transport{next: o.Transport, timeout: cmp.Or(o.Timeout, 5*time.Second), group: o.Group, observe: o.Observe, running: map[string]int{}},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		max: o.MaxResponse,
	}
}

// HTTP returns a client for libraries that send requests themselves. It does not limit
// the size of responses.
func (c *Client) HTTP() *http.Client { return c.http }

// Close closes idle connections. The client may still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Response is a response that has been read.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends a request and reads the response. Its errors name the host, but neither the
// path nor the query, which may have keys and tokens.
func (c *Client) Do(req *http.Request) (Response, error) {
	body, res, err := c.do(req)
	if err != nil {
		var address *url.Error
		if errors.As(err, &address) {
			err = address.Err
		}
		return Response{}, fmt.Errorf("%s %s: %w", req.Method, req.URL.Host, err)
	}
	return Response{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

func (c *Client) do(req *http.Request) ([]byte, *http.Response, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, c.max+1))
	if err == nil && int64(len(body)) > c.max {
		err = fmt.Errorf("%w: over %d bytes", ErrTooLarge, c.max)
	}
	return body, res, err
}
