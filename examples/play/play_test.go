package play

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// TestPlay runs the example as a reader of the README would: the published
// client, both wire formats, the match in each language that is loaded from
// data/modules.
func TestPlay(t *testing.T) {
	t.Parallel()
	dir := install(t)
	srv := servertest.Start(t, servertest.Modules("../../data/modules"))
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	for _, handler := range []string{"tictactoe", "tictactoe_lua"} {
		for _, format := range []string{"json", "protobuf"} {
			t.Run(handler+"/"+format, func(t *testing.T) {
				cmd := exec.CommandContext(t.Context(), "node", "play.mjs", "--port", port, "--handler", handler, "--format", format)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				if err != nil || !strings.Contains(string(out), "X wins") {
					t.Fatalf("play.mjs: %v\n%s", err, out)
				}
			})
		}
	}
}

// install copies the example and installs its packages, or skips the test
// where Node or its packages cannot be had.
func install(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			skip(t, "needs Node.js: "+tool+" is not installed")
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc", "play.mjs"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		skip(t, "could not install the published client: "+err.Error()+"\n"+string(out))
	}
	return dir
}

// skip skips, except where everything has to run.
func skip(t *testing.T, why string) {
	t.Helper()
	if strict, _ := strconv.ParseBool(os.Getenv("KUMI_TEST_STRICT")); strict {
		t.Fatal(why)
	}
	t.Skip(why)
}
