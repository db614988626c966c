package api

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"kumi/config"
	"kumi/server/transport"
)

// Server serves the client API except for sockets: REST, gRPC and the RPC endpoint. It
// is built from the rows of table. It may be used from any goroutine.
type Server struct {
	transport.Deps
	rows    []*row
	router  router
	headers []header // socket.response_headers
	timeout time.Duration
	maxBody int64
	unsent  budget // of large responses

	// Keys as clients send them, to compare without decoding.
	serverKey, httpKey keyCheck
}

// header is a response header ready for a http.Header. Its value is shared between
// responses and has no spare capacity.
type header struct {
	key   string
	value []string
}

// New makes the API.
func New(d transport.Deps) *Server {
	a := &Server{
		Deps:      d,
		rows:      table(),
		timeout:   config.Milliseconds(d.Config.Socket.IdleTimeoutMs) - 500*time.Millisecond,
		maxBody:   int64(d.Config.Socket.MaxRequestSizeBytes),
		unsent:    budget{max: maxUnsent},
		serverKey: newKeyCheck(string(d.Config.Socket.ServerKey)),
		httpKey:   newKeyCheck(string(d.Config.Runtime.HTTPKey)),
	}
	if a.timeout <= 0 {
		a.timeout = time.Minute
	}
	for _, h := range d.Config.Socket.ResponseHeaders {
		key, value, _ := strings.Cut(h, "=")
		a.headers = append(a.headers, header{http.CanonicalHeaderKey(strings.TrimSpace(key)), []string{value}})
	}
	for _, r := range a.rows {
		r.stats = d.Metrics.Method(r.name)
	}
	a.router = newRouter(a.rows)
	return a
}

// Handler serves the HTTP requests of the client port, except for sockets.
func (a *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serveHTTP(w, r, true) })
}

// OwnHandler is Handler without the routes of modules.
func (a *Server) OwnHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serveHTTP(w, r, false) })
}

// keyCheck compares a secret key in constant time.
type keyCheck struct {
	key   []byte
	basic []byte // the Authorization header with the key and no password
}

func newKeyCheck(key string) keyCheck {
	return keyCheck{[]byte(key), []byte("Basic " + base64.StdEncoding.EncodeToString([]byte(key+":")))}
}
