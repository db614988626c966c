package console

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	"kumi/core/consolepb"
	"kumi/server/api"
	"kumi/store/fault"
)

// What a request calls the two kinds of hooks.
const (
	beforeHook = "before"
	afterHook  = "after"
)

// checkHook fails with InvalidArgument for what is no kind of hook.
func checkHook(hook string, rpc bool) error {
	switch {
	case hook != "" && hook != beforeHook && hook != afterHook:
		return fault.Newf(fault.InvalidArgument, "hook is %q; it can be %q or %q.", hook, beforeHook, afterHook)
	case hook != "" && rpc:
		return fault.New(fault.InvalidArgument, "rpc and hook exclude each other: functions have no hooks.")
	}
	return nil
}

func whenOf(h *api.Hook) string {
	if h.After {
		return afterHook
	}
	return beforeHook
}

// listHooks lists the hooks that modules registered, with templates of what they get.
func (s *Server) listHooks() (all []*consolepb.HookDescriptor, err error) {
	for _, h := range s.API.Hooks() {
		d := &consolepb.HookDescriptor{Method: h.Name, Hook: whenOf(&h), Realtime: h.Realtime, Anonymous: h.Anonymous, Runtime: h.Runtime, Module: h.Module}
		if d.BodyTemplate, err = hookTemplate(h.In); err == nil {
			d.OutputTemplate, err = hookTemplate(h.Out)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func hookTemplate(made func() proto.Message) (string, error) {
	if made == nil {
		return "", nil
	}
	return bodyTemplate(made())
}

// prepareHook prepares a hook that runs alone: as a user, or, before a call that begins a
// session, without one, as the server does it.
func prepareHook(ctx context.Context, v *visit, in *consolepb.RunRequest, out *consolepb.RunResponse) (prepared, error) {
	if err := checkHook(in.Hook, in.Rpc); err != nil {
		return nil, err
	}
	all := v.API.Hooks()
	i := slices.IndexFunc(all, func(h api.Hook) bool { return h.Name == in.Method && whenOf(&h) == in.Hook })
	if i < 0 {
		return nil, fault.Newf(fault.NotFound, "No %s hook of %q is registered.", in.Hook, in.Method)
	}
	h, request := &all[i], runCall(in)
	call := v.invocation(request)
	var err error
	switch {
	case h.Anonymous && in.UserId != "":
		err = fault.Newf(fault.InvalidArgument, "The before hook of %s runs before there is a session: user_id must be empty.", in.Method)
	case !h.Anonymous && in.UserId == "":
		err = fault.Newf(fault.InvalidArgument, "The %s hook of %s runs as a user: user_id is missing.", in.Hook, in.Method)
	case !h.Anonymous:
		call.Claims, err = v.claimsOf(ctx, request)
	}
	if err != nil {
		return nil, err
	}
	do, err := v.API.PrepareHook(h, call, in.Output)
	if err != nil {
		return nil, err
	}
	if hasCredentials(in.Method) {
		in.Body, in.Output = "", ""
	}
	return func(ctx context.Context) (string, error) {
		answer, err := do(ctx)
		if err != nil {
			return "", err
		}
		out.Outcome, out.Input = string(answer.Outcome), answer.Input
		return answer.Body, nil
	}, nil
}
