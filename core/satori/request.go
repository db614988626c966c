package satori

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/core/upstream"
	"kumi/store/fault"
)

const (
	// maxResponse is the maximum size of a response, in bytes.
	maxResponse = 16 << 20
	// The pause before a request is sent again doubles from firstPause to maxPause. If
	// Satori asks for one longer than maxRetryAfter, the request is not sent again: the
	// caller, which may be a match, would be held up for too long.
	firstPause, maxPause, maxRetryAfter = 100 * time.Millisecond, 5 * time.Second, 10 * time.Second
)

// request is one call of Satori's API.
type request struct {
	method, path string // path segments are escaped
	route        string // path with a name in place of an id, for metrics; empty if it has none
	query        url.Values
	body         any // JSON; nil for none

	// Who calls: an identity, the console or, without both, this server.
	identity string
	console  bool

	ip string // the player's address, for requests that tell where events come from
	// once marks a request that must not be repeated if it may have arrived.
	once bool
}

// do sends a request and decodes the response into result, unless that is nil. It
// returns the size of the response.
func (c *Client) do(ctx context.Context, r request, result any) (size int, err error) {
	if c.base == "" || r.console && c.o.ServerKey == "" {
		return 0, runtime.ErrSatoriConfigurationInvalid
	}
	var body []byte
	if r.body != nil {
		if body, err = json.Marshal(r.body); err != nil {
			return 0, fault.Wrap(fault.InvalidArgument, "cannot encode the request to Satori: "+err.Error(), err)
		}
	}
	for attempt := 0; ; attempt++ {
		text, again, err := c.try(ctx, r, body)
		if err == nil {
			if result == nil {
				return len(text), nil
			}
			if err := json.Unmarshal(text, result); err != nil {
				return 0, fault.Private(fault.Unavailable, fmt.Sprintf("the response of Satori to %s %s cannot be read: %v", r.method, r.path, err), err)
			}
			return len(text), nil
		}
		if !again.allowed || attempt >= c.o.Retries || !wait(ctx, pause(attempt, again.after)) {
			return 0, err
		}
	}
}

// retry says whether a request may be sent again, and how long the server asked to
// wait before.
type retry struct {
	allowed bool
	after   time.Duration
}

// try sends a request once and returns the body of the response.
func (c *Client) try(ctx context.Context, r request, body []byte) (text []byte, again retry, err error) {
	named := context.WithValue(ctx, callKey{}, r.method+" "+cmp.Or(r.route, r.path))
	req, err := http.NewRequestWithContext(named, r.method, c.base+r.path, bytes.NewReader(body))
	if err != nil {
		return nil, again, fault.Wrap(fault.InvalidArgument, "cannot make a request to Satori: "+err.Error(), err)
	}
	req.URL.RawQuery = r.query.Encode()
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if ip := address(ctx, r.ip); ip != "" {
		req.Header.Set("X-Forwarded-For", ip)
	}
	if err := c.authorize(ctx, req, r); err != nil {
		return nil, again, err
	}
	res, err := c.upstream.Do(req)
	switch {
	case errors.Is(err, upstream.ErrTooLarge):
		return nil, again, fault.Private(fault.ResourceExhausted, fmt.Sprintf("%s %s of Satori: %v", r.method, r.path, err), err)
	case err != nil:
		return nil, retry{allowed: !r.once || neverSent(err)}, c.unreached(ctx, r, err)
	case res.Status != http.StatusOK:
		again.allowed, again.after = repeatable(res, r.once)
		return nil, again, refused(r, res.Status, res.Body)
	}
	return res.Body, again, nil
}

// callKey is the key under which the context of a request has its name for metrics.
type callKey struct{}

// observed is what Options.Observe is told about a request.
func observed(s upstream.Sent) (call, result string, took time.Duration) {
	call, _ = s.Request.Context().Value(callKey{}).(string)
	switch {
	case errors.Is(s.Err, context.DeadlineExceeded):
		result = "timeout"
	case s.Status == 0:
		result = "unreachable"
	default:
		result = strconv.Itoa(s.Status)
	}
	return call, result, s.Took
}

func (c *Client) authorize(ctx context.Context, req *http.Request, r request) error {
	switch {
	case r.console:
		req.SetBasicAuth(c.o.ServerKey, "")
	case r.identity == "":
		req.SetBasicAuth(c.o.APIKey, "")
	default:
		token, err := c.token(ctx, r.identity)
		if err != nil {
			return fault.Private(fault.Internal, "cannot sign a token for Satori: "+err.Error(), err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return nil
}

// address is the player's address to tell Satori: the given one, or that of the
// caller. As in Nakama, a text that is no address is left out.
func address(ctx context.Context, given string) string {
	if given == "" {
		given, _ = ctx.Value(runtime.RUNTIME_CTX_CLIENT_IP).(string)
	}
	if ip := net.ParseIP(given); ip != nil {
		return ip.String()
	}
	return ""
}

// unreached is the error of a request without a response.
func (c *Client) unreached(ctx context.Context, r request, err error) error {
	what := fmt.Sprintf("%s %s of Satori", r.method, r.path)
	switch {
	case ctx.Err() != nil:
		return fault.Private(fault.CodeOf(ctx.Err()), what+": the call ended before there was a response", err)
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Private(fault.DeadlineExceeded, fmt.Sprintf("%s: no response within %s (satori.http_timeout_ms)", what, c.o.Timeout), err)
	}
	return fault.Private(fault.Unavailable, what+": "+err.Error(), err)
}

// refused is the error of a response with another status than 200. Its text begins as
// in Nakama.
func refused(r request, status int, body []byte) error {
	code := fault.Unavailable
	hint := ""
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		// Not the codes for these: clients would take them for their own session's.
		code, hint = fault.FailedPrecondition, "; check satori.api_key, satori.api_key_name and satori.signing_key"
		if r.console {
			hint = "; check satori.server_key"
		}
	case status == http.StatusNotFound:
		code = fault.NotFound
	case status == http.StatusTooManyRequests:
		code = fault.ResourceExhausted
	case status < http.StatusInternalServerError:
		code = fault.InvalidArgument
	}
	text := strconv.Itoa(status) + " status code"
	if len(body) > 0 {
		text += ": " + string(body[:min(len(body), 1000)])
	}
	return fault.Private(code, fmt.Sprintf("%s (%s %s of Satori%s)", text, r.method, r.path, hint), nil)
}

// repeatable reports whether a request may be sent again after a response, and the
// pause that the server asks for.
func repeatable(res upstream.Response, once bool) (bool, time.Duration) {
	switch res.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		if once {
			return false, 0
		}
	default:
		return false, 0
	}
	seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
	after := time.Duration(max(0, min(seconds, 3600))) * time.Second
	return after <= maxRetryAfter, after
}

// neverSent reports whether a request failed before there was a connection.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.Is(err, upstream.ErrBusy) || errors.As(err, &op) && op.Op == "dial"
}

// pause is the time before the next attempt, the server's if it asks for a longer one.
func pause(attempt int, after time.Duration) time.Duration {
	d := min(firstPause<<min(attempt, 10), maxPause)
	d = d/2 + rand.N(d/2) // so that servers that failed together do not retry together
	return max(d, after)
}

// wait waits, unless ctx would end before.
func wait(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
