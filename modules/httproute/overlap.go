package httproute

import (
	"fmt"
	"slices"
	"strings"
)

// Own is a path that the server itself serves.
type Own struct {
	Method  string // empty: all
	Pattern string // like that of a Route
	Name    string // of the call, for messages: "GetAccount"
	// First marks a path that takes precedence over module routes. All others do not.
	First bool
}

// Overlaps reports routes that cannot be reached, and routes that replace a path of
// the server. The latter may be intended, as in Nakama, where module routes take
// precedence over the API: replaces is true for them. Neither is an error.
func Overlaps(routes []Route, own []Own, tell func(rt *Route, text string, replaces bool)) {
	theirs := make([]Route, len(own))
	for i, o := range own {
		var methods []string
		if o.Method != "" {
			methods = []string{o.Method}
		}
		if rt, err := New(o.Pattern, methods...); err == nil {
			theirs[i] = rt
		}
	}
	for i := range routes {
		rt := &routes[i]
		var over, never []string
		for j := range theirs {
			switch {
			case theirs[j].Path == nil || !rt.meets(&theirs[j]):
			case own[j].First:
				never = append(never, own[j].describe())
			default:
				over = append(over, own[j].describe())
			}
		}
		if len(never) > 0 {
			tell(rt, fmt.Sprintf("%s is never called for %s: the server's own comes first", rt.describe(), some(never)), false)
		}
		if len(over) > 0 {
			tell(rt, fmt.Sprintf("%s replaces the server's own %s", rt.describe(), some(over)), true)
		}
		if k := slices.IndexFunc(routes[:i], func(before Route) bool { return before.covers(rt) }); k >= 0 {
			tell(rt, fmt.Sprintf("%s is shadowed by %s, which comes before it", rt.describe(), routes[k].describe()), false)
		}
	}
}

func (rt *Route) describe() string {
	text := fmt.Sprintf("HTTP route %q", rt.Pattern)
	if len(rt.Methods) > 0 {
		text += " (" + strings.Join(rt.Methods, ", ") + ")"
	}
	text += fmt.Sprintf(" of the %s module %q", rt.Runtime, rt.Module)
	if rt.At != "" {
		text += " at " + rt.At
	}
	return text
}

func (o Own) describe() string {
	path := o.Pattern
	if o.Method != "" {
		path = o.Method + " " + path
	}
	return path + " (" + o.Name + ")"
}

// some formats the first elements of a list.
func some(list []string) string {
	const few = 3
	if len(list) <= few {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:few], ", "), len(list)-few)
}

// Whether two patterns overlap is tested with a few example paths of each, because
// regular expressions cannot be compared.

// examples returns paths that match a route, with values for its variables that match
// their expressions.
func (rt *Route) examples() (paths []string) {
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
		if !slices.Contains(paths, path) && rt.Path.MatchString(path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// meets reports whether some request matches both routes.
func (rt *Route) meets(other *Route) bool {
	if len(rt.Methods) > 0 && len(other.Methods) > 0 && !slices.ContainsFunc(rt.Methods, other.takes) {
		return false
	}
	return slices.ContainsFunc(rt.examples(), other.Path.MatchString) || slices.ContainsFunc(other.examples(), rt.Path.MatchString)
}

// covers reports whether every request for the other route matches this one.
func (rt *Route) covers(other *Route) bool {
	if len(rt.Methods) > 0 && (len(other.Methods) == 0 || slices.ContainsFunc(other.Methods, func(m string) bool { return !rt.takes(m) })) {
		return false
	}
	examples := other.examples()
	return len(examples) > 0 && !slices.ContainsFunc(examples, func(path string) bool { return !rt.Path.MatchString(path) })
}

func (rt *Route) takes(method string) bool {
	return len(rt.Methods) == 0 || slices.ContainsFunc(rt.Methods, func(m string) bool { return strings.EqualFold(m, method) })
}
