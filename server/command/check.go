package command

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kumi/config"
	"kumi/modules/check"
	"kumi/modules/registry"
	"kumi/server"
)

// checkModules loads the modules as a start does, including InitModule, and lists
// their problems. It uses a temporary database and opens no port; calls of nk have no
// effect.
func checkModules(ctx context.Context, args []string, s streams) int {
	cfg, _, ok := load(args, s)
	if !ok {
		return exitUsage
	}
	if err := isFolder(cfg); err != nil {
		return failed(s, err)
	}
	if code, ran := withGoModule(ctx, cfg.Runtime.Path, "check", args, s); ran {
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
	switch len(problems) {
	case 0:
		if len(loaded) == 0 {
			return nothing(cfg.Runtime.Path, s)
		}
		return exitOK
	case 1:
		fmt.Fprintln(s.out, "1 problem")
	default:
		fmt.Fprintf(s.out, "%d problems\n", len(problems))
	}
	return exitFailed
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
		switch kind.n {
		case 0:
		case 1:
			parts = append(parts, "1 "+kind.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", kind.n, kind.many))
		}
	}
	if len(parts) == 0 {
		return "registers nothing"
	}
	return strings.Join(parts, ", ")
}

// isFolder checks that the modules folder is one. The default folder need not exist:
// the server may have Go modules compiled in.
func isFolder(cfg *config.Config) error {
	folder := cfg.Runtime.Path
	info, err := os.Stat(folder)
	switch standard := filepath.Join(cfg.DataDir, "modules"); {
	case err == nil && !info.IsDir():
		return fmt.Errorf("%s is not a folder", folder)
	case err != nil && folder != standard:
		return noFolder(folder)
	}
	return nil
}

func noFolder(folder string) error {
	return fmt.Errorf("there is no folder %s: set runtime.path to the folder of the modules", folder)
}

// nothing reports that there were no modules to check.
func nothing(folder string, s streams) int {
	if _, err := os.Stat(folder); err != nil {
		return failed(s, noFolder(folder))
	}
	fmt.Fprintf(s.out, "nothing to load in %s: there is no index.ts, index.js or *.lua\n", folder)
	return exitOK
}
