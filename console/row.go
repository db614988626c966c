package console

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"kumi/core"
	"kumi/core/acl"
	"kumi/core/consolepb"
)

// row is one call of the API.
type row struct {
	name string
	// open says that the call needs no log-in.
	open bool
	// right is what the operator must be allowed to do; nil: any operator may.
	right *acl.Right
	// action is recorded in the audit log; zero: the call changes nothing.
	action core.AuditAction
	handler
	bindings []binding
}

// binding is a way to call a row over HTTP. Parameters of the path and of the query name
// fields of the request. With body the HTTP body is the request.
type binding struct {
	verb, path string
	body       bool
}

func get(path string) binding  { return binding{"GET", path, false} }
func post(path string) binding { return binding{"POST", path, true} }
func put(path string) binding  { return binding{"PUT", path, true} }
func del(path string) binding  { return binding{"DELETE", path, false} }

// visit is one call: who makes it, and what it needs of the server.
type visit struct {
	*Server
	from core.Visitor
	op   *core.Operator // nil: the row is open
}

// handler is the function of a row with its types erased.
type handler struct {
	request func() proto.Message
	do      func(context.Context, *visit, proto.Message) (proto.Message, error)
}

// message is a pointer to a generated struct.
type message[T any] interface {
	*T
	proto.Message
}

// handle makes a handler of a function.
func handle[T any, In message[T], Out proto.Message](do func(context.Context, *visit, In) (Out, error)) handler {
	return handler{
		request: func() proto.Message { return In(new(T)) },
		do: func(ctx context.Context, v *visit, in proto.Message) (proto.Message, error) {
			out, err := do(ctx, v, in.(In))
			if err != nil {
				return nil, err // not a typed nil
			}
			return out, nil
		},
	}
}

// call makes a handler of an operation with a request and a response.
func call[T any, In message[T], Out proto.Message](do func(*core.Console, context.Context, In) (Out, error)) handler {
	return handle(func(ctx context.Context, v *visit, in In) (Out, error) { return do(v.Console, ctx, in) })
}

// callAs makes a handler of an operation that also depends on the operator.
func callAs[T any, In message[T], Out proto.Message](do func(*core.Console, context.Context, *core.Operator, In) (Out, error)) handler {
	return handle(func(ctx context.Context, v *visit, in In) (Out, error) { return do(v.Console, ctx, v.op, in) })
}

// exec makes a handler of an operation with a request and an empty response.
func exec[T any, In message[T]](do func(*core.Console, context.Context, In) error) handler {
	return handle(func(ctx context.Context, v *visit, in In) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, do(v.Console, ctx, in)
	})
}

// execAs is exec for an operation that also depends on the operator.
func execAs[T any, In message[T]](do func(*core.Console, context.Context, *core.Operator, In) error) handler {
	return handle(func(ctx context.Context, v *visit, in In) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, do(v.Console, ctx, v.op, in)
	})
}

// unlink makes a handler that unlinks an identity of an account.
func unlink(identity string) handler {
	return exec(func(k *core.Console, ctx context.Context, in *consolepb.AccountId) error {
		return k.Unlink(ctx, identity, in)
	})
}

// fetch makes a handler of an operation with an empty request.
func fetch[Out proto.Message](do func(*core.Console, context.Context) (Out, error)) handler {
	return handle(func(ctx context.Context, v *visit, _ *emptypb.Empty) (Out, error) { return do(v.Console, ctx) })
}

// trigger makes a handler of an operation with neither a request nor a response.
func trigger(do func(*core.Console, context.Context) error) handler {
	return handle(func(ctx context.Context, v *visit, _ *emptypb.Empty) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, do(v.Console, ctx)
	})
}

// info makes a handler of what the server says about itself.
func info[Out proto.Message](do func(*Server) (Out, error)) handler {
	return handle(func(_ context.Context, v *visit, _ *emptypb.Empty) (Out, error) { return do(v.Server) })
}
