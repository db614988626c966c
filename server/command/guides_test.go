package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// example is a block of a guide that names its file: ```ts index.ts
var example = regexp.MustCompile("(?ms)^```(?:ts|lua|go) (\\S+)$\n(.*?)^```$")

// What the guides show works: the files of each are a modules folder without
// problems, and its Go files are programs.
func TestGuides(t *testing.T) {
	t.Parallel()
	for _, guide := range []string{"README.md", "docs/typescript.md", "docs/lua.md", "docs/go.md"} {
		t.Run(guide, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("../..", guide))
			if err != nil {
				t.Fatal(err)
			}
			files := example.FindAllStringSubmatch(string(text), -1)
			if len(files) == 0 {
				t.Fatal("the guide shows no files")
			}
			dir, scripts := t.TempDir(), false
			for _, f := range files {
				file := filepath.Join(dir, f[1])
				write(t, file, f[2])
				if filepath.Ext(file) != ".go" {
					scripts = true
					continue
				}
				needGo(t)
				if said, err := exec.CommandContext(t.Context(), "go", "vet", file).CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", f[1], err, said)
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
