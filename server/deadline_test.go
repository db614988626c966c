package server_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"kumi/internal/testutil"
	"kumi/server/servertest"
)

// endless is a module with a call that never ends, in each language.
var endless = map[string]servertest.Option{
	"javascript": servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("hang", () => { while (true) {} });
			initializer.registerRpc("echo", (ctx, logger, nk, payload) => payload);
		}`),
	"lua": servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_rpc(function() while true do end end, "hang")
		nk.register_rpc(function(ctx, payload) return payload end, "echo")`),
}

// A REST call that is stopped at a deadline is answered with an error body, although the
// call takes longer than socket.write_timeout_ms.
func TestStoppedCallIsAnswered(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{
		"script's deadline": {"--runtime.call_timeout_ms", "900", "--socket.write_timeout_ms", "300"},
		"API's deadline":    {"--runtime.call_timeout_ms", "60000", "--socket.idle_timeout_ms", "800", "--socket.write_timeout_ms", "20000"},
	} {
		for language, module := range endless {
			t.Run(name+"/"+language, func(t *testing.T) {
				t.Parallel()
				srv := servertest.Start(t, module, servertest.Flags(flags...))
				user := srv.User(t, "ann")
				for what, call := range map[string]func() servertest.Answer{
					"with a session": func() servertest.Answer { _, a := user.RPC(t, "hang", "x"); return a },
					"with the key":   func() servertest.Answer { _, a := srv.RPC(t, "hang", "x"); return a },
				} {
					a := call() // fails the test when there is no answer
					if a.Status != http.StatusGatewayTimeout || a.Code() != 4 || a.Get("message") == "" {
						t.Errorf("%s it answered %d %s, want 504 with code 4 and a message", what, a.Status, a.Body)
					}
				}
			})
		}
	}
}

// With all VMs in use a call waits for one, and ends at its deadline with an error if
// none becomes free. The metrics count it, and later calls succeed.
func TestWaitingForAnEngineEnds(t *testing.T) {
	t.Parallel()
	for language, module := range endless {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			// The API's deadline is the shorter one, so that a call which holds the
			// only engine goes on when one that waits has to give up: it comes later,
			// over a socket, where only the script's deadline counts. By the last call the
			// HTTP connections have been closed as idle, and not just then.
			srv := servertest.Start(t, module, servertest.Flags("--runtime.call_timeout_ms", "7000", "--socket.idle_timeout_ms", "2500",
				"--runtime.js_min_count", "1", "--runtime.js_max_count", "1", "--runtime.lua_min_count", "1", "--runtime.lua_max_count", "1"))
			holder := openPeer(t, srv, srv.User(t, "holder")).listen()
			if err := holder.Send(`{"cid":"hang","rpc":{"id":"hang"}}`); err != nil {
				t.Fatal(err)
			}
			labels := `runtime="` + language + `"`
			testutil.Eventually(t, "the engine is at work", func() bool { return counter(srv, "vm_pool_in_use", labels) == 1 })
			before := counter(srv, "vm_pool_waits", labels)

			const calls = 3
			user := srv.User(t, "ann")
			answers := make(chan servertest.Answer, calls)
			var waiting sync.WaitGroup
			for range calls {
				waiting.Go(func() {
					_, a := user.RPC(t, "echo", "x")
					answers <- a
				})
			}
			waiting.Wait()
			for range calls {
				if a := <-answers; a.Status != http.StatusGatewayTimeout || a.Code() != 4 || a.Get("message") == "" {
					t.Errorf("a call that got no engine answered %d %s, want 504 with code 4 and a message", a.Status, a.Body)
				}
			}
			if n := counter(srv, "vm_pool_waits", labels) - before; n < calls {
				t.Errorf("%d waits were counted, want %d", n, calls)
			}
			if n := counter(srv, "vm_pool_waiting", labels); n != 0 {
				t.Errorf("%d calls still wait", n)
			}

			reply, err := holder.heard(`{"cid":"hang"`)
			if err != nil || !strings.Contains(reply, `"error":{`) {
				t.Errorf("the call that held the engine got %s %v", reply, err)
			}
			if got, a := user.RPC(t, "echo", "x"); got != "x" {
				t.Errorf("afterwards a call answered %d %s", a.Status, a.Body)
			}
		})
	}
}
