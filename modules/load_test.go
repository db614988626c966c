package modules

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/modules/registry"
)

// For one slot Go stands before Lua and Lua before JavaScript, and the log says
// what is hidden.
func TestPrecedence(t *testing.T) {
	const mark = "KUMI_PRECEDENCE"
	golang.Register("precedence", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
		if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env[mark] == "" {
			return nil // another test's load
		}
		return initializer.RegisterRpc("All", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, string) (string, error) {
			return "go", nil
		})
	})
	w := emptyTestServer(t, map[string]string{
		"index.js": duelJS + `function InitModule(ctx, logger, nk, initializer) {
			for (const id of ["all", "Scripts", "js"]) initializer.registerRpc(id, () => "javascript");
			initializer.registerRpc("twice", () => "first"); initializer.registerRpc("TWICE", () => "second");
			initializer.registerMatch("duel", duel); initializer.registerMatch("duel_go", duel);
			initializer.registerAfterAddFriends(() => {}); initializer.registerBeforeAddFriends(() => {});
			initializer.registerRtBefore("Ping", (ctx, logger, nk, e) => e); initializer.registerShutdown(() => {}); initializer.registerEvent(() => {});
		}`,
		"b.lua": `local nk = require("nakama")
			for _, id in ipairs({"ALL", "scripts", "lua"}) do nk.register_rpc(function () return "lua" end, id) end
			nk.register_req_after(function () end, "addfriends"); nk.register_rt_before(function (_, e) return e end, "ping"); nk.register_shutdown(function () end); nk.register_event(function () end)`,
		"c.lua":    `require("nakama").register_rpc(function () return "c" end, "lua")`,
		"duel.lua": duelLua,
	})
	w.options.Env = map[string]string{mark: "1"}
	if err := w.load(); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"all": "go", "scripts": "lua", "js": "javascript", "lua": "c", "twice": "second"} {
		if got, err := w.call(t, id, ""); err != nil || got != want {
			t.Errorf("RPC %s is answered with %q, %v, want %q", id, got, err, want)
		}
	}
	if p := w.Hooks.API("AddFriends"); p.After.Runtime != "lua" || p.Before.Runtime != "javascript" {
		t.Errorf("the hooks of AddFriends are %s and %s", p.Before.Runtime, p.After.Runtime)
	}
	if r := w.Hooks.Single.Shutdown.Runtime; r != "lua" {
		t.Errorf("the shutdown handler is that of %s", r)
	}
	var order []string
	for _, e := range w.Hooks.Events.Custom {
		order = append(order, e.Runtime)
	}
	if diff := cmp.Diff([]string{"lua", "javascript"}, order); diff != "" {
		t.Errorf("events run in another order:\n%s", diff)
	}
	for _, want := range [][]string{
		{`RPC function \"all\" of the javascript module`, `is shadowed by that of the lua module \"b\"`},
		{`RPC function \"all\" of the lua module \"b\" is shadowed by that of the go module \"precedence\"`},
		{`RPC function \"lua\" of the lua module \"b\" is shadowed by that of the lua module \"c\"`},
		{`RPC function \"twice\" of the javascript module`, `of the javascript module`},
		{`match handler \"duel\" of the javascript module`, `of the lua module \"duel\"`},
		{`match handler \"duel_go\" of the javascript module`, `of the go module`},
		{`after hook \"AddFriends\" of the javascript`}, {`realtime before hook \"Ping\" of the javascript`}, {`shutdown of the javascript`},
	} {
		if len(w.log.Lines(want...)) != 1 {
			t.Errorf("the log has %d lines with %q, want one", len(w.log.Lines(want...)), want)
		}
	}
	if len(w.log.Lines("before hook \\\"AddFriends\\\"")) > 0 {
		t.Error("the log speaks of a hook that nothing hides")
	}
	loaded := map[string]registry.Loaded{}
	for _, l := range w.Modules {
		loaded[l.Runtime+" "+l.Name] = l
	}
	if l := loaded["lua b"]; len(l.RPCs) != 3 || len(l.Hooks) != 3 || l.Events != 1 {
		t.Errorf("the module b is described as %+v", l)
	}
	if l := loaded["lua duel"]; len(l.Matches) != 1 {
		t.Errorf("the module duel is described as %+v", l)
	}
	if len(w.Pools) != 2 {
		t.Errorf("there are %d pools, want one for each script language", len(w.Pools))
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	w := newTestServer(t, map[string]string{"a.lua": "return 1"})
	first := w.Version
	if err := w.load(); err != nil {
		t.Fatal(err)
	}
	a, b := strings.SplitN(first, "-", 2), strings.SplitN(w.Version, "-", 2)
	if a[0] == b[0] || a[1] != b[1] {
		t.Errorf("two loads of the same files are %s and %s; want another number and the same hash", first, w.Version)
	}
}

// A load that fails leaves things as they were.
func TestFailedReload(t *testing.T) {
	t.Parallel()
	w := newTestServer(t, map[string]string{"duel.lua": duelLua})
	good := w.Set
	good2 := w.options
	w.options.Path = emptyTestServer(t, map[string]string{"duel.lua": duelLua, "zz.lua": "local x = = 5"}).options.Path
	_, err := Load(t.Context(), w.options)
	if err == nil || !strings.Contains(err.Error(), "zz.lua:1") {
		t.Errorf("got %v, want an error with file and line", err)
	}
	w.options = good2
	id := w.create(t, "duel", nil)
	if _, err := w.matches.Signal(t.Context(), id, "ctx"); err != nil {
		t.Error(err)
	}
	if w.Set != good {
		t.Error("the set was replaced")
	}
}

// run_once runs once per load while modules load, and once per place later.
func TestRunOnce(t *testing.T) {
	t.Parallel()
	w := newTestServer(t, map[string]string{
		"a.lua": `local nk = require("nakama")
			local started
			nk.run_once(function (ctx) started = ctx.execution_mode; nk.logger_info("once a") end)
			nk.register_rpc(function () nk.run_once(function () nk.logger_info("later") end)
				nk.run_once(function () nk.logger_info("another") end); return started end, "once")`,
		"b.lua": `local nk = require("nakama"); nk.run_once(function () nk.logger_info("once b"); nk.storage_write({{collection = "c", key = "k", value = {}, version = "*"}}) end)`,
	})
	pool := w.Pools[0]
	var leases []interface{ Release() }
	ctx := context.Background()
	for range 3 { // the next call gets a fresh VM
		l, _, err := pool.Lease(ctx)
		if err != nil {
			t.Fatal(err)
		}
		leases = append(leases, l)
	}
	if got, err := w.call(t, "once", ""); err != nil || got != "run_once" {
		t.Errorf("a VM made later got %q, %v from run_once, want its effect on the module", got, err)
	}
	for _, l := range leases {
		l.Release()
	}
	for range 3 {
		if _, err := w.call(t, "once", ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"once a", "once b", "later", "another"} {
		if n := len(w.log.Lines(text)); n != 1 {
			t.Errorf("%q was logged %d times, want once", text, n)
		}
	}
}

// An event handler runs beside the call that raised the event, in another VM.
func TestEventHasItsOwnVM(t *testing.T) {
	t.Parallel()
	for lang, text := range map[string]string{
		"javascript": `let busy = false;
			initializer.registerRpc("raise", () => { busy = true; nk.event("e", {}); let seen; while (!(seen = nk.localcacheGet("seen"))) {} busy = false; return seen });
			initializer.registerEvent(() => { nk.localcachePut("seen", busy ? "the same VM" : "another VM") });`,
		"lua": `local busy = false
			nk.register_rpc(function () busy = true; nk.event("e", {}); local seen; repeat seen = nk.localcache_get("seen") until seen; busy = false; return seen end, "raise")
			nk.register_event(function () nk.localcache_put("seen", busy and "the same VM" or "another VM") end)`,
	} {
		t.Run(lang, func(t *testing.T) {
			w := hookServer(t, lang, text)
			var beside sync.WaitGroup
			defer beside.Wait()
			w.core.OnEvent(func(ctx context.Context, e *api.Event) {
				beside.Go(func() { w.Hooks.Events.Custom[0].Call(context.WithoutCancel(ctx), e) })
			})
			if got, err := w.call(t, "raise", ""); err != nil || got != "another VM" {
				t.Errorf("the handler ran in %q, %v; want another VM", got, err)
			}
		})
	}
}
