package modules

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
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
	golang.Register("duel", func(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
		return initializer.RegisterMatch("duel_go", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule) (runtime.Match, error) {
			return duelGo{}, nil
		})
	})
}
