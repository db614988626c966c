package server

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"kumi/modules"
)

// moduleRoutes are the HTTP routes of one loaded set, made ready to match.
type moduleRoutes struct {
	set    *modules.Set
	routes []moduleRoute
}

type moduleRoute struct {
	*modules.HTTPRoute
	path  *regexp.Regexp
	names []string // of the path's parameters, in order
}

// serveModuleRoute answers requests to routes that modules added, and returns
// true for them. They are tried in order of registration; one that does not
// take the request's method lets others have it.
func (a *clientAPI) serveModuleRoute(w http.ResponseWriter, r *http.Request) bool {
	set := a.set()
	if len(set.HTTP) == 0 {
		return false
	}
	routes := a.moduleRoutes.Load()
	if routes == nil || routes.set != set {
		routes = a.compileRoutes(set)
		a.moduleRoutes.Store(routes)
	}
	for i := range routes.routes {
		if rt := &routes.routes[i]; rt.matches(r) {
			rt.Handler(w, r)
			return true
		}
	}
	return false
}

func (rt *moduleRoute) matches(r *http.Request) bool {
	if len(rt.Methods) > 0 && !slices.ContainsFunc(rt.Methods, func(m string) bool { return strings.EqualFold(m, r.Method) }) {
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

func (a *clientAPI) compileRoutes(set *modules.Set) *moduleRoutes {
	routes := &moduleRoutes{set: set}
	for i := range set.HTTP {
		rt := moduleRoute{HTTPRoute: &set.HTTP[i]}
		var err error
		if rt.path, rt.names, err = compilePattern(rt.Pattern); err != nil {
			a.log.Error().Err(err).Str("pattern", rt.Pattern).Str("module", rt.Module).Msg("HTTP route of a module cannot be used")
			continue
		}
		routes.routes = append(routes.routes, rt)
	}
	return routes
}

// compilePattern turns a route's pattern into an expression: {name} stands for
// one segment of the path, {name:expression} for what the expression matches.
func compilePattern(pattern string) (path *regexp.Regexp, names []string, err error) {
	expr := strings.Builder{}
	expr.WriteByte('^')
	for rest := pattern; rest != ""; {
		start := strings.IndexByte(rest, '{')
		if start < 0 {
			expr.WriteString(regexp.QuoteMeta(rest))
			break
		}
		end := closingBrace(rest[start:])
		if end < 0 {
			return nil, nil, invalid("no closing brace in route pattern %q", pattern)
		}
		expr.WriteString(regexp.QuoteMeta(rest[:start]))
		name, inner, ok := strings.Cut(rest[start+1:start+end], ":")
		if !ok {
			inner = "[^/]+"
		}
		names = append(names, name)
		expr.WriteString("(" + groupless(inner) + ")")
		rest = rest[start+end+1:]
	}
	expr.WriteByte('$')
	path, err = regexp.Compile(expr.String())
	if err == nil && path.NumSubexp() != len(names) {
		err = invalid("capturing group in route pattern %q, write (?:…)", pattern)
	}
	return path, names, err
}

// groupless keeps an alternation together.
func groupless(expr string) string {
	if strings.Contains(expr, "|") {
		return "(?:" + expr + ")"
	}
	return expr
}

// closingBrace is the index of the brace that closes the one s begins with, or
// negative. Expressions may have braces of their own.
func closingBrace(s string) int {
	depth := 0
	for i, c := range s {
		switch c {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
