package upstream

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// transport limits and reports requests. A request runs until the body of its response
// is closed.
type transport struct {
	next    http.RoundTripper
	timeout time.Duration
	group   func(host string) string
	observe func(Sent)

	mu      sync.Mutex
	running map[string]int // by group
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	group := t.group(req.URL.Host)
	if !t.begin(group) {
		if req.Body != nil {
			_ = req.Body.Close() // as the interface demands
		}
		return nil, ErrBusy
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	end := func(status int, err error) {
		cancel()
		t.mu.Lock()
		t.running[group]--
		t.mu.Unlock()
		t.observe(Sent{Request: req, Group: group, Status: status, Err: err, Took: time.Since(start)})
	}
	res, err := t.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		end(0, err)
		return nil, err
	}
	res.Body = &body{ReadCloser: res.Body, end: func(err error) { end(res.StatusCode, err) }}
	return res, nil
}

// begin reports whether another request may run.
func (t *transport) begin(group string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running[group] >= MaxAtOnce {
		return false
	}
	t.running[group]++
	return true
}

// CloseIdleConnections is what http.Client calls to close them.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// body is the body of a response. It is read and closed by one goroutine.
type body struct {
	io.ReadCloser
	failed error
	once   sync.Once
	end    func(err error)
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.failed = err
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(func() { b.end(b.failed) })
	return err
}
