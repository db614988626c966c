package modules

import (
	"fmt"
	"slices"
	"strings"
)

// OwnRoute is a path that the server itself answers.
type OwnRoute struct {
	Method  string // empty: all
	Pattern string // as that of an HTTPRoute
	Name    string // of the call, for people: "GetAccount"
	// First is one that comes before the routes of modules. All others come after
	// them.
	First bool
}

// overlaps tells which routes cannot be reached, and which take the place of a
// path of the server. Nothing of it is an error: modules of Nakama, where routes
// come before the calls of the API too, may mean it.
func (l *loading) overlaps(routes []HTTPRoute) {
	if len(routes) == 0 {
		return
	}
	var own []HTTPRoute
	var of []OwnRoute
	if l.OwnRoutes != nil {
		of = l.OwnRoutes()
	}
	for _, o := range of {
		methods := []string{o.Method}
		if o.Method == "" {
			methods = nil
		}
		rt, err := NewHTTPRoute(o.Pattern, methods...)
		if err != nil {
			rt = HTTPRoute{}
		}
		own = append(own, rt)
	}
	for i := range routes {
		rt := &routes[i]
		var over, never []string
		for j := range own {
			switch {
			case own[j].path == nil || !rt.meets(&own[j]):
			case !of[j].First:
				over = append(over, of[j].describe())
			default:
				never = append(never, of[j].describe())
			}
		}
		if len(never) > 0 {
			l.route(rt, fmt.Sprintf("%s is never called for %s: the server's own comes first", rt.describe(), some(never)))
		}
		if len(over) > 0 {
			text := fmt.Sprintf("%s takes the place of the server's own %s", rt.describe(), some(over))
			if l.report != nil {
				l.report.note(rt.At, text) // which may be meant
			} else {
				l.route(rt, text)
			}
		}
		if k := slices.IndexFunc(routes[:i], func(before HTTPRoute) bool { return before.covers(rt) }); k >= 0 {
			before := &routes[k]
			l.route(rt, fmt.Sprintf("%s is hidden by %s, which comes before it", rt.describe(), before.describe()))
		}
	}
}

// route tells what is odd about a route: the report of a check, or else the log.
func (l *loading) route(rt *HTTPRoute, text string) {
	if l.report != nil {
		l.report.add(rt.At, text)
		return
	}
	l.Logger.Warn().Str("runtime", rt.Runtime).Str("module", rt.Module).Str("at", rt.At).Msg(text)
}

func (rt *HTTPRoute) describe() string {
	text := "HTTP route " + quote(rt.Pattern)
	if len(rt.Methods) > 0 {
		text += " (" + strings.Join(rt.Methods, ", ") + ")"
	}
	text += " of the " + rt.Runtime + " module " + quote(rt.Module)
	if rt.At != "" {
		text += " at " + rt.At
	}
	return text
}

func (o OwnRoute) describe() string {
	path := o.Pattern
	if o.Method != "" {
		path = o.Method + " " + path
	}
	return path + " (" + o.Name + ")"
}

// some names a few of a list.
func some(list []string) string {
	const few = 3
	if len(list) <= few {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:few], ", "), len(list)-few)
}

// Whether two patterns have paths in common is asked of a few paths of each:
// expressions cannot be compared.

// examples are paths of a route, those with a value in place of each variable
// that its expression lets through.
func (rt *HTTPRoute) examples() (paths []string) {
	for _, value := range []string{"x", "1", "a-b.c", "4ec4f126-3f9d-11e7-84ef-b7c182b36521"} {
		path := rt.Pattern
		for {
			start := strings.IndexByte(path, '{')
			if start < 0 {
				break
			}
			depth, end := 0, len(path)
			for i, c := range path[start:] {
				if c == '{' {
					depth++
				} else if c == '}' {
					depth--
				}
				if depth == 0 {
					end = start + i + 1
					break
				}
			}
			path = path[:start] + value + path[end:]
		}
		if !slices.Contains(paths, path) && rt.path.MatchString(path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// meets says that there are requests for both routes.
func (rt *HTTPRoute) meets(other *HTTPRoute) bool {
	if len(rt.Methods) > 0 && len(other.Methods) > 0 && !slices.ContainsFunc(rt.Methods, other.takes) {
		return false
	}
	return slices.ContainsFunc(rt.examples(), other.path.MatchString) || slices.ContainsFunc(other.examples(), rt.path.MatchString)
}

// covers says that every request for the other route is for this one.
func (rt *HTTPRoute) covers(other *HTTPRoute) bool {
	if len(rt.Methods) > 0 && (len(other.Methods) == 0 || slices.ContainsFunc(other.Methods, func(m string) bool { return !rt.takes(m) })) {
		return false
	}
	examples := other.examples()
	return len(examples) > 0 && !slices.ContainsFunc(examples, func(path string) bool { return !rt.path.MatchString(path) })
}

func (rt *HTTPRoute) takes(method string) bool {
	return len(rt.Methods) == 0 || slices.ContainsFunc(rt.Methods, func(m string) bool { return strings.EqualFold(m, method) })
}
