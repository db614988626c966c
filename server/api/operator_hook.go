package api

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"kumi/core"
	"kumi/hooks"
	"kumi/store/fault"
	"kumi/vm"
)

// Hook is a registered hook of a call of the API table or of a realtime message, for those
// who run it alone. Hooks that are chained are one.
type Hook struct {
	Name string // of the call or the message
	hooks.Origin
	After, Realtime bool
	// Anonymous says that there is no session yet: it runs before a call that begins one.
	Anonymous bool
	// In makes an empty input, Out the answer that an after hook gets beside it. nil: the
	// hook gets none.
	In, Out func() proto.Message

	row    *row // nil: of a realtime message
	before *hooks.Slot[hooks.Before]
	after  *hooks.Slot[hooks.After]
}

// Hooks returns the hooks that are registered now in order of their names, those before a
// call first.
func (a *Server) Hooks() (all []Hook) {
	a.Set().Hooks.Each(func(kind hooks.Kind, name string, p *hooks.Pair) {
		h := Hook{Name: name, Realtime: kind == hooks.Realtime}
		var out func() proto.Message
		if h.Realtime {
			h.In = func() proto.Message { return hooks.Message(name) }
			if hooks.Reply(name) != nil {
				out = func() proto.Message { return hooks.Reply(name) }
			}
		} else {
			h.row = a.rows[slices.IndexFunc(a.rows, func(r *row) bool { return r.name == name })]
			h.In, out = h.row.hook.In, h.row.hook.Out
		}
		if p.Before != nil {
			b := h
			b.Origin, b.before, b.Anonymous = p.Before.Origin, p.Before, h.row != nil && h.row.access == byServerKey
			all = append(all, b)
		}
		if p.After != nil {
			h.Origin, h.after, h.After, h.Out = p.After.Origin, p.After, true, out
			all = append(all, h)
		}
	})
	slices.SortStableFunc(all, func(x, y Hook) int { return cmp.Compare(x.Name, y.Name) })
	return all
}

// Outcome is how a hook ended that did not fail.
type Outcome string

// The outcomes. An after hook, and a before hook that gets no input, can only end.
const (
	Changed   Outcome = "changed"   // it returned another input
	Unchanged Outcome = "unchanged" // it returned the input as it was
	Refused   Outcome = "refused"   // it returned nothing, which refuses the call
	Ended     Outcome = "ended"
)

// HookAnswer is what a hook that did not fail did. Input and Body are JSON in the same form:
// what a before hook got, and what it returned.
type HookAnswer struct {
	Outcome
	Input, Body string
}

// PrepareHook reads the input of a hook that is to run alone, the body of in, and, for an
// after hook, the answer: both JSON, empty: without fields. It fails with InvalidArgument if
// that is not what the hook gets; the text names the field. What it returns runs the hook,
// with the deadline of calls over HTTP; errors as in CallRPC.
func (a *Server) PrepareHook(h *Hook, in Invocation, answer string) (func(context.Context) (HookAnswer, error), error) {
	request, err := readMessage("input", in.Body, h.In)
	if err != nil {
		return nil, err
	}
	out, err := readMessage("output", answer, h.Out)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (HookAnswer, error) {
		d := vm.NewLazyDeadline(ctx, time.Now().Add(a.timeout))
		defer d.End()
		c := &call{Server: a, row: h.row, ctx: d, operator: &in, claims: in.Claims}
		answer, err := c.runHook(h, out, request)
		if err != nil {
			err = late(d, err)
			a.logFailure(h.Name, err)
		}
		return answer, err
	}, nil
}

// runHook runs a hook and says what it did.
func (c *call) runHook(h *Hook, out, in proto.Message) (HookAnswer, error) {
	switch {
	case h.After && h.Realtime:
		return HookAnswer{Outcome: Ended}, c.afterMessage(h, out, in)
	case h.After:
		return HookAnswer{Outcome: Ended}, c.after(c, h.after, out, in)
	case in == nil:
		_, err := c.before(c, h.before, c.row.request())
		return HookAnswer{Outcome: Ended}, err
	}
	given, err := appendJSON(nil, in) // the hook may change it in place
	if err != nil {
		return HookAnswer{}, err
	}
	var changed proto.Message
	if h.Realtime {
		changed, err = c.beforeMessage(h, in)
	} else {
		changed, err = c.before(c, h.before, in)
	}
	if errors.Is(err, errRejected) {
		return HookAnswer{Outcome: Refused, Input: string(given)}, nil
	} else if err != nil {
		return HookAnswer{}, err
	}
	body, err := appendJSON(nil, changed)
	if err != nil {
		return HookAnswer{}, c.moduleError(err, "before "+h.Name, h.Origin) // such as text that is not UTF-8
	}
	outcome := Changed
	if string(body) == string(given) {
		outcome = Unchanged
	}
	return HookAnswer{outcome, string(given), string(body)}, nil
}

// beforeMessage runs a before hook of a realtime message as a socket does.
func (c *call) beforeMessage(h *Hook, in proto.Message) (proto.Message, error) {
	cid, kind := in.(*rtapi.Envelope).Cid, messageKind(in)
	start := time.Now()
	out, err := callBefore(core.WithMode(c.ctx, c.moduleScope(), "before"), h.before.Call, in)
	c.Metrics.BeforeMessage(h.Name, time.Since(start), err != nil)
	if err != nil {
		return nil, c.moduleError(err, "before "+h.Name, h.Origin)
	}
	changed, _ := out.(*rtapi.Envelope)
	if changed == nil {
		return nil, errRejected
	}
	if got := messageKind(changed); got != kind {
		return nil, fault.Newf(fault.Internal, "before hook of %s returned another kind of message: %s", h.Name, cmp.Or(got, "none"))
	}
	changed.Cid = cmp.Or(changed.Cid, cid)
	return changed, nil
}

func (c *call) afterMessage(h *Hook, out, in proto.Message) error {
	start := time.Now()
	err := callAfter(core.WithMode(c.ctx, c.moduleScope(), "after"), h.after.Call, out, in)
	c.Metrics.AfterMessage(h.Name, time.Since(start), err != nil)
	if err != nil {
		return c.moduleError(err, "after "+h.Name, h.Origin)
	}
	return nil
}

// readMessage reads what a hook gets; made makes an empty one, nil: it gets none.
func readMessage(what, text string, made func() proto.Message) (proto.Message, error) {
	text = strings.TrimSpace(text)
	if made == nil {
		if text != "" && text != "{}" {
			return nil, invalid("The hook gets no %s: it must be empty.", what)
		}
		return nil, nil
	}
	m := made()
	if text == "" {
		return m, nil
	}
	kind := messageKind(m)
	if err := protojson.Unmarshal([]byte(text), m); err != nil {
		return nil, invalid("The %s is not what the hook gets: %s%s", what, bodyProblem(err), fieldOf(text, err))
	}
	if got := messageKind(m); got != kind {
		return nil, invalid("The %s has the message %s; the hook gets one with %s.", what, cmp.Or(got, "none"), cmp.Or(kind, "none"))
	}
	return m, nil
}

// messageKind is the field of an envelope that its message is in; empty for other messages.
func messageKind(m proto.Message) string {
	r := m.ProtoReflect()
	if one := r.Descriptor().Oneofs().ByName("message"); one != nil {
		if f := r.WhichOneof(one); f != nil {
			return string(f.Name())
		}
	}
	return ""
}
