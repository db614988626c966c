package httproute

import (
	"strings"

	"kumi/store/fault"
)

// Routes on the console's port have another authentication than those on the client port.

// AuthConsole is the Auth of routes on the console's port that require an operator, with
// the Right of the route if there is one. Other routes there can be called by anyone who
// reaches the port, as in Nakama, apart from those below operatorsOnly.
const AuthConsole = "console"

// operatorsOnly is the prefix of paths that require an operator whatever they say, as in
// Nakama.
const operatorsOnly = "/v2/console/hiro/"

// NewConsole makes a route on the console's port without a handler. auth is AuthNone or
// AuthConsole; right is a resource and a level, as in ACCOUNT:write, or empty. It fails
// with InvalidArgument; whether there is such a right is for the caller to check.
func NewConsole(pattern, auth, right string, methods ...string) (Route, error) {
	rt, err := New(pattern, methods...)
	if err != nil {
		return rt, err
	}
	switch {
	case strings.HasPrefix(pattern, operatorsOnly):
		auth = AuthConsole
	case auth != AuthNone && auth != AuthConsole:
		return rt, fault.Newf(fault.InvalidArgument, "the pattern %q: there is no authentication %q on the console's port; write \"console\" or nothing", pattern, auth)
	case auth == AuthNone && right != "":
		return rt, fault.Newf(fault.InvalidArgument, "the pattern %q: a right needs the authentication \"console\"", pattern)
	}
	rt.Auth, rt.Right = auth, right
	return rt, nil
}

// Clash returns an error for the first route that has a path of the server's own, which no
// module may replace on the console's port.
func Clash(routes []Route, own []Own) error {
	for _, o := range own {
		var methods []string
		if o.Method != "" {
			methods = []string{o.Method}
		}
		theirs, err := New(o.Pattern, methods...)
		if err != nil {
			continue
		}
		for i := range routes {
			if rt := &routes[i]; rt.meets(&theirs) {
				return fault.Newf(fault.InvalidArgument, "%s has a path of the console's own: %s", rt.describe(), o.describe())
			}
		}
	}
	return nil
}

// OfMux converts a pattern of [http.ServeMux].
func OfMux(pattern, name string) Own {
	o := Own{Name: name, First: true}
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = "", pattern
	}
	path = strings.TrimSuffix(path, "{$}")
	if rest, many := strings.CutSuffix(path, "...}"); many {
		path = rest + ":.*}"
	} else if strings.HasSuffix(path, "/") && path != "/" {
		path += "{rest:.*}"
	}
	o.Method, o.Pattern = method, path
	return o
}
