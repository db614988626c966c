package script

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"

	"kumi/store/fault"
	"kumi/vm"
)

// rpc calls the function as an rpc.Func.
func (n *function) rpc(ctx context.Context, payload string) (reply string, err error) {
	err = n.call(ctx,
		func(e vm.Engine, args []vm.Ref) ([]vm.Ref, error) { return append(args, e.FromStr(payload)), nil },
		func(e vm.Engine, out []vm.Ref) error {
			v := lastResult(e, out)
			switch {
			case e.IsNil(v):
			case e.IsStr(v):
				reply = e.Str(v)
				n.usage.ResultBytes.Add(uint64(len(reply)))
				err = n.program.checkSize(n.what, len(reply))
			default:
				return fault.Newf(fault.Internal, "Runtime function returned invalid data - only allowed one return value of type string. %s returned %s.", n.what, kindOf(e, v))
			}
			return err
		})
	if err != nil {
		return "", err
	}
	return reply, nil
}

// payloadOr converts a message that may be nil: to null in JavaScript, to an empty
// table in Lua.
func payloadOr(e vm.Engine, m proto.Message) vm.Ref {
	switch {
	case m != nil:
		return Payload(e, m)
	case e.Lang() == vm.Lua:
		return e.Object(emptyLayout, nil)
	}
	return e.Nil()
}

var emptyLayout = vm.NewLayout()

// before calls the function as a before hook.
func (n *function) before(ctx context.Context, in proto.Message) (next proto.Message, err error) {
	err = n.call(ctx,
		func(e vm.Engine, args []vm.Ref) ([]vm.Ref, error) { return append(args, payloadOr(e, in)), nil },
		func(e vm.Engine, out []vm.Ref) error {
			v := lastResult(e, out)
			if in == nil || e.IsNil(v) {
				return nil
			}
			m := in.ProtoReflect().New().Interface()
			if err := ReadPayload(e, v, m); err != nil {
				return fault.Newf(fault.Internal, "%s returned a request that cannot be used: %s", n.what, fault.Text(err))
			}
			next = m
			return nil
		})
	return next, err
}

// after calls the function as an after hook.
func (n *function) after(ctx context.Context, out, in proto.Message) error {
	return n.call(ctx, func(e vm.Engine, args []vm.Ref) ([]vm.Ref, error) {
		return append(args, payloadOr(e, out), payloadOr(e, in)), nil
	}, nil)
}

// event calls the function as an event handler. Events run on other goroutines than
// the call that raised them, so they must not use its VM.
func (n *function) event(ctx context.Context, ev *api.Event) {
	_ = n.call(vm.Detach(ctx), func(e vm.Engine, args []vm.Ref) ([]vm.Ref, error) { // logged
		return append(args, eventShape.Of(e, ev)), nil
	}, nil)
}

// wantNothing returns an error if a function returned a value.
func (n *function) wantNothing(e vm.Engine, out []vm.Ref) error {
	if v := lastResult(e, out); !e.IsNil(v) {
		return fault.Newf(fault.Internal, "%s returned %s; it must return nothing", n.what, kindOf(e, v))
	}
	return nil
}

// tournament calls the function as a handler of a tournament's end or reset.
func (n *function) tournament(ctx context.Context, t *api.Tournament, end, reset int64) error {
	return n.call(ctx, func(e vm.Engine, args []vm.Ref) ([]vm.Ref, error) {
		return append(args, Tournaments.In(e).Of(e, t), e.FromInt(end), e.FromInt(reset)), nil
	}, n.wantNothing)
}

// leaderboard calls the function as a handler of a leaderboard's reset.
func (n *function) leaderboard(ctx context.Context, l *api.Leaderboard, reset int64) error {
	return n.call(ctx, func(e vm.Engine, args []vm.Ref) ([]vm.Ref, error) {
		return append(args, Leaderboards.In(e).Of(e, l), e.FromInt(reset)), nil
	}, n.wantNothing)
}

// shutdown calls the function as the shutdown handler.
func (n *function) shutdown(ctx context.Context) { _ = n.call(ctx, nil, nil) } // logged

// matched calls the function as the matchmaker matched handler.
func (n *function) matched(ctx context.Context, entries []runtime.MatchmakerEntry) (id string, err error) {
	err = n.call(ctx,
		func(e vm.Engine, args []vm.Ref) ([]vm.Ref, error) {
			return append(args, matchmakerEntry.ListOf(e, entries)), nil
		},
		func(e vm.Engine, out []vm.Ref) error {
			v := lastResult(e, out)
			switch {
			case e.IsNil(v):
			case e.IsStr(v):
				id = e.Str(v)
			default:
				return fault.Newf(fault.Internal, "%s returned %s; expected a match id or nothing", n.what, kindOf(e, v))
			}
			return nil
		})
	return id, err
}

// override calls the function as the matchmaker override. A script returns lists of
// the entries it was given, or of their tickets.
func (n *function) override(ctx context.Context, candidates [][]runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry {
	byTicket := map[string]runtime.MatchmakerEntry{}
	var formed [][]runtime.MatchmakerEntry
	_ = n.call(ctx, func(e vm.Engine, args []vm.Ref) ([]vm.Ref, error) { // logged
		refs := make([]vm.Ref, len(candidates))
		for i, c := range candidates {
			for _, x := range c {
				byTicket[entryKey(x)] = x
			}
			refs[i] = matchmakerEntry.ListOf(e, c)
		}
		return append(args, e.List(refs)), nil
	}, n.formed(byTicket, &formed))
	return formed
}

// process calls the function as the matchmaker processor.
func (n *function) process(ctx context.Context, entries []runtime.MatchmakerEntry) [][]runtime.MatchmakerEntry {
	byTicket := map[string]runtime.MatchmakerEntry{}
	for _, x := range entries {
		byTicket[entryKey(x)] = x
	}
	var formed [][]runtime.MatchmakerEntry
	_ = n.call(ctx, func(e vm.Engine, args []vm.Ref) ([]vm.Ref, error) { // logged
		return append(args, matchmakerEntry.ListOf(e, entries)), nil
	}, n.formed(byTicket, &formed))
	return formed
}

// entryKey identifies an entry by ticket and player.
func entryKey(x runtime.MatchmakerEntry) string {
	return x.GetTicket() + "/" + x.GetPresence().GetSessionId()
}

// formed returns a function that reads a list of matches, each a list of entries.
func (n *function) formed(byTicket map[string]runtime.MatchmakerEntry, into *[][]runtime.MatchmakerEntry) func(vm.Engine, []vm.Ref) error {
	return func(e vm.Engine, out []vm.Ref) error {
		v := lastResult(e, out)
		if e.IsNil(v) {
			return nil
		}
		bad := fault.Newf(fault.Internal, "%s must return a list of matches, each a list of the entries it was given", n.what)
		if !e.IsList(v) {
			return bad
		}
		for i := range e.Len(v) {
			m := e.Index(v, i)
			if !e.IsList(m) {
				return bad
			}
			var players []runtime.MatchmakerEntry
			for j := range e.Len(m) {
				item := e.Index(m, j)
				if !e.IsObject(item) {
					return bad
				}
				ticket, presence := e.Field(item, &nTicket), e.Field(item, &nPresence)
				if !e.IsStr(ticket) || !e.IsObject(presence) {
					return bad
				}
				session := e.Field(presence, &nSessionID)
				if !e.IsStr(session) {
					return bad
				}
				x := byTicket[e.Str(ticket)+"/"+e.Str(session)]
				if x == nil {
					return bad
				}
				players = append(players, x)
			}
			*into = append(*into, players)
		}
		return nil
	}
}
