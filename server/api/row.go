package api

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"kumi/core"
	"kumi/hooks"
	"kumi/server/metrics"
)

// access is what a caller must present.
type access uint8

const (
	anyone      access = iota // nothing
	byServerKey               // Basic authentication with socket.server_key
	bySession                 // a session token
)

// row is one method of the client API. REST routes, the gRPC method, the hooks and the
// metrics follow from it; see table.
type row struct {
	name     string
	access   access
	bindings []binding
	// request makes an empty request message.
	request func() proto.Message
	handle  func(c *call, in proto.Message) (proto.Message, error)

	hook  *hooks.Method // nil: has no hooks
	stats *metrics.MethodStats
}

// binding is one way to call a method over HTTP. Path parameters, as in {user_id}, and
// query parameters name fields of the request. body is "*" if the HTTP body is the
// whole request, the name of a field if it is that field, and empty if there is none.
type binding struct {
	verb, pattern, body string
}

func get(pattern string) binding        { return binding{"GET", pattern, ""} }
func post(pattern, body string) binding { return binding{"POST", pattern, body} }
func put(pattern, body string) binding  { return binding{"PUT", pattern, body} }
func del(pattern string) binding        { return binding{"DELETE", pattern, ""} }

// message is a pointer to a generated protobuf struct.
type message[T any] interface {
	*T
	proto.Message
}

// method makes a row from a handler.
func method[T any, In message[T], Out proto.Message](name string, who access, handle func(*call, In) (Out, error), bindings ...binding) *row {
	r := &row{
		name: name, access: who, bindings: bindings,
		request: func() proto.Message { return In(new(T)) },
		handle: func(c *call, in proto.Message) (proto.Message, error) {
			out, err := handle(c, in.(In))
			if err != nil {
				return nil, err // not a typed nil
			}
			return out, nil
		},
	}
	r.hook, _ = hooks.LookupMethod(name)
	return r
}

// action makes a row from a handler with an empty response.
func action[T any, In message[T]](name string, who access, handle func(*call, In) error, bindings ...binding) *row {
	return method(name, who, func(c *call, in In) (*emptypb.Empty, error) {
		return nothing, handle(c, in)
	}, bindings...)
}

// operation makes a row from an operation of core for a signed-in user.
func operation[T any, In message[T], Out proto.Message](name string, do func(*core.Core, context.Context, uuid.UUID, In) (Out, error), bindings ...binding) *row {
	return method(name, bySession, func(c *call, in In) (Out, error) {
		return do(c.Core, c.ctx, c.caller(), in)
	}, bindings...)
}

// reading is operation for those that read values, which may be large and many.
func reading[T any, In message[T], Out proto.Message](name string, do func(*core.Core, context.Context, uuid.UUID, In) (Out, error), bindings ...binding) *row {
	return method(name, bySession, func(c *call, in In) (Out, error) {
		return do(c.Core, core.WithReserve(c.ctx, c.reserve), c.caller(), in)
	}, bindings...)
}

// command makes a row from an operation of core with an empty response.
func command[T any, In message[T]](name string, do func(*core.Core, context.Context, uuid.UUID, In) error, bindings ...binding) *row {
	return action(name, bySession, func(c *call, in In) error {
		return do(c.Core, c.ctx, c.caller(), in)
	}, bindings...)
}

// nothing is the empty response. It is shared and must not be modified.
var nothing = &emptypb.Empty{}
