package web

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/evanw/esbuild/pkg/api"

	"kumi/internal/testenv"
)

// TestPlay runs the tests in testdata with Node.js, bundled as the page is. They are of
// what needs no browser: made-up players, code for the SDKs, the states of a match.
func TestPlay(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("node_modules"); err != nil {
		testenv.Skip(t, "needs the page's packages: go generate ./console")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		testenv.Skip(t, "needs Node.js: "+err.Error())
	}
	program := filepath.Join(t.TempDir(), "play.mjs")
	built := api.Build(api.BuildOptions{
		EntryPoints: []string{"testdata/play.ts"}, Outfile: program, Write: true, Bundle: true, Format: api.FormatESModule, Platform: api.PlatformNode,
		JSX: api.JSXAutomatic, JSXImportSource: "preact",
	})
	if err := messages(built.Errors); len(built.Errors) > 0 {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, node, "--test", program).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
