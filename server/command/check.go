package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"kumi/modules/check"
	"kumi/modules/registry"
	"kumi/server"
)

// checkModules loads the modules as a start does, including InitModule, and lists
// their problems. It uses a temporary database and opens no port; calls of nk have no
// effect.
func checkModules(ctx context.Context, args []string, s streams) int {
	settings, err := folderAsSetting(args)
	if err != nil {
		fmt.Fprintf(s.err, "check: %v\n", err)
		return exitUsage
	}
	cfg, _, ok := load(settings, s)
	if !ok {
		return exitUsage
	}
	if err := isFolder(cfg); err != nil {
		return failed(s, err)
	}
	if code, ran := withGoModule(ctx, cfg.Runtime.Path, "check", settings, s); ran {
		return code
	}
	scratch, err := os.MkdirTemp("", "kumi-check-")
	if err != nil {
		return failed(s, err)
	}
	defer os.RemoveAll(scratch)
	cfg.DataDir = scratch
	cfg.Database.Address = nil
	log, closeLog, err := newLogger(cfg, s)
	if err != nil {
		return failed(s, err)
	}
	defer closeLog()
	var report check.Report
	srv, err := server.New(check.Context(ctx, &report), cfg, log)
	if err != nil {
		return failed(s, err)
	}
	loaded, problems := srv.Modules().Modules, report.Problems()
	for _, m := range loaded {
		if report.Of(m) > 0 {
			continue // its problems follow
		}
		fmt.Fprintf(s.out, "ok  %-10s  %s: %s\n", m.Runtime, m.Name, registered(&m))
	}
	for _, p := range problems {
		if p.At == "" {
			fmt.Fprintln(s.out, p.Text)
		} else {
			fmt.Fprintf(s.out, "%s: %s\n", filepath.Join(cfg.Runtime.Path, p.At), p.Text)
		}
	}
	for _, p := range report.Notes() { // notes do not make the check fail
		fmt.Fprintf(s.out, "%s: note: %s\n", filepath.Join(cfg.Runtime.Path, p.At), p.Text)
	}
	if err := srv.Stop(ctx); err != nil {
		return failed(s, err)
	}
	switch {
	case len(problems) > 0:
		fmt.Fprintln(s.out, count(len(problems), "problem", "problems"))
		return exitFailed
	case len(loaded) == 0:
		return nothing(cfg.Runtime.Path, s)
	}
	return exitOK
}

// count is a number of things.
func count[N int | int32](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// registered describes what a module registered, in numbers.
func registered(m *registry.Loaded) string {
	var parts []string
	for _, kind := range []struct {
		n         int
		one, many string
	}{
		{len(m.RPCs), "RPC", "RPCs"}, {len(m.Hooks), "hook", "hooks"}, {len(m.Matches), "match handler", "match handlers"},
		{len(m.Routes), "route", "routes"}, {len(m.Jobs), "job", "jobs"}, {m.Events, "event handler", "event handlers"},
	} {
		if kind.n > 0 {
			parts = append(parts, count(kind.n, kind.one, kind.many))
		}
	}
	if len(parts) == 0 {
		return "registers nothing"
	}
	return strings.Join(parts, ", ")
}

// folderAsSetting makes the setting runtime.path of the folder that may be among args.
func folderAsSetting(args []string) (settings []string, err error) {
	folder := ""
	for len(args) > 0 {
		if strings.HasPrefix(args[0], "-") {
			setting := settingAt(args, strings.Contains(args[0], "="))
			settings, args = append(settings, setting...), args[len(setting):]
			continue
		}
		if folder != "" {
			return nil, fmt.Errorf("expected one folder, not also %s", args[0])
		}
		folder, args = args[0], args[1:]
	}
	if folder != "" {
		settings = append(settings, "--runtime.path", folder)
	}
	return settings, nil
}

// nothing reports that there were no modules to check, and why.
func nothing(folder string, s streams) int {
	if _, err := os.Stat(folder); err != nil {
		return failed(s, noFolder(folder))
	}
	if _, err := readModule(folder, runtime.GOOS); errors.Is(err, errNoInitModule) {
		return failed(s, err)
	}
	return failed(s, fmt.Errorf("nothing to load in %s: there is no index.ts, index.js, *.lua or *.so, and no Go package with an InitModule", folder))
}
