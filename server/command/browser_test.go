package command

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"kumi/config"
)

// Not parallel: it sets the environment.
func TestOpenBrowser(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the command has another name on this system")
	}
	dir := t.TempDir()
	opened := filepath.Join(dir, "opened")
	script := "#!/bin/sh\necho \"$1\" >" + opened + "~ && mv " + opened + "~ " + opened + "\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("WAYLAND_DISPLAY", "")
	t.Setenv("DISPLAY", "")
	openBrowser("http://127.0.0.1:1")
	t.Setenv("DISPLAY", ":0")
	openBrowser("http://127.0.0.1:2")
	var text []byte
	var out buffer
	eventually(t, "the browser", &out, func() bool {
		var err error
		text, err = os.ReadFile(opened)
		return err == nil
	})
	if got := strings.TrimSpace(string(text)); got != "http://127.0.0.1:2" {
		t.Errorf("opened %q", got)
	}
}

// The console is opened for developers who look at a terminal, unless they say otherwise.
func TestOpenForDevelopers(t *testing.T) {
	t.Parallel()
	for args, want := range map[string][2]bool{"": {false, true}, "--console.open": {true, true}, "--console.open=false": {false, false}} {
		for i, terminal := range []bool{false, true} {
			cfg, _, err := config.Load(strings.Fields(args), nil)
			if err != nil {
				t.Fatal(err)
			}
			if forDevelopers(cfg, terminal); cfg.Console.Open != want[i] {
				t.Errorf("%q, terminal %v: %v", args, terminal, cfg.Console.Open)
			}
		}
	}
}
