// Command bench puts load on a server with Nakama's protocol and reports the
// cost of an operation: rate, latency, CPU time and memory of the server
// process. It can put the same load on a bare echo server in the same run, so
// that a figure can be quoted as a multiple of what the libraries themselves
// cost. That multiple can be compared between machines, the figure cannot.
//
// README.md in this folder explains how to run each scenario.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(stdout)
		return 0
	}
	var err error
	switch args[0] {
	case "echo":
		err = echo(ctx, args[1:], stdout, stderr)
	case "board":
		err = board(ctx, args[1:], stdout, stderr)
	case "cluster":
		err = clustering(ctx, args[1:], stdout, stderr)
	case "restart":
		err = restart(ctx, args[1:], stdout, stderr)
	case "table":
		err = table(ctx, args[1:], stdout, stderr)
	default:
		err = bench(ctx, args[0], args[1:], stdout, stderr)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

func usage(w io.Writer) {
	fmt.Fprint(w, "usage: bench <scenario> [flags]\n\nscenarios:\n")
	for _, s := range scenarios {
		fmt.Fprintf(w, "  %-12s %s\n", s.name, s.about)
	}
	fmt.Fprintf(w, "  %-12s %s\n", "board", "leaderboard with millions of records, against a server that it starts on a database that it fills")
	fmt.Fprintf(w, "  %-12s %s\n", "cluster", "relay, chat and matches on one server and on the nodes of a cluster that it starts")
	fmt.Fprintf(w, "  %-12s %s\n", "restart", "what players notice of a server that it stops or kills under load, and starts again")
	fmt.Fprintf(w, "  %-12s %s\n", "table", "run everything against servers it starts, and print one table")
	fmt.Fprintf(w, "  %-12s %s\n\nbench <scenario> --help lists the flags.\n", "echo", "run the bare server alone")
}

// bench runs one scenario against the server, the bare server, or both.
func bench(ctx context.Context, name string, args []string, stdout, stderr io.Writer) error {
	s := findScenario(name)
	if s == nil {
		return fmt.Errorf("unknown scenario %q: bench help lists them", name)
	}
	o, err := parseOptions(s, args, stderr)
	if err != nil {
		return err
	}
	report, err := s.measure(ctx, o, stderr)
	if err != nil {
		return err
	}
	if o.json {
		return report.writeJSON(stdout)
	}
	return report.writeTable(stdout)
}

// measure runs the scenario against its targets in turn.
func (s *scenario) measure(ctx context.Context, o *options, stderr io.Writer) (*Report, error) {
	targets, closeTargets, err := o.targets(ctx, stderr)
	if err != nil {
		return nil, err
	}
	defer closeTargets()

	report := &Report{Scenario: s.name, Format: o.codec.Name(), Connections: o.connections}
	rounds := o.rounds
	if s.once {
		rounds = 1
	}
	for range rounds {
		for _, t := range targets {
			if t.bare && s.noBare {
				continue
			}
			results, err := s.run(ctx, o, t)
			if err != nil {
				return nil, fmt.Errorf("%s against %s at %s: %w", s.name, t.name, t.address, err)
			}
			report.add(t, results)
		}
	}
	report.finish()
	if s.derive != nil {
		s.derive(report)
	}
	return report, nil
}
