package browser

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"kumi/server/servertest"
)

// proxy is a proxy in front of a server's console, which can hold requests back and cut
// connections.
type proxy struct {
	*httptest.Server
	mu    sync.Mutex
	conns map[net.Conn]http.ConnState
	holds func(path string) bool
	free  chan struct{} // closed: what is held goes on, or is refused
	bad   bool          // it is refused
	held  int           // requests
	left  int           // requests whose senders have gone while they were held
}

// newProxy starts a proxy. It passes requests that rewrite has changed on to the console.
func newProxy(t *testing.T, srv *servertest.Server, prefix string, rewrite func(*httputil.ProxyRequest)) *proxy {
	t.Helper()
	target, err := url.Parse("http://" + srv.ConsoleAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{conns: map[net.Conn]http.ConnState{}}
	pass := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			rewrite(r)
		},
		ErrorLog: log.New(io.Discard, "", 0), // of requests whose sender has gone
	}
	p.Server = httptest.NewUnstartedServer(http.StripPrefix(prefix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if held := p.wait(r); held == nil {
			pass.ServeHTTP(w, r)
		} else {
			http.Error(w, held.Error(), http.StatusBadGateway)
		}
	})))
	p.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.conns[conn] = state
	}
	p.Start()
	t.Cleanup(p.Close)
	t.Cleanup(p.release)
	return p
}

// wait waits while a request is held. It fails if the request is refused, or its sender
// has gone.
func (p *proxy) wait(r *http.Request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holds == nil || !p.holds(r.URL.Path) {
		return nil
	}
	free := p.free
	p.held++
	p.mu.Unlock()
	body, _ := io.ReadAll(r.Body) // before that the end of the connection is not noticed
	r.Body = io.NopCloser(bytes.NewReader(body))
	select {
	case <-free:
	case <-r.Context().Done():
	}
	p.mu.Lock()
	p.held--
	if err := r.Context().Err(); err != nil {
		p.left++
		return err
	}
	if p.bad {
		return errors.New("the proxy refuses it")
	}
	return nil
}

// hold holds back the requests from now on whose paths a function chooses.
func (p *proxy) hold(holds func(path string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds, p.free = holds, make(chan struct{})
}

// release lets all requests go on.
func (p *proxy) release() { p.end(false) }

// refuse answers the requests that are held with an error, and lets later ones go on.
func (p *proxy) refuse() { p.end(true) }

func (p *proxy) end(bad bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holds != nil {
		close(p.free)
		p.holds, p.bad = nil, bad
	}
}

// waits waits until so many requests are held, and so many, of all that were, have been
// given up by their senders.
func (p *proxy) waits(t *testing.T, held, left int) {
	t.Helper()
	servertest.Eventually(t, fmt.Sprintf("%d requests are held, and %d given up", held, left), func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.held == held && p.left == left
	})
}

// cut cuts the connections with sockets, and those without a request.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn, state := range p.conns {
		if state == http.StateHijacked || state == http.StateIdle {
			_ = conn.Close()
		}
	}
}
