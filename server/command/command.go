// Package command is the command line: it parses arguments, runs a command and
// returns an exit code. It is a package so that a game with Go modules gets the same
// command line with a main function of a few lines.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"kumi/config"
	"kumi/server"
)

// streams are the input and output of a command.
type streams struct {
	out, err io.Writer
	env      []string
}

// subcommand is one command of the command line.
type subcommand struct {
	name, args, help string
	run              func(ctx context.Context, args []string, s streams) int
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func subcommands() []subcommand {
	return []subcommand{
		{"run", "[--flag value …]", "start the server; the default", run},
		{"dev", "[--flag value …]", "run for development: saved modules are reloaded at once", dev},
		{"new", "folder [--ts | --lua | --go]", "make a folder with a small game, its tests and a CI workflow", create},
		{"check", "[folder] [--flag value …]", "list the problems of the modules, also in CI", checkModules},
		{"test", "[folder] [--watch] [--filter regexp] …", "run the tests of the modules", testModules},
		{"replay", "file [--at tick] [--bisect a b] [--to-test name]", "run a recorded match again, on today's modules", replayMatch},
		{"build", "folder [-o file] [--plugin]", "build a server with a Go module compiled in, or a plugin for this one", build},
		{"types", "[--ts] [--lua] [--docs] [folder]", "print or write declarations of the functions that modules can call", types},
		{"migrate", "up|down|redo|status [--limit n]", "change or show the database schema", migrate},
		{"import", "--from address [--exclude tables]", "copy a Nakama database on PostgreSQL into the embedded database", importDatabase},
		{"export", "--to address [--exclude tables]", "copy the embedded database to PostgreSQL", exportDatabase},
		{"nodes", "[--flag value …]", "list the nodes of a cluster, as a running server sees them", nodes},
		{"drain", "[node] [--flag value …]", "stop a running server in order: its players go to other nodes first", drainNode},
		{"healthcheck", "[port]", "check that a running server is healthy", healthcheck},
		{"version", "", "print the version", version},
		{"help", "", "print this text and every setting", help},
	}
}

// Main runs the command line, given without the program's name, and returns the exit
// code: 0, 1 if something failed, 2 if the command line is wrong. SIGINT and SIGTERM
// stop the server; a second signal skips the grace period.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return dispatch(ctx, args, streams{os.Stdout, os.Stderr, os.Environ()})
}

// dispatch runs the subcommand. If the first argument is a flag the command is run, as
// in Nakama.
func dispatch(ctx context.Context, args []string, s streams) int {
	if len(args) == 0 || args[0] != "" && args[0][0] == '-' {
		switch {
		case len(args) == 1 && (args[0] == "--version" || args[0] == "-version"):
			return version(ctx, nil, s)
		case asksHelp(args):
			return help(ctx, nil, s)
		}
		return run(ctx, args, s)
	}
	if args[0] == testProcess {
		return testFile(ctx, args, s)
	}
	for _, c := range subcommands() {
		if c.name != args[0] {
			continue
		}
		if asksHelp(args[1:]) {
			return c.explain(s.out)
		}
		return c.run(ctx, args[1:], s)
	}
	fmt.Fprintf(s.err, "unknown command %q\n\n", args[0])
	usage(s.err)
	return exitUsage
}

func asksHelp(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return a == "--help" || a == "-help" || a == "-h" })
}

// explain prints the help of one command.
func (c *subcommand) explain(w io.Writer) int {
	fmt.Fprintf(w, "usage: kumi %s %s\n\n%s\n", c.name, c.args, c.help)
	if c.name == "test" {
		fmt.Fprintf(w, "\n%s", testFlags)
	}
	if c.name == "replay" {
		fmt.Fprintf(w, "\n%s", replayFlags)
	}
	if c.name == "nodes" || c.name == "drain" {
		fmt.Fprintf(w, "\n%s", consoleFlags)
	}
	switch c.name {
	case "run", "dev", "test", "replay", "check", "migrate", "import", "export", "nodes", "drain":
		fmt.Fprintln(w)
		config.Default().Usage(w)
	}
	return exitOK
}

func usage(w io.Writer) {
	fmt.Fprintf(w, "usage: kumi [command] [flags]\n\n")
	for _, c := range subcommands() {
		fmt.Fprintf(w, "  %-12s %-34s %s\n", c.name, c.args, c.help)
	}
	fmt.Fprintln(w)
}

func help(_ context.Context, _ []string, s streams) int {
	usage(s.out)
	config.Default().Usage(s.out)
	return exitOK
}

func version(_ context.Context, _ []string, s streams) int {
	fmt.Fprintln(s.out, server.Version)
	return exitOK
}

// load reads the configuration. If that fails it has printed the reason.
func load(args []string, s streams) (*config.Config, []string, bool) {
	cfg, warnings, err := config.Load(args, s.env)
	if err != nil {
		fmt.Fprintf(s.err, "%v\n", err)
		return nil, nil, false
	}
	return cfg, warnings, true
}

// failed reports an error that ends a command.
func failed(s streams, err error) int {
	if !errors.Is(err, context.Canceled) {
		fmt.Fprintf(s.err, "%v\n", err)
	}
	return exitFailed
}
