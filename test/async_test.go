package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"kumi/server/servertest"
)

// together is a web server that answers when n requests are there at once.
func together(t *testing.T, n int) string {
	t.Helper()
	var mu sync.Mutex
	var waiting []chan struct{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/alone" {
			<-r.Context().Done()
			return
		}
		here := make(chan struct{})
		mu.Lock()
		if waiting = append(waiting, here); len(waiting) == n {
			for _, c := range waiting {
				close(c)
			}
			waiting = nil
		}
		mu.Unlock()
		select {
		case <-here:
			fmt.Fprint(w, r.URL.RawQuery)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(web.Close)
	return web.URL
}

// Handlers may be async functions wherever a function can be registered.
func TestAsyncHandlers(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Flags("--runtime.call_timeout_ms", "10000"), servertest.Module("index.ts", `
		const sleep = (ms: number) => new Promise((r) => setTimeout(r, ms));
		export async function InitModule(ctx, logger, nk, initializer) {
			await sleep(1);
			initializer.registerRpc("fetch", async (ctx, logger, nk, url: string) => {
				const answers = await Promise.all(["a", "b", "c"].map((q) => nk.httpRequestAsync(url + "/?" + q, "get")));
				return answers.map((r) => r.code + r.body).join();
			});
			initializer.registerRpc("refused", async (ctx, logger, nk) => {
				try { await nk.httpRequestAsync("http://127.0.0.1:1", "get"); } catch (e) { return String(e.code); }
			});
			initializer.registerRpc("reject", async () => { await sleep(1); throw { message: "no such thing", code: 5 }; });
			initializer.registerRpc("crash", async () => { await sleep(1); throw new Error("boom"); });
			initializer.registerRpc("never", () => new Promise(() => {}));
			initializer.registerRpc("start", async (ctx, logger, nk) => nk.matchCreate("patient", {}));
			initializer.registerRpc("signal", async (ctx, logger, nk, id) => nk.matchSignal(id, ""));
			initializer.registerBeforeUpdateAccount(async (ctx, logger, nk, req) => {
				await sleep(1);
				if (req.displayName === "forbidden") throw { message: "not that name", code: 7 };
				req.displayName += "!";
				return req;
			});
			initializer.registerAfterUpdateAccount(async (ctx, logger, nk, out, req) => {
				await sleep(1);
				nk.storageWrite([{ collection: "log", key: "after", userId: ctx.userId, value: { name: req.displayName } }]);
			});
			initializer.registerRtBefore("MatchCreate", async (ctx, logger, nk, envelope) => { await null; envelope.matchCreate.name = "rewritten"; return envelope; });
			initializer.registerMatch("patient", {
				matchInit: async () => { await sleep(1); return { state: { n: 0 }, tickRate: 20, label: "x" }; },
				matchJoinAttempt: async (ctx, logger, nk, d, tick, state) => { await sleep(1); state.n++; return { state, accept: true }; },
				matchJoin: async (ctx, logger, nk, d, tick, state) => { await sleep(1); state.n++; return { state }; },
				matchLeave: async (ctx, logger, nk, d, tick, state) => ({ state }),
				matchLoop: async (ctx, logger, nk, d, tick, state, messages) => {
					for (const m of messages) { await sleep(1); d.broadcastMessage(2, m.data); }
					return { state };
				},
				matchTerminate: async (ctx, logger, nk, d, tick, state) => ({ state }),
				matchSignal: async (ctx, logger, nk, d, tick, state) => { await sleep(1); return { state, data: String(state.n) }; },
			});
		}`))
	ann := srv.User(t, "ann")
	for _, c := range []struct {
		id, payload string
		status      int
		want        string
	}{
		{"fetch", together(t, 3), 200, "200a,200b,200c"},
		{"refused", "", 200, "14"},
		{"reject", "", 404, "no such thing"},
		{"crash", "", 500, "boom"},
		{"never", "", 500, "never settles"},
	} {
		if _, a := ann.RPC(t, c.id, c.payload); a.Status != c.status || !strings.Contains(a.Body, c.want) {
			t.Errorf("%s: %d %s, want %d with %s", c.id, a.Status, a.Body, c.status, c.want)
		}
	}
	if a := ann.Do(t, http.MethodPut, "/v2/account", `{"display_name":"me"}`); a.Status != 200 {
		t.Fatalf("update: %d %s", a.Status, a.Body)
	}
	if got := ann.Do(t, http.MethodGet, "/v2/account", "").Get("user.display_name"); got != "me!" {
		t.Errorf("the before hook gave the name %q", got)
	}
	if a := ann.Do(t, http.MethodPost, "/v2/storage", `{"object_ids":[{"collection":"log","key":"after","user_id":"`+ann.ID+`"}]}`); !strings.Contains(a.Body, "me!") {
		t.Errorf("the after hook stored %s", a.Body)
	}
	if a := ann.Do(t, http.MethodPut, "/v2/account", `{"display_name":"forbidden"}`); a.Status != 403 || a.Get("message") != "not that name" {
		t.Errorf("rejection of a before hook: %d %s", a.Status, a.Body)
	}

	sock := ann.Socket(t)
	id, a := srv.RPC(t, "start", "")
	if a.Status != 200 {
		t.Fatalf("start: %s", a.Body)
	}
	if e := sock.Call(t, "match_join", `{"match_id":"`+id+`"}`); e["match"] == nil {
		t.Fatalf("join: %s", e)
	}
	sock.Send(t, `{"match_data_send":{"match_id":"`+id+`","op_code":"1","data":"NQ=="}}`)
	if e := sock.Expect(t, "match_data"); e.Field("match_data", "data") != "NQ==" {
		t.Errorf("broadcast: %s", e)
	}
	if got, a := srv.RPC(t, "signal", id); got != "2" {
		t.Errorf("signal: %q %s", got, a.Body)
	}
	if e := sock.Call(t, "match_create", `{}`); e["match"] == nil {
		t.Errorf("realtime hook: %s", e)
	}
}

// A call that waits ends with its deadline; the server goes on.
func TestWaitingHasADeadline(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Flags("--runtime.call_timeout_ms", "200"), servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("echo", (ctx, logger, nk, payload) => payload);
			initializer.registerRpc("wait", async (ctx, logger, nk, url) => { await nk.httpRequestAsync(url + "/alone", "get", {}, "", 60000); });
			initializer.registerRpc("sleep", () => new Promise((r) => setTimeout(r, 60000)));
		}`))
	web := together(t, 1)
	for _, id := range []string{"wait", "sleep"} {
		if _, a := srv.RPC(t, id, web); a.Status != http.StatusGatewayTimeout || a.Code() != 4 {
			t.Errorf("%s: %d %s, want 504 with code 4", id, a.Status, a.Body)
		}
	}
	if got, a := srv.RPC(t, "echo", "x"); got != "x" {
		t.Errorf("echo: %s", a.Body)
	}
}

// Lua makes several requests with one call.
func TestRequestsTogetherInLua(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_rpc(function(ctx, url)
			local out = {}
			for i, r in ipairs(nk.http_requests({
				{ url = url .. "/?a" }, { url = url .. "/?b", method = "post", headers = { ["X-A"] = "1" }, body = "x" }, { url = url .. "/?c" },
				{ url = "http://127.0.0.1:1" },
			})) do
				out[i] = r.code and r.code .. r.body or ("error " .. r.error_code)
			end
			return table.concat(out, ",")
		end, "fetch")
		nk.register_rpc(function() nk.http_requests({ { method = "get" } }) end, "wrong")`))
	if got, a := srv.RPC(t, "fetch", together(t, 3)); got != "200a,200b,200c,error 14" {
		t.Errorf("fetch: %q %s", got, a.Body)
	}
	if _, a := srv.RPC(t, "wrong", ""); !strings.Contains(a.Body, "requests[1].url") && !strings.Contains(a.Body, "requests[0].url") {
		t.Errorf("wrong: %s", a.Body)
	}
}

// Calls that wait for an HTTP response do not hold a VM: with one VM, four calls make
// their requests at the same time.
func TestWaitingKeepsNoVM(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t,
		servertest.Flags("--runtime.js_min_count", "1", "--runtime.js_max_count", "1", "--runtime.lua_min_count", "1", "--runtime.lua_max_count", "1"),
		servertest.Module("index.js", `function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("js_async", async (ctx, logger, nk, url) => (await nk.httpRequestAsync(url + "/?" + ctx.username, "get")).body);
			initializer.registerRpc("js", (ctx, logger, nk, url) => nk.httpRequest(url + "/?" + ctx.username, "get").body);
		}`),
		servertest.Module("main.lua", `local nk = require("nakama")
			nk.register_rpc(function(ctx, url) local _, _, body = nk.http_request(url .. "/?" .. ctx.username, "get"); return body end, "lua")
			nk.register_rpc(function(ctx, url) return nk.http_requests({ { url = url .. "/?" .. ctx.username } })[1].body end, "lua_list")`))
	for _, rpc := range []string{"js_async", "js", "lua", "lua_list"} {
		t.Run(rpc, func(t *testing.T) {
			t.Parallel()
			url := together(t, 4)
			var all sync.WaitGroup
			for i := range 4 {
				user := srv.User(t, fmt.Sprint(rpc, i))
				all.Go(func() {
					a := user.Do(t, http.MethodPost, "/v2/rpc/"+rpc, fmt.Sprintf("%q", url))
					if want := fmt.Sprintf(`{"payload":"%s%d"}`, rpc, i); a.Status != http.StatusOK || a.Body != want {
						t.Errorf("%d %s, want %s", a.Status, a.Body, want)
					}
				})
			}
			all.Wait()
		})
	}
}
