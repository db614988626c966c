package alone

import (
	"fmt"
	"runtime"
	"testing"

	"kumi/server/servertest"
)

// keepers are modules with an RPC that keeps more with every call, and a match that
// keeps more with every tick.
var keepers = map[string]servertest.Option{
	"javascript": servertest.Module("index.js", `
		let calls = 0;
		const kept = [];
		const fill = (list) => { for (let i = 0; i < 8; i++) list.push(new Uint8Array(1 << 20)) };
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("keep", () => { fill(kept); return String(++calls) });
			initializer.registerRpc("start", (ctx, logger, nk) => nk.matchCreate("leaking"));
			initializer.registerMatch("leaking", {
				matchInit: () => ({ state: { list: [] }, tickRate: 30, label: "" }),
				matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
				matchJoin: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchLeave: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchLoop: (ctx, logger, nk, d, tick, state) => { if (tick < 60) fill(state.list); return { state } },
				matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchSignal: (ctx, logger, nk, d, tick, state) => ({ state, data: String(state.list.length) }),
			});
		}`),
	"lua": func(t testing.TB, s *servertest.Setup) {
		const fill = `
			local n = 0
			local function fill(list) for i = 1, 8 do n = n + 1; list[#list + 1] = string.rep("x", 1048576) .. n end end`
		servertest.Module("main.lua", fill+`
			local nk = require("nakama")
			local calls, kept = 0, {}
			nk.register_rpc(function() fill(kept) calls = calls + 1 return tostring(calls) end, "keep")
			nk.register_rpc(function() return nk.match_create("leaking", {}) end, "start")`)(t, s)
		servertest.Module("leaking.lua", fill+`
			return {
				match_init = function() return {}, 30, "" end,
				match_join_attempt = function(ctx, d, tick, state) return state, true end,
				match_join = function(ctx, d, tick, state) return state end,
				match_leave = function(ctx, d, tick, state) return state end,
				match_loop = function(ctx, d, tick, state) if tick < 60 then fill(state) end return state end,
				match_terminate = function(ctx, d, tick, state) return state end,
				match_signal = function(ctx, d, tick, state) return state, "" end,
			}`)(t, s)
	},
}

// heapRoom is a setting that lets the heap grow by so many megabytes from now. It first
// waits for what earlier tests have kept to be collected: with that in the limit, the heap
// might never reach it.
func heapRoom(t *testing.T, mb uint64) servertest.Option {
	t.Helper()
	var m runtime.MemStats
	servertest.Eventually(t, "the heap of earlier tests is collected", func() bool {
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc < 64<<20
	})
	return servertest.Flags("--runtime.max_heap_mb", fmt.Sprint(m.HeapAlloc>>20+mb), "--runtime.js_min_count", "1", "--runtime.js_max_count", "1",
		"--runtime.lua_min_count", "1", "--runtime.lua_max_count", "1")
}

// VMs that keep more and more are replaced when the heap is too large, and the log
// names the function.
func TestHeapKeptByVMs(t *testing.T) { // not parallel: the heap is the whole process's
	for language, module := range keepers {
		t.Run(language, func(t *testing.T) {
			log := &servertest.Journal{}
			defer func() {
				if t.Failed() {
					t.Log(log.Lines("runtime.max_heap_mb"))
				}
			}()
			srv := servertest.Start(t, module, log.Keep(), heapRoom(t, 96))
			const most = 100 // of 8 MB each
			for calls := 1; ; calls++ {
				n, a := srv.RPC(t, "keep", "")
				if n == "" {
					t.Fatal(a.Body)
				}
				if calls > 1 && n == "1" {
					t.Logf("replaced after %d calls", calls-1)
					break
				}
				if calls == most {
					t.Fatalf("after %d calls the VM is still the first one", calls)
				}
			}
			servertest.Eventually(t, "the log says so", func() bool {
				return len(log.Lines("shrank after all script VMs were replaced", "keep", "allocated_mb")) > 0
			})
		})
	}
}

// Where a match keeps more and more, replacing VMs does not help; the match goes on,
// and the log says which one it may be.
func TestHeapKeptByAMatch(t *testing.T) {
	for language, module := range keepers {
		t.Run(language, func(t *testing.T) {
			log := &servertest.Journal{}
			defer func() {
				if t.Failed() {
					t.Log(log.Lines("runtime.max_heap_mb"))
				}
			}()
			srv := servertest.Start(t, module, log.Keep(), heapRoom(t, 96))
			id, a := srv.RPC(t, "start", "")
			if id == "" {
				t.Fatal(a.Body)
			}
			servertest.Eventually(t, "the log names the match", func() bool {
				return len(log.Lines("did not shrink", "match handler leaking", id)) > 0
			})
		})
	}
}
