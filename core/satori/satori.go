// Package satori is the client of a Satori server: identities and their properties,
// events, experiments, flags, live events and messages.
//
// A Client may be used from any goroutine. Its errors carry fault codes and are
// private: module code and the log see what went wrong, clients get a generic message.
//
//	InvalidArgument    Satori refused the request (400), or an argument is invalid
//	FailedPrecondition Satori refused the keys (401, 403); satori.url is not set
//	                   (runtime.ErrSatoriConfigurationInvalid)
//	NotFound           there is no such identity, message or live event (404)
//	ResourceExhausted  Satori limits the rate of requests (429)
//	Unavailable        Satori cannot be reached, or failed (5xx)
//	DeadlineExceeded   no response within the time limit
package satori

import (
	"net/url"
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/upstream"
	"kumi/store/fault"
)

// Options configure a Client. Without a URL every call fails with
// runtime.ErrSatoriConfigurationInvalid.
type Options struct {
	URL        string // of the server, without the /v1 of its paths
	APIKeyName string
	APIKey     string // authenticates this server
	SigningKey string // signs the tokens that act for an identity
	ServerKey  string // authenticates calls of the console; may be empty

	// SessionLifetime is that of the game server's own session tokens. It tells when
	// the caller's session began, which tokens for Satori contain.
	SessionLifetime time.Duration

	// Timeout limits one attempt at a request; 0 is 10 s.
	Timeout time.Duration
	// Retries is how often a request is sent again that found no server, or one that
	// is overloaded.
	Retries int

	Cache Caching
	// TTL is the maximum age of a cached response; 0 is five minutes.
	TTL time.Duration
	// Observe is told of every attempt at a request: the call ("GET /v1/flag"), the status
	// code, "timeout" or "unreachable", and how long it took. It may be nil.
	Observe func(call, result string, took time.Duration)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Caching says how long the responses of lists are kept.
type Caching int

const (
	// CacheCall keeps them for one call into a module, in the Cache that its context
	// has under CacheKey. It is the default.
	CacheCall Caching = iota
	// CacheTime keeps them for the TTL, for all calls.
	CacheTime
	// CacheOff keeps nothing.
	CacheOff
)

// maxShared is the maximum size of the responses that CacheTime keeps, in bytes.
const maxShared = 64 << 20

// Client calls a Satori server.
type Client struct {
	o        Options
	base     string // URL without a trailing slash; empty if not configured
	upstream *upstream.Client
	shared   *Cache // with CacheTime
}

var _ runtime.Satori = (*Client)(nil)

// New makes a client. The settings have been validated with the server's configuration.
func New(o Options) *Client {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.TTL <= 0 {
		o.TTL = 5 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, key := range []*string{&o.APIKeyName, &o.APIKey, &o.SigningKey, &o.ServerKey} {
		*key = strings.TrimSpace(*key)
	}
	c := &Client{o: o}
	if u, err := url.Parse(o.URL); err == nil && u.Host != "" && o.APIKey != "" && o.SigningKey != "" {
		c.base = strings.TrimRight(u.String(), "/")
	}
	if o.Cache == CacheTime {
		c.shared = &Cache{max: maxShared}
	}
	send := upstream.Options{Timeout: o.Timeout, MaxResponse: maxResponse}
	if o.Observe != nil {
		send.Observe = func(s upstream.Sent) { o.Observe(observed(s)) }
	}
	c.upstream = upstream.New(send)
	return c
}

// Configured reports whether the client knows a server.
func (c *Client) Configured() bool { return c.base != "" }

// Close closes idle connections.
func (c *Client) Close() { c.upstream.Close() }

func invalid(format string, args ...any) error {
	return fault.Newf(fault.InvalidArgument, format, args...)
}

// named checks an argument that must not be empty.
func named(what, value string) error {
	if value == "" {
		return invalid("expects a non-empty %s", what)
	}
	return nil
}
