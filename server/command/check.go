package command

import (
	"context"
	"fmt"
	"os"

	"kumi/server"
)

// check loads the modules as a start would, InitModule and all, but against a
// scratch database and without opening a port.
func check(ctx context.Context, args []string, s streams) int {
	cfg, _, ok := load(args, s)
	if !ok {
		return exitUsage
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
	srv, err := server.New(ctx, cfg, log)
	if err != nil {
		return failed(s, err)
	}
	for _, m := range srv.Modules().Modules {
		fmt.Fprintf(s.out, "ok  %-10s  %s: %d RPCs, %d hooks, %d matches\n", m.Runtime, m.Name, len(m.RPCs), len(m.Hooks), len(m.Matches))
	}
	if err := srv.Stop(ctx); err != nil {
		return failed(s, err)
	}
	return exitOK
}
