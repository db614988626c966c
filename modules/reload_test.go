package modules

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/match"
	"kumi/modules/golang"
)

// The Go module of these tests counts how often it is run, in worlds that ask
// for it.
var steadyRuns atomic.Int64

func init() {
	golang.Register("steady", func(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
		env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string)
		if env["mood"] != "steady" {
			return nil
		}
		steadyRuns.Add(1)
		return initializer.RegisterRpc("steady", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, string) (string, error) {
			if ctx.Err() != nil {
				return "over", nil
			}
			return "steady", nil
		})
	})
}

func (w *testServer) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.options.Path, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// reload makes a new set and puts it in the place of the old one.
func (w *testServer) reload(t testing.TB) (old *Set) {
	t.Helper()
	s, err := Reload(t.Context(), w.options, w.Set)
	if err != nil {
		t.Fatalf("reload: %v", err)
	}
	old, w.Set = w.Set, s
	w.matches.SetHandlers(s.Handler)
	old.Retire()
	return old
}

func TestReloadLeavesGoModules(t *testing.T) {
	t.Parallel()
	before := steadyRuns.Load()
	w := emptyTestServer(t, map[string]string{"main.lua": `require("nakama").register_rpc(function() return "one" end, "say")`})
	w.options.Env = map[string]string{"mood": "steady"}
	if err := w.load(); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"two", "three"} {
		w.write(t, "main.lua", `require("nakama").register_rpc(function() return "`+text+`" end, "say")`)
		w.reload(t)
		if got, err := w.call(t, "say", ""); got != text || err != nil {
			t.Errorf("say: %q %v, want %q", got, err, text)
		}
		w.write(t, "main.lua", `error("no")`)
		if _, err := Reload(t.Context(), w.options, w.Set); err == nil {
			t.Error("a broken module was loaded")
		}
		if got, err := w.call(t, "steady", ""); got != "steady" || err != nil {
			t.Errorf("the Go module: %q %v", got, err)
		}
	}
	if n := steadyRuns.Load() - before; n != 1 {
		t.Errorf("the Go module's InitModule ran %d times", n)
	}
}

// What is being loaded can make matches of its own new handlers, and nobody else
// sees those.
func TestReloadHidesUnfinishedSet(t *testing.T) {
	t.Parallel()
	const module = `
		const handler = { matchInit: () => ({ state: {}, tickRate: 1, label: "NAME" }), matchJoinAttempt() {}, matchJoin() {}, matchLeave() {}, matchLoop: (c, l, n, d, t, state) => ({ state }), matchTerminate() {}, matchSignal() {} };
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerMatch("duel", handler);
			initializer.registerMatch("NAME", handler);
			nk.matchCreate("duel");
			nk.matchCreate("NAME");
			nk.storageWrite([{ collection: "c", key: "NAME", userId: "00000000-0000-0000-0000-000000000000", value: {} }]);
			END
		}`
	code := func(name, end string) string { return strings.NewReplacer("NAME", name, "END", end).Replace(module) }
	w := newTestServer(t, map[string]string{"index.js": code("one", "")})
	labels := func(want map[string]int) {
		t.Helper()
		list, err := w.core.Module().Matches(t.Context(), match.ListFilter{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, m := range list {
			got[m.Label.GetValue()]++
		}
		for label, n := range want {
			if got[label] != n {
				t.Errorf("matches by label: %v, want %v", got, want)
				return
			}
		}
	}
	labels(map[string]int{"one": 2})

	// It fails after everything: the old handlers are all there is.
	w.write(t, "index.js", code("two", `throw new Error("at last");`))
	if _, err := Reload(t.Context(), w.options, w.Set); err == nil || !strings.Contains(err.Error(), "index.js:9:") {
		t.Fatalf("reload: %v", err)
	}
	labels(map[string]int{"one": 2, "two": 2})
	if id, err := w.matches.Create(t.Context(), "two", nil); err == nil {
		t.Errorf("a handler of modules that could not be loaded made the match %s", id)
	}
	if _, err := w.matches.Create(t.Context(), "duel", nil); err != nil {
		t.Error(err)
	}
	labels(map[string]int{"one": 3, "two": 2})

	w.write(t, "index.js", code("three", ""))
	old := w.reload(t)
	labels(map[string]int{"three": 2})
	for _, name := range []string{"one", "two"} {
		if _, err := w.matches.Create(t.Context(), name, nil); err == nil {
			t.Errorf("the match handler %s of old modules is still there", name)
		}
	}
	if old.Version == w.Version || old.Digest == w.Digest {
		t.Errorf("version %s after %s", w.Version, old.Version)
	}
}
