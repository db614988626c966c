package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A new game has no problems, and its tests pass, in every language. Nothing is set, as
// in the game's folder.
func TestNew(t *testing.T) {
	t.Parallel()
	for language, check := range map[string]string{
		"ts":  "ok  javascript  index.ts: 1 RPC, 1 hook, 1 match handler",
		"lua": "ok  lua         main: 1 RPC, 1 hook",
		"go":  "ok  go          modules: 1 RPC, 1 hook, 1 match handler",
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			if language == "go" {
				needGo(t)
			}
			folder := filepath.Join(t.TempDir(), "stone-age")
			said := newFolder(t, exitOK, folder, "--"+language)
			if !strings.Contains(said, filepath.Join(folder, ".github", "workflows", "test.yml")) {
				t.Errorf("new printed\n%s", said)
			}
			modules := filepath.Join(folder, "data", "modules")
			for args, want := range map[string]string{
				"check --runtime.path " + modules: check,
				"test " + modules:                 " passed\n",
			} {
				var out buffer
				code := dispatch(t.Context(), strings.Fields(args), streams{&out, &out, os.Environ()})
				if code != exitOK || !strings.Contains(out.String(), want) {
					t.Errorf("%s: exit %d, want %q in\n%s", args, code, want, out.String())
				}
			}
			if language == "go" {
				goTest(t, folder)
			}
		})
	}
}

// goTest formats, vets and tests the Go code of a new game.
func goTest(t *testing.T, folder string) {
	t.Helper()
	if left, err := exec.CommandContext(t.Context(), "gofmt", "-l", folder).CombinedOutput(); err != nil || len(left) > 0 {
		t.Errorf("gofmt: %v %s", err, left)
	}
	for _, what := range []string{"vet", "test"} {
		cmd := exec.CommandContext(t.Context(), "go", what, "./...")
		cmd.Dir = folder
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %s: %v\n%s", what, err, said)
		}
	}
}

// What to do next is printed with a command that there is.
func TestNewNext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bin", "kumi"), "")
	for path, want := range map[string]string{
		filepath.Join(dir, "bin"): `\nnext: cd \S+ && kumi check && kumi test\n`,
		// a test is a program of the go command, as with go run
		filepath.Join(dir, "none"): `\nnext: go build -C (\S+) -o kumi \. && cd \S+ && \S+/kumi check && \S+/kumi test\n`,
	} {
		var out buffer
		dispatch(t.Context(), []string{"new", filepath.Join(t.TempDir(), "duel")}, streams{&out, &out, []string{"PATH=" + path}})
		m := regexp.MustCompile(want).FindStringSubmatch(filepath.ToSlash(out.String()))
		if m == nil {
			t.Fatalf("with %s, want %s in\n%s", path, want, out.String())
		}
		if len(m) > 1 {
			if _, err := os.Stat(filepath.Join(m[1], "main.go")); err != nil {
				t.Errorf("there is no source in %s", m[1])
			}
		}
	}
}

// What is in the folder of a game is there for its language, and says its name.
func TestNewFiles(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "duel")
	newFolder(t, exitOK, folder) // TypeScript unless another language is named
	for file, want := range map[string]string{
		"README.md":                    "^# duel\n",
		".gitignore":                   "(?m)^/data/\\*$",
		".github/workflows/test.yml":   `repository: \$\{\{ vars.KUMI_REPOSITORY \}\}`,
		"data/modules/index.ts":        "InitModule",
		"data/modules/kumi-test.d.ts":  "declare function test",
		"data/modules/nkruntime.d.ts":  "declare namespace nkruntime",
		"data/modules/tsconfig.json":   "ES2022",
		"data/modules/game.test.ts":    "matchmaker",
		"data/modules/missing.test.ts": "",
	} {
		text, err := os.ReadFile(filepath.Join(folder, file))
		if want == "" {
			if err == nil {
				t.Errorf("there is a file %s", file)
			}
			continue
		}
		if err != nil || !regexp.MustCompile(want).Match(text) {
			t.Errorf("%s: %v, want %q in\n%s", file, err, want, text)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "full", "a.txt"), "mine")
	write(t, filepath.Join(dir, "file"), "mine")
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "the folder of the new game is missing", nil},
		{exitUsage, `unknown flag "--rust"`, []string{"a", "--rust"}},
		{exitUsage, "expected one language", []string{"a", "--ts", "--go"}},
		{exitUsage, `expected one folder, not also "b"`, []string{"a", "b"}},
		{exitUsage, `"1st" cannot be the name of a game`, []string{filepath.Join(dir, "1st")}},
		{exitUsage, `"my game" cannot be the name of a game`, []string{filepath.Join(dir, "my game")}},
		{exitUsage, "cannot be the name of a game", []string{".."}},
		{exitFailed, "the folder exists and is not empty", []string{filepath.Join(dir, "full")}},
		{exitFailed, "not a directory", []string{filepath.Join(dir, "file")}},
	} {
		if said := newFolder(t, c.code, c.args...); !strings.Contains(said, c.want) {
			t.Errorf("new %q: want %q in\n%s", c.args, c.want, said)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("a refused command made %v, %v", left, err)
	}
}

// newFolder runs kumi new and returns what it printed.
func newFolder(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out buffer
	if got := dispatch(t.Context(), append([]string{"new"}, args...), streams{&out, &out, os.Environ()}); got != code {
		t.Fatalf("new %q: exit %d, want %d\n%s", args, got, code, out.String())
	}
	return out.String()
}
