package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// layout is a number of nodes, and on how many of them the players are.
type layout struct {
	name           string
	nodes, players int
}

var layouts = []layout{
	{"one server, no cluster", 0, 1},
	{"two nodes, players on one", 2, 1},
	{"two nodes, players on both", 2, 2},
	{"three nodes, players on all", 3, 3},
}

// clusterWork is what each layout is measured with.
var clusterWork = []struct{ name, command string }{
	{"relay, JSON", "relay"},
	{"relay, protobuf", "relay --format protobuf"},
	{"chat, JSON", "chat"},
	{"chat, protobuf", "chat --format protobuf"},
	{"match tick, JS", "match --rpc create_match_js"},
}

// clustering measures what several nodes cost compared with one, on one PostgreSQL
// database, and prints a table: processor time of all nodes together.
func clustering(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	t := &tabler{stderr: stderr}
	fs := flag.NewFlagSet("bench cluster", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&t.server, "server", "", "the server's program, built from bench/modules/go/server")
	fs.StringVar(&t.modules, "modules", "bench/modules", "folder of the modules")
	database := fs.String("database", "", "PostgreSQL as user:password@host:5432/name, migrated, for all servers")
	fs.DurationVar(&t.duration, "duration", 3*time.Second, "time that each figure is measured")
	fs.IntVar(&t.rounds, "rounds", 3, "times all layouts are measured in turn; the least of each is shown")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if t.server == "" || *database == "" {
		return errors.New("--server must name the server's program and --database a PostgreSQL database")
	}
	t.flags = "--database.address " + *database
	least := make([][]float64, len(layouts))
	rate := make([][]float64, len(layouts))
	for i := range layouts {
		least[i], rate[i] = make([]float64, len(clusterWork)), make([]float64, len(clusterWork))
	}
	for range t.rounds {
		for i, l := range layouts {
			if err := t.measureLayout(ctx, l, least[i], rate[i]); err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
		}
	}
	fmt.Fprintf(stdout, "CPU time of all nodes, in µs per delivery (relay, chat) or tick (match), and as a multiple of the first column\n\n%-18s", "")
	for _, l := range layouts {
		fmt.Fprintf(stdout, " %28s", l.name)
	}
	fmt.Fprintln(stdout)
	for w, work := range clusterWork {
		fmt.Fprintf(stdout, "%-18s", work.name)
		for i := range layouts {
			fmt.Fprintf(stdout, " %28s", fmt.Sprintf("%.2f (%.2f x, %.0f/s)", least[i][w], least[i][w]/least[0][w], rate[i][w]))
		}
		fmt.Fprintln(stdout)
	}
	return nil
}

// measureLayout starts the nodes, measures all work, and keeps the least cost and the
// highest rate.
func (t *tabler) measureLayout(ctx context.Context, l layout, least, rate []float64) error {
	nodes, err := t.startNodes(ctx, l.nodes)
	defer func() {
		for _, n := range nodes {
			n.stop()
		}
	}()
	if err != nil {
		return err
	}
	var addresses, pids []string
	for i, n := range nodes {
		if i < l.players {
			addresses = append(addresses, n.address)
		}
		pids = append(pids, strconv.Itoa(n.pid()))
	}
	for i, work := range clusterWork {
		words := strings.Fields(work.command)
		s := findScenario(words[0])
		o, err := parseOptions(s, append([]string{
			"--address", strings.Join(addresses, ","), "--pid", strings.Join(pids, ","), "--duration", t.duration.String(),
		}, words[1:]...), t.stderr)
		if err != nil {
			return err
		}
		report, err := s.measure(ctx, o, t.stderr)
		if err != nil {
			return fmt.Errorf("%s: %w", work.command, err)
		}
		r := report.find("", "server")
		if least[i] == 0 || r.CPU < least[i] {
			least[i] = r.CPU
		}
		rate[i] = max(rate[i], r.PerSecond)
	}
	return nil
}

// startNodes starts the nodes of a cluster, or with 0 one server.
func (t *tabler) startNodes(ctx context.Context, n int) (nodes []*started, err error) {
	if n == 0 {
		s, err := t.start(ctx, "", "")
		if err != nil {
			return nil, err
		}
		return []*started{s}, nil
	}
	first := ""
	for i := range n {
		port, err := freePort()
		if err != nil {
			return nodes, err
		}
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		flags := fmt.Sprintf("--name bench-%d --cluster.listen %s --cluster.secret bench-bench-bench-bench", i, address)
		if first == "" {
			first = address
		} else {
			flags += " --cluster.join " + first
		}
		s, err := t.start(ctx, flags, "")
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, s)
	}
	return nodes, nil
}
