package modules

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/match"
	"kumi/presence"
	"kumi/store/fault"
)

// The same match in three languages. What it does depends on the parameters it
// is made with and on the op codes and signals it gets.

const duelJS = `
class Score { constructor() { this.n = 0 } add() { return ++this.n } }
const duel = {
	matchInit(ctx, logger, nk, params) {
		switch (params.mode) {
		case "nil": return {state: null, tickRate: 30};
		case "rate": return {state: {}, tickRate: 61};
		case "no rate": return {state: {}};
		case "label": return {state: {}, tickRate: 30, label: 5};
		case "throw": throw new Error("init broke");
		case "shape": return 7;
		case "terminate": break;
		}
		ctx.kept = "kept";
		return {state: {mode: params.mode, score: new Score(), seen: new Map(), who: null}, tickRate: 30, label: params.label || ""};
	},
	matchJoinAttempt(ctx, logger, nk, dispatcher, tick, state, presence, metadata) {
		if (metadata.how === "deny") return {state, accept: false, rejectMessage: "not today"};
		if (metadata.how === "quiet") return {state: null, accept: true};
		if (metadata.how === "shape") return {state};
		if (metadata.how === "throw") throw new Error("join broke");
		state.who = [ctx.userId === presence.userId, ctx.username, ctx.vars.v, ctx.userSessionExp, ctx.sessionId === presence.sessionId, ctx.clientIp, ctx.clientPort, ctx.kept, ctx.lang || null];
		ctx.temporary = true;
		return {state, accept: true};
	},
	matchJoin(ctx, logger, nk, dispatcher, tick, state, presences) {
		for (const p of presences) {
			state.seen.set(p.sessionId, p);
			dispatcher.broadcastMessage(1, JSON.stringify([p.username, p.reason, p.node]));
		}
		return {state};
	},
	matchLeave(ctx, logger, nk, dispatcher, tick, state, presences) {
		for (const p of presences) {
			state.seen.delete(p.sessionId);
			dispatcher.broadcastMessage(2, JSON.stringify([p.username, p.reason]), null, null, true);
		}
		return {state};
	},
	matchLoop(ctx, logger, nk, dispatcher, tick, state, messages) {
		for (const m of messages) {
			switch (m.opCode) {
			case 10:
				dispatcher.broadcastMessage(10, m.data, [m.sender], m.sender);
				break;
			case 11:
				dispatcher.broadcastMessageDeferred(11, nk.binaryToString(m.data) + state.score.add());
				dispatcher.broadcastMessage(11, "first", null, null, false);
				break;
			case 12: dispatcher.matchKick([m.sender]); break;
			case 13: dispatcher.matchLabelUpdate(nk.binaryToString(m.data)); break;
			case 14: return null;
			case 15: throw new Error("loop broke");
			case 16: return state;
			case 17: dispatcher.broadcastMessage(17, JSON.stringify([m.data, m.reliable, m.receiveTimeMs > 0, m.sender.username, state.seen.has(m.sender.sessionId)]), []);
				dispatcher.broadcastMessage(17, JSON.stringify([m.data, m.reliable, m.receiveTimeMs > 0, m.sender.username, state.seen.has(m.sender.sessionId)]));
				break;
			case 18: dispatcher.broadcastMessage(18, "x", [{sessionId: "nonsense", node: "n"}]); break;
			}
		}
		return {state};
	},
	matchTerminate(ctx, logger, nk, dispatcher, tick, state, graceSeconds) {
		dispatcher.broadcastMessage(3, "grace " + graceSeconds);
		return state.mode === "terminate" ? null : {state: null};
	},
	matchSignal(ctx, logger, nk, dispatcher, tick, state, data) {
		switch (data) {
		case "who": return {state, data: JSON.stringify(state.who)};
		case "ctx": return {state, data: JSON.stringify([ctx.executionMode, ctx.matchId, ctx.matchNode, ctx.matchLabel, ctx.matchTickRate, ctx.env.mood, ctx.kept, ctx.userId || null, ctx.temporary || null])};
		case "quiet": return null;
		case "shape": return {state, data: 5};
		case "throw": throw new Error("signal broke");
		case "spin": while (true) {}
		}
		return {state};
	},
};
`

const duelLua = `
local nk = require("nakama")
local M = {}
function M.match_init(ctx, params)
	local mode = params.mode
	if mode == "nil" then return nil, 30, "" end
	if mode == "rate" then return {}, 61, "" end
	if mode == "no rate" then return {} end
	if mode == "label" then return {}, 30, {} end
	if mode == "throw" then error("init broke") end
	if mode == "shape" then return {}, 30, "", "more" end
	ctx.kept = "kept"
	local n = 0
	return {mode = mode, add = function () n = n + 1; return n end, seen = {}}, 30, params.label or ""
end
function M.match_join_attempt(ctx, dispatcher, tick, state, presence, metadata)
	if metadata.how == "deny" then return state, false, "not today" end
	if metadata.how == "quiet" then return nil, true end
	if metadata.how == "shape" then return state end
	if metadata.how == "throw" then error("join broke") end
	state.who = {ctx.user_id == presence.user_id, ctx.username, ctx.vars.v, ctx.user_session_exp, ctx.session_id == presence.session_id, ctx.client_ip, ctx.client_port, ctx.kept}
	ctx.temporary = true
	return state, true
end
function M.match_join(ctx, dispatcher, tick, state, presences)
	for _, p in ipairs(presences) do
		state.seen[p.session_id] = p
		dispatcher.broadcast_message(1, nk.json_encode({p.username, p.reason, p.node}))
	end
	return state
end
function M.match_leave(ctx, dispatcher, tick, state, presences)
	for _, p in ipairs(presences) do
		state.seen[p.session_id] = nil
		dispatcher.broadcast_message(2, nk.json_encode({p.username, p.reason}), nil, nil, true)
	end
	return state
end
function M.match_loop(ctx, dispatcher, tick, state, messages)
	for _, m in ipairs(messages) do
		if m.op_code == 10 then
			dispatcher.broadcast_message(10, m.data, {m.sender}, m.sender)
		elseif m.op_code == 11 then
			dispatcher.broadcast_message_deferred(11, m.data .. state.add())
			dispatcher.broadcast_message(11, "first", nil, nil, false)
		elseif m.op_code == 12 then dispatcher.match_kick({m.sender})
		elseif m.op_code == 13 then dispatcher.match_label_update(m.data)
		elseif m.op_code == 14 then return nil
		elseif m.op_code == 15 then error("loop broke")
		elseif m.op_code == 16 then return state, "more"
		elseif m.op_code == 17 then
			local said = "[" .. (m.data == nil and "null" or "1") .. "," .. tostring(m.reliable) .. "," .. tostring(m.receive_time_ms > 0) .. ",\"" .. m.sender.username .. "\"," .. tostring(state.seen[m.sender.session_id] ~= nil) .. "]"
			dispatcher.broadcast_message(17, said, {})
			dispatcher.broadcast_message(17, said)
		elseif m.op_code == 18 then dispatcher.broadcast_message(18, "x", {{session_id = "nonsense", node = "n"}})
		end
	end
	return state
end
function M.match_terminate(ctx, dispatcher, tick, state, grace_seconds)
	dispatcher.broadcast_message(3, "grace " .. grace_seconds)
	return nil
end
function M.match_signal(ctx, dispatcher, tick, state, data)
	if data == "who" then
		state.who[9] = nil
		local list = nk.json_encode(state.who)
		return state, list:sub(1, -2) .. ",null]"
	end
	if data == "ctx" then
		local said = nk.json_encode({ctx.execution_mode, ctx.match_id, ctx.match_node, ctx.match_label, ctx.match_tick_rate, ctx.env.mood, ctx.kept})
		return state, said:sub(1, -2) .. (ctx.user_id == nil and ",null" or ",1") .. (ctx.temporary == nil and ",null" or ",1") .. "]"
	end
	if data == "quiet" then return nil end
	if data == "shape" then return state, {} end
	if data == "throw" then error("signal broke") end
	if data == "spin" then while true do end end
	return state
end
return M
`

// duelGo is the match in Go; only what Go's contract can say.
type duelGo struct{}

type duelState struct {
	mode string
	n    int
	seen map[string]bool
	who  []any
}

func (duelGo) MatchInit(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, params map[string]any) (any, int, string) {
	label, _ := params["label"].(string)
	mode, _ := params["mode"].(string)
	switch mode {
	case "nil":
		return nil, 30, ""
	case "rate":
		return &duelState{}, 61, ""
	case "throw":
		panic("init broke")
	}
	return &duelState{mode: mode, seen: map[string]bool{}}, 30, label
}

func (duelGo) MatchJoinAttempt(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, p runtime.Presence, metadata map[string]string) (any, bool, string) {
	switch metadata["how"] {
	case "deny":
		return state, false, "not today"
	case "quiet":
		return nil, true, ""
	case "throw":
		panic("join broke")
	}
	vars, _ := ctx.Value(runtime.RUNTIME_CTX_VARS).(map[string]string)
	state.(*duelState).who = []any{
		ctx.Value(runtime.RUNTIME_CTX_USER_ID) == p.GetUserId(), ctx.Value(runtime.RUNTIME_CTX_USERNAME), vars["v"],
		ctx.Value(runtime.RUNTIME_CTX_USER_SESSION_EXP), ctx.Value(runtime.RUNTIME_CTX_SESSION_ID) == p.GetSessionId(),
		ctx.Value(runtime.RUNTIME_CTX_CLIENT_IP), ctx.Value(runtime.RUNTIME_CTX_CLIENT_PORT), "kept", nil,
	}
	return state, true, ""
}

func (duelGo) MatchJoin(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, d runtime.MatchDispatcher, _ int64, state any, ps []runtime.Presence) any {
	for _, p := range ps {
		state.(*duelState).seen[p.GetSessionId()] = true
		said, _ := json.Marshal([]any{p.GetUsername(), p.GetReason(), p.GetNodeId()})
		_ = d.BroadcastMessage(1, said, nil, nil, true)
	}
	return state
}

func (duelGo) MatchLeave(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, d runtime.MatchDispatcher, _ int64, state any, ps []runtime.Presence) any {
	for _, p := range ps {
		said, _ := json.Marshal([]any{p.GetUsername(), p.GetReason()})
		_ = d.BroadcastMessage(2, said, nil, nil, true)
	}
	return state
}

func (duelGo) MatchLoop(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, d runtime.MatchDispatcher, _ int64, state any, messages []runtime.MatchData) any {
	s := state.(*duelState)
	for _, m := range messages {
		switch m.GetOpCode() {
		case 10:
			_ = d.BroadcastMessage(10, m.GetData(), []runtime.Presence{m}, m, true)
		case 11:
			s.n++
			_ = d.BroadcastMessageDeferred(11, fmt.Appendf(nil, "%s%d", m.GetData(), s.n), nil, nil, true)
			_ = d.BroadcastMessage(11, []byte("first"), nil, nil, false)
		case 12:
			_ = d.MatchKick([]runtime.Presence{m})
		case 13:
			_ = d.MatchLabelUpdate(string(m.GetData()))
		case 14:
			return nil
		case 15:
			panic("loop broke")
		case 17:
			said, _ := json.Marshal([]any{nil, m.GetReliable(), m.GetReceiveTime() > 0, m.GetUsername(), s.seen[m.GetSessionId()]})
			_ = d.BroadcastMessage(17, said, []runtime.Presence{}, nil, true)
			_ = d.BroadcastMessage(17, said, nil, nil, true)
		}
	}
	return state
}

func (duelGo) MatchTerminate(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, d runtime.MatchDispatcher, _ int64, _ any, grace int) any {
	_ = d.BroadcastMessage(3, fmt.Appendf(nil, "grace %d", grace), nil, nil, true)
	return nil
}

func (duelGo) MatchSignal(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, data string) (any, string) {
	switch data {
	case "who":
		said, _ := json.Marshal(state.(*duelState).who)
		return state, string(said)
	case "ctx":
		env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string)
		said, _ := json.Marshal([]any{
			ctx.Value(runtime.RUNTIME_CTX_MODE), ctx.Value(runtime.RUNTIME_CTX_MATCH_ID), ctx.Value(runtime.RUNTIME_CTX_MATCH_NODE),
			ctx.Value(runtime.RUNTIME_CTX_MATCH_LABEL), ctx.Value(runtime.RUNTIME_CTX_MATCH_TICK_RATE), env["mood"], "kept",
			ctx.Value(runtime.RUNTIME_CTX_USER_ID), nil,
		})
		return state, string(said)
	case "quiet":
		return nil, ""
	case "throw":
		panic("signal broke")
	}
	return state, ""
}

func init() {
	// Compiled-in modules are loaded in every test; this one adds nothing that
	// others could notice.
	RegisterGo("duel", func(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
		return initializer.RegisterMatch("duel_go", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule) (runtime.Match, error) {
			return duelGo{}, nil
		})
	})
}

var duels = map[string]string{"javascript": "duel_js", "lua": "duel", "go": "duel_go"}

func duelWorld(t *testing.T) *world {
	return newWorld(t, map[string]string{
		"index.js": duelJS + "function InitModule(ctx, logger, nk, initializer) { initializer.registerMatch('duel_js', duel) }",
		"duel.lua": duelLua,
	})
}

func (s *session) joiner() *match.Joiner {
	return &match.Joiner{
		Presence: presence.Presence{ID: presence.ID{Node: testNode, Session: s.id}, UserID: s.user, Meta: presence.Meta{Username: s.name}},
		Vars:     map[string]string{"v": "var"}, SessionExpiry: 1700000000, ClientIP: "10.0.0.1", ClientPort: "99", Lang: "en",
	}
}

func (w *world) join(t *testing.T, s *session, id string, metadata map[string]string) error {
	t.Helper()
	_, err := w.matches.Join(t.Context(), match.JoinRequest{ID: id, Joiner: s.joiner(), Metadata: metadata})
	return err
}

func (w *world) send(t *testing.T, s *session, id string, op int64, data string) {
	t.Helper()
	if err := w.matches.Data(s.id, &match.DataSend{ID: id, OpCode: op, Data: []byte(data), Reliable: true}); err != nil {
		t.Fatal(err)
	}
}

// gone waits until a match has ended.
func (w *world) gone(t *testing.T, id string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		m, err := w.matches.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if m == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the match did not end")
		}
		pause()
	}
}

// pause gives other goroutines a moment within a polling loop.
func pause() { <-time.After(time.Millisecond) }

// b64 is how data looks in a JSON envelope.
func b64(text string) string {
	b, _ := json.Marshal([]byte(text))
	return string(b)
}

func eachDuel(t *testing.T, test func(t *testing.T, w *world, lang, name string)) {
	t.Parallel()
	w := duelWorld(t)
	for lang, name := range duels {
		t.Run(lang, func(t *testing.T) { test(t, w, lang, name) })
	}
}

func (w *world) create(t *testing.T, name string, params map[string]any) string {
	t.Helper()
	id, err := w.matches.Create(t.Context(), name, params)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestMatchCalls(t *testing.T) {
	eachDuel(t, func(t *testing.T, w *world, lang, name string) {
		a, b := w.connect(t, "a_"+lang), w.connect(t, "b_"+lang)
		id := w.create(t, name, map[string]any{"label": "start"})

		reply, err := w.matches.Signal(t.Context(), id, "ctx")
		if err != nil {
			t.Fatal(err)
		}
		wantJSON(t, "ctx", reply, fmt.Sprintf(`["match",%q,%q,"start",30,"fine","kept",null,null]`, id, testNode))

		if err := w.join(t, a, id, nil); err != nil {
			t.Fatal(err)
		}
		a.wait(t, `"op_code":"1"`, b64(`["a_`+lang+`",1,"`+testNode+`"]`))
		reply, err = w.matches.Signal(t.Context(), id, "who")
		if err != nil {
			t.Fatal(err)
		}
		wantJSON(t, "join attempt's ctx", reply, fmt.Sprintf(`[true,"a_%s","var",1700000000,true,"10.0.0.1","99","kept",null]`, lang))

		var rejected *match.Rejected
		if err := w.join(t, b, id, map[string]string{"how": "deny"}); !errors.As(err, &rejected) || rejected.Reason != "not today" {
			t.Errorf("a refused join gave %v, want the handler's reason", err)
		}
		if err := w.join(t, b, id, nil); err != nil {
			t.Fatal(err)
		}
		a.wait(t, `"op_code":"1"`, b64(`["b_`+lang+`",1,"`+testNode+`"]`))

		w.send(t, a, id, 10, "echo")
		a.wait(t, `"op_code":"10"`, b64("echo"), `"username":"a_`+lang+`"`, a.user.String())
		w.send(t, a, id, 11, "later")
		b.wait(t, `"op_code":"11"`, b64("later1"))
		w.send(t, a, id, 11, "later")
		b.wait(t, `"op_code":"11"`, b64("later2"))
		w.send(t, b, id, 17, "")
		a.wait(t, `"op_code":"17"`, b64(`[null,true,true,"b_`+lang+`",true]`))

		w.send(t, a, id, 13, "changed")
		deadline := time.Now().Add(10 * time.Second)
		for {
			if reply, err = w.matches.Signal(t.Context(), id, "ctx"); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(reply, `"changed"`) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("ctx is %s long after the label has changed", reply)
			}
			pause()
		}

		w.send(t, b, id, 12, "")
		a.wait(t, `"op_code":"2"`, b64(`["b_`+lang+`",3]`))
		if err := w.matches.Leave(a.id, id); err != nil {
			t.Fatal(err)
		}
		if m, err := w.matches.Get(t.Context(), id); err != nil || m.GetLabel().GetValue() != "changed" {
			t.Errorf("got %v, %v, want the match with the label that was set", m, err)
		}
	})
}

// A nil state ends a match quietly: sockets stay open.
func TestMatchEndsQuietly(t *testing.T) {
	eachDuel(t, func(t *testing.T, w *world, lang, name string) {
		for _, how := range []string{"loop", "signal", "join"} {
			t.Run(how, func(t *testing.T) {
				s := w.connect(t, "quiet_"+lang+how)
				id := w.create(t, name, nil)
				if err := w.join(t, s, id, nil); err != nil {
					t.Fatal(err)
				}
				switch how {
				case "loop":
					w.send(t, s, id, 14, "")
				case "signal":
					if _, err := w.matches.Signal(t.Context(), id, "quiet"); err == nil {
						t.Error("a signal that ended the match was answered")
					}
				case "join":
					if err := w.join(t, w.connect(t, "late_"+lang), id, map[string]string{"how": "quiet"}); err == nil {
						t.Error("a join that ended the match was accepted")
					}
				}
				w.gone(t, id)
				select {
				case why := <-s.closed:
					t.Errorf("the socket was closed: %s", why)
				default:
				}
			})
		}
	})
}

// An error or a wrong result ends a match and the sockets of who was in it.
func TestMatchFails(t *testing.T) {
	eachDuel(t, func(t *testing.T, w *world, lang, name string) {
		cases := map[string]string{"loop throws": "loop broke", "signal throws": "signal broke", "join throws": "join broke"}
		if lang != "go" { // where the compiler sees to the shape
			cases["loop shape"], cases["signal shape"], cases["join shape"] = "", "", ""
			cases["presence"] = "valid identifier"
		}
		for how, said := range cases {
			t.Run(how, func(t *testing.T) {
				s := w.connect(t, "fails_"+lang+strings.ReplaceAll(how, " ", ""))
				id := w.create(t, name, nil)
				if err := w.join(t, s, id, nil); err != nil {
					t.Fatal(err)
				}
				switch how {
				case "loop throws":
					w.send(t, s, id, 15, "")
				case "loop shape":
					w.send(t, s, id, 16, "")
				case "presence":
					w.send(t, s, id, 18, "")
				case "signal throws", "signal shape":
					if _, err := w.matches.Signal(t.Context(), id, strings.Replace(strings.Fields(how)[1], "throws", "throw", 1)); err == nil {
						t.Error("a signal that broke the match was answered")
					}
				case "join throws", "join shape":
					if err := w.join(t, w.connect(t, "late_"+lang), id, map[string]string{"how": strings.Replace(strings.Fields(how)[1], "throws", "throw", 1)}); err == nil {
						t.Error("a join that broke the match was accepted")
					}
				}
				w.gone(t, id)
				select {
				case <-s.closed:
				case <-time.After(10 * time.Second):
					t.Error("the socket is still open after the match has failed")
				}
				if said != "" && len(w.log.lines(said, id)) == 0 {
					t.Errorf("no log line tells of match %s that %q", id, said)
				}
			})
		}
	})
}

func TestMatchInitErrors(t *testing.T) {
	eachDuel(t, func(t *testing.T, w *world, lang, name string) {
		for mode, want := range map[string]string{
			"nil": "must not be nil", "rate": "60", "throw": "init broke",
			"no rate": "whole number from 1 to 60", "label": "expected a string", "shape": "returned",
		} {
			if lang == "go" && (mode == "no rate" || mode == "label" || mode == "shape") {
				continue
			}
			before := w.matches.Count()
			_, err := w.matches.Create(t.Context(), name, map[string]any{"mode": mode})
			if err == nil || (!strings.Contains(err.Error(), want) && len(w.log.lines(want)) == 0) {
				t.Errorf("mode %q: got the error %v, want it to say %q", mode, err, want)
			}
			if after := w.matches.Count(); after > before {
				t.Errorf("mode %q: there are %d matches, were %d", mode, after, before)
			}
		}
	})
}

func TestMatchTerminate(t *testing.T) {
	t.Parallel()
	for lang, name := range duels {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			w := duelWorld(t)
			s := w.connect(t, "term_"+lang)
			id := w.create(t, name, map[string]any{"mode": "terminate"})
			if err := w.join(t, s, id, nil); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			w.matches.Stop(ctx, 10)
			s.wait(t, `"op_code":"3"`, b64("grace 10"))
			w.gone(t, id)
			select {
			case why := <-s.closed:
				t.Errorf("the socket was closed: %s", why)
			default:
			}
		})
	}
}

// A match whose script never returns ends; the others go on.
func TestMatchSpins(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t, map[string]string{
		"index.js": duelJS + "function InitModule(ctx, logger, nk, initializer) { initializer.registerMatch('duel_js', duel) }",
		"duel.lua": duelLua,
	})
	w.options.TickTimeout = 100 * time.Millisecond
	if err := w.load(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"duel_js", "duel"} {
		id, other := w.create(t, name, nil), w.create(t, name, nil)
		if _, err := w.matches.Signal(t.Context(), id, "spin"); err == nil {
			t.Errorf("%s: a signal handler that never returns gave an answer", name)
		}
		w.gone(t, id)
		if _, err := w.matches.Signal(t.Context(), other, "ctx"); err != nil {
			t.Errorf("%s: another match stopped answering: %v", name, err)
		}
	}
}

func TestMatchHandlerIncomplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"half.lua": "return {match_init = function() return {}, 1, '' end}"})
	_, err := w.matches.Create(t.Context(), "half", nil)
	if err == nil || !strings.Contains(err.Error(), "match_join_attempt not found or not a function") {
		t.Errorf("got %v, want an error that names the missing function", err)
	}
	w = emptyWorld(t, map[string]string{"index.js": `function InitModule(ctx, logger, nk, initializer) { initializer.registerMatch("half", {matchInit: function () {}}) }`})
	if err := w.load(); err == nil || !strings.Contains(err.Error(), "matchJoinAttempt") {
		t.Errorf("got %v, want an error that names the missing function", err)
	}
}

// Modules make matches while they load, also of handlers they just registered.
func TestMatchWhileLoading(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{
		"index.js": duelJS + `function InitModule(ctx, logger, nk, initializer) {
			nk.storageWrite([{collection: "c", key: "k", value: {n: 1}}]);
			initializer.registerMatch('duel_js', duel);
			const own = nk.matchCreate('duel_js', {label: "own"}), lua = nk.matchCreate("duel", {label: "lua"}), go = nk.matchCreate("duel_go", {label: "go"});
			initializer.registerRpc("made", () => JSON.stringify([own, lua, go].map((id) => nk.matchGet(id).label)));
		}`,
		"duel.lua": duelLua,
		"early.lua": `local nk = require("nakama")
			local id = nk.match_create("duel", {label = "early"})
			nk.register_rpc(function () return nk.match_get(id).label end, "early")`,
	})
	if n := w.matches.Count(); n != 4 {
		t.Errorf("there are %d matches, want the 4 that the modules made once", n)
	}
	got, err := w.call(t, "made", "")
	if err != nil {
		t.Fatal(err)
	}
	wantJSON(t, "matches made by InitModule", got, `["own","lua","go"]`)
	if got, err := w.call(t, "early", ""); err != nil || got != "early" {
		t.Errorf("got %q, %v, want the match that the Lua module made", got, err)
	}
	if _, err := w.call(t, "made", ""); fault.CodeOf(err) != fault.OK {
		t.Error(err)
	}
}
