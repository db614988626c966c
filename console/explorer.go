package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/core"
	"kumi/core/consolepb"
	"kumi/modules/httproute"
	"kumi/server/api"
	"kumi/store/fault"
)

// ClientAPI makes calls of the client API for operators. Errors have a code and have been
// logged.
type ClientAPI interface {
	Methods() []api.Method
	Invoke(ctx context.Context, in api.Invocation) (string, error)
	ServeConsoleRoute(w http.ResponseWriter, r *http.Request, rt *httproute.Route, operator string)
	CallRPC(ctx context.Context, in api.Invocation) (string, error)
	Hooks() []api.Hook
	PrepareHook(h *api.Hook, in api.Invocation, answer string) (func(context.Context) (api.HookAnswer, error), error)
}

// sessionTime is how long the session of a call as a user claims to last.
const sessionTime = time.Hour

// listEndpoints lists the methods of the client API with templates of their requests, and
// the functions and hooks that modules registered.
func (s *Server) listEndpoints() (*consolepb.ApiEndpointList, error) {
	out := &consolepb.ApiEndpointList{}
	for _, m := range s.API.Methods() {
		template, err := bodyTemplate(m.Request())
		if err != nil {
			return nil, err
		}
		out.Endpoints = append(out.Endpoints, &consolepb.ApiEndpointDescriptor{Method: m.Name, BodyTemplate: template})
	}
	for _, f := range s.Set().RPC.All() {
		out.RpcEndpoints = append(out.RpcEndpoints, &consolepb.ApiEndpointDescriptor{Method: f.ID})
	}
	var err error
	out.Hooks, err = s.listHooks()
	return out, err
}

// prepared is a call that can be made.
type prepared func(ctx context.Context) (string, error)

// callMethod makes a call of the client API as a user. Calls that begin a session need
// none. An error of the call is part of a successful response.
func callMethod(ctx context.Context, v *visit, in *consolepb.CallApiEndpointRequest) (*consolepb.CallApiEndpointResponse, error) {
	call, err := prepareMethod(ctx, v, in)
	if err != nil {
		return nil, err
	}
	return response(call(ctx))
}

// prepareMethod prepares a call of the client API, and takes credentials out of the
// request, which the audit log gets.
func prepareMethod(ctx context.Context, v *visit, in *consolepb.CallApiEndpointRequest) (prepared, error) {
	call := v.invocation(in)
	anonymous, err := v.isAnonymous(in.Method)
	if err == nil && !anonymous {
		if in.UserId == "" {
			return nil, fault.Newf(fault.InvalidArgument, "%s is called as a user: user_id is missing.", in.Method)
		}
		call.Claims, err = v.claimsOf(ctx, in)
	}
	if err != nil {
		return nil, err
	}
	if hasCredentials(in.Method) {
		in.Body = ""
	}
	return func(ctx context.Context) (string, error) { return v.API.Invoke(ctx, call) }, nil
}

// hasCredentials reports whether requests of a method, or its answers, carry what somebody
// could sign in with.
func hasCredentials(method string) bool {
	for _, prefix := range []string{"Authenticate", "Link", "Unlink", "Import", "Session"} {
		if strings.HasPrefix(method, prefix) {
			return true
		}
	}
	return false
}

// isAnonymous reports whether a method is called without a session. NotFound for one that
// does not exist.
func (s *Server) isAnonymous(method string) (bool, error) {
	for _, m := range s.API.Methods() {
		if m.Name == method {
			return m.Anonymous, nil
		}
	}
	return false, fault.Newf(fault.NotFound, "The client API has no method %q.", method)
}

// callRPC calls a function that modules registered: as a user, or as another server
// would. An error of the function is part of a successful response.
func callRPC(ctx context.Context, v *visit, in *consolepb.CallApiEndpointRequest) (*consolepb.CallApiEndpointResponse, error) {
	call, err := prepareRPC(ctx, v, in)
	if err != nil {
		return nil, err
	}
	return response(call(ctx))
}

func prepareRPC(ctx context.Context, v *visit, in *consolepb.CallApiEndpointRequest) (prepared, error) {
	call := v.invocation(in)
	if in.UserId != "" {
		var err error
		if call.Claims, err = v.claimsOf(ctx, in); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context) (string, error) { return v.API.CallRPC(ctx, call) }, nil
}

// invocation returns a request as a call without claims.
func (v *visit) invocation(in *consolepb.CallApiEndpointRequest) api.Invocation {
	return api.Invocation{Method: in.Method, Address: v.from.Address, Operator: v.op.Username, Body: in.Body, Vars: in.SessionVars}
}

// claimsOf returns what the session of a request's user would claim. Errors as in
// GetAccount.
func (v *visit) claimsOf(ctx context.Context, in *consolepb.CallApiEndpointRequest) (*core.Claims, error) {
	account, err := v.Console.GetAccount(ctx, &consolepb.AccountId{Id: in.UserId})
	if err != nil {
		return nil, err
	}
	user := account.Account.User
	id, err := uuid.FromString(user.Id)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "The user's id cannot be read.", err)
	}
	vars := in.SessionVars
	if vars == nil {
		vars = map[string]string{}
	}
	return &core.Claims{UserID: id, Username: user.Username, Vars: vars, ExpiresAt: time.Now().Add(sessionTime).Unix()}, nil
}

// response is the response to a call of the client API.
func response(result string, err error) (*consolepb.CallApiEndpointResponse, error) {
	out := &consolepb.CallApiEndpointResponse{Body: result}
	if err != nil {
		out.ErrorMessage = api.PublicMessage(err)
	}
	return out, nil
}
