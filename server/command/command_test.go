package command

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// buffer is an output that a test reads while a command writes.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	modules := filepath.Join(dir, "modules")
	broken := filepath.Join(dir, "broken")
	write(t, filepath.Join(modules, "index.ts"), `export function InitModule(c, l, n, i) { i.registerRpc("a", () => ""); }`)
	write(t, filepath.Join(broken, "main.lua"), "local x = = 1\n")
	data := filepath.Join(dir, "data")

	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"version", 0, "dev"},
		{"--version", 0, "dev"},
		{"help", 0, "--socket.port"},
		{"--help", 0, "healthcheck"},
		{"fly", 2, `unknown command "fly"`},
		{"--socket.prot 1", 2, "socket.port"},
		{"migrate", 2, "up, down, redo, status"},
		{"migrate sideways --data_dir " + data, 2, "sideways"},
		{"migrate status --data_dir " + data, 0, "pending"},
		{"migrate up --limit 2 --data_dir " + data, 0, "migrations: 2"},
		{"migrate up --data_dir " + data, 0, "migrations: 17"},
		{"migrate status --data_dir " + data, 0, "20260319134532-add-display-name-index.sql"},
		{"migrate down --limit=1 --data_dir " + data, 0, "migrations: 1"},
		{"migrate redo --data_dir " + data, 0, "redo"},
		{"migrate up --limit many --data_dir " + data, 1, "many"},
		{"check --runtime.path " + modules, 0, "1 RPC\n"},
		{"check --runtime.path " + broken, 1, "main.lua"},
		{"healthcheck 1", 1, ""},
		{"healthcheck port", 2, "not a port"},
	} {
		var out buffer
		code := dispatch(t.Context(), strings.Fields(c.args), streams{&out, &out, nil})
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: exit %d, want %d with %q in:\n%s", c.args, code, c.code, c.want, out.String())
		}
	}
}

// A server starts, says where it listens and what it loaded, answers, and
// stops cleanly when told to.
func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "modules", "index.js"), `function InitModule(c, l, n, i) { i.registerRpc("greet", () => "hi"); }`)
	for format, of := range map[string]struct {
		address *regexp.Regexp
		loaded  string
	}{
		"text": {regexp.MustCompile(`client +(http://\S+)`), "greet"},
		"json": {regexp.MustCompile(`"http":"([^"]+)"`), `"name":"index.js","rpcs":1,`},
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var out buffer
			done := make(chan int)
			go func() {
				done <- dispatch(ctx, []string{"--data_dir", filepath.Join(dir, format), "--runtime.path", filepath.Join(dir, "modules"),
					"--socket.port", "0", "--console.port", "0", "--socket.address", "127.0.0.1", "--logger.format", format}, streams{&out, &out, nil})
			}()
			base := ""
			for deadline := time.Now().Add(20 * time.Second); base == ""; {
				if m := of.address.FindStringSubmatch(out.String()); m != nil {
					base = "http://" + strings.TrimPrefix(m[1], "http://")
				} else if time.Now().After(deadline) {
					t.Fatalf("no address in:\n%s", out.String())
				}
			}
			resp, err := http.Get(base + "/v2/rpc/greet?http_key=defaulthttpkey&unwrap")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("the RPC answered %s", resp.Status)
			}
			stop()
			if code := <-done; code != exitOK {
				t.Errorf("exit %d:\n%s", code, out.String())
			}
			if !strings.Contains(out.String(), of.loaded) {
				t.Errorf("what was loaded is not shown:\n%s", out.String())
			}
		})
	}
}

// The last line of a start that fails has the log's format.
func TestRunThatFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "modules", "main.lua"), "this is no Lua")
	for format, want := range map[string]string{
		"json": `{"level":"fatal","error":"load Lua modules: main.lua:1:`,
		"text": "load Lua modules: main.lua:1:",
	} {
		var out buffer
		code := dispatch(t.Context(), []string{"--data_dir", filepath.Join(dir, format), "--runtime.path", filepath.Join(dir, "modules"), "--logger.format", format}, streams{&out, &out, nil})
		if code != exitFailed || !strings.Contains(out.String(), "\n"+want) {
			t.Errorf("%s: exit %d, want a line that begins with %s in:\n%s", format, code, want, out.String())
		}
		for line := range strings.Lines(out.String()) {
			if format == "json" && !strings.HasPrefix(line, "{") {
				t.Errorf("a line that is no JSON: %s", line)
			}
		}
	}
}

func TestKnownZone(t *testing.T) {
	t.Parallel()
	for tz, want := range map[string]bool{"": true, "UTC": true, "Local": true, "No/Such": false, ":No/Such": false, "/no/such/file": false} {
		if got := knownZone(tz); got != want {
			t.Errorf("TZ=%q: %v", tz, got)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Every command explains itself.
func TestCommandHelp(t *testing.T) {
	t.Parallel()
	for _, c := range subcommands() {
		var out, fail buffer
		if code := dispatch(t.Context(), []string{c.name, "--help"}, streams{&out, &fail, nil}); code != exitOK || fail.String() != "" || !strings.Contains(out.String(), "kumi "+c.name) {
			t.Errorf("kumi %s --help: exit %d\n%s%s", c.name, code, out.String(), fail.String())
		}
	}
}
