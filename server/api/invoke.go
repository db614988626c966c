package api

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"google.golang.org/protobuf/proto"

	"kumi/core"
	"kumi/hooks"
	"kumi/server/transport"
	"kumi/store/fault"
)

var errRejected = fault.New(fault.NotFound, "Requested resource was not found.")

// invoke passes a decoded request through authentication, the before hook, the handler
// and the after hook. REST and gRPC share it. A panic becomes an Internal error.
func (a *Server) invoke(c *call, in proto.Message) (out proto.Message, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, a.panicked(c.row.name, p)
		}
		if err != nil {
			err = late(c.ctx, err)
			a.logFailure(c.row.name, err)
		}
	}()
	if err := a.authenticate(c); err != nil {
		return nil, err
	}
	var pair *hooks.Pair
	if c.row.hook != nil {
		pair = a.Set().Hooks.API(c.row.name)
	}
	if pair != nil && pair.Before != nil {
		if in, err = a.before(c, pair.Before, in); err != nil {
			return nil, err
		}
	}
	if out, err = c.row.handle(c, in); err != nil {
		return nil, err
	}
	if pair != nil && pair.After != nil {
		_ = a.after(c, pair.After, out, in) // logged
	}
	return out, nil
}

// before runs a before hook and returns the request to continue with.
func (a *Server) before(c *call, hook *hooks.Slot[hooks.Before], in proto.Message) (proto.Message, error) {
	body := in
	if c.row.hook.In == nil {
		body = nil
	}
	start := time.Now()
	changed, err := callBefore(core.WithMode(c.ctx, c.moduleScope(), "before"), hook.Call, body)
	c.row.stats.Before.Record(time.Since(start), err != nil)
	if err != nil {
		return nil, a.moduleError(err, "before "+c.row.name, hook.Origin)
	}
	if body == nil {
		return in, nil // without a request, a hook can only reject the call
	}
	if changed == nil || !changed.ProtoReflect().IsValid() {
		a.Log.Warn().Str("api", c.row.name).Str("module", hook.Module).Msg("before hook returned nothing, the request is rejected")
		return nil, &reported{errRejected}
	}
	if got, want := changed.ProtoReflect().Descriptor(), in.ProtoReflect().Descriptor(); got != want {
		return nil, fault.Newf(fault.Internal, "before hook of %s returned a %s, not a %s", c.row.name, got.Name(), want.Name())
	}
	return changed, nil
}

// after runs an after hook. Its error is logged and counted; clients do not see it.
func (a *Server) after(c *call, hook *hooks.Slot[hooks.After], out, in proto.Message) error {
	if c.row.hook.In == nil {
		in = nil
	}
	if c.row.hook.Out == nil {
		out = nil
	}
	start := time.Now()
	err := callAfter(core.WithMode(c.ctx, c.moduleScope(), "after"), hook.Call, out, in)
	c.row.stats.After.Record(time.Since(start), err != nil)
	if err != nil {
		return a.moduleError(err, "after "+c.row.name, hook.Origin)
	}
	return nil
}

// callBefore and callAfter turn a panic of module code into an error of the
// call.
func callBefore(ctx context.Context, hook hooks.Before, in proto.Message) (out proto.Message, err error) {
	defer recovered(&err)
	return hook(ctx, in)
}

func callAfter(ctx context.Context, hook hooks.After, out, in proto.Message) (err error) {
	defer recovered(&err)
	return hook(ctx, out, in)
}

// crash is the error for a panic of module code. Clients see no details.
type crash struct {
	value any
	stack []byte
}

func (c *crash) Error() string { return fmt.Sprintf("panic: %v", c.value) }

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = &crash{p, debug.Stack()}
	}
}

// reported marks an error that is already logged.
type reported struct{ error }

func (r *reported) Unwrap() error { return r.error }

// moduleError gives an error of module code a code and a message: those that the
// module set, otherwise Internal and the error's text. An error without a code is
// unexpected, so it is logged here.
func (a *Server) moduleError(err error, call string, from hooks.Origin) error {
	if fault.HasCode(err) {
		return &reported{err} // errors of scripts were logged where the script ran
	}
	event := a.Log.Error().Err(err).Str("call", call).Str("runtime", from.Runtime).Str("module", from.Module)
	message := transport.ModuleMessage(err, from.Runtime)
	var c *crash
	if errors.As(err, &c) {
		event = event.Bytes("stack", c.stack)
		message = "the module failed unexpectedly"
	}
	event.Msg("module call failed")
	return &reported{fault.Wrap(fault.CodeOf(err), message, err)}
}

// panicked returns the error for a panic in the server's own code.
func (a *Server) panicked(call string, p any) error {
	a.Log.Error().Str("call", call).Interface("panic", p).Bytes("stack", debug.Stack()).Msg("call panicked")
	return &reported{fault.New(fault.Internal, "An internal error occurred.")}
}

// late returns DeadlineExceeded or Canceled for a failed call whose deadline has
// passed or whose client has disconnected, whatever the failed operation returned.
func late(ctx context.Context, err error) error {
	if fault.CodeOf(err) != fault.Internal {
		return err
	}
	switch ctx.Err() {
	case context.DeadlineExceeded:
		return &reported{fault.Wrap(fault.DeadlineExceeded, "The request took too long.", err)}
	case context.Canceled:
		return &reported{fault.Wrap(fault.Canceled, "The request was canceled.", err)}
	}
	return err
}

// logFailure logs errors of the server at error level, and clients' mistakes at debug
// level.
func (a *Server) logFailure(call string, err error) {
	if fault.IsMistake(err) {
		a.Log.Debug().Err(err).Str("call", call).Msg("call refused")
		return
	}
	switch fault.CodeOf(err) {
	case fault.Internal, fault.Unknown, fault.DataLoss, fault.Unavailable:
	default:
		return
	}
	var r *reported
	if !errors.As(err, &r) && !a.Core.DatabaseUnreachable(err) {
		a.Log.Error().Err(err).Str("call", call).Msg("call failed")
	}
}
