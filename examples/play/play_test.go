package play

import (
	"os/exec"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// TestPlay runs the example as described in the README: the published client,
// both wire formats, and the match in each language in data/modules.
func TestPlay(t *testing.T) {
	t.Parallel()
	dir := servertest.NodePackages(t)
	servertest.CopyFile(t, "play.mjs", dir)
	srv := servertest.Start(t, servertest.Modules("../../data/modules"))
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	for _, handler := range []string{"tictactoe", "tictactoe_lua"} {
		for _, format := range []string{"json", "protobuf"} {
			t.Run(handler+"/"+format, func(t *testing.T) {
				t.Parallel()
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
