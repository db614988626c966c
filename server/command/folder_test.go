package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A folder that was set and is not there ends the start, with its name; dev makes it and
// says so; the default one is noted.
func TestMissingFolder(t *testing.T) {
	t.Parallel()
	ports := []string{"--socket.port", "0", "--console.port", "0", "--socket.address", "127.0.0.1", "--logger.format", "text"}
	t.Run("set", func(t *testing.T) {
		t.Parallel()
		folder := filepath.Join(t.TempDir(), "mygmae")
		for _, first := range []string{"run", "--runtime.watch"} { // run is the default
			var out buffer
			args := append([]string{first, "--data_dir", t.TempDir(), "--runtime.path", folder}, ports...)
			if code := dispatch(t.Context(), args, streams{&out, &out, nil}); code != exitFailed || !strings.Contains(out.String(), "there is no folder "+folder+": set runtime.path") {
				t.Errorf("%s: exit %d:\n%s", first, code, out.String())
			}
		}
		if _, err := os.Stat(folder); err == nil {
			t.Error("the folder was made")
		}
	})
	t.Run("dev", func(t *testing.T) {
		t.Parallel()
		folder := filepath.Join(t.TempDir(), "mygame")
		var out buffer
		begin(t, &out, append([]string{"dev", "--data_dir", t.TempDir(), "--runtime.path", folder}, ports...)...)
		if !strings.Contains(out.String(), "there was no modules folder "+folder+": it has been made") {
			t.Errorf("dev said\n%s", out.String())
		}
		if _, err := os.Stat(folder); err != nil {
			t.Error(err)
		}
		if strings.Contains(out.String(), "docs/README.md") { // not in this folder
			t.Errorf("the start names a page that is not there:\n%s", out.String())
		}
	})
	t.Run("default", func(t *testing.T) {
		t.Parallel()
		data := t.TempDir()
		var out buffer
		begin(t, &out, append([]string{"--data_dir", data}, ports...)...)
		if !strings.Contains(out.String(), "there is no modules folder "+filepath.Join(data, "modules")+", so nothing is loaded") {
			t.Errorf("the start said\n%s", out.String())
		}
	})
}

// Text in a file has no colours.
func TestTextLogFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "log")
	var out buffer
	begin(t, &out, "--data_dir", dir, "--socket.port", "0", "--console.port", "0", "--socket.address", "127.0.0.1", "--logger.format", "text", "--logger.file", file)
	if text, err := os.ReadFile(file); err != nil || len(text) == 0 || strings.Contains(string(text), "\x1b") {
		t.Errorf("%v, the log has %q", err, text)
	}
}

// A misspelled flag of test is answered with the one that is meant, be it a setting or not.
func TestMisspelledTestFlag(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]string{"--filtr": "unknown flag --filtr: did you mean --filter?", "--logger.levl": "unknown flag --logger.levl: did you mean --logger.level?"} {
		var out buffer
		if code := dispatch(t.Context(), []string{"test", t.TempDir(), flag, "x"}, streams{&out, &out, nil}); code != exitUsage || !strings.Contains(out.String(), want) {
			t.Errorf("test %s: exit %d, want %q in\n%s", flag, code, want, out.String())
		}
	}
}
