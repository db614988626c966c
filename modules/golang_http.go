package modules

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"

	"kumi/store/fault"
)

// route is a path pattern of a module as net/http has it. Modules write
// {name} and {name:regular expression}, which may stand anywhere in a segment
// of the path in the expression's case.
type route struct {
	pattern string
	whole   *regexp.Regexp // nil: the pattern says it all
	names   []string       // as the module spells them, in order
	plain   []string       // as the pattern does
}

var errPath = errors.New("a path must begin with a slash")

// newRoute translates a path pattern.
func newRoute(path string) (*route, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, fault.Wrap(fault.InvalidArgument, errPath.Error(), errPath)
	}
	r := &route{}
	var exact strings.Builder // the whole path as a regular expression
	needed := false
	exact.WriteString("^")
	segments := strings.Split(path[1:], "/")
	if strings.Contains(path, "{") {
		segments = splitOutside(path[1:])
	}
	for n, segment := range segments {
		exact.WriteString("/")
		r.pattern += "/"
		last := n == len(segments)-1
		names, expr, err := parseSegment(segment)
		switch {
		case err != nil:
			return nil, fault.Newf(fault.InvalidArgument, "the pattern %q: %v", path, err)
		case len(names) == 0 && segment == "" && last:
			r.pattern += "{$}"
		case len(names) == 0:
			r.pattern += segment
			exact.WriteString(regexp.QuoteMeta(segment))
		default:
			plain := "p" + strconv.Itoa(n)
			simple := len(names) == 1 && segment == "{"+names[0]+"}"
			if !simple {
				needed = true
			}
			if !simple && last {
				plain += "..." // the expression may reach over slashes
			}
			r.pattern += "{" + plain + "}"
			r.plain = append(r.plain, plain)
			r.names = append(r.names, names...)
			exact.WriteString(expr)
		}
	}
	if needed {
		var err error
		if r.whole, err = regexp.Compile(exact.String() + "$"); err != nil {
			return nil, fault.Newf(fault.InvalidArgument, "the pattern %q: %v", path, err)
		}
		if r.whole.NumSubexp() != len(r.names) {
			return nil, fault.Newf(fault.InvalidArgument, "the pattern %q: an expression may not have capturing groups", path)
		}
	}
	return r, r.check(path)
}

// check has net/http look at the pattern, which panics at bad ones.
func (r *route) check(path string) (err error) {
	defer func() {
		if e := recover(); e != nil {
			err = fault.Newf(fault.InvalidArgument, "the pattern %q: %v", path, e)
		}
	}()
	http.NewServeMux().Handle(r.pattern, http.NotFoundHandler())
	return nil
}

// splitOutside splits at slashes that are not within braces.
func splitOutside(path string) (segments []string) {
	depth, start := 0, 0
	for i := range len(path) {
		switch path[i] {
		case '{':
			depth++
		case '}':
			depth--
		case '/':
			if depth == 0 {
				segments = append(segments, path[start:i])
				start = i + 1
			}
		}
	}
	return append(segments, path[start:])
}

// parseSegment finds the variables of a segment and its regular expression.
func parseSegment(segment string) (names []string, expr string, err error) {
	var b strings.Builder
	for segment != "" {
		open := strings.IndexByte(segment, '{')
		if open < 0 {
			b.WriteString(regexp.QuoteMeta(segment))
			break
		}
		b.WriteString(regexp.QuoteMeta(segment[:open]))
		depth, end := 0, -1
		for i := open; i < len(segment) && end < 0; i++ {
			switch segment[i] {
			case '{':
				depth++
			case '}':
				if depth--; depth == 0 {
					end = i
				}
			}
		}
		if end < 0 {
			return nil, "", errors.New("a brace is not closed")
		}
		name, re, ok := strings.Cut(segment[open+1:end], ":")
		if !ok {
			re = "[^/]+"
		}
		if name == "" || re == "" {
			return nil, "", errors.New("a variable has no name or an empty expression")
		}
		names = append(names, name)
		fmt.Fprintf(&b, "(%s)", re)
		segment = segment[end+1:]
	}
	return names, b.String(), nil
}

// handler wraps a module's handler: variables are request path values under the
// module's names, panics become status 500.
func (r *route) handler(c *call, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if !r.values(req) {
			http.NotFound(w, req)
			return
		}
		defer func() {
			e := recover()
			if e == nil {
				return
			}
			if err, ok := e.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(e) // how a handler says that the connection is to be closed
			}
			c.log.Error().Str("stack", string(debug.Stack())).Msgf("%s panicked: %v", c.what, e)
			http.Error(w, "internal server error", http.StatusInternalServerError)
		}()
		h(w, req)
	}
}

// values sets the path values; false means that an expression does not match.
func (r *route) values(req *http.Request) bool {
	if r.whole == nil {
		for i, name := range r.names {
			req.SetPathValue(name, req.PathValue(r.plain[i]))
		}
		return true
	}
	found := r.whole.FindStringSubmatch(req.URL.Path)
	if found == nil {
		return false
	}
	for i, name := range r.names {
		req.SetPathValue(name, found[i+1])
	}
	return true
}
