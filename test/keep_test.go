package test

import (
	"strings"
	"testing"

	"kumi/server/servertest"
)

// keeping are modules whose VMs keep more with every call of one mark, and whose
// matches keep more with every tick.
var keeping = map[string]servertest.Option{
	"javascript": servertest.Module("index.js", `
		let mark = "";
		const kept = [], big = [];
		const fill = (list) => { for (let i = 0; i < 600; i++) list.push({ text: "number " + list.length, list: [i] }) };
		const match = (size, each) => ({
			matchInit: () => { const state = { list: [] }; for (let i = 0; i < size; i++) fill(state.list); return { state, tickRate: 30, label: "" } },
			matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
			matchJoin: (ctx, logger, nk, d, tick, state) => ({ state }),
			matchLeave: (ctx, logger, nk, d, tick, state) => ({ state }),
			matchLoop: (ctx, logger, nk, d, tick, state) => { if (each) fill(state.list); else fill([]); return { state } },
			matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }),
			matchSignal: (ctx, logger, nk, d, tick, state) => ({ state, data: String(state.list.length) }),
		});
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("meet", (ctx, logger, nk, payload) => {
				if (payload) mark = payload;
				if (mark === "a") fill(kept);
				if (mark === "b" && big.length === 0) for (let i = 0; i < 5; i++) fill(big);
				return mark || "new";
			});
			initializer.registerRpc("start", (ctx, logger, nk, name) => nk.matchCreate(name));
			initializer.registerRpc("there", (ctx, logger, nk, id) => nk.matchGet(id) ? "yes" : "no");
			initializer.registerRpc("signal", (ctx, logger, nk, id) => nk.matchSignal(id, ""));
			initializer.registerMatch("leaking", match(1, true));
			initializer.registerMatch("calm", match(5, false));
		}`),
	"lua": func(t testing.TB, s *servertest.Setup) {
		servertest.Module("main.lua", `
			local nk = require("nakama")
			local mark, kept, big = "", {}, {}
			local function fill(list) for i = 1, 600 do list[#list + 1] = { text = "number " .. #list, list = { i } } end end
			nk.register_rpc(function(ctx, payload)
				if payload ~= "" then mark = payload end
				if mark == "a" then fill(kept) end
				if mark == "b" and #big == 0 then for i = 1, 5 do fill(big) end end
				return mark ~= "" and mark or "new"
			end, "meet")
			nk.register_rpc(function(ctx, name) return nk.match_create(name, {}) end, "start")
			nk.register_rpc(function(ctx, id) return nk.match_get(id) and "yes" or "no" end, "there")
			nk.register_rpc(function(ctx, id) return nk.match_signal(id, "") end, "signal")`)(t, s)
		const match = `
			local function fill(list) for i = 1, 600 do list[#list + 1] = { text = "number " .. #list, list = { i } } end end
			return {
				match_init = function() local state = {} for i = 1, SIZE do fill(state) end return state, 30, "" end,
				match_join_attempt = function(ctx, d, tick, state) return state, true end,
				match_join = function(ctx, d, tick, state) return state end,
				match_leave = function(ctx, d, tick, state) return state end,
				match_loop = function(ctx, d, tick, state) fill(LIST) return state end,
				match_terminate = function(ctx, d, tick, state) return state end,
				match_signal = function(ctx, d, tick, state) return state, tostring(#state) end,
			}`
		servertest.Module("leaking.lua", strings.NewReplacer("SIZE", "1", "LIST", "state").Replace(match))(t, s)
		servertest.Module("calm.lua", strings.NewReplacer("SIZE", "5", "LIST", "{}").Replace(match))(t, s)
	},
}

// A VM that keeps more than it may is replaced, one with much but less goes on with
// what it has; of two matches the one that leaks ends.
func TestWhatVMsKeep(t *testing.T) {
	t.Parallel()
	for language, module := range keeping {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			log := &servertest.Journal{}
			srv := servertest.Start(t, module, log.Keep(), servertest.Flags("--runtime.max_vm_memory_mb", "8",
				"--runtime.js_min_count", "1", "--runtime.js_max_count", "1", "--runtime.lua_min_count", "1", "--runtime.lua_max_count", "1"))
			meet := func(set string) string {
				t.Helper()
				mark, a := srv.RPC(t, "meet", set)
				if mark == "" {
					t.Fatal(a.Body)
				}
				return mark
			}
			mark, calls := meet("a"), 0
			for ; calls < 400 && mark == "a"; calls++ {
				mark = meet("")
			}
			if mark != "new" {
				t.Errorf("after %d calls the VM is still the one that kept more and more", calls)
			}
			meet("b") // which keeps much, once
			if l := log.Lines("keeps more memory", "max_vm_memory_mb", `"meet\"`, map[string]string{"javascript": "index.js", "lua": "main"}[language]); len(l) != 1 {
				t.Errorf("want one line about the VM that names function and module, got %q", l)
			}

			calm, _ := srv.RPC(t, "start", "calm")
			leaking, _ := srv.RPC(t, "start", "leaking")
			servertest.Eventually(t, "the leaking match ends", func() bool {
				there, _ := srv.RPC(t, "there", leaking)
				return there == "no"
			})
			if size, a := srv.RPC(t, "signal", calm); size != "3000" {
				t.Errorf("the calm match answered %q %s", size, a.Body)
			}
			if l := log.Lines("the match keeps", "leaking", "max_vm_memory_mb"); len(l) == 0 {
				t.Error("nothing was logged about the match")
			}
			if mark := meet(""); mark != "b" {
				t.Errorf("the VM that keeps less than the limit is %q", mark)
			}
			if l := log.Lines("the match keeps", "calm"); len(l) != 0 {
				t.Errorf("got %q", l)
			}
		})
	}
}
