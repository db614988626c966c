package api

import (
	"net/http"
	"slices"
	"strings"

	"kumi/modules/httproute"
)

// endpoint is one of endpoints.
type endpoint struct {
	// path is the whole path; one that ends in a slash, except "/", includes
	// everything below it.
	path    string
	methods []string
	// passes lets requests with other methods fall through to the routes of modules
	// and the API table. Without it they fail with Unimplemented.
	passes bool
	name   string // for messages about module routes that conflict with it
	serve  func(*Server, http.ResponseWriter, *http.Request)
}

const rpcPrefix = "/v2/rpc/"

// endpoints are the paths of the server that take precedence over those of modules and
// are not in the API table.
var endpoints = []endpoint{
	{path: "/", methods: []string{"GET", "HEAD"}, passes: true, name: "the health check", serve: (*Server).serveRoot},
	{path: rpcPrefix, methods: []string{"GET", "POST"}, name: "RPC functions", serve: (*Server).serveRPC},
	{path: reloadPath, methods: []string{"POST"}, name: "the module reload", serve: (*Server).serveReload},
}

// endpointOf returns the endpoint of a request, or nil.
func endpointOf(method, path string) *endpoint {
	for i := range endpoints {
		e := &endpoints[i]
		if e.has(path) && (!e.passes || slices.Contains(e.methods, method)) {
			return e
		}
	}
	return nil
}

func (e *endpoint) has(path string) bool {
	return path == e.path || len(e.path) > 1 && e.path[len(e.path)-1] == '/' && strings.HasPrefix(path, e.path)
}

func (e *endpoint) answer(a *Server, w http.ResponseWriter, r *http.Request) {
	if !slices.Contains(e.methods, r.Method) {
		a.fail(w, r, errWrongMethod)
		return
	}
	e.serve(a, w, r)
}

func (a *Server) serveRoot(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

// Routes returns the API's own paths, to warn about module routes that conflict with
// them.
func Routes() (own []httproute.Own) {
	for _, e := range endpoints {
		r := httproute.Own{Pattern: e.path, Name: e.name, First: true}
		if len(e.path) > 1 && strings.HasSuffix(e.path, "/") {
			r.Pattern += "{id}"
		}
		if e.passes {
			r.Method = e.methods[0]
		}
		own = append(own, r)
	}
	for _, row := range table() {
		for _, b := range row.bindings {
			if !strings.HasPrefix(b.pattern, rpcPrefix) {
				own = append(own, httproute.Own{Method: b.verb, Pattern: b.pattern, Name: row.name})
			}
		}
	}
	return own
}
