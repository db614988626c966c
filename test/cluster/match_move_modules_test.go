package cluster

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
)

// The match of these tests counts what its functions are called with, in three languages.
var movingModules = map[string]string{
	"index.ts": `
		const moving = {
			matchInit: () => ({ state: { n: 0, attempts: 0, joins: 0, left: 0, restored: 0 }, tickRate: 20, label: "moving js" }),
			matchJoinAttempt: (ctx, logger, nk, d, tick, state) => { state.attempts++; return { state, accept: true } },
			matchJoin: (ctx, logger, nk, d, tick, state, presences) => { state.joins += presences.length; return { state } },
			matchLeave: (ctx, logger, nk, d, tick, state, presences) => { state.left += presences.length; return { state } },
			matchLoop(ctx, logger, nk, d, tick, state, messages) {
				state.n += messages.length;
				if (messages.length) d.broadcastMessage(1, String(state.n));
				return { state };
			},
			matchTerminate: (ctx, logger, nk, d, tick, state) => null,
			matchSignal: (ctx, logger, nk, d, tick, state) => ({ state, data: JSON.stringify({ ...state, tick, node: ctx.node, match: ctx.matchId }) }),
			matchRestored: (ctx, logger, nk, d, tick, state) => { state.restored++; return { state } },
		};
		export function InitModule(ctx, logger, nk, initializer) {
			initializer.registerMatch("moving_js", moving);
			initializer.registerRpc("start", (ctx, logger, nk, name) => nk.matchCreate(name, {}));
			initializer.registerRpc("signal", (ctx, logger, nk, id) => nk.matchSignal(id, ""));
			initializer.registerRpc("list", (ctx, logger, nk) => JSON.stringify(nk.matchList(100, true).map(m => m.matchId)));
		}`,
	"moving_lua.lua": `
		local nk = require("nakama")
		local M = {}
		function M.match_init() return { n = 0, attempts = 0, joins = 0, left = 0, restored = 0 }, 20, "moving lua" end
		function M.match_join_attempt(ctx, d, tick, state) state.attempts = state.attempts + 1 return state, true end
		function M.match_join(ctx, d, tick, state, presences) state.joins = state.joins + #presences return state end
		function M.match_leave(ctx, d, tick, state, presences) state.left = state.left + #presences return state end
		function M.match_loop(ctx, d, tick, state, messages)
			state.n = state.n + #messages
			if #messages > 0 then d.broadcast_message(1, tostring(state.n)) end
			return state
		end
		function M.match_terminate() return nil end
		function M.match_signal(ctx, d, tick, state)
			return state, nk.json_encode({ n = state.n, attempts = state.attempts, joins = state.joins, left = state.left, restored = state.restored, tick = tick, node = ctx.node, match = ctx.match_id })
		end
		function M.match_restored(ctx, d, tick, state) state.restored = state.restored + 1 return state end
		return M`,
}

func init() {
	golang.Register("moving", func(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, i runtime.Initializer) error {
		if err := i.RegisterMatch("waiting_go", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule) (runtime.Match, error) {
			return waitingMatch{}, nil
		}); err != nil {
			return err
		}
		return i.RegisterMatch("moving_go", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule) (runtime.Match, error) {
			return movingMatch{}, nil
		})
	})
}

type movingMatch struct{}

var _ golang.MatchSnapshotter = movingMatch{}

// movingState is what the signal answers, in all languages. In Go it is the state, too.
type movingState struct {
	N, Attempts, Joins, Left, Restored int
	Tick                               int64
	Node, Match                        string
}

func (movingMatch) MatchInit(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, map[string]any) (any, int, string) {
	return &movingState{}, 20, "moving go"
}

func (movingMatch) MatchJoinAttempt(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, _ runtime.Presence, _ map[string]string) (any, bool, string) {
	state.(*movingState).Attempts++
	return state, true, ""
}

func (movingMatch) MatchJoin(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, presences []runtime.Presence) any {
	state.(*movingState).Joins += len(presences)
	return state
}

func (movingMatch) MatchLeave(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, state any, presences []runtime.Presence) any {
	state.(*movingState).Left += len(presences)
	return state
}

func (movingMatch) MatchLoop(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, d runtime.MatchDispatcher, _ int64, state any, messages []runtime.MatchData) any {
	s := state.(*movingState)
	s.N += len(messages)
	if len(messages) > 0 {
		_ = d.BroadcastMessage(1, fmt.Append(nil, s.N), nil, nil, true)
	}
	return s
}

func (movingMatch) MatchTerminate(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, runtime.MatchDispatcher, int64, any, int) any {
	return nil
}

func (movingMatch) MatchSignal(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, tick int64, state any, _ string) (any, string) {
	s := *state.(*movingState)
	s.Tick = tick
	s.Node, _ = ctx.Value(runtime.RUNTIME_CTX_NODE).(string)
	s.Match, _ = ctx.Value(runtime.RUNTIME_CTX_MATCH_ID).(string)
	text, _ := json.Marshal(s)
	return state, string(text)
}

func (movingMatch) MatchSnapshot(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ int64, state any) ([]byte, error) {
	return json.Marshal(state)
}

func (movingMatch) MatchRestore(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, _ runtime.MatchDispatcher, _ int64, data []byte, _ []runtime.Presence) (any, error) {
	s := new(movingState)
	err := json.Unmarshal(data, s)
	s.Restored++
	return s, err
}

// waitingMatch is not restored before a file of its name is there.
type waitingMatch struct{ movingMatch }

func (w waitingMatch) MatchRestore(ctx context.Context, l runtime.Logger, db *sql.DB, nk runtime.NakamaModule, d runtime.MatchDispatcher, tick int64, data []byte, p []runtime.Presence) (any, error) {
	id, _ := ctx.Value(runtime.RUNTIME_CTX_MATCH_ID).(string)
	for {
		if _, err := os.Stat(waitsFor(id)); err == nil {
			return w.movingMatch.MatchRestore(ctx, l, db, nk, d, tick, data, p)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func waitsFor(match string) string { return filepath.Join(os.TempDir(), "kumi-test-"+match) }

// moving asks a match, wherever it is, from this node.
func (n *node) moving(id string) (s movingState, ok bool) {
	text, _ := n.RPC(n.all.t, "signal", id)
	return s, json.Unmarshal([]byte(text), &s) == nil
}
