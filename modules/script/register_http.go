package script

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"unicode/utf8"

	"kumi/core"
	"kumi/modules/httproute"
	"kumi/modules/registry"
	"kumi/store/fault"
	"kumi/vm"
)

var (
	nAuth, nBinary, nRight           = vm.N("auth"), vm.N("binary"), vm.N("right")
	nStatus, nHTTPHeaders, nHTTPBody = vm.N("status"), vm.N("headers"), vm.N("body")
)

// registerHTTP registers a route. The function comes first in Lua, the path in
// JavaScript; a list of methods and options may follow.
func registerHTTP(_ registering, c *vm.Call) error {
	path, fn := nameAndHandler(c, "path")
	rt := &httproute.Route{Pattern: path}
	for _, m := range c.OptStrs("methods") {
		rt.Methods = append(rt.Methods, strings.ToUpper(m))
	}
	options := c.OptObj("options")
	binary := false
	if options.Present() {
		rt.Auth = options.OptStr(&nAuth, httproute.AuthNone)
		switch rt.Auth {
		case httproute.AuthNone, httproute.AuthSession, httproute.AuthHTTPKey:
		case "none":
			rt.Auth = httproute.AuthNone
		default:
			options.Invalid(&nAuth, `expected "session", "http_key" or "none"`)
		}
		binary = options.OptBool(&nBinary, false)
	}
	r, err := registrar(c)
	if err := cmp.Or(c.Err(), err); err != nil {
		return err
	}
	if rt.Path, rt.Names, err = httproute.Compile(path); err != nil {
		return err
	}
	return r.accumulate(c, Registration{Kind: registry.HTTP, Name: path, Route: rt, binary: binary}, fn)
}

// registerConsoleHTTP is registerHTTP for a route on the console's port.
func registerConsoleHTTP(_ registering, c *vm.Call) error {
	path, fn := nameAndHandler(c, "path")
	var methods []string
	for _, m := range c.OptStrs("methods") {
		methods = append(methods, strings.ToUpper(m))
	}
	options := c.OptObj("options")
	auth, right, binary := httproute.AuthNone, "", false
	if options.Present() {
		if auth = options.OptStr(&nAuth, httproute.AuthNone); auth == "none" {
			auth = httproute.AuthNone
		}
		right = options.OptStr(&nRight, "")
		binary = options.OptBool(&nBinary, false)
	}
	r, err := registrar(c)
	if err := cmp.Or(c.Err(), err); err != nil {
		return err
	}
	rt, err := httproute.NewConsole(path, auth, right, methods...)
	if err := cmp.Or(err, core.CheckRight(right)); err != nil {
		return err
	}
	return r.accumulate(c, Registration{Kind: registry.ConsoleHTTP, Name: path, Route: &rt, binary: binary}, fn)
}

// installHTTP makes the route of a registration.
func installHTTP(p *Program, pool Pool, reg *Registration) httproute.Route {
	n := newFunction(p, pool, reg, reg.Keys[0], "http", map[string]any{"route": reg.Name})
	rt := *reg.Route
	rt.Module, rt.Runtime, rt.At = reg.Module, p.lang.String(), reg.At
	binary := reg.binary
	rt.Serve = func(ctx context.Context, in *httproute.Request) (*httproute.Response, error) {
		return n.http(ctx, in, binary)
	}
	return rt
}

// http calls the function as the handler of a route.
func (n *function) http(ctx context.Context, in *httproute.Request, binary bool) (res *httproute.Response, err error) {
	err = n.call(ctx,
		func(e vm.Engine, args []vm.Ref) ([]vm.Ref, error) {
			return append(args, requestShape.Of(e, &requestSource{in, binary})), nil
		},
		func(e vm.Engine, out []vm.Ref) (err error) {
			res, err = n.response(e, lastResult(e, out))
			return err
		})
	return res, err
}

type requestSource struct {
	*httproute.Request
	binary bool
}

// requestShape is a request to a route. Its body is a string; it is binary data if it
// is not valid UTF-8 or if the route asks for it.
var requestShape = vm.NewShape(
	vm.Str("method", func(r *requestSource) string { return r.Method }),
	vm.Str("path", func(r *requestSource) string { return r.Path }),
	vm.Value("params", func(r *requestSource) any { return r.Params }),
	vm.Value("query", func(r *requestSource) any { return lists(r.Query) }),
	vm.Value("headers", func(r *requestSource) any { return lists(r.Headers) }),
	vm.Value("body", func(r *requestSource) any {
		if r.binary || !utf8.Valid(r.Body) {
			return r.Body
		}
		return string(r.Body)
	}),
)

func lists(m map[string][]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, vs := range m {
		list := make([]any, len(vs))
		for i, v := range vs {
			list[i] = v
		}
		out[k] = list
	}
	return out
}

// response reads what a route returned: nothing, a string, or an object with status,
// headers and body.
func (n *function) response(e vm.Engine, v vm.Ref) (*httproute.Response, error) {
	res := &httproute.Response{Status: http.StatusOK, Headers: map[string][]string{}}
	body := v
	switch {
	case e.IsNil(v):
		res.Status = http.StatusNoContent
	case !e.IsStr(v) && !e.IsBytes(v) && e.IsObject(v):
		if s := e.Field(v, &nStatus); !e.IsNil(s) {
			status, ok := int64(0), false
			if e.IsNum(s) {
				status, ok = e.Int(s)
			}
			if !ok || status < 200 || status > 599 {
				return nil, fault.Newf(fault.Internal, "%s returned a status that is not a number from 200 to 599", n.what)
			}
			res.Status = int(status)
		}
		if err := n.responseHeaders(e, e.Field(v, &nHTTPHeaders), res); err != nil {
			return nil, err
		}
		body = e.Field(v, &nHTTPBody)
	case !e.IsStr(v) && !e.IsBytes(v):
		return nil, fault.Newf(fault.Internal, "%s returned %s; expected { status, headers, body }, a string or nothing", n.what, kindOf(e, v))
	}
	if err := n.responseBody(e, body, res); err != nil {
		return nil, err
	}
	return res, n.program.checkSize(n.what, len(res.Body))
}

func (n *function) responseHeaders(e vm.Engine, v vm.Ref, res *httproute.Response) error {
	if e.IsNil(v) {
		return nil
	}
	if !e.IsObject(v) {
		return fault.Newf(fault.Internal, "%s returned %s as headers; expected an object", n.what, kindOf(e, v))
	}
	var bad error
	e.EachField(v, func(key string, field vm.Ref) bool {
		key = http.CanonicalHeaderKey(key)
		switch {
		case e.IsStr(field), e.IsNum(field):
			res.Headers[key] = []string{text(e, field)}
			return true
		case e.IsList(field):
			for i := range e.Len(field) {
				res.Headers[key] = append(res.Headers[key], text(e, e.Index(field, i)))
			}
			return true
		}
		bad = fault.Newf(fault.Internal, "%s returned the header %q as %s; expected a string or a list of strings", n.what, key, kindOf(e, field))
		return false
	})
	return bad
}

// responseBody reads the body. Strings and binary data are sent as they are, anything
// else as JSON.
func (n *function) responseBody(e vm.Engine, v vm.Ref, res *httproute.Response) error {
	kind := ""
	switch {
	case e.IsNil(v):
	case e.IsStr(v):
		res.Body, kind = []byte(e.Str(v)), "text/plain; charset=utf-8"
	case e.IsBytes(v):
		res.Body, kind = e.Bytes(v), "application/octet-stream"
	default:
		j, err := e.ToJSON(v)
		if err != nil {
			return fault.Wrap(fault.Internal, n.what+" returned a body that cannot be written as JSON: "+err.Error(), err)
		}
		res.Body, kind = j, "application/json"
	}
	if _, ok := res.Headers["Content-Type"]; !ok && kind != "" {
		res.Headers["Content-Type"] = []string{kind}
	}
	return nil
}
