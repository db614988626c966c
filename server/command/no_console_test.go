package command

import (
	"bufio"
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// With the tag no_console a server has neither the console nor its page, and says so.
func TestBuildWithoutConsole(t *testing.T) {
	t.Parallel()
	needGo(t)
	root := filepath.Join("..", "..")
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir = root
		text, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, text)
		}
		return string(text)
	}
	parts := strings.Fields(run("list", "-deps", "-tags", "no_console", "."))
	for _, part := range []string{"kumi/console", "kumi/console/web"} {
		if slices.Contains(parts, part) {
			t.Errorf("%s is part of the server", part)
		}
	}
	run("vet", "-tags", "no_console", ".", "./server")
	dir := t.TempDir()
	program := filepath.Join(dir, "kumi")
	run("build", "-tags", "no_console", "-o", program, ".")

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--data_dir", dir, "--runtime.path", filepath.Join(dir, "modules"),
		"--socket.port", "0", "--socket.address", "127.0.0.1", "--logger.format", "json")
	log, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	said := ""
	for lines := bufio.NewScanner(log); lines.Scan(); {
		said += lines.Text() + "\n"
		if strings.Contains(lines.Text(), `"http":`) { // it has started
			break
		}
	}
	if !strings.Contains(said, "no_console") || !strings.Contains(said, `"http":`) {
		t.Errorf("the server said\n%s", said)
	}
}
