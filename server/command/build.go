package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

// builder is one run of `kumi build`.
type builder struct {
	streams
	folder string // of the module, absolute
	out    string // file to write, absolute
	plugin bool
	// source is the folder of the server's source; empty if the go command downloads
	// it as a module.
	source string
	info   *debug.BuildInfo // of this server
	goos   string           // of the target
	work   string           // folder for generated files
	// replaced lists the server's own dependencies that the module's go.mod replaces.
	replaced []string
}

const buildUsage = "usage: kumi build ./mymodule [-o file] [--plugin] [--kumi folder]\n"

// build makes a server with a Go module compiled in, or a plugin for this server.
func build(ctx context.Context, args []string, s streams) int {
	b, err := parseBuild(args, s)
	if err != nil {
		fmt.Fprintf(s.err, "%v\n%s", err, buildUsage)
		return exitUsage
	}
	if err := b.run(ctx); err != nil {
		return failed(s, fmt.Errorf("build %s: %w", b.folder, err))
	}
	return exitOK
}

// parseBuild parses the command line. GOOS and GOARCH set the target system, as for
// the go command.
func parseBuild(args []string, s streams) (*builder, error) {
	b := &builder{streams: s, goos: runtime.GOOS}
	if v := b.getenv("GOOS"); v != "" {
		b.goos = v
	}
	var folder, out string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		flag, value, given := strings.Cut(arg, "=")
		next := func() (string, error) {
			if given {
				return value, nil
			}
			if len(args) == 0 {
				return "", fmt.Errorf("%s needs a value", flag)
			}
			v := args[0]
			args = args[1:]
			return v, nil
		}
		var err error
		switch strings.TrimLeft(flag, "-") {
		case "o":
			out, err = next()
		case "kumi":
			b.source, err = next()
		case "plugin":
			b.plugin = true
		default:
			if strings.HasPrefix(arg, "-") {
				return nil, fmt.Errorf("unknown flag %q", flag)
			}
			if folder != "" {
				return nil, fmt.Errorf("build takes one folder, not both %q and %q", folder, arg)
			}
			folder = arg
		}
		if err != nil {
			return nil, err
		}
	}
	if folder == "" {
		return nil, errors.New("build needs the folder of a Go module")
	}
	var err error
	if b.folder, err = filepath.Abs(folder); err != nil {
		return nil, err
	}
	if out == "" {
		out = filepath.Base(b.folder)
		switch {
		case b.plugin:
			out += ".so"
		case b.goos == "windows":
			out += ".exe"
		}
		if at, err := os.Stat(out); err == nil && at.IsDir() { // the default name is that of the folder itself
			out += "-server"
		}
	}
	b.out, err = filepath.Abs(out)
	return b, err
}

// run builds the module. It writes nothing into the module's folder.
func (b *builder) run(ctx context.Context) (err error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("this server has no build information, which is needed to build the module with the same versions")
	}
	b.info = info
	if err := b.findSource(); err != nil {
		return err
	}
	if err := b.canPlugin(); err != nil {
		return err
	}
	m, err := readModule(b.folder, b.goos)
	if err != nil {
		return err
	}
	if b.work, err = os.MkdirTemp("", "kumi-build-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.work)
	target, err := b.generate(m)
	if err != nil {
		return err
	}
	notes, err := b.align(ctx, m)
	for _, n := range notes {
		fmt.Fprintln(b.err, "note:", n)
	}
	if err != nil {
		return err
	}
	if err := b.compile(ctx, m, target); err != nil {
		return err
	}
	if b.plugin {
		return b.fits()
	}
	fmt.Fprintf(b.streams.out, "built %s: the server with the Go module %q compiled in\n", b.out, m.name)
	return nil
}

// own is the server's module path.
const own = "kumi"

// findSource finds the source that this server was built from.
func (b *builder) findSource() error {
	if b.source != "" {
		dir, err := filepath.Abs(b.source)
		if err != nil {
			return err
		}
		if path, _ := modulePath(dir); path != own {
			return fmt.Errorf("--kumi %s: there is no go.mod of the module %q", b.source, own)
		}
		b.source = dir
		return nil
	}
	for _, m := range b.info.Deps { // this server was made by kumi build itself
		if m.Path == own && m.Replace != nil {
			if path, _ := modulePath(m.Replace.Path); path == own {
				b.source = m.Replace.Path
				return nil
			}
		}
	}
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		dir := filepath.Dir(filepath.Dir(filepath.Dir(file)))
		if path, _ := modulePath(dir); path == own {
			b.source = dir
			return nil
		}
	}
	return fmt.Errorf("the source that this server (%s) was built from is not on this machine; download it and pass its folder with --kumi", versionOf(b.info))
}

func versionOf(info *debug.BuildInfo) string {
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v = strings.TrimSpace(v + " " + s.Value)
		}
	}
	if v == "" {
		return "of unknown version"
	}
	return v
}

func (b *builder) getenv(name string) string {
	for _, e := range b.env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}
