package command

import (
	"os/exec"
	"path/filepath"
	"testing"

	"kumi/server/servertest"
)

// What the guides show works: the files of each are a modules folder without
// problems, and its Go files are programs.
func TestGuides(t *testing.T) {
	t.Parallel()
	for _, guide := range []string{"README.md", "docs/typescript.md", "docs/lua.md", "docs/go.md"} {
		t.Run(guide, func(t *testing.T) {
			t.Parallel()
			dir, scripts := t.TempDir(), false
			for name, source := range servertest.Examples(t, filepath.Join("../..", guide)) {
				file := filepath.Join(dir, name)
				write(t, file, source)
				if filepath.Ext(file) != ".go" {
					scripts = true
					continue
				}
				needGo(t)
				if said, err := exec.CommandContext(t.Context(), "go", "vet", file).CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", name, err, said)
				}
			}
			if !scripts {
				return
			}
			var out buffer
			if code := dispatch(t.Context(), []string{"check", "--runtime.path", dir}, streams{&out, &out, nil}); code != exitOK {
				t.Errorf("check: exit %d\n%s", code, out.String())
			}
		})
	}
}
