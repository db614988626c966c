package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"kumi/core"
	"kumi/store/fault"
	"kumi/vm"
)

// Method is a call of the API table, for those who call it by name.
type Method struct {
	Name string
	// Anonymous says that it is called without a session, to begin one.
	Anonymous bool
	// Request makes an empty request.
	Request func() proto.Message
}

// Methods returns the calls of the API table, except for the health check, in order of
// their names.
func (a *Server) Methods() (all []Method) {
	for _, r := range a.rows {
		if r.access != anyone {
			all = append(all, Method{r.name, r.access == byServerKey, r.request})
		}
	}
	slices.SortFunc(all, func(x, y Method) int { return cmp.Compare(x.Name, y.Name) })
	return all
}

// Invocation is a call by someone who is not a client, such as an operator.
type Invocation struct {
	Method string // or the id of a function, for CallRPC
	// Claims are those of the user as whom the call is made; nil for calls that begin a
	// session, and for calls of functions as another server. Vars are the session variables
	// that hooks see without claims.
	Claims *core.Claims
	Vars   map[string]string
	// Address is the caller's, Operator the name, which module code sees.
	Address, Operator string
	// Body is the request as JSON, or the payload of a function; empty: without fields.
	Body string
}

// Invoke makes a call of the API table, hooks included, and returns the response as JSON.
// It has the deadline of calls over HTTP. Errors as in CallRPC; Unimplemented for a
// method that does not exist, Unauthenticated without the claims that it needs.
func (a *Server) Invoke(ctx context.Context, in Invocation) (string, error) {
	i := slices.IndexFunc(a.rows, func(r *row) bool { return r.name == in.Method && r.access != anyone })
	if i < 0 {
		return "", fault.Newf(fault.Unimplemented, "The client API has no method %q.", in.Method)
	}
	c := call{Server: a, row: a.rows[i], operator: &in}
	request := c.row.request()
	if in.Body != "" {
		if err := fromJSON.Unmarshal([]byte(in.Body), request); err != nil {
			return "", fault.New(fault.InvalidArgument, bodyProblem(err))
		}
	}
	d := vm.NewLazyDeadline(ctx, time.Now().Add(a.timeout))
	defer d.End()
	c.ctx = d
	defer c.release()
	out, err := a.invoke(&c, request)
	if err != nil {
		return "", err
	}
	text, err := appendJSON(nil, out)
	if err != nil {
		return "", fault.Wrap(fault.Internal, "An internal error occurred.", err)
	}
	return string(text), nil
}
