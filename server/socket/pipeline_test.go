package socket

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"

	"kumi/config"
	"kumi/core"
	"kumi/hooks"
	"kumi/match"
	"kumi/modules"
	"kumi/presence"
	"kumi/rpc"
	"kumi/store/fault"
)

func callRPC(id, payload string) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_Rpc{Rpc: &api.Rpc{Id: id, Payload: payload}}}
}

func TestRPC(t *testing.T) {
	t.Parallel()
	bothFormats(t, func(t *testing.T, format presence.Format) {
		var seen *core.Scope
		var mode string
		r := newTestServer(t, func(_ *config.Config, set *modules.Set) {
			add := func(id string, f rpc.Func) { set.RPC.Set(&rpc.Function{ID: id, Call: f}) }
			add("scope", func(ctx context.Context, _ string) (string, error) {
				seen, mode = core.ScopeOf(ctx)
				return "", nil
			})
			add("coded", func(context.Context, string) (string, error) { return "", runtime.NewError("no such sword", 5) })
			add("plain", func(context.Context, string) (string, error) { return "", errors.New("it broke") })
			add("panics", func(context.Context, string) (string, error) { panic("oh") })
			add("dirty", func(context.Context, string) (string, error) { return "\xff", nil })
		})
		p := r.player("ann", format)
		if out := p.call(callRPC("ECHO", `{"a":"ü\n"}`)).GetRpc(); out.GetId() != "ECHO" || out.GetPayload() != `{"a":"ü\n"}` {
			t.Errorf("got %v, want the payload back under the id as sent", out)
		}
		for _, c := range []struct {
			id, message string
			code        rtapi.Error_Code
		}{
			{"", "", rtapi.Error_BAD_INPUT},
			{"nothing", "", rtapi.Error_RUNTIME_FUNCTION_NOT_FOUND},
			{"coded", "no such sword", rtapi.Error_RUNTIME_FUNCTION_EXCEPTION},
			{"plain", "it broke", rtapi.Error_RUNTIME_FUNCTION_EXCEPTION},
			{"panics", "", rtapi.Error_RUNTIME_EXCEPTION},
			{"dirty", "", rtapi.Error_RUNTIME_EXCEPTION},
		} {
			e := p.call(callRPC(c.id, "")).GetError()
			if e == nil || e.Code != int32(c.code) || e.Message == "" || c.message != "" && e.Message != c.message {
				t.Errorf("%q: got %v, want code %d %s", c.id, e, c.code, c.message)
			}
		}
		p.call(callRPC("scope", ""))
		if seen == nil || mode != "rpc" || seen.UserID != p.user.String() || seen.Username != "ann" || seen.SessionID == "" ||
			seen.Lang != "en" || seen.ClientIP == "" || seen.Vars["team"] != "blue" || seen.SessionExpiry == 0 || seen.Headers != nil {
			t.Errorf("scope %+v in mode %q", seen, mode)
		}
	})
}

// Every kind that has hooks has a row, and only those and rpc.
func TestPipelineIsComplete(t *testing.T) {
	t.Parallel()
	rows := map[string]bool{}
	for of, k := range pipeline {
		want := strings.TrimPrefix(of.Elem().Name(), "Envelope_")
		if k.name == "" && want != "Rpc" || k.name != "" && k.name != want {
			t.Errorf("the row of %s has hook name %q", want, k.name)
		}
		rows[k.name] = true
	}
	for _, name := range hooks.RealtimeNames {
		if !rows[name] {
			t.Errorf("%s has no row", name)
		}
	}
	if len(pipeline) != len(hooks.RealtimeNames)+1 {
		t.Errorf("%d rows for %d hook names and rpc", len(pipeline), len(hooks.RealtimeNames))
	}
}

func TestHooks(t *testing.T) {
	t.Parallel()
	var after atomic.Int32
	var result error
	var before func(in *rtapi.Envelope) (proto.Message, error)
	afterDone := make(chan struct{}, 10)
	r := newTestServer(t, func(_ *config.Config, set *modules.Set) {
		set.Hooks.SetBefore(hooks.Realtime, "MatchCreate", hooks.Slot[hooks.Before]{Call: func(ctx context.Context, in proto.Message) (proto.Message, error) {
			if _, mode := core.ScopeOf(ctx); mode != "before" {
				t.Errorf("mode %q", mode)
			}
			return before(in.(*rtapi.Envelope))
		}})
		set.Hooks.SetAfter(hooks.Realtime, "MatchCreate", hooks.Slot[hooks.After]{Call: func(_ context.Context, out, in proto.Message) error {
			if in.(*rtapi.Envelope).GetMatchCreate().GetName() != "changed" || out.(*rtapi.Envelope).GetMatch() == nil {
				t.Errorf("after hook got %v, %v", out, in)
			}
			after.Add(1)
			afterDone <- struct{}{}
			return result
		}})
	})
	create := func() *rtapi.Envelope {
		return &rtapi.Envelope{Message: &rtapi.Envelope_MatchCreate{MatchCreate: &rtapi.MatchCreate{Name: "asked"}}}
	}
	p := r.player("ann", presence.JSON)

	before = func(in *rtapi.Envelope) (proto.Message, error) { in.GetMatchCreate().Name = "changed"; return in, nil }
	result = errors.New("ignored")
	if id := p.call(create()).GetMatch().GetMatchId(); id != match.NamedID("changed").String()+"." {
		t.Errorf("match %s is not the one the hook named", id)
	}
	<-afterDone

	before = func(*rtapi.Envelope) (proto.Message, error) { return nil, fault.New(fault.PermissionDenied, "not you") }
	if e := p.call(create()).GetError(); e.GetCode() != 7 || e.GetMessage() != "not you" {
		t.Errorf("got %v, want error 7 with the hook's text", e)
	}
	if p.call(ping()).GetPong() == nil {
		t.Error("a hook's error closed the session")
	}
	before = func(in *rtapi.Envelope) (proto.Message, error) { return ping(), nil }
	if e := p.call(create()).GetError(); e.GetCode() != 7 {
		t.Errorf("got %v for another kind, want error 7", e)
	}
	if after.Load() != 1 {
		t.Errorf("after hook ran %d times, want once, on success", after.Load())
	}
	before = func(*rtapi.Envelope) (proto.Message, error) { return nil, nil }
	p.send(create())
	code, reason := p.closed()
	if code != 1000 || reason != "error processing message" || len(p.pushed) == 0 || p.pushed[len(p.pushed)-1].GetError().GetCode() != 1 {
		t.Errorf("closed with %d %q after %v, want error 1 first", code, reason, p.pushed)
	}
}

func isData(e *rtapi.Envelope) bool { return e.GetMatchData() != nil }

func joined(name string) func(*rtapi.Envelope) bool {
	return func(e *rtapi.Envelope) bool {
		for _, p := range e.GetMatchPresenceEvent().GetJoins() {
			if p.Username == name {
				return true
			}
		}
		return false
	}
}

func matchJoin(id string) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_MatchJoin{MatchJoin: &rtapi.MatchJoin{Id: &rtapi.MatchJoin_MatchId{MatchId: id}, Metadata: map[string]string{"pass": "word"}}}}
}

func TestRelayedMatch(t *testing.T) {
	t.Parallel()
	bothFormats(t, func(t *testing.T, format presence.Format) {
		r := newTestServer(t, nil)
		ann, bob, eve := r.player("ann", format), r.player("bob", format), r.player("eve", format)
		m := ann.call(&rtapi.Envelope{Message: &rtapi.Envelope_MatchCreate{MatchCreate: &rtapi.MatchCreate{}}}).GetMatch()
		if !strings.HasSuffix(m.GetMatchId(), ".") || m.Authoritative || m.Size != 1 || len(m.Presences) != 0 || m.Self.GetUsername() != "ann" || m.Label != nil {
			t.Fatalf("created %v", m)
		}
		j := bob.call(matchJoin(m.MatchId)).GetMatch()
		if j.GetSize() != 1 || len(j.GetPresences()) != 1 || j.Presences[0].Username != "ann" || j.Self.GetUsername() != "bob" {
			t.Fatalf("joined %v", j)
		}
		ann.expect("bob's join", joined("bob"))
		bob.expect("one's own join", joined("bob"))
		eve.call(matchJoin(m.MatchId))
		ann.expect("eve's join", joined("eve"))

		say := func(from *player, data string, to ...*rtapi.UserPresence) {
			from.send(&rtapi.Envelope{Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: &rtapi.MatchDataSend{
				MatchId: m.MatchId, OpCode: 7, Data: []byte(data), Presences: to, Reliable: true,
			}}})
		}
		say(bob, "to all others")
		for _, p := range []*player{ann, eve} {
			d := p.expect("data", isData).GetMatchData()
			if d.MatchId != m.MatchId || d.OpCode != 7 || string(d.Data) != "to all others" || !d.Reliable || !proto.Equal(d.Presence, j.Self) {
				t.Errorf("got %v", d)
			}
		}
		// Dropped:
		say(bob, "malformed", &rtapi.UserPresence{UserId: m.Self.UserId, SessionId: "x"})
		say(bob, "malformed", &rtapi.UserPresence{SessionId: m.Self.SessionId})
		say(bob, "malformed", &rtapi.UserPresence{UserId: "x", SessionId: m.Self.SessionId})
		say(bob, "to self", j.Self)
		if d := bob.expect("data to self", isData).GetMatchData(); string(d.Data) != "to self" {
			t.Errorf("got %v, want what was sent to oneself by name", d)
		}
		say(bob, "to ann", m.Self)
		if d := ann.expect("data to ann", isData).GetMatchData(); string(d.Data) != "to ann" {
			t.Errorf("got %v", d)
		}
		say(ann, "again to all")
		if d := eve.expect("data", isData).GetMatchData(); string(d.Data) != "again to all" {
			t.Errorf("eve got %v, which was for others", d)
		}
		// Bad ids are answered without cid, other failures not at all.
		bob.send(&rtapi.Envelope{Cid: "9", Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: &rtapi.MatchDataSend{MatchId: "junk"}}})
		if e := bob.expect("an error", func(e *rtapi.Envelope) bool { return e.GetError() != nil }); e.Cid != "" || e.GetError().Code != 3 {
			t.Errorf("got %v, want error 3 without cid", e)
		}
		leave := func() *rtapi.Envelope {
			return &rtapi.Envelope{Message: &rtapi.Envelope_MatchLeave{MatchLeave: &rtapi.MatchLeave{MatchId: m.MatchId}}}
		}
		if e := bob.call(leave()); e.Message != nil {
			t.Errorf("got %v, want an ack", e)
		}
		if e := bob.call(leave()); e.Message != nil {
			t.Errorf("got %v for leaving twice, want an ack", e)
		}
		ann.expect("bob's leave", func(e *rtapi.Envelope) bool {
			l := e.GetMatchPresenceEvent().GetLeaves()
			return len(l) == 1 && l[0].Username == "bob"
		})
		_ = eve.conn.CloseNow()
		ann.expect("eve's leave", func(e *rtapi.Envelope) bool {
			l := e.GetMatchPresenceEvent().GetLeaves()
			return len(l) == 1 && l[0].Username == "eve"
		})
	})
}

func TestJoinErrors(t *testing.T) {
	t.Parallel()
	r := newTestServer(t, nil)
	p := r.player("ann", presence.JSON)
	byToken := func(token string) *rtapi.Envelope {
		return &rtapi.Envelope{Message: &rtapi.Envelope_MatchJoin{MatchJoin: &rtapi.MatchJoin{Id: &rtapi.MatchJoin_Token{Token: token}}}}
	}
	for _, c := range []struct {
		name string
		env  *rtapi.Envelope
		code int32
	}{
		{"no id", &rtapi.Envelope{Message: &rtapi.Envelope_MatchJoin{MatchJoin: &rtapi.MatchJoin{}}}, 3},
		{"junk", matchJoin("junk"), 3},
		{"bad uuid", matchJoin("zz2c4021-7393-5e08-ae5a-059e36c15bae."), 3},
		{"unknown relayed", matchJoin("358c4021-7393-5e08-ae5a-059e36c15bae."), 4},
		{"unknown authoritative", matchJoin("358c4021-7393-5e08-ae5a-059e36c15bae.nakama"), 4},
		{"other node", matchJoin("358c4021-7393-5e08-ae5a-059e36c15bae.mars"), 4},
		{"bad token", byToken("junk"), 3},
	} {
		if e := p.call(c.env).GetError(); e.GetCode() != c.code || e.GetMessage() == "" {
			t.Errorf("%s: got %v, want error %d", c.name, e, c.code)
		}
	}
	token, err := r.matches.NewToken(match.NamedID("arena"))
	if err != nil {
		t.Fatal(err)
	}
	if m := p.call(byToken(token)).GetMatch(); m.GetMatchId() != match.NamedID("arena").String()+"." {
		t.Errorf("joined %v by token", m)
	}
	if id := match.NamedID("lobby").String(); id != "358c4021-7393-5e08-ae5a-059e36c15bae" {
		t.Errorf("the match named lobby has id %s", id)
	}
}

// duel is a match handler in Go that says back what it hears.
type duel struct {
	match.Handler // methods a test does not need
	m             match.Dispatcher
	closed        chan struct{}
}

func (d *duel) Init(context.Context, map[string]any) (int, string, error) { return 60, "duel", nil }

func (d *duel) JoinAttempt(_ context.Context, _ int64, j *match.Joiner, meta map[string]string) (match.Verdict, error) {
	if meta["pass"] != "word" {
		return match.Verdict{Alive: true, Reason: "wrong password"}, nil
	}
	return match.Verdict{Alive: true, Accept: j.Username != "" && j.Vars["team"] == "blue" && j.SessionExpiry > 0 && j.ClientIP != ""}, nil
}

func (d *duel) Join(_ context.Context, _ int64, joins []*presence.Presence) (bool, error) {
	return true, d.m.BroadcastMessage(1, []byte("welcome "+joins[0].Username), nil, nil, true)
}

func (d *duel) Leave(_ context.Context, _ int64, leaves []*presence.Presence) (bool, error) {
	return true, d.m.BroadcastMessage(2, []byte("bye "+leaves[0].Username), nil, nil, true)
}

func (d *duel) Loop(_ context.Context, _ int64, messages []*match.Data) (bool, error) {
	for _, m := range messages {
		if m.OpCode == 99 {
			return false, errors.New("as wished")
		}
		if err := d.m.BroadcastMessage(m.OpCode, m.Data, nil, m, m.Reliable); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (d *duel) Terminate(context.Context, int64, int) (bool, error) { return true, nil }
func (d *duel) Close()                                              { close(d.closed) }

func TestAuthoritativeMatch(t *testing.T) {
	t.Parallel()
	bothFormats(t, func(t *testing.T, format presence.Format) {
		closed := make(chan struct{})
		r := newTestServer(t, func(_ *config.Config, set *modules.Set) {
			set.Matches["duel"] = func(_ context.Context, m match.Dispatcher) (match.Handler, error) {
				return &duel{m: m, closed: closed}, nil
			}
		})
		id, err := r.matches.Create(context.Background(), "duel", nil)
		if err != nil || !strings.HasSuffix(id, "."+r.Config.Name) {
			t.Fatalf("created %q, %v", id, err)
		}
		ann, bob := r.player("ann", format), r.player("bob", format)
		refused := matchJoin(id)
		refused.GetMatchJoin().Metadata = nil
		if e := ann.call(refused).GetError(); e.GetCode() != 5 || e.GetMessage() != "wrong password" {
			t.Errorf("got %v, want the handler's refusal", e)
		}
		m := ann.call(matchJoin(id)).GetMatch()
		if !m.GetAuthoritative() || m.GetLabel().GetValue() != "duel" || m.Size != 0 || m.Self.GetUsername() != "ann" || m.MatchId != id {
			t.Fatalf("joined %v", m)
		}
		if d := ann.expect("the welcome", isData).GetMatchData(); string(d.Data) != "welcome ann" || d.Presence != nil || d.MatchId != id {
			t.Errorf("got %v", d)
		}
		ann.expect("one's own join", joined("ann"))
		if j := bob.call(matchJoin(id)).GetMatch(); j.GetSize() != 1 || j.Presences[0].Username != "ann" {
			t.Errorf("joined %v", j)
		}
		ann.expect("bob's join", joined("bob"))
		bob.send(&rtapi.Envelope{Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: &rtapi.MatchDataSend{MatchId: id, OpCode: 5, Data: []byte("hit")}}})
		for _, p := range []*player{ann, bob} {
			d := p.expect("the tick's broadcast", func(e *rtapi.Envelope) bool { return e.GetMatchData().GetOpCode() == 5 }).GetMatchData()
			if string(d.Data) != "hit" || d.Presence.GetUsername() != "bob" || d.Presence.GetUserId() != bob.user.String() {
				t.Errorf("got %v", d)
			}
		}
		_ = bob.conn.CloseNow()
		ann.expect("the farewell", func(e *rtapi.Envelope) bool { return string(e.GetMatchData().GetData()) == "bye bob" })

		// A handler that fails ends its match and its clients' sockets, alone.
		eve := r.player("eve", format)
		ann.send(&rtapi.Envelope{Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: &rtapi.MatchDataSend{MatchId: id, OpCode: 99}}})
		if code, reason := ann.closed(); code != 1000 || reason != "server-side session disconnect" {
			t.Errorf("closed with %d %q", code, reason)
		}
		<-closed
		if eve.call(ping()).GetPong() == nil || r.matches.Count() != 0 {
			t.Error("the failure reached others, or the match is still there")
		}
	})
}

// A handler that panics is answered as any that fails, with the message's cid.
func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	bothFormats(t, func(t *testing.T, format presence.Format) {
		r := newTestServer(t, func(_ *config.Config, set *modules.Set) {
			set.Hooks.SetBefore(hooks.Realtime, "MatchCreate", hooks.Slot[hooks.Before]{Call: func(context.Context, proto.Message) (proto.Message, error) { panic("oh") }})
		})
		p := r.player("ann", format)
		e := p.call(&rtapi.Envelope{Message: &rtapi.Envelope_MatchCreate{MatchCreate: &rtapi.MatchCreate{}}})
		if got := e.GetError().GetCode(); got != int32(rtapi.Error_RUNTIME_EXCEPTION) {
			t.Errorf("got %v", e)
		}
	})
}
