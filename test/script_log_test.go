package test

import (
	"encoding/json"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// Every log line of a script has its place in the source and the user of the call.
func TestScriptLogLines(t *testing.T) {
	t.Parallel()
	for language, module := range map[string][2]string{
		"javascript": {"index.js", `
			function rpc(ctx, logger, nk) {
				logger.info("by logger"); logger.withField("more", 1).warn("by field"); console.log("by console");
				console.log("%s has %d%% of %j", "ann", 50, { a: 1 }, "rest");
				console.log(new Map([["a", new Set([1, "b"])]])); logger.info("with %s", new Map([[1, 2]]));
			}
			const same = (ctx, logger, nk, d, tick, state) => ({ state });
			function InitModule(ctx, logger, nk, i) {
				logger.info("by init");
				i.registerRpc("talk", rpc);
				i.registerRpc("create", (ctx, logger, nk) => nk.matchCreate("m"));
				i.registerMatch("m", { matchInit: (ctx, logger) => { logger.info("by match"); console.log("by match console"); return { state: {}, tickRate: 1, label: "" }; },
					matchJoinAttempt: same, matchJoin: same, matchLeave: same, matchLoop: same, matchTerminate: same, matchSignal: same });
			}`},
		"lua": {"m.lua", `
			local nk = require("nakama")
			nk.logger_info("by init")
			nk.register_rpc(function() nk.logger_info("by logger") nk.logger_warn("by field", { more = 1 }) print("by console") end, "talk")
			nk.register_rpc(function() return nk.match_create("m") end, "create")
			local M = { match_init = function() nk.logger_info("by match") print("by match console") return {}, 1, "" end }
			for _, name in ipairs({ "join_attempt", "join", "leave", "loop", "terminate", "signal" }) do M["match_" .. name] = function(c, d, t, state) return state end end
			return M`},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			var log servertest.Journal
			srv := servertest.Start(t, log.Keep(), servertest.Module(module[0], module[1]))
			ann := srv.User(t, "ann")
			ann.RPC(t, "talk", "")
			match, _ := ann.RPC(t, "create", "")
			name := strings.TrimSuffix(module[0], ".lua")
			line := func(text string) map[string]any {
				t.Helper()
				lines := log.Lines(`"message":"` + text + `"`)
				if len(lines) != 1 {
					t.Fatalf("%d lines %q", len(lines), text)
				}
				var v map[string]any
				if err := json.Unmarshal([]byte(lines[0]), &v); err != nil {
					t.Fatal(err)
				}
				return v
			}
			has := func(text string, want map[string]any) {
				t.Helper()
				v := line(text)
				if v["module"] != name || v["runtime"] != language || v["module_version"] == nil {
					t.Errorf("%s: %v", text, v)
				}
				for key, value := range want {
					if v[key] != value {
						t.Errorf("%s: %s is %v, want %v", text, key, v[key], value)
					}
				}
			}
			has("by init", nil)
			rpc := map[string]any{"function": `RPC function "talk"`, "rpc_id": "talk", "user_id": ann.ID}
			for _, text := range []string{"by logger", "by field", "by console"} {
				has(text, rpc)
				if line(text)["trace_id"] == nil {
					t.Errorf("%s: no trace_id", text)
				}
			}
			if line("by field")["more"] != 1.0 {
				t.Errorf("a field of the script's is lost: %v", line("by field"))
			}
			for _, text := range []string{"by match", "by match console"} {
				init := map[string]string{"javascript": "matchInit", "lua": "match_init"}[language]
				has(text, map[string]any{"function": "match handler m " + init, "match_id": match})
			}
			if language == "javascript" {
				line(`ann has 50% of {\"a\":1} rest`)
				line(`Map(1) {\"a\" => Set(2) {1, \"b\"}}`)
				line(`with Map(1) {1 => 2}`)
			}
		})
	}
}
