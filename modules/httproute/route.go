// Package httproute implements the HTTP routes that modules add to the client port and
// to the console's: their path patterns, and which of them shadow one another or a path of
// the server.
package httproute

import (
	"context"
	"net/http"
	"regexp"
)

// Route is a route that a module added to a port. Make one with New or NewConsole.
// It has either a Handler, which writes the response itself, or Serve, which
// returns it for the server to write.
type Route struct {
	// Pattern is a path in which {name} matches one segment and {name:expression} what
	// the regular expression matches.
	Pattern string
	Path    *regexp.Regexp // of the pattern
	Names   []string       // of the path's variables, in order
	Methods []string       // empty: all
	// Auth is what the server requires before it calls the module: AuthNone,
	// AuthSession or AuthHTTPKey.
	Auth string
	// Right is what an operator must be allowed to do; only with AuthConsole.
	Right           string
	Handler         http.HandlerFunc
	Serve           func(ctx context.Context, in *Request) (*Response, error)
	Module, Runtime string
	At              string // where a script registered it, file:line
}

// New makes a route without a handler. It fails with InvalidArgument for an invalid
// pattern.
func New(pattern string, methods ...string) (Route, error) {
	path, names, err := Compile(pattern)
	if err != nil {
		return Route{}, err
	}
	return Route{Pattern: pattern, Methods: methods, Path: path, Names: names}, nil
}

// Match reports whether a request matches the route, and sets the request's path
// values if so.
func (rt *Route) Match(r *http.Request) bool {
	if !rt.takes(r.Method) {
		return false
	}
	found := rt.Path.FindStringSubmatch(r.URL.Path)
	if found == nil {
		return false
	}
	for i, name := range rt.Names {
		r.SetPathValue(name, found[i+1])
	}
	return true
}

// Params returns the path values that Match set.
func (rt *Route) Params(r *http.Request) map[string]string {
	params := make(map[string]string, len(rt.Names))
	for _, name := range rt.Names {
		params[name] = r.PathValue(name)
	}
	return params
}

// Values of Route.Auth.
const (
	AuthNone    = ""
	AuthSession = "session"  // a session token; ctx has the user
	AuthHTTPKey = "http_key" // runtime.http_key, as for RPCs
)

// Request is a request to a route.
type Request struct {
	Method, Path   string
	Params         map[string]string // of the path
	Query, Headers map[string][]string
	Body           []byte
}

// Response is the response of a route.
type Response struct {
	Status  int
	Headers map[string][]string // by canonical name; always has Content-Type
	Body    []byte
}
