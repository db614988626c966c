package command

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"kumi/config"
)

// eventually asks until the answer is yes.
func eventually(t *testing.T, what string, out *buffer, so func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("%s never came to be; the server said:\n%s", what, out.String())
		}
	}
}

var clientLine = regexp.MustCompile(`client +(http://\S+)`)

// begin runs a command with a server and gives its address.
func begin(t *testing.T, out *buffer, args ...string) (base string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() { done <- dispatch(ctx, args, streams{out, out, nil}) }()
	t.Cleanup(func() {
		stop()
		if code := <-done; code != exitOK {
			t.Errorf("exit %d:\n%s", code, out.String())
		}
	})
	eventually(t, "the start", out, func() bool {
		if m := clientLine.FindStringSubmatch(out.String()); m != nil {
			base = m[1]
		}
		return base != ""
	})
	return base
}

func answers(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// In an empty folder, what is saved is live, and errors show the line.
func TestDev(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var out buffer
	base := begin(t, &out, "dev", "--data_dir", dir, "--socket.port", "0", "--console.port", "0", "--socket.address", "127.0.0.1")
	index := filepath.Join(dir, "modules", "index.ts")
	write(t, index, `export function InitModule(c, l, n, i) { i.registerRpc("greet", (): string => "hi"); }`)
	eventually(t, "the saved RPC", &out, func() bool {
		return answers(t, base+"/v2/rpc/greet?http_key=defaulthttpkey") == http.StatusOK
	})
	write(t, index, "export function InitModule(c, l, n, i) {\n  i.registerRpc(\"greet\" () => \"hi\");\n}")
	eventually(t, "the error with its line", &out, func() bool {
		return strings.Contains(out.String(), "index.ts:2:28") && strings.Contains(out.String(), "\n     2 |   i.registerRpc")
	})
	if code := answers(t, base+"/v2/rpc/greet?http_key=defaulthttpkey"); code != http.StatusOK {
		t.Errorf("the RPC answers %d after a broken file was saved", code)
	}
}

func TestDevDefaults(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"": "true text debug 1",
		"--runtime.watch=false --logger.level warn --logger.format json --matchmaker.interval_sec 7": "false json warn 7",
	} {
		cfg, _, err := config.Load(strings.Fields(args), nil)
		if err != nil {
			t.Fatal(err)
		}
		forDevelopers(cfg, false)
		got := strings.Join([]string{map[bool]string{true: "true", false: "false"}[cfg.Runtime.Watch], cfg.Logger.Format, cfg.Logger.Level, strconv.Itoa(cfg.Matchmaker.IntervalSec)}, " ")
		if got != want {
			t.Errorf("%q: %s, want %s", args, got, want)
		}
	}
}

// Not parallel: the signal goes to the whole process.
func TestHangupReloads(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGHUP on Windows")
	}
	dir := t.TempDir()
	var out buffer
	base := begin(t, &out, "--data_dir", dir, "--socket.port", "0", "--console.port", "0", "--socket.address", "127.0.0.1", "--logger.format", "text")
	write(t, filepath.Join(dir, "modules", "main.lua"), `require("nakama").register_rpc(function() return "hi" end, "greet")`)
	if code := answers(t, base+"/v2/rpc/greet?http_key=defaulthttpkey"); code != http.StatusNotFound {
		t.Errorf("without a signal the RPC answers %d", code)
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the RPC", &out, func() bool {
		return answers(t, base+"/v2/rpc/greet?http_key=defaulthttpkey") == http.StatusOK
	})
}
