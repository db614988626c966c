package api

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxPathParams is the maximum number of parameters in a pattern.
const maxPathParams = 4

// route is a binding whose body and path parameters are resolved to fields of the
// request.
type route struct {
	*row
	params []string // names of fields; empty for parameters that the request has no field for
	// body is the field for the HTTP body; whole means the request itself.
	body  protoreflect.FieldDescriptor
	whole bool
	given *utilities.DoubleArray // fields set by the path and the body, not the query
}

// pathParams are the values of a path's parameters, in order.
type pathParams [maxPathParams]string

// router finds the route of a method and a path. net/http's multiplexer redirects to
// clean paths and responds with 405 by itself, where the protocol has 404 and 501. A
// router is read-only once built.
type router map[string]*node

// node is one segment of a path. Literal children take precedence over the parameter.
type node struct {
	literal map[string]*node
	param   *node
	route   *route
}

// newRouter makes the routes of all rows. It panics if a row does not fit its request
// type.
func newRouter(rows []*row) router {
	r := router{}
	for _, row := range rows {
		for _, b := range row.bindings {
			r.add(row, b)
		}
	}
	return r
}

func (r router) add(row *row, b binding) {
	rt := &route{row: row, whole: b.body == "*"}
	fields := row.request().ProtoReflect().Descriptor().Fields()
	if !rt.whole && b.body != "" {
		rt.body = fields.ByName(protoreflect.Name(b.body))
		if rt.body == nil || rt.body.Message() == nil {
			panic(fmt.Sprintf("%s %s: no message field %q in the request of %s", b.verb, b.pattern, b.body, row.name))
		}
	}
	at := r[b.verb]
	if at == nil {
		at = &node{}
		r[b.verb] = at
	}
	for segment := range strings.SplitSeq(strings.TrimPrefix(b.pattern, "/"), "/") {
		name, isParam := strings.CutPrefix(segment, "{")
		if !isParam {
			at = at.child(segment)
			continue
		}
		name = strings.TrimSuffix(name, "}")
		rt.params = append(rt.params, name)
		if at.param == nil {
			at.param = &node{}
		}
		at = at.param
	}
	if at.route != nil || len(rt.params) > maxPathParams {
		panic(fmt.Sprintf("%s %s: bound twice or too many parameters", b.verb, b.pattern))
	}
	at.route = rt
	var given [][]string
	for _, name := range rt.params {
		given = append(given, []string{name})
	}
	if rt.body != nil {
		given = append(given, []string{b.body})
	}
	rt.given = utilities.NewDoubleArray(given)
}

func (n *node) child(segment string) *node {
	if n.literal == nil {
		n.literal = map[string]*node{}
	}
	c := n.literal[segment]
	if c == nil {
		c = &node{}
		n.literal[segment] = c
	}
	return c
}

// find returns the route of a method and a path and sets the path's parameters.
// Without one it returns nil, and whether the path exists with another method. escaped
// says that path is still percent-encoded.
func (r router) find(verb, path string, escaped bool, params *pathParams) (rt *route, otherVerb bool) {
	path = strings.TrimPrefix(path, "/")
	if root := r[verb]; root != nil {
		if rt = root.find(path, escaped, params, 0); rt != nil {
			return rt, false
		}
	}
	for other, root := range r {
		if other != verb && root.find(path, escaped, params, 0) != nil {
			return nil, true
		}
	}
	return nil, false
}

func (n *node) find(path string, escaped bool, params *pathParams, count int) *route {
	segment, rest, more := strings.Cut(path, "/")
	if escaped {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return nil
		}
		segment = plain
	}
	if c := n.literal[segment]; c != nil {
		if rt := c.next(rest, more, escaped, params, count); rt != nil {
			return rt
		}
	}
	if n.param == nil || segment == "" {
		return nil
	}
	params[count] = segment
	return n.param.next(rest, more, escaped, params, count+1)
}

func (n *node) next(rest string, more, escaped bool, params *pathParams, count int) *route {
	if !more {
		return n.route
	}
	return n.find(rest, escaped, params, count)
}
