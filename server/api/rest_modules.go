package api

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"kumi/core"
	"kumi/hooks"
	"kumi/modules/httproute"
	"kumi/server/transport"
)

// serveModuleRoute serves requests to routes of modules, and returns true for them.
// Routes are tried in order of registration; one that does not accept the method is
// skipped.
func (a *Server) serveModuleRoute(w http.ResponseWriter, r *http.Request) bool {
	routes := a.Set().HTTP
	for i := range routes {
		if rt := &routes[i]; rt.Match(r) {
			a.serveRoute(w, r, rt)
			return true
		}
	}
	return false
}

// serveRoute authenticates the caller and passes the request to the module. Failures
// before or within a script become errors like those of a REST call.
func (a *Server) serveRoute(w http.ResponseWriter, r *http.Request, rt *httproute.Route) {
	if rt.Auth == httproute.AuthNone && rt.Serve == nil {
		rt.Handler(w, r)
		return
	}
	scope, err := a.routeScope(r, rt)
	if err != nil {
		setConstantHeaders(w.Header())
		a.fail(w, r, err)
		return
	}
	a.callWithScope(w, r, rt, scope)
}

// ServeConsoleRoute passes a request for a route on the console's port to the module, once
// the console has let it through. operator is the name of the operator, empty without one.
func (a *Server) ServeConsoleRoute(w http.ResponseWriter, r *http.Request, rt *httproute.Route, operator string) {
	query, err := rpcQuery(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	scope := a.Scope()
	scope.Operator = operator
	a.describeRequest(scope, r, query)
	a.callWithScope(w, r, rt, scope)
}

func (a *Server) callWithScope(w http.ResponseWriter, r *http.Request, rt *httproute.Route, scope *core.Scope) {
	if rt.Serve == nil {
		rt.Handler(w, r.WithContext(core.WithMode(r.Context(), scope, "http")))
		return
	}
	start := time.Now()
	ctx, cancel := a.deadline(r)
	defer cancel()
	res, err := a.callRoute(core.WithMode(ctx, scope, "http"), w, r, rt)
	if err != nil {
		a.Log.Debug().Err(err).Str("route", rt.Pattern).Dur("took", time.Since(start)).Msg("HTTP route failed")
		setConstantHeaders(w.Header())
		a.fail(w, r, err)
		return
	}
	a.respond(w, r, res)
}

// routeScope checks the credentials that the route requires and returns the scope of
// the caller. It fails with Unauthenticated.
func (a *Server) routeScope(r *http.Request, rt *httproute.Route) (*core.Scope, error) {
	query, err := rpcQuery(r)
	if err != nil {
		return nil, err
	}
	scope := a.Scope()
	switch rt.Auth {
	case httproute.AuthSession:
		claims, err := a.session(authorizationOf(r))
		if err != nil {
			return nil, err
		}
		setCaller(scope, claims)
	case httproute.AuthHTTPKey:
		if key := query.Get("http_key"); key != "" && !a.httpKey.matches(key) || key == "" && !a.httpKey.matchesBasic(authorizationOf(r)) {
			return nil, errHTTPKeyInvalid
		}
		delete(query, "http_key")
	}
	a.describeRequest(scope, r, query)
	return scope, nil
}

// describeRequest adds to a scope what a request says.
func (a *Server) describeRequest(scope *core.Scope, r *http.Request, query map[string][]string) {
	scope.TraceID = core.NewTraceID()
	scope.ClientIP, scope.ClientPort = transport.HTTPClientAddress(r, a.Config.Socket.ProxyCount)
	scope.Headers, scope.QueryParams = r.Header, query
}

// callRoute reads the request for a script and calls it.
func (a *Server) callRoute(ctx context.Context, w http.ResponseWriter, r *http.Request, rt *httproute.Route) (*httproute.Response, error) {
	buf := takeBuffer()
	defer buf.give()
	if _, err := a.readBody(w, r, buf); err != nil {
		return nil, err
	}
	scope, _ := core.ScopeOf(ctx)
	in := &httproute.Request{
		Method: r.Method, Path: r.URL.Path, Params: rt.Params(r),
		Query: scope.QueryParams, Headers: r.Header,
		Body: bytes.Clone(buf.b), // scripts may keep the request

	}
	res, err := guardRoute(ctx, rt, in)
	if err != nil {
		return nil, late(ctx, a.moduleError(err, "http "+rt.Pattern, hooks.Origin{Runtime: rt.Runtime, Module: rt.Module}))
	}
	return res, nil
}

// guardRoute turns a panic of module code into an error of the call.
func guardRoute(ctx context.Context, rt *httproute.Route, in *httproute.Request) (res *httproute.Response, err error) {
	defer recovered(&err)
	return rt.Serve(ctx, in)
}

// respond sends a script's response. Headers that net/http sets itself are skipped.
func (a *Server) respond(w http.ResponseWriter, r *http.Request, res *httproute.Response) {
	h := w.Header()
	h["Vary"] = acceptEncodings
	for key, values := range res.Headers {
		switch key {
		case "Content-Length", "Transfer-Encoding", "Connection", "Content-Encoding":
			continue
		}
		safe := make([]string, len(values))
		for i, v := range values {
			safe[i] = headerSafe(v)
		}
		h[key] = safe
	}
	if len(res.Body) == 0 {
		w.WriteHeader(res.Status)
		return
	}
	a.send(w, r, res.Status, h["Content-Type"], res.Body)
}
