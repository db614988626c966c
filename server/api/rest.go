package api

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"kumi/store/fault"
	"kumi/vm"
)

// Values of frequent headers. They are shared between responses, so they have no spare
// capacity.
var (
	jsonContent     = []string{"application/json"}
	textContent     = []string{"text/plain"}
	grpcContent     = []string{"application/grpc"}
	noStore         = []string{"no-store, no-cache, must-revalidate"}
	acceptEncodings = []string{"Accept-Encoding"}
)

// serveHTTP serves a request to the client port: the server's own endpoints take
// precedence, then routes of modules, if these are wanted, then the methods of the API
// table.
func (a *Server) serveHTTP(w http.ResponseWriter, r *http.Request, routes bool) {
	defer a.recoverHTTP(w, r)
	h := w.Header()
	for _, x := range a.headers {
		h[x.key] = x.value
	}
	if a.cors(w, r) || redirectUnclean(w, r) {
		return
	}
	if e := endpointOf(r.Method, r.URL.Path); e != nil {
		setConstantHeaders(h)
		e.answer(a, w, r)
		return
	}
	if routes && a.serveModuleRoute(w, r) {
		return
	}
	setConstantHeaders(h)
	a.serveREST(w, r)
}

// redirectUnclean redirects paths with dot segments or double slashes to the clean
// path, and returns true for them.
func redirectUnclean(w http.ResponseWriter, r *http.Request) bool {
	p := r.URL.Path
	if !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		return false
	}
	clean := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	if clean == p {
		return false
	}
	to := url.URL{Path: clean, RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", to.String())
	w.WriteHeader(http.StatusMovedPermanently)
	return true
}

// recoverHTTP sends an error for a request whose handler panicked, if the response has
// not begun.
func (a *Server) recoverHTTP(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p) // net/http aborts the response
	}
	a.fail(w, r, a.panicked(r.Method+" "+r.URL.Path, p))
}

func setConstantHeaders(h http.Header) {
	h["Cache-Control"] = noStore
	h["Vary"] = acceptEncodings
}

var (
	errNoSuchPath  = fault.New(fault.NotFound, "Not Found")
	errWrongMethod = fault.New(fault.Unimplemented, "Method Not Allowed")
)

// serveREST serves a call of the API table.
func (a *Server) serveREST(w http.ResponseWriter, r *http.Request) {
	var params pathParams
	path, escaped := r.URL.Path, false
	if r.URL.RawPath != "" {
		path, escaped = r.URL.EscapedPath(), true
	}
	rt, otherVerb := a.router.find(r.Method, path, escaped, &params)
	if rt == nil {
		err := errNoSuchPath
		if otherVerb {
			err = errWrongMethod
		}
		a.fail(w, r, err)
		return
	}
	in := rt.request()
	received, err := a.decode(w, r, rt, &params, in)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	start := time.Now()
	ctx, cancel := a.deadline(r)
	defer cancel()
	c := call{Server: a, row: rt.row, ctx: ctx, authorization: authorizationOf(r), http: r}
	defer c.release()
	out, err := a.invoke(&c, in)
	took := time.Since(start)
	if err != nil {
		sent := a.fail(w, r, err)
		rt.stats.Record(fault.CodeOf(err), took, received, sent)
		return
	}
	rt.stats.Record(fault.OK, took, received, a.answer(w, r, &c, out))
}

// answer sends the result of a call and returns its size in bytes.
func (a *Server) answer(w http.ResponseWriter, r *http.Request, c *call, out proto.Message) int {
	buf := takeBuffer()
	defer buf.give()
	var err error
	if buf.b, err = appendJSON(buf.b, out); err != nil {
		a.Log.Error().Err(err).Str("path", r.URL.Path).Msg("encoding the response failed")
		return a.fail(w, r, fault.Wrap(fault.Internal, "An internal error occurred.", err))
	}
	c.release() // what was read is garbage from here on
	w.Header()["Grpc-Metadata-Content-Type"] = grpcContent
	a.send(w, r, http.StatusOK, jsonContent, buf.b)
	return len(buf.b)
}

// deadline returns a context for a call that ends before the connection's write
// deadline.
func (a *Server) deadline(r *http.Request) (context.Context, context.CancelFunc) {
	d := vm.NewLazyDeadline(r.Context(), time.Now().Add(a.timeout))
	return d, d.End
}

// authorizationOf returns the Authorization header without the allocation of
// http.Header.Get.
func authorizationOf(r *http.Request) string {
	if v := r.Header["Authorization"]; len(v) > 0 {
		return v[0]
	}
	return ""
}
