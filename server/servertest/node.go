package servertest

import (
	"os"
	"path/filepath"
	"testing"

	"kumi/internal/testenv"
)

// NodePackages returns a folder with the published clients installed, in the versions
// of examples/play. It skips the test if Node.js or the packages are not available.
func NodePackages(t testing.TB) string {
	t.Helper()
	return testenv.NodeModules(t, "examples/play")
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
