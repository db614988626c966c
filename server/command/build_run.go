package command

import (
	"context"
	"errors"
	"fmt"
	gobuild "go/build"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"kumi/modules/golang"
)

// withGoModule runs a command in a server with the Go module of a modules folder compiled
// in, and reports whether it did. It does not if the folder itself is no Go package with an
// InitModule, if it has a plugin, which is then loaded, or if this server has Go modules
// compiled in already.
func withGoModule(ctx context.Context, folder, command string, args []string, s streams) (code int, ran bool) {
	if plugins, _ := filepath.Glob(filepath.Join(folder, "*.so")); len(plugins) > 0 || golang.Compiled() > 0 {
		return 0, false
	}
	_, err := readModule(folder, runtime.GOOS)
	var none *gobuild.NoGoError
	switch {
	case errors.As(err, &none), errors.Is(err, errNoInitModule), errors.Is(err, os.ErrNotExist):
		return 0, false
	case err != nil:
		return failed(s, err), true
	}
	scratch, err := os.MkdirTemp("", "kumi-go-")
	if err != nil {
		return failed(s, err), true
	}
	defer os.RemoveAll(scratch)
	program, err := buildInto(ctx, scratch, folder, s)
	if err != nil {
		return failed(s, fmt.Errorf("compile the Go module %s: %w", folder, err)), true
	}
	cmd := exec.CommandContext(ctx, program, append([]string{command}, args...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env, s.out, s.err
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return failed(s, err), true
	}
	return cmd.ProcessState.ExitCode(), true
}

// buildInto builds a server with the Go module of a folder and returns its path.
func buildInto(ctx context.Context, dir, folder string, s streams) (string, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "kumi")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	b := &builder{streams: streams{io.Discard, s.err, s.env}, goos: runtime.GOOS, folder: folder, out: program}
	return program, b.run(ctx)
}
