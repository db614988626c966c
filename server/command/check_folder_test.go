package command

import (
	"path/filepath"
	"strings"
	"testing"
)

// A folder that is named and does not exist is an error, and so is a file in its
// place.
func TestCheckOfNoFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	for path, want := range map[string]string{"nothing": "there is no folder", "file": "is not a folder"} {
		var out buffer
		code := dispatch(t.Context(), []string{"check", "--runtime.path", filepath.Join(dir, path)}, streams{&out, &out, nil})
		if code != exitFailed || !strings.Contains(out.String(), want) {
			t.Errorf("%s: exit %d, want %q in:\n%s", path, code, want, out.String())
		}
	}
}
