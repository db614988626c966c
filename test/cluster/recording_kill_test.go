package cluster

import (
	"maps"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kumi/config"
	"kumi/internal/testutil"
	"kumi/match"
	"kumi/server/replay"
)

// What was recorded of a match is in its file when the server is killed: it can be read and
// replayed.
func TestRecordingSurvivesItsProcess(t *testing.T) {
	t.Parallel()
	modules := maps.Clone(movingModules)
	modules["index.ts"] = strings.Replace(modules["index.ts"], `initializer.registerRpc("list"`,
		`initializer.registerRpc("fill", (ctx, logger, nk, id) => nk.matchSignal(id, "x".repeat(300000)));
			initializer.registerRpc("list"`, 1)
	data := t.TempDir()
	n := aloneIn(t, data, false, modules, "--match.record", "always")
	folder := filepath.Join(data, "recordings")
	files := map[string]string{} // of matches
	for _, handler := range []string{"moving_js", "moving_lua", "moving_go"} {
		id, _ := n.RPC(t, "start", handler)
		if id == "" {
			t.Fatalf("there is no match %s", handler)
		}
		if _, a := n.RPC(t, "fill", id); a.Status != 200 {
			t.Fatalf("signal: %s", a.Body)
		}
		testutil.Eventually(t, "the recording of "+handler+" is in a file", func() bool {
			all, _ := filepath.Glob(filepath.Join(folder, "*"+handler+"*"+match.RecordingEnding))
			if len(all) == 1 {
				files[id] = all[0]
			}
			return len(all) == 1
		})
	}
	n.Signal(syscall.SIGKILL)
	n.Ended()

	for id, path := range files {
		rec, err := replay.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if rec.Match != id || !rec.Incomplete || !rec.First || !rec.Ended.IsZero() || len(rec.Segments) != 1 {
			t.Errorf("%s is %+v with %d segments", path, rec.Header, len(rec.Segments))
		}
		cfg, _, err := config.Parse([]string{"--runtime.path", n.all.modules}, nil)
		if err != nil {
			t.Fatal(err)
		}
		host, err := replay.NewHost(t.Context(), cfg, rec.Node)
		if err != nil {
			t.Fatal(err)
		}
		report, err := host.Run(t.Context(), rec, nil)
		if err != nil || report.First != nil || report.Calls != 1+len(rec.Segments[0].Steps) {
			t.Errorf("the replay of %s: %+v, %v", rec.Handler, report, err)
		}
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	}
}
