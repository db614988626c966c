package core

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"kumi/store/fault"
)

const (
	// maxHTTPResponse is the maximum size of a response body, in bytes.
	maxHTTPResponse    = 16 << 20
	defaultHTTPTimeout = 5 * time.Second
)

// HTTPRequest is an HTTP request of a script.
type HTTPRequest struct {
	Method, URL string
	Headers     map[string]string
	Body        string
	Timeout     time.Duration // 0 or less: 5 s
	Insecure    bool          // accept any certificate
}

// HTTPResponse is the response. Header names are in canonical form.
type HTTPResponse struct {
	Code    int
	Headers map[string][]string
	Body    string
}

// Connections are kept alive and shared by all scripts.
var (
	httpClient         = &http.Client{Transport: httpTransport(false)}
	insecureHTTPClient = &http.Client{Transport: httpTransport(true)}
)

func httpTransport(insecure bool) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 16
	if insecure {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the script asked for it
	}
	return t
}

// HTTPRequest sends a request and reads the whole response.
//
// Errors: InvalidArgument for a bad URL or method, PermissionDenied for a host
// that the rules deny, ResourceExhausted for a body over 16 MiB,
// DeadlineExceeded and Unavailable without a response.
func (m *Module) HTTPRequest(ctx context.Context, in HTTPRequest) (*HTTPResponse, error) {
	if in.URL == "" {
		return nil, invalid("expects a url")
	}
	method := strings.ToUpper(in.Method)
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead:
	default:
		return nil, invalid("expects method to be one of: get, post, put, patch, delete, head; not %q", in.Method)
	}
	timeout := in.Timeout
	if timeout <= 0 {
		timeout = defaultHTTPTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	var body io.Reader
	if in.Body != "" {
		body = strings.NewReader(in.Body)
	}
	req, err := http.NewRequestWithContext(ctx, method, in.URL, body)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, fmt.Sprintf("cannot make a request to %q: %v", in.URL, err), err)
	}
	for name, value := range in.Headers {
		if strings.EqualFold(name, "Host") {
			req.Host = value // net/http ignores it in the headers
			continue
		}
		req.Header.Set(name, value)
	}
	client := m.core.httpClient(in.Insecure)
	res, err := client.Do(req)
	if err != nil {
		return nil, httpError(ctx, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxHTTPResponse+1))
	if err != nil {
		return nil, httpError(ctx, err)
	}
	if len(text) > maxHTTPResponse {
		return nil, fault.Private(fault.ResourceExhausted, fmt.Sprintf("the response of %q is longer than %d bytes", in.URL, maxHTTPResponse), nil)
	}
	return &HTTPResponse{Code: res.StatusCode, Headers: res.Header, Body: string(text)}, nil
}

func (c *Core) httpClient(insecure bool) *http.Client {
	if c.http != nil {
		return &http.Client{Transport: c.http}
	}
	plain, lax := httpClient, insecureHTTPClient
	if c.hosts != nil {
		plain, lax = c.hosts.plain, c.hosts.lax
	}
	if insecure {
		return lax
	}
	return plain
}

func httpError(ctx context.Context, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f // from the rules
	}
	code := fault.Unavailable
	if ctx.Err() != nil {
		code = fault.CodeOf(ctx.Err())
	}
	return fault.Private(code, "http request failed: "+err.Error(), err)
}
