package test

import (
	"strings"
	"sync"
	"testing"

	"kumi/server/servertest"
)

// An RPC may call an RPC of its own server. More such calls than there can be VMs
// would wait for one another: the inner ones fail, the outer ones see why, and
// the server goes on.
func TestRPCCallsItsOwnServer(t *testing.T) {
	t.Parallel()
	const vms = 16 // that one VM's calls may become while they wait
	for lang, module := range map[string]servertest.Option{
		"javascript": servertest.Module("index.js", `function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("inner", () => "done");
			initializer.registerRpc("outer", (ctx, logger, nk, urls) => {
				const [web, own] = urls.split(" ");
				if (web) nk.httpRequest(web, "get", {}, "", 60000);
				return nk.httpRequest(own, "post", {}, "", 60000).body;
			});
		}`),
		"promises": servertest.Module("index.js", `function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("inner", () => "done");
			initializer.registerRpc("outer", async (ctx, logger, nk, urls) => {
				const [web, own] = urls.split(" ");
				if (web) await nk.httpRequestAsync(web, "get", {}, "", 60000);
				return (await nk.httpRequestAsync(own, "post", {}, "", 60000)).body;
			});
		}`),
		"lua": servertest.Module("main.lua", `local nk = require("nakama")
			nk.register_rpc(function() return "done" end, "inner")
			nk.register_rpc(function(ctx, urls)
				local web, own = string.match(urls, "^(%S*) (%S+)$")
				if web ~= "" then nk.http_request(web, "GET", {}, "", 60000) end
				local _, _, body = nk.http_request(own, "POST", {}, "", 60000)
				return body
			end, "outer")`),
	} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, module, servertest.Flags("--runtime.js_max_count", "1", "--runtime.lua_max_count", "1", "--runtime.call_timeout_ms", "60000"))
			own := srv.URL + "/v2/rpc/inner?http_key=defaulthttpkey"
			calls := func(n int, web string) (done, refused int) {
				t.Helper()
				var mu sync.Mutex
				var all sync.WaitGroup
				for range n {
					all.Go(func() {
						got, a := srv.RPC(t, "outer", web+" "+own)
						mu.Lock()
						defer mu.Unlock()
						switch {
						case strings.Contains(got, "done"):
							done++
						case strings.Contains(got, "wait for answers from elsewhere"):
							refused++
						default:
							t.Errorf("%d %s", a.Status, a.Body)
						}
					})
				}
				all.Wait()
				return done, refused
			}
			if done, _ := calls(vms/2, together(t, vms/2)); done != vms/2 {
				t.Errorf("of %d calls with room for the inner ones %d came back", vms/2, done)
			}
			if _, refused := calls(vms, together(t, vms)); refused == 0 {
				t.Error("there was room for all inner calls: nothing was tested")
			}
			if done, _ := calls(1, ""); done != 1 {
				t.Error("afterwards a call is refused")
			}
		})
	}
}
