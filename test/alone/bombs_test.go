package alone

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"kumi/internal/testenv"
	"kumi/server/servertest"
)

// bombs are modules with RPCs that use as much time or memory as they can.
var bombs = map[string]servertest.Option{
	"javascript": servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			const rpc = (id, f) => initializer.registerRpc(id, f);
			rpc("echo", (ctx, logger, nk, payload) => payload);
			rpc("loop", () => { while (true) {} });
			rpc("catching_loop", () => { while (true) { try { while (true) {} } catch {} } });
			rpc("async_loop", async () => { for (;;) await null; });
			rpc("recursion", () => { const f = (n) => 1 + f(n + 1); return String(f(0)); });
			rpc("flood", () => {
				const size = 100, seen = new Set();
				const fill = (x, y) => {
					if (x < 0 || y < 0 || x >= size || y >= size || seen.has(x * size + y)) return;
					seen.add(x * size + y);
					fill(x + 1, y); fill(x - 1, y); fill(x, y + 1); fill(x, y - 1);
				};
				fill(0, 0);
				const endless = () => endless();
				try { endless() } catch (e) { return seen.size + " " + e.name }
			});
			rpc("repeat", () => "x".repeat(2 ** 30));
			rpc("doubling", () => { let s = "x"; for (;;) s += s; });
			rpc("doubling_pair", () => { let a = "x", b = "y"; for (;;) { a += b; b += a; } });
			rpc("list", () => { const l = []; for (;;) l.push([1]); });
			rpc("huge_list", () => new Array(2 ** 32 - 1).fill(0).length + "");
			rpc("million", () => JSON.stringify(Array.from({ length: 1e6 }, (_, i) => i)));
			rpc("power", () => String(2n ** 1000000000000n));
			rpc("bytes", () => String(new Float64Array(2 ** 31).length));
			rpc("shared", (ctx, logger, nk) => {
				let v = {};
				for (let i = 0; i < 60; i++) v = { a: v, b: v };
				console.log(v);
				try { nk.localcachePut("shared", v, 60); return "kept" } catch (e) { logger.info("%s", e.message) }
				return JSON.stringify(v);
			});
			rpc("compare", () => String("é".repeat(2 ** 24).localeCompare("é".repeat(2 ** 24))));
			rpc("costly_hash", (ctx, logger, nk) => String(nk.bcryptCompare("$2a$31$" + "a".repeat(53), "x")));
			rpc("deep_text", () => JSON.parse("[".repeat(1e6)));
			rpc("expression", () => String(/^(a+)+(?=b)$/.test("a".repeat(50) + "c")));
		}`),
	"lua": servertest.Module("main.lua", `
		local nk = require("nakama")
		local function rpc(id, f) nk.register_rpc(f, id) end
		rpc("echo", function(ctx, payload) return payload end)
		rpc("loop", function() while true do end end)
		rpc("catching_loop", function() while true do pcall(function() while true do end end) end end)
		rpc("recursion", function() local function f(n) return 1 + f(n + 1) end return tostring(f(0)) end)
		rpc("repeat", function() return string.rep("x", 2 ^ 30) end)
		rpc("doubling", function() local s = "x" while true do s = s .. s end end)
		rpc("doubling_pair", function() local a, b = "x", "y" while true do a = a .. b b = b .. a end end)
		rpc("list", function() local l = {} while true do l[#l + 1] = { 1 } end end)
		rpc("million", function() local l = {} for i = 1, 1e6 do l[i] = i end return table.concat(l, ",") end)
		rpc("expression", function() return tostring(string.find(string.rep("a", 30000), ".-.-.-.-.-b")) end)
		rpc("width", function() return string.format("%999999d", 1) end)
		rpc("gsub", function() local s = "xx" while true do s = s:gsub(".", "%0%0") end end)
		rpc("costly_hash", function() return tostring(nk.bcrypt_compare("$2a$31$" .. string.rep("a", 53), "x")) end)
		rpc("deep_text", function() return nk.json_decode(string.rep("[", 1e6)) end)`),
}

// stopped are the codes with which the bombs end; a language that is not listed
// has no such bomb.
var stopped = map[string]map[string]int{
	"loop":          {"javascript": 4, "lua": 4},
	"catching_loop": {"javascript": 4, "lua": 4},
	"async_loop":    {"javascript": 4},
	"expression":    {"javascript": 4, "lua": 4},
	"recursion":     {"javascript": 13, "lua": 13},
	"repeat":        {"javascript": 8, "lua": 13}, // Lua's library raises plain errors
	"doubling":      {"javascript": 8, "lua": 13},
	"doubling_pair": {"javascript": 8, "lua": 8}, // by the guard
	"list":          {"javascript": 8, "lua": 8},
	"huge_list":     {"javascript": 8},
	"million":       {"javascript": 8, "lua": 8},
	"power":         {"javascript": 8},
	"bytes":         {"javascript": 8},
	"shared":        {"javascript": 8},
	"compare":       {"javascript": 8},
	"costly_hash":   {"javascript": 3, "lua": 3},
	"deep_text":     {"javascript": 3, "lua": 13},
	"width":         {"lua": 13},
	"gsub":          {"lua": 8},
}

// Deep recursion works; endless recursion is a RangeError that scripts can catch.
func TestDeepRecursion(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, bombs["javascript"], servertest.Flags("--runtime.call_timeout_ms", "60000"))
	for range 2 { // the VM is used again
		if got, a := srv.RPC(t, "flood", ""); got != "10000 RangeError" {
			t.Errorf("got %q %s", got, a.Body)
		}
	}
}

// atOnce is how many calls of each bomb run at the same time. Those that end for the
// memory they use run alone, as do the large ones: together they could be stopped for
// their memory, too.
const atOnce = 3

var large = []string{"recursion", "doubling"}

// long are those that take a while to end by themselves.
var long = []string{"recursion", "deep_text"}

// Whatever a script does, its call ends with an error, and the latency of other
// sessions stays bounded meanwhile.
func TestBombs(t *testing.T) { // alone, as it watches the heap and the clock
	for language, module := range bombs {
		t.Run(language, func(t *testing.T) {
			limit := testenv.Size(time.Second, 2*time.Second)
			srv := servertest.Start(t, module, servertest.Flags(
				"--runtime.call_timeout_ms", fmt.Sprint(limit.Milliseconds()), "--runtime.tick_timeout_ms", fmt.Sprint(limit.Milliseconds()), "--runtime.max_call_memory_mb", "96", "--runtime.max_result_bytes", "1000000",
				"--runtime.js_max_count", "4", "--runtime.lua_max_count", "4"))
			other, victim := srv.User(t, "other").Socket(t), srv.User(t, "victim")
			echo := func() time.Duration {
				t.Helper()
				began := time.Now()
				if a := other.Call(t, "rpc", `{"id":"echo","payload":"x"}`); a.Field("rpc", "payload") != "x" {
					t.Fatalf("echo answered %s", a["error"])
				}
				return time.Since(began)
			}
			p99 := func(took []time.Duration) time.Duration {
				slices.Sort(took)
				return took[len(took)*99/100]
			}
			var quiet, loud []time.Duration
			for range 300 {
				quiet = append(quiet, echo())
			}
			for id, codes := range stopped {
				want, ok := codes[language]
				if !ok {
					continue
				}
				left := atOnce
				if want == 8 || slices.Contains(large, id) {
					left = 1
				}
				done := make(chan servertest.Answer, left)
				for range left {
					go func() {
						_, a := victim.RPC(t, id, "")
						done <- a
					}()
				}
				for left > 0 {
					select {
					case a := <-done:
						left--
						if a.Status == http.StatusOK || (a.Code() != want && !(a.Code() == 4 && (want == 8 || slices.Contains(long, id)))) { // on a slow machine its time is up first
							t.Errorf("%s answered %d %s, want code %d", id, a.Status, a.Body[:min(200, len(a.Body))], want)
						}
					default:
						loud = append(loud, echo())
					}
				}
			}
			echo() // it lives
			// A call that waits for a bomb waits for the whole limit.
			q, l := p99(quiet), p99(loud)
			t.Logf("the 99th percentile of another session is %v beside the bombs (%d calls), and %v without", l, len(loud), q)
			if l > max(50*q, limit/2) {
				t.Errorf("the 99th percentile of another session was %v beside the bombs, and %v without", l, q)
			}
		})
	}
}
