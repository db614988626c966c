package modules

import (
	"context"
	"net/http"
	"regexp"

	"kumi/modules/script"
)

// HTTPRoute is a route that a module added to the client port. Make one with
// NewHTTPRoute. It has either a Handler, which writes the response itself, or
// Serve, which leaves that to the server.
type HTTPRoute struct {
	// Pattern is a path in which {name} stands for one segment and
	// {name:expression} for what the regular expression matches.
	Pattern string
	Methods []string // empty: all
	// Auth is what the server asks for before it calls the module:
	// script.AuthNone, AuthSession or AuthHTTPKey.
	Auth            string
	Handler         http.HandlerFunc
	Serve           func(ctx context.Context, in *script.HTTPRequest) (*script.HTTPResponse, error)
	Module, Runtime string
	At              string // where a script registered it, file:line

	path  *regexp.Regexp
	names []string // of the path's parameters, in order
}

// NewHTTPRoute makes a route without a handler. Fails with InvalidArgument for
// patterns that cannot be.
func NewHTTPRoute(pattern string, methods ...string) (HTTPRoute, error) {
	path, names, err := script.CompilePath(pattern)
	if err != nil {
		return HTTPRoute{}, err
	}
	return HTTPRoute{Pattern: pattern, Methods: methods, path: path, names: names}, nil
}

// Match says whether a request is for this route, and sets the request's path
// values if so.
func (rt *HTTPRoute) Match(r *http.Request) bool {
	if !rt.takes(r.Method) {
		return false
	}
	found := rt.path.FindStringSubmatch(r.URL.Path)
	if found == nil {
		return false
	}
	for i, name := range rt.names {
		r.SetPathValue(name, found[i+1])
	}
	return true
}

// Params are the path values that Match set.
func (rt *HTTPRoute) Params(r *http.Request) map[string]string {
	params := make(map[string]string, len(rt.names))
	for _, name := range rt.names {
		params[name] = r.PathValue(name)
	}
	return params
}

// routes makes the HTTP routes of a script runtime.
func routes(of []script.Route) []HTTPRoute {
	all := make([]HTTPRoute, len(of))
	for i, rt := range of {
		all[i] = HTTPRoute{Pattern: rt.Pattern, Methods: rt.Methods, Auth: rt.Auth, Serve: rt.Serve, Module: rt.Module, Runtime: rt.Runtime, At: rt.At, path: rt.Path, names: rt.Names}
	}
	return all
}
