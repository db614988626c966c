package command

import (
	"context"

	"kumi/config"
	"kumi/server"
)

// dev is run with defaults for development: modules are reloaded when they are saved,
// the log is text at debug level, and the matchmaker forms matches at once. Settings
// that are given explicitly are kept. On a terminal it opens the console in the browser.
func dev(ctx context.Context, args []string, s streams) int {
	cfg, warnings, ok := load(args, s)
	if !ok {
		return exitUsage
	}
	forDevelopers(cfg, isTerminal(s.out))
	note, err := makeFolder(cfg)
	if err != nil {
		return failed(s, err)
	}
	if note != "" {
		warnings = append(warnings, note)
	}
	return serve(ctx, cfg, warnings, s, server.Dev())
}

func forDevelopers(cfg *config.Config, terminal bool) {
	chosen := map[string]bool{}
	for _, e := range cfg.Entries() {
		chosen[e.Path] = e.Origin != ""
	}
	if !chosen["runtime.watch"] {
		cfg.Runtime.Watch = true
	}
	if !chosen["logger.format"] {
		cfg.Logger.Format = "text"
	}
	if !chosen["logger.level"] {
		cfg.Logger.Level = "debug"
	}
	if !chosen["matchmaker.interval_sec"] {
		cfg.Matchmaker.IntervalSec = 1
	}
	if !chosen["console.open"] {
		cfg.Console.Open = terminal
	}
}
