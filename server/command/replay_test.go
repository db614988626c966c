package command

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"kumi/config"
	"kumi/server"
)

const replayedGame = `
let seed = 0;
function matchInit(ctx, logger, nk, params) { return { state: { n: 0, scores: [params.first], last: "" }, tickRate: 30, label: "" }; }
function matchJoinAttempt(ctx, logger, nk, d, tick, state) { return { state, accept: true }; }
function keep(ctx, logger, nk, d, tick, state) { return { state }; }
function matchLoop(ctx, logger, nk, d, tick, state) {
	state.n += STEP;
	if (state.n === 3) logger.info("three at %d", Math.floor(Math.random() * 10));
	state.last = nk.uuidv4();
	d.broadcastMessage(1, String(state.n));
	if (tick === 5) throw new Error("broken at " + state.n);
	return { state };
}
function matchSignal(ctx, logger, nk, d, tick, state, data) { return { state, data }; }
function InitModule(ctx, logger, nk, initializer) {
	initializer.registerMatch("arena", { matchInit, matchJoinAttempt, matchJoin: keep, matchLeave: keep, matchLoop, matchTerminate: keep, matchSignal });
}
`

// replayFolder writes the game with the amount that it adds each tick.
func replayFolder(t *testing.T, step string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.js"), []byte(strings.ReplaceAll(replayedGame, "STEP", step)), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// recordError plays a match that fails and returns its recording.
func recordError(t *testing.T, modules string) string {
	t.Helper()
	data := t.TempDir()
	cfg, _, err := config.Load([]string{"--data_dir", data, "--runtime.path", modules, "--match.record", "error", "--console.port", "0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.New(t.Context(), cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	id, err := srv.Game().Matches.Create(t.Context(), "arena", map[string]any{"first": 7})
	if err != nil {
		t.Fatal(err)
	}
	for {
		if m, err := srv.Game().Matches.Get(context.Background(), id); err != nil || m == nil {
			break
		}
	}
	if err := srv.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(data, "recordings", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the recordings are %v (%v), want one", files, err)
	}
	return files[0]
}

// A recording becomes a test, which passes on the same code and fails on other code.
func TestReplayToTest(t *testing.T) {
	t.Parallel()
	same, other := replayFolder(t, "1"), replayFolder(t, "(tick === 3 ? 2 : 1)")
	file := recordError(t, same)
	for folder, want := range map[string]int{same: exitOK, other: exitFailed} {
		var out, errs strings.Builder
		if code := dispatch(t.Context(), []string{"replay", file, "--to-test", "arena", "--runtime.path", folder}, streams{&out, &errs, nil}); code != exitOK {
			t.Fatalf("exit code %d\n%s%s", code, &out, &errs)
		}
		for _, name := range []string{"arena.kumirec", "arena.test.ts"} {
			if want := "wrote " + filepath.Join(folder, name) + "\n"; !strings.Contains(out.String(), want) {
				t.Errorf("%q is missing in\n%s", want, &out)
			}
		}
		code := dispatch(t.Context(), []string{"test", folder}, streams{&out, &errs, nil})
		text := out.String() + errs.String()
		if code != want || want == exitFailed && !strings.Contains(text, "replayed op 1 to all, 5") {
			t.Errorf("kumi test: exit code %d, want %d\n%s", code, want, text)
		}
	}
}

// A match that failed is recorded, and kumi replay says whether code does the same.
func TestReplayCommand(t *testing.T) {
	t.Parallel()
	same, other := replayFolder(t, "1"), replayFolder(t, "(tick === 3 ? 2 : 1)")
	file, empty := recordError(t, same), t.TempDir()
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"--runtime.path " + same, exitOK, []string{"everything is as it was recorded", "it failed in loop: ", "broken at 6", "at matchLoop (index.js:11:", "tick 2  info   three at "}},
		{"--quiet --runtime.path " + other, exitFailed, []string{"first difference is in tick 3, loop:", "broadcast 1 (data): recorded op 1 to all, 4, replayed op 1 to all, 5", "the state after tick 5:", "state.n: recorded 6, replayed 7"}},
		{"--at 2 --runtime.path " + same, exitOK, []string{`"n":3`, `"scores":[7]`}},
		{"--bisect " + same + " " + other, exitFailed, []string{"they part in tick 3, loop", "state.n: recorded 4, replayed 5"}},
		{"--bisect " + same + " " + same, exitOK, []string{"both folders do the same"}},
		{"--runtime.path " + empty, exitFailed, []string{`no match handler is named "arena" in the modules of ` + empty, "--runtime.path"}},
		{"--at x", exitUsage, []string{`"x" is not a tick`}},
	} {
		var out, errs strings.Builder
		code := dispatch(t.Context(), append([]string{"replay", file}, strings.Fields(c.args)...), streams{&out, &errs, nil})
		text := out.String() + errs.String()
		if code != c.code {
			t.Errorf("replay %s: exit code %d, want %d\n%s", c.args, code, c.code, text)
		}
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("replay %s: want %q in\n%s", c.args, want, text)
			}
		}
		if strings.Contains(c.args, "--quiet") && strings.Contains(text, "three at") {
			t.Errorf("replay %s prints the log", c.args)
		}
	}
}
