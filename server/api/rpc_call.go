package api

import (
	"context"

	"kumi/core"
	"kumi/internal/trace"
)

// CallRPC calls a function for someone who is not a client of the API, such as an
// operator: as a user, or, without claims, as another server would. It has the deadline
// of RPCs over HTTP. The error has a code and has been logged if needed; PublicMessage is
// what may be shown of it.
func (a *Server) CallRPC(ctx context.Context, in Invocation) (string, error) {
	f, err := a.lookup(in.Method)
	if err != nil {
		return "", err
	}
	scope := a.Scope()
	scope.Mode, scope.TraceID, scope.ClientIP, scope.Operator = "rpc", traceID(ctx), in.Address, in.Operator
	setCaller(scope, in.Claims)
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return a.runRPC(core.WithScope(ctx, scope), f, in.Body)
}

// traceID returns the id of a call in the log; of one that is traced it is that of the
// trace.
func traceID(ctx context.Context) string {
	if t := trace.Of(ctx); t != nil {
		return t.ID
	}
	return core.NewTraceID()
}

// PublicMessage returns what clients see of an error.
func PublicMessage(err error) string { return publicMessage(err) }
