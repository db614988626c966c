package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"kumi/modules/golang"
)

// canPlugin returns an error if this server cannot load plugins.
func (b *builder) canPlugin() error {
	if !b.plugin {
		return nil
	}
	instead := "; a server with the module compiled in works everywhere: leave --plugin out"
	switch set := b.settings(); {
	case !slices.Contains([]string{"linux", "darwin", "freebsd"}, runtime.GOOS):
		return fmt.Errorf("there are no Go plugins on %s%s", runtime.GOOS, instead)
	case set["CGO_ENABLED"] != "1":
		return errors.New("this server was built without cgo (CGO_ENABLED=0) and cannot load plugins" + instead)
	case b.goos != runtime.GOOS:
		return fmt.Errorf("a plugin for this server cannot be for %s%s", b.goos, instead)
	}
	return nil
}

// settings returns the build settings of this server.
func (b *builder) settings() map[string]string {
	all := map[string]string{}
	for _, s := range b.info.Settings {
		all[s.Key] = s.Value
	}
	return all
}

// compile runs go build.
func (b *builder) compile(ctx context.Context, m *goModule, target string) error {
	args := []string{"build", "-mod=mod", "-modfile=" + b.modfile(), "-overlay=" + b.overlay(), "-buildvcs=false", "-o", b.out}
	if b.plugin {
		args = append(args, "-buildmode=plugin")
		args = append(args, b.flags()...)
	} else {
		args = append(args, "-ldflags="+serverVersion())
	}
	_, err := b.tool(ctx, m.root, append(args, target)...)
	if err == nil {
		return nil
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "InitModule") && strings.Contains(text, generated):
		return fmt.Errorf("its InitModule has the wrong type; the server calls\n  %s\n\n%s", initSignature, text)
	case strings.Contains(text, `"gcc"`), strings.Contains(text, "C compiler"):
		return fmt.Errorf("plugins need a C compiler, which was not found:\n%s", text)
	case len(b.replaced) > 0 && strings.Contains(text, b.source):
		return fmt.Errorf("your go.mod replaces modules that the server itself uses, and the server does not compile with the replacements:\n  %s\n"+
			"remove these replace lines, or point them to something that has all that the server uses\n\n%s", strings.Join(b.replaced, "\n  "), text)
	}
	return err
}

// flags returns the build flags that a plugin must share with the server.
func (b *builder) flags() (flags []string) {
	set := b.settings()
	for _, name := range []string{"-trimpath", "-race", "-msan", "-asan"} {
		if set[name] == "true" {
			flags = append(flags, name)
		}
	}
	for _, name := range []string{"-tags", "-gcflags", "-asmflags"} {
		if v := set[name]; v != "" {
			flags = append(flags, name+"="+v)
		}
	}
	return flags
}

// fits checks that the plugin just built can be loaded by this server.
func (b *builder) fits() error {
	differ, err := golang.PluginDiffers(b.out)
	if err != nil {
		return err
	}
	if len(differ) > 0 {
		_ = os.Remove(b.out)
		return fmt.Errorf("the plugin does not fit this server:\n  %s", strings.Join(differ, "\n  "))
	}
	fmt.Fprintf(b.streams.out, "built %s: a plugin for this server; put it into the modules folder\n", b.out)
	return nil
}

// tool runs the go command and returns its output. An error has what the go command
// printed, with generated files left out.
func (b *builder) tool(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(slices.Clone(b.env), "GOWORK=off")
	if b.plugin {
		set := b.settings()
		cmd.Env = append(cmd.Env, "GOFLAGS=", "CGO_ENABLED=1", "GOTOOLCHAIN="+strings.Fields(b.info.GoVersion)[0])
		for _, name := range []string{"GOAMD64", "GOARM64", "GOARM", "GOEXPERIMENT", "GOFIPS140"} {
			if v, ok := set[name]; ok {
				cmd.Env = append(cmd.Env, name+"="+v)
			}
		}
	} else if b.getenv("CGO_ENABLED") == "" {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
	}
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("building needs the go command, which is not installed here; see https://go.dev/dl")
	}
	if err != nil {
		return "", errors.New(b.readable(problems.String(), err))
	}
	return out.String(), nil
}

// readable makes the output of the go command refer to files by their place in the
// module.
func (b *builder) readable(text string, err error) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || strings.HasPrefix(line, "go: downloading ") {
			continue
		}
		if b.plugin && strings.Contains(line, "toolchain not available") {
			line += fmt.Sprintf("\nthe server was built with %s, so the plugin needs that version too: install it", b.info.GoVersion)
		}
		line = strings.ReplaceAll(line, b.work+string(filepath.Separator), "")
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return err.Error()
	}
	return strings.Join(lines, "\n")
}
