package command

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"kumi/internal/testenv"
)

// greeter is a module without a go.mod, with a main function as plugins have.
const greeter = `package main

import (
	"context"
	"database/sql"

	"github.com/heroiclabs/nakama-common/runtime"
)

func InitModule(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error {
	return initializer.RegisterRpc("greet", func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, payload string) (string, error) {
		return "hello " + payload, nil
	})
}

func main() {}
`

// needGo skips a test where there is no go command.
func needGo(t *testing.T) {
	t.Helper()
	if !testenv.Strict() {
		t.Skip("builds programs, which takes a minute: set KUMI_TEST_STRICT=1 to run it, as .ci/run does")
	}
	if _, err := exec.LookPath("go"); err != nil {
		testenv.Skip(t, "building modules takes the go command, which is not installed here")
	}
}

func TestBuildServer(t *testing.T) {
	t.Parallel()
	needGo(t)
	folder := filepath.Join(t.TempDir(), "greeter")
	write(t, filepath.Join(folder, "greeter.go"), greeter)
	server := filepath.Join(t.TempDir(), "server")
	if runtime.GOOS == "windows" {
		server += ".exe"
	}
	var out buffer
	if code := dispatch(t.Context(), []string{"build", folder, "-o", server}, streams{&out, &out, os.Environ()}); code != exitOK {
		t.Fatalf("exit %d:\n%s", code, out.String())
	}
	if got := serve1(t, server, t.TempDir()); got != "hello you" {
		t.Errorf("the RPC of the module answered %q", got)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
		t.Errorf("the module's folder has %v, %v", left, err)
	}
}

// A plugin is built by a server for itself, so there has to be a real one.
func TestBuildPlugin(t *testing.T) {
	t.Parallel()
	needGo(t)
	if env, err := exec.Command("go", "env", "CGO_ENABLED").Output(); err != nil || strings.TrimSpace(string(env)) != "1" {
		testenv.Skip(t, "plugins take cgo, which this Go has not")
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		testenv.Skip(t, "plugins take a C compiler, and there is none")
	}
	if runtime.GOOS == "windows" {
		t.Skip("there are no plugins on Windows")
	}
	dir := t.TempDir()
	server := filepath.Join(dir, "kumi")
	build := exec.Command("go", "build", "-o", server, ".")
	build.Dir = filepath.Join("..", "..")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	// A package of another name, in a module of its own, below its root.
	folder := filepath.Join(dir, "source", "greeter")
	write(t, filepath.Join(dir, "source", "go.mod"), "module example.com/game\n\ngo 1.21\n\nrequire github.com/heroiclabs/nakama-common v1.47.0\n")
	write(t, filepath.Join(folder, "greeter.go"), strings.NewReplacer("package main", "package greeter", "func main() {}\n", "").Replace(greeter))
	data := filepath.Join(dir, "data")
	made := filepath.Join(data, "modules", "greeter.so")
	if err := os.MkdirAll(filepath.Dir(made), 0o755); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command(server, "build", "--plugin", "-o", made, folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got := serve1(t, server, data); got != "hello you" {
		t.Errorf("the RPC of the plugin answered %q", got)
	}

	// Another version of what both have: said, and the server's is used.
	write(t, filepath.Join(dir, "source", "go.mod"), "module example.com/game\n\ngo 1.21\n\nrequire github.com/heroiclabs/nakama-common v1.30.0\n")
	text, err := exec.Command(server, "build", "--plugin", "-o", made, folder).CombinedOutput()
	if err != nil || !strings.Contains(string(text), "nakama-common: your go.mod requires v1.30.0; v1.47.0 is used") {
		t.Errorf("a plugin that asked for another version: %v\n%s", err, text)
	}
	write(t, filepath.Join(dir, "uuid", "go.mod"), "module github.com/gofrs/uuid/v5\n")
	write(t, filepath.Join(dir, "source", "go.mod"), "module example.com/game\n\ngo 1.21\n\nreplace github.com/gofrs/uuid/v5 => ../uuid\n")
	text, err = exec.Command(server, "build", "--plugin", "-o", made, folder).CombinedOutput()
	if err == nil || !strings.Contains(string(text), "must have the same version as there:\n  github.com/gofrs/uuid/v5: ") {
		t.Errorf("a plugin with another package in the place of one of the server's: %v\n%s", err, text)
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	needGo(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bare", "a.go"), "package bare\n")
	write(t, filepath.Join(dir, "typed", "a.go"), "package typed\n\nfunc InitModule(ctx, logger, db, nk, initializer string) error { return nil }\n")
	write(t, filepath.Join(dir, "wrong", "a.go"), strings.Replace(greeter, `"hello " + payload`, "helo(payload)", 1))
	for args, want := range map[string]string{
		"":                          "needs the folder",
		"one two":                   "takes one folder",
		"--fast one":                `unknown flag "--fast"`,
		filepath.Join(dir, "gone"):  "no such file",
		filepath.Join(dir, "bare"):  "has no function InitModule",
		filepath.Join(dir, "typed"): "its InitModule has the wrong type",
		filepath.Join(dir, "wrong"): "a.go:12:10: undefined: helo",
		"--kumi " + dir + " " + dir: "there is no go.mod of the module",
	} {
		var out buffer
		code := dispatch(t.Context(), append([]string{"build", "-o", filepath.Join(dir, "never")}, strings.Fields(args)...), streams{&out, &out, os.Environ()})
		if code == exitOK || !strings.Contains(out.String(), want) {
			t.Errorf("build %s: exit %d, want %q in\n%s", args, code, want, out.String())
		}
	}
}

// A module that replaces what the server itself needs may not fit it: then the
// error of the compiler is explained.
func TestBuildReplaced(t *testing.T) {
	t.Parallel()
	needGo(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "uuid", "go.mod"), "module github.com/gofrs/uuid/v5\n")
	write(t, filepath.Join(dir, "uuid", "uuid.go"), "package uuid\n")
	write(t, filepath.Join(dir, "game", "go.mod"), "module example.com/game\n\ngo 1.21\n\nreplace github.com/gofrs/uuid/v5 => ../uuid\n")
	write(t, filepath.Join(dir, "game", "greeter.go"), greeter)
	var out buffer
	code := dispatch(t.Context(), []string{"build", "-o", filepath.Join(dir, "never"), filepath.Join(dir, "game")}, streams{&out, &out, os.Environ()})
	if want := "does not compile with the replacements:\n  github.com/gofrs/uuid/v5: "; code == exitOK || !strings.Contains(out.String(), want) {
		t.Errorf("exit %d, want %q in\n%s", code, want, out.String())
	}
}

// serve1 runs a server program, calls its RPC "greet" and ends it.
func serve1(t *testing.T, program, data string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--data_dir", data, "--runtime.path", filepath.Join(data, "modules"),
		"--socket.port", "0", "--console.port", "0", "--socket.address", "127.0.0.1", "--logger.format", "json")
	log, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var problems bytes.Buffer
	cmd.Stderr = &problems
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var said strings.Builder
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		var line struct{ HTTP string }
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.HTTP == "" {
			continue
		}
		resp, err := http.Post("http://"+strings.TrimPrefix(line.HTTP, "http://")+"/v2/rpc/greet?http_key=defaulthttpkey&unwrap", "text/plain", strings.NewReader("you"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	t.Fatalf("the server ended:\n%s%s", said.String(), problems.String())
	return ""
}
