package test

import (
	"encoding/json"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// Each match of this module has something that makes trouble.
const fragileTS = `
	const fragile = {
		matchInit: (ctx, logger, nk, { kind }) => ({ state: { kind, trouble: kind === "function" ? () => 1 : kind === "large" ? "x".repeat(17 << 20) : null }, tickRate: 20, label: kind }),
		matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
		matchJoin: (ctx, logger, nk, d, tick, state) => ({ state }),
		matchLeave: (ctx, logger, nk, d, tick, state) => ({ state }),
		matchLoop: (ctx, logger, nk, d, tick, state) => ({ state }),
		matchTerminate: (ctx, logger, nk, d, tick, state) => { logger.info("terminated " + state.kind); return null },
		matchSignal: (ctx, logger, nk, d, tick, state) => ({ state, data: state.kind }),
		matchSnapshot(ctx, logger, nk, d, tick, state) { if (state.kind === "snapshot") throw new Error("no picture"); return { state } },
		matchRestored(ctx, logger, nk, d, tick, state) {
			if (state.kind === "restored" && BROKEN) throw new Error("broken code");
			return state.kind === "ends" ? null : { state };
		},
	};
	export function InitModule(ctx, logger, nk, initializer) {
		initializer.registerMatch("fragile", fragile);
		initializer.registerRpc("start", (ctx, logger, nk, kind) => nk.matchCreate("fragile", { kind }));
		initializer.registerRpc("signal", (ctx, logger, nk, id) => nk.matchSignal(id, ""));
	}`

const fragileLua = `
	local nk = require("nakama")
	local M = {}
	function M.match_init(ctx, params)
		local kind = params.kind
		return { kind = kind, trouble = kind == "function" and print or kind == "large" and ("x"):rep(17 * 2 ^ 20) or nil }, 20, kind
	end
	function M.match_join_attempt(ctx, d, tick, state) return state, true end
	function M.match_join(ctx, d, tick, state) return state end
	function M.match_leave(ctx, d, tick, state) return state end
	function M.match_loop(ctx, d, tick, state) return state end
	function M.match_terminate(ctx, d, tick, state) nk.logger_info("terminated " .. state.kind) return nil end
	function M.match_signal(ctx, d, tick, state) return state, state.kind end
	function M.match_snapshot(ctx, d, tick, state) if state.kind == "snapshot" then error("no picture") end return state end
	function M.match_restored(ctx, d, tick, state)
		if state.kind == "restored" and BROKEN then error("broken code") end
		if state.kind == "ends" then return nil end
		return state
	end
	return M`

const fragileLuaMain = `
	local nk = require("nakama")
	nk.register_rpc(function(ctx, kind) return nk.match_create("fragile", { kind = kind }) end, "start")
	nk.register_rpc(function(ctx, id) return nk.match_signal(id, "") end, "signal")`

// A match that cannot be kept or restored costs only itself, and the log says why.
func TestMatchesThatCannotBeRestored(t *testing.T) {
	t.Parallel()
	for language, module := range map[string]func(broken string) []servertest.Option{
		"typescript": func(broken string) []servertest.Option {
			return []servertest.Option{servertest.Module("index.ts", strings.ReplaceAll(fragileTS, "BROKEN", broken))}
		},
		"lua": func(broken string) []servertest.Option {
			return []servertest.Option{servertest.Module("fragile.lua", strings.ReplaceAll(fragileLua, "BROKEN", broken)), servertest.Module("main.lua", fragileLuaMain)}
		},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			// The grace period is long, and is not needed: terminated matches end at once.
			s := newRestartable(t, "", false, "--match.snapshot", "shutdown", "--shutdown_grace_sec", "300")
			s.restart(module("true")...)
			ids := map[string]string{}
			for _, kind := range []string{"good", "function", "large", "snapshot", "restored", "ends"} {
				ids[kind], _ = s.RPC(t, "start", kind)
				if ids[kind] == "" {
					t.Fatalf("no match of kind %s", kind)
				}
			}
			lives := func(when string, want ...string) {
				t.Helper()
				for kind, id := range ids {
					got, _ := s.RPC(t, "signal", id)
					if expected := strings.Contains(strings.Join(want, " "), kind); (got == kind) != expected {
						t.Errorf("%s, match %s lives: %v, want %v", when, kind, got == kind, expected)
					}
				}
			}
			stopped := s.log
			s.restart(module("true")...)
			for _, want := range []string{
				"terminated function", "terminated large", "terminated snapshot", "state.trouble is a function", "is larger than 16777216", "no picture",
			} {
				if !strings.Contains(stopped.String(), want) {
					t.Errorf("the log of the stop does not say %q", want)
				}
			}
			lives("after a restart with broken code", "good")
			if failed := s.log.Lines("a match cannot be restored"); len(failed) != 1 || !strings.Contains(failed[0], "broken code") || !strings.Contains(failed[0], strings.Split(ids["restored"], ".")[0]) {
				t.Errorf("the log of the start says %q", failed)
			}
			s.restart(module("false")...)
			lives("after a restart with repaired code", "good", "restored")
		})
	}
}

// Tokens of the matchmaker that were not used yet are valid after a restart.
func TestMatchTokensSurviveARestart(t *testing.T) {
	t.Parallel()
	s := newRestartable(t, "", false, "--match.snapshot", "shutdown", "--matchmaker.interval_sec", "1", "--session.encryption_key", "a key that stays")
	var tokens []string
	var socks []*servertest.Socket
	for _, name := range []string{"ann", "ben"} {
		sock := s.User(t, name).Socket(t)
		sock.Call(t, "matchmaker_add", `{"min_count":2,"max_count":2,"query":"*"}`)
		socks = append(socks, sock)
	}
	for _, sock := range socks {
		tokens = append(tokens, sock.Expect(t, "matchmaker_matched").Field("matchmaker_matched", "token"))
	}
	s.restart()
	ids := map[string]bool{}
	for i, name := range []string{"ann", "ben"} {
		e := s.User(t, name).Socket(t).Call(t, "match_join", `{"token":"`+tokens[i]+`"}`)
		var joined struct {
			MatchID string `json:"match_id"`
		}
		if err := json.Unmarshal(e["match"], &joined); err != nil {
			t.Fatalf("%s: %s", name, e)
		}
		ids[joined.MatchID] = true
	}
	if len(ids) != 1 {
		t.Errorf("the tokens lead to %v", ids)
	}
}
