package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// serveFake runs the fake server as a process, with the flags that table
// passes to a server.
func serveFake(args []string) {
	var port string
	for i, a := range args {
		if a == "--socket.port" {
			port = args[i+1]
		}
	}
	f := newFake()
	go f.tick()
	fmt.Fprintln(os.Stderr, f.listen("127.0.0.1:"+port))
	os.Exit(1)
}

func TestTableStartsServers(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("processor time is read from /proc")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The test binary is the server, selected by a variable.
	server := filepath.Join(t.TempDir(), "server")
	if err := os.WriteFile(server, []byte("#!/bin/sh\nexec env "+fakeVariable+"=1 '"+self+"' \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"table", "--server", server, "--duration=200ms", "--rounds=1", "--only=^party|^start to"}, &stdout, &stderr)
	if code != 0 {
		t.Fatalf("ended with %d: %s", code, stderr.String())
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[0], "µs") || !strings.HasSuffix(lines[1], "ms") || !strings.HasSuffix(lines[2], "MB") {
		t.Errorf("printed %q", stdout.String())
	}
	if strings.Contains(stdout.String(), "failed") {
		t.Errorf("printed %q", stdout.String())
	}
}

func TestRowsAreRunnable(t *testing.T) {
	t.Parallel()
	for _, r := range rows {
		if (r.own == nil) == (len(r.runs) == 0) {
			t.Errorf("%s: must have either runs or its own way", r.lines[0].name)
		}
		for _, j := range r.runs {
			words := strings.Fields(j.bench)
			s := findScenario(words[0])
			if s == nil {
				t.Errorf("%q: no such scenario", j.bench)
				continue
			}
			args := append(words[1:], "--address=x", "--plain=y")
			if _, err := parseOptions(s, args, &bytes.Buffer{}); err != nil {
				t.Errorf("%q: %v", j.bench, err)
			}
		}
		for _, l := range r.lines {
			if l.name == "" || l.unit == "" || (l.pick == nil) != (r.own != nil) {
				t.Errorf("line %+v is not complete", l)
			}
		}
	}
}
