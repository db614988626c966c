package test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"kumi/modules"
	"kumi/server/servertest"
)

// say is a module whose RPC "say" answers with a text.
func say(language, text string) (name, source string) {
	switch language {
	case "javascript":
		return "index.js", `function say(ctx, logger, nk, payload) { return "` + text + `"; }
function InitModule(ctx, logger, nk, initializer) { initializer.registerRpc("say", say); }`
	case "typescript":
		return "index.ts", `import { text } from "./lib/text";
export function InitModule(ctx, logger, nk, initializer) { initializer.registerRpc("say", (ctx): string => text + "` + text + `"); }`
	}
	return "main.lua", `local nk = require("nakama")
nk.register_rpc(function(ctx, payload) return "` + text + `" end, "say")`
}

func TestSavedIsLive(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"javascript", "typescript", "lua"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			var log servertest.Journal
			name, source := say(language, "one")
			srv := servertest.Start(t, log.Keep(), servertest.Flags("--runtime.watch"),
				servertest.Module(name, source), servertest.Module("lib/text.ts", `export const text = "";`))
			says := func(want string) {
				t.Helper()
				servertest.Eventually(t, "say answers "+want, func() bool {
					got, a := srv.RPC(t, "say", "")
					if a.Status != http.StatusOK {
						t.Fatalf("say: %d %s", a.Status, a.Body)
					}
					return got == want
				})
			}
			says("one")

			srv.Write(t, name, strings.Replace(source, "one", "two", 1))
			says("two")

			// A broken file changes nothing and is told with place and source.
			lines := strings.Count(source, "\n") + 2
			srv.Write(t, name, source+"\n)(\n")
			servertest.Eventually(t, "the log tells of the error", func() bool {
				return len(log.Lines("modules cannot be reloaded", fmt.Sprintf("%s:%d:", name, lines), ` | )(`)) > 0
			})
			says("two")

			// A file in a new folder, and one that is imported.
			if language == "typescript" {
				srv.Write(t, "lib/text.ts", `import { more } from "./deep/more"; export const text = more;`)
				srv.Write(t, "lib/deep/more.ts", `export const more = "more ";`)
				srv.Write(t, name, strings.Replace(source, "one", "three", 1))
				says("more three")
				return
			}
			srv.Write(t, name, strings.Replace(source, "one", "three", 1))
			says("three")
		})
	}
}

func TestReloadRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, source, want, frame string }{
		"init throws":    {"index.ts", "export function InitModule(ctx, logger, nk, initializer) {\n\tlet n: number = 0;\n\tthrow new Error(\"no \" + n);\n}", "index.ts:3:", "     3 | \tthrow new Error"},
		"wrong argument": {"index.js", "function InitModule(ctx, logger, nk, initializer) {\n  initializer.registerRpc(\"x\", 5);\n}", "index.js:2:", "     2 |   initializer.registerRpc"},
		"not repeatable": {"index.js", "function InitModule(ctx, logger, nk, initializer) {\n  initializer.registerRpc(nk.uuidv4() + Math.random(), () => \"\");\n}", "another VM", ""},
		"lua raises":     {"main.lua", "local x = 1\n\nerror(\"no\")", "main.lua:3", "     3 | error"},
		"lua syntax":     {"main.lua", "local x = 1\nlocal = 3", "main.lua:2:", "     2 | local = 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, servertest.Module("other.lua", `require("nakama").register_rpc(function() return "old" end, "say")`))
			before := srv.Modules()
			srv.Write(t, c.file, c.source)
			a := srv.Do(t, http.MethodPost, "/v2/kumi/reload?http_key=defaulthttpkey", "", "")
			if a.Status != http.StatusBadRequest || a.Code() != 9 || !strings.Contains(a.Get("message"), c.want) || !strings.Contains(a.Get("message"), c.frame) {
				t.Errorf("%d %s, want it to name %q and show %q", a.Status, a.Get("message"), c.want, c.frame)
			}
			if srv.Modules() != before {
				t.Error("the running modules were replaced")
			}
			if got, a := srv.RPC(t, "say", ""); got != "old" {
				t.Errorf("say: %d %s", a.Status, a.Body)
			}
		})
	}
}

func TestReloadCall(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("version", (ctx) => ctx.moduleVersion);
		}`), servertest.Module("v.lua", `require("nakama").register_rpc(function(ctx) return ctx.module_version end, "version_lua")`))
	ann := srv.User(t, "ann")
	const path = "/v2/kumi/reload"
	for _, c := range []struct {
		name, method, path, auth string
		status                   int
	}{
		{"no key", "POST", path, "", 401},
		{"wrong key", "POST", path + "?http_key=x", "", 401},
		{"a player", "POST", path, "Bearer " + ann.Token, 401},
		{"GET", "GET", path + "?http_key=defaulthttpkey", "", 501},
	} {
		if a := srv.Do(t, c.method, c.path, c.auth, ""); a.Status != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, a.Status, a.Body, c.status)
		}
	}
	before := srv.Modules().Version
	a := srv.Do(t, "POST", path, "Basic ZGVmYXVsdGh0dHBrZXk6", "")
	if a.Status != 200 || a.Get("version") == before || a.Get("version") != srv.Modules().Version {
		t.Errorf("%d %s, before %s, now %s", a.Status, a.Body, before, srv.Modules().Version)
	}
	for _, id := range []string{"version", "version_lua"} {
		if got, _ := srv.RPC(t, id, ""); got != srv.Modules().Version {
			t.Errorf("%s in ctx is %q, that of the modules %q", id, got, srv.Modules().Version)
		}
	}
}

// twins is a module in two languages whose answers name the version in several
// places: two RPCs that each say it twice, from a function of their own and one
// of another file, and a before and an after hook that must agree.
func twins(n int) (js, lib, lua string) {
	js = fmt.Sprintf(`import { version } from "./lib";
		const mine = %d;
		export function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("js", () => mine + " " + version());
			initializer.registerBeforeUpdateAccount((ctx, logger, nk, req) => { req.location = "v" + mine; return req; });
			initializer.registerAfterUpdateAccount((ctx, logger, nk, out, req) => {
				if (req.location !== "v" + version()) nk.storageWrite([{ collection: "bad", key: "pair", userId: ctx.userId, value: { before: req.location, after: mine } }]);
			});
			initializer.registerRtBefore("MatchCreate", (ctx, logger, nk, e) => { e.matchCreate.name = "v" + mine; return e; });
			initializer.registerRtAfter("MatchCreate", (ctx, logger, nk, out, e) => {
				if (e.matchCreate.name !== "v" + version()) nk.storageWrite([{ collection: "bad", key: "rt", userId: ctx.userId, value: { before: e.matchCreate.name, after: mine } }]);
			});
		}`, n)
	lib = fmt.Sprintf(`export const version = () => %d;`, n)
	lua = fmt.Sprintf(`local nk = require("nakama")
		local other = require("lib.other")
		nk.register_rpc(function() return "%d " .. other() end, "lua")`, n)
	return js, lib, lua
}

func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	js, lib, lua := twins(0)
	srv := servertest.Start(t, servertest.Flags("--runtime.js_max_count", "4", "--runtime.lua_max_count", "4"),
		servertest.Module("index.ts", js), servertest.Module("lib.ts", lib), servertest.Module("main.lua", lua),
		servertest.Module("lib/other.lua", `return function() return "0" end`))

	ctx, stop := context.WithCancel(t.Context())
	var calls atomic.Int64
	var work sync.WaitGroup
	var users []*servertest.User
	check := func(what, got string) {
		calls.Add(1)
		if a, b, ok := strings.Cut(got, " "); !ok || a != b {
			t.Errorf("%s: %q is not of one version", what, got)
		}
	}
	for i := range 4 {
		user := srv.User(t, fmt.Sprintf("user%d", i))
		users = append(users, user)
		sock := user.Socket(t)
		work.Go(func() {
			for ctx.Err() == nil {
				for _, id := range []string{"js", "lua"} {
					e := sock.Call(t, "rpc", `{"id":"`+id+`"}`)
					if e["error"] != nil {
						t.Errorf("socket %s: %s", id, e["error"])
						return
					}
					check("socket "+id, e.Field("rpc", "payload"))
				}
				if e := sock.Call(t, "match_create", `{}`); e["error"] != nil {
					t.Errorf("match_create: %s", e["error"])
					return
				}
			}
		})
		work.Go(func() {
			for ctx.Err() == nil {
				for _, id := range []string{"js", "lua"} {
					got, a := user.RPC(t, id, "")
					if a.Status != http.StatusOK {
						t.Errorf("REST %s: %d %s", id, a.Status, a.Body)
						return
					}
					check("REST "+id, got)
				}
				if a := user.Do(t, "PUT", "/v2/account", `{"lang_tag":"en"}`); a.Status != http.StatusOK {
					t.Errorf("update account: %d %s", a.Status, a.Body)
					return
				}
			}
		})
	}

	var old []*modules.Set
	for n := 1; n <= 50; n++ {
		js, lib, lua := twins(n)
		srv.Write(t, "index.ts", js)
		srv.Write(t, "lib.ts", lib)
		srv.Write(t, "main.lua", lua)
		srv.Write(t, "lib/other.lua", fmt.Sprintf(`return function() return "%d" end`, n))
		old = append(old, srv.Modules())
		if err := srv.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		// New calls run the new version at once.
		if got, _ := srv.RPC(t, "js", ""); got != fmt.Sprintf("%d %d", n, n) {
			t.Errorf("after reload %d: %s", n, got)
		}
		at := calls.Load()
		servertest.Eventually(t, "calls are made between reloads", func() bool { return calls.Load() > at+8 || t.Failed() })
	}
	stop()
	work.Wait()
	t.Logf("%d calls during 50 reloads", calls.Load())
	for _, u := range users {
		if a := u.Do(t, "GET", "/v2/storage/bad/"+u.ID, ""); strings.Contains(a.Body, "value") {
			t.Errorf("hooks of one call were of two versions: %s", a.Body)
		}
	}
	gone(t, old)
}

// gone waits until sets have no VMs left.
func gone(t *testing.T, old []*modules.Set) {
	t.Helper()
	servertest.Eventually(t, "the VMs of old versions are gone", func() bool {
		for _, s := range old {
			for _, p := range s.Pools {
				if p.Stats().Allocated != 0 {
					return false
				}
			}
		}
		return true
	})
}

// TestReloadLeavesNothing checks that nothing keeps sets of replaced modules alive.
func TestReloadLeavesNothing(t *testing.T) {
	t.Parallel()
	js, lib, lua := twins(0)
	srv := servertest.Start(t, servertest.Module("index.ts", js), servertest.Module("lib.ts", lib), servertest.Module("main.lua", lua),
		servertest.Module("lib/other.lua", `return function() return "0" end`))
	var freed atomic.Int64
	const times = 20
	for range times {
		runtime.AddCleanup(srv.Modules(), func(int) { freed.Add(1) }, 0)
		if err := srv.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"js", "lua"} {
			if got, _ := srv.RPC(t, id, ""); got != "0 0" {
				t.Fatal(got)
			}
		}
	}
	servertest.Eventually(t, "old sets are collected", func() bool {
		runtime.GC()
		return freed.Load() >= times-1 // the last may be on a stack
	})
}

func TestReloadKeepsGo(t *testing.T) {
	t.Parallel()
	// The Go modules of this test's program are none; what matters is that a
	// folder may lose all its scripts and get them back.
	srv := servertest.Start(t, servertest.Module("a.lua", `require("nakama").register_rpc(function() return "a" end, "say")`))
	if err := os.Remove(filepath.Join(srv.ModulesPath, "a.lua")); err != nil {
		t.Fatal(err)
	}
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, a := srv.RPC(t, "say", ""); a.Status != http.StatusNotFound {
		t.Errorf("a function of a file that is gone: %d %s", a.Status, a.Body)
	}
	srv.Write(t, "index.js", `function InitModule(ctx, logger, nk, i) { i.registerRpc("say", () => JSON.stringify({ back: true })); }`)
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, _ := srv.RPC(t, "say", "")
	var v struct{ Back bool }
	if json.Unmarshal([]byte(got), &v) != nil || !v.Back {
		t.Errorf("say: %s", got)
	}
}

// TestCallEndsOnItsVersion holds calls of the old version, one within a script
// and one between its two hooks, while the modules are replaced twice.
func TestCallEndsOnItsVersion(t *testing.T) {
	t.Parallel()
	for language, module := range map[string][2]string{
		"javascript": {"index.js", `
			function hold(ctx, logger, nk, payload) { nk.httpRequest(payload, "get"); return "VERSION " + (ctx.moduleVersion === payload); }
			async function later(ctx, logger, nk, payload) { await nk.httpRequestAsync(payload, "get"); await new Promise(r => setTimeout(r, 1)); return "VERSION false"; }
			function InitModule(ctx, logger, nk, i) { i.registerRpc("hold", hold); i.registerRpc("later", later); }`},
		"lua": {"main.lua", `
			local nk = require("nakama")
			for _, id in ipairs({"hold", "later"}) do
				nk.register_rpc(function(ctx, payload) nk.http_request(payload, "get") return "VERSION " .. tostring(ctx.module_version == payload) end, id)
			end`},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			arrived, gate := make(chan struct{}), make(chan struct{})
			door := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				arrived <- struct{}{}
				<-gate
			}))
			t.Cleanup(door.Close)
			file, code := module[0], module[1]
			srv := servertest.Start(t, servertest.Module(file, strings.ReplaceAll(code, "VERSION", "one")))
			old := srv.Modules()
			answers := make(chan string)
			for _, id := range []string{"hold", "later"} {
				go func() {
					got, a := srv.RPC(t, id, door.URL)
					if a.Status != http.StatusOK {
						got = a.Body
					}
					answers <- got
				}()
				<-arrived
			}
			for _, version := range []string{"two", "three"} {
				srv.Write(t, file, strings.ReplaceAll(code, "VERSION", version))
				if err := srv.Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if n := old.Pools[0].Stats().Allocated; n != 2 {
				t.Errorf("%d VMs of the old version, for two calls", n)
			}
			close(gate)
			for range 2 {
				if got := <-answers; got != "one false" {
					t.Errorf("the call that began before answered %q", got)
				}
			}
			gone(t, []*modules.Set{old})
		})
	}
}
