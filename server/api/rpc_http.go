package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kumi/core"
	"kumi/hooks"
	"kumi/internal/json"
	"kumi/rpc"
	"kumi/server/transport"
	"kumi/store/fault"
)

var (
	errRPCIDRequired = fault.New(fault.InvalidArgument, "RPC ID must be set")
	errRPCNotFound   = fault.New(fault.NotFound, "RPC function not found")
	errRPCPayload    = fault.New(fault.InvalidArgument, "RPC body must be a JSON string; send raw bodies with the unwrap parameter")
)

// serveRPC serves /v2/rpc/{id}. It does not use the API table: there is no message to
// decode, and games call this path most.
func (a *Server) serveRPC(w http.ResponseWriter, r *http.Request) {
	query, err := rpcQuery(r)
	if err != nil {
		a.failRPC(w, r, err)
		return
	}
	claims, err := a.authenticateRPC(r, query)
	if err != nil {
		a.failRPC(w, r, err)
		return
	}
	f, err := a.lookup(r.URL.Path[len(rpcPrefix):])
	if err != nil {
		a.failRPC(w, r, err)
		return
	}

	stats, start := &a.Metrics.RPC(f.ID).HTTP, time.Now()
	_, raw := query["unwrap"]
	payload, received, err := a.rpcPayload(w, r, raw)
	if err != nil {
		sent := 0
		if err == error(errTooLarge) {
			sent = a.fail(w, r, err)
		} else {
			sent = a.failRPC(w, r, err)
		}
		stats.Record(fault.CodeOf(err), time.Since(start), received, sent)
		return
	}

	scope := a.Scope()
	scope.Mode = "rpc"
	scope.TraceID = core.NewTraceID()
	scope.ClientIP, scope.ClientPort = transport.HTTPClientAddress(r, a.Config.Socket.ProxyCount)
	delete(r.Header, "Grpc-Timeout")
	delete(query, "http_key")
	scope.Headers, scope.QueryParams = r.Header, query
	setCaller(scope, claims)

	ctx, cancel := a.deadline(r)
	defer cancel()
	result, err := a.runRPC(core.WithScope(ctx, scope), f, payload)
	took := time.Since(start)
	if err != nil {
		sent := a.failRPCCall(w, r, f, err)
		stats.Record(fault.CodeOf(err), took, received, sent)
		return
	}
	stats.Record(fault.OK, took, received, a.answerRPC(w, r, result, raw))
}

// rpcQuery reads the query; it is never nil.
func rpcQuery(r *http.Request) (url.Values, error) {
	if r.URL.RawQuery == "" {
		return url.Values{}, nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid("bad query string: %v", err)
	}
	return query, nil
}

// authenticateRPC accepts the HTTP key, as query parameter or as the user of Basic
// authentication, or a session. claims are nil for calls with the key.
func (a *Server) authenticateRPC(r *http.Request, query url.Values) (*core.Claims, error) {
	if key := query["http_key"]; len(key) > 0 && key[0] != "" {
		if !a.httpKey.matches(key[0]) {
			return nil, errHTTPKeyInvalid
		}
		return nil, nil
	}
	authorization := authorizationOf(r)
	if strings.HasPrefix(authorization, "Basic ") {
		if !a.httpKey.matchesBasic(authorization) {
			return nil, errTokenInvalid
		}
		return nil, nil
	}
	if authorization == "" {
		return nil, errTokenOrKey
	}
	return a.session(authorization)
}

// lookup returns a registered function.
func (a *Server) lookup(id string) (*rpc.Function, error) {
	if id == "" {
		return nil, errRPCIDRequired
	}
	f := a.Set().RPC.Lookup(id)
	if f == nil {
		return nil, errRPCNotFound
	}
	return f, nil
}

// rpcPayload reads the payload: the body itself if raw, otherwise the string that the
// body is in JSON; null is an empty payload. GET has none.
func (a *Server) rpcPayload(w http.ResponseWriter, r *http.Request, raw bool) (payload string, received int, err error) {
	if r.Method == http.MethodGet {
		return "", 0, nil
	}
	buf := takeBuffer()
	defer buf.give()
	if received, err = a.readBody(w, r, buf); err != nil || len(buf.b) == 0 {
		return "", received, err
	}
	if raw {
		return string(buf.b), received, nil
	}
	in := json.NewReader(string(buf.b))
	if in.Peek() == 'n' {
		in.Null()
	} else {
		payload = in.String()
	}
	if in.End(); in.Err() != nil {
		return "", received, errRPCPayload
	}
	return payload, received, nil
}

// runRPC calls a function. Its error has a code and has been logged if needed.
func (a *Server) runRPC(ctx context.Context, f *rpc.Function, payload string) (string, error) {
	result, err := guardRPC(ctx, f.Call, payload)
	if err != nil {
		err = late(ctx, a.moduleError(err, "rpc "+f.ID, hooks.Origin{Runtime: f.Runtime, Module: f.Module}))
		return "", err
	}
	return result, nil
}

// guardRPC turns a panic of module code into an error of the call.
func guardRPC(ctx context.Context, f rpc.Func, payload string) (result string, err error) {
	defer recovered(&err)
	return f(ctx, payload)
}
