package test

import (
	"strings"
	"testing"

	"kumi/server/servertest"
)

// shownNow is the dashboard as far as tests look at it.
type shownNow struct {
	Process *struct {
		GoVersion string  `json:"go_version"`
		HeapBytes float64 `json:"heap_bytes"`
	}
	Functions []struct {
		Kind, Name  string
		Total, Last struct {
			Count, Errors float64
			P99           float64 `json:"p99_ms"`
		}
	}
	SlowMatches []struct {
		MatchID  string  `json:"match_id"`
		Handler  string  `json:"handler"`
		TickRate int     `json:"tick_rate"`
		TickMs   float64 `json:"tick_ms"`
		BudgetMs float64 `json:"budget_ms"`
		Over     float64 `json:"over_budget"`
	} `json:"slow_matches"`
	Pools []struct {
		Runtime string
		Max     int
		Size    int
	}
	Database *struct {
		Kind       string
		Open       int
		Bytes      float64
		Statements float64
	}
	Warnings []struct{ Field string }
}

// The dashboard has what modules, matches and the database take.
func TestConsoleDashboard(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		live := srv.ConsoleLogin(t, "admin", "password").Live(t)
		ann := srv.User(t, "ann")
		ann.RPC(t, "fail", "")
		id, _ := ann.RPC(t, "match", "")
		ann.Do(t, "GET", "/v2/friend", "")
		ann.Socket(t).Call(t, "match_create", "{}")
		var d shownNow
		servertest.Eventually(t, "the match is slow", func() bool {
			srv.ConsoleAdmin().Must(t, "GET", "/dashboard", nil).Decode(t, &d)
			return len(d.SlowMatches) == 1 && d.SlowMatches[0].Over > 1
		})
		if m := d.SlowMatches[0]; m.MatchID != id || m.Handler != "slow" || m.TickRate != 50 || m.BudgetMs != 20 || m.TickMs <= 0 {
			t.Errorf("the slow match is %+v", m)
		}
		found := map[string]bool{}
		for _, f := range d.Functions {
			found[f.Kind+" "+f.Name] = true
			if f.Name == "fail" && (f.Total.Count != 1 || f.Total.Errors != 1 || f.Last.Count != 1 || f.Total.P99 <= 0) {
				t.Errorf("%+v", f)
			}
		}
		for _, name := range []string{"rpc fail", "rpc match", "before ListFriends", "before MatchCreate", "match slow"} {
			if !found[name] {
				t.Errorf("there is no %s in %v", name, found)
			}
		}
		if d.Process == nil || d.Process.HeapBytes <= 0 || !strings.HasPrefix(d.Process.GoVersion, "go") {
			t.Errorf("the process is %+v", d.Process)
		}
		if len(d.Pools) != 1 || d.Pools[0].Runtime != "javascript" || d.Pools[0].Max < 1 || d.Pools[0].Size < 1 {
			t.Errorf("the pools are %+v", d.Pools)
		}
		if d.Database == nil || d.Database.Bytes < 1000 || d.Database.Open < 1 || d.Database.Statements < 1 {
			t.Errorf("the database is %+v", d.Database)
		}
		if len(d.Warnings) == 0 {
			t.Error("there are no warnings of the default configuration")
		}
		live.Subscribe(1, "dashboard", "")
		if all := servertest.Data[shownNow](live, 1); all.Database == nil || all.Process == nil || len(all.Functions) == 0 {
			t.Errorf("the page got %+v", all)
		}
		if next := servertest.Data[shownNow](live, 1); next.Warnings != nil || next.Process == nil {
			t.Errorf("what changed is %+v", next)
		}
	}, servertest.Module("index.js", `
		function wait(ms) { const end = Date.now() + ms; while (Date.now() < end) { /* busy */ } }
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("fail", () => { throw { message: "not today", code: 9 }; });
			initializer.registerRpc("match", (ctx, logger, nk) => nk.matchCreate("slow", {}));
			initializer.registerBeforeListFriends((ctx, logger, nk, data) => data);
			initializer.registerRtBefore("MatchCreate", (ctx, logger, nk, envelope) => envelope);
			initializer.registerMatch("slow", { matchInit, matchJoinAttempt, matchJoin, matchLeave, matchLoop, matchTerminate, matchSignal });
		}
		function matchInit() { return { state: {}, tickRate: 50, label: "" }; }
		function matchJoinAttempt(ctx, logger, nk, dispatcher, tick, state) { return { state, accept: true }; }
		function matchJoin(ctx, logger, nk, dispatcher, tick, state) { return { state }; }
		function matchLeave(ctx, logger, nk, dispatcher, tick, state) { return { state }; }
		function matchLoop(ctx, logger, nk, dispatcher, tick, state) { wait(25); return { state }; }
		function matchTerminate(ctx, logger, nk, dispatcher, tick, state) { return { state }; }
		function matchSignal(ctx, logger, nk, dispatcher, tick, state) { return { state }; }
	`))
}

// reloads are what a page gets of reloads.
type reloads struct {
	Reloads []struct {
		Version, Before string
		Files           []string
		TookMs          float64 `json:"took_ms"`
		Error           *struct {
			Message, File string
			Line, Column  int
			Source        []struct {
				Number int
				Text   string
			}
		}
	}
}

// A page is told of each reload what changed, and of a failed one where the error is.
func TestConsoleReloads(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"javascript", "typescript", "lua"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			name, source := say(language, "one")
			srv := servertest.Start(t, servertest.Console(), servertest.Flags("--runtime.watch"),
				servertest.Module(name, source), servertest.Module("lib/text.ts", `export const text = "";`))
			live := srv.ConsoleLogin(t, "admin", "password").Live(t)
			live.Subscribe(1, "reload", "")
			if first := servertest.Data[reloads](live, 1); len(first.Reloads) != 0 {
				t.Errorf("before a reload: %+v", first)
			}
			srv.Write(t, name, strings.Replace(source, "one", "two", 1))
			r := servertest.Data[reloads](live, 1).Reloads[0]
			if r.Error != nil || r.Version == r.Before || r.TookMs <= 0 || len(r.Files) != 1 || r.Files[0] != name {
				t.Errorf("a change: %+v", r)
			}
			lines := strings.Count(source, "\n") + 2
			srv.Write(t, name, source+"\n  this is not a program (")
			r = servertest.Data[reloads](live, 1).Reloads[0]
			if r.Error == nil || r.Version != r.Before || len(r.Files) != 1 {
				t.Fatalf("a mistake: %+v", r)
			}
			e := r.Error
			last := e.Source[len(e.Source)-1]
			if e.File != name || e.Line != lines || e.Message == "" || last.Number != lines || last.Text != "  this is not a program (" || len(e.Source) < 2 {
				t.Errorf("the error is %+v", *e)
			}
			var all reloads
			srv.ConsoleAdmin().Must(t, "GET", "/reload", nil).Decode(t, &all)
			if len(all.Reloads) != 2 {
				t.Errorf("all reloads: %+v", all)
			}
		})
	}
}
