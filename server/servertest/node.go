package servertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"kumi/internal/testenv"
)

// NodePackages returns a folder with the published clients installed, in the versions
// of examples/play. It skips the test if Node.js or the packages are not available.
func NodePackages(t testing.TB) string {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			testenv.Skip(t, "needs Node.js: "+tool+" is not installed")
		}
	}
	_, here, _, _ := runtime.Caller(0)
	example := filepath.Join(filepath.Dir(here), "..", "..", "examples", "play")
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
		CopyFile(t, filepath.Join(example, name), dir)
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		testenv.Skip(t, "could not install the published client: "+err.Error()+"\n"+string(out))
	}
	return dir
}

// CopyFile copies a file into a folder.
func CopyFile(t testing.TB, path, dir string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), text, 0o644); err != nil {
		t.Fatal(err)
	}
}
