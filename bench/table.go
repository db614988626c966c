package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// tabler measures all rows against servers that it starts.
type tabler struct {
	server   string // path of the program
	modules  string
	filter   string
	flags    string
	port     int // of the servers; 0: a free one for each
	duration time.Duration
	rounds   int
	stderr   io.Writer
}

// table measures the rows and prints each when it is done.
func table(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	t := &tabler{stderr: stderr}
	fs := flag.NewFlagSet("bench table", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&t.server, "server", "", "the server's program, built from bench/modules/go/server")
	fs.StringVar(&t.modules, "modules", "bench/modules", "folder of the modules")
	fs.StringVar(&t.filter, "filter", "bench/filter", "folder of the word filters")
	fs.StringVar(&t.flags, "server-flags", "", "further flags for the server, as --database.address user:password@host:5432/name")
	fs.DurationVar(&t.duration, "duration", 3*time.Second, "time that each figure is measured")
	fs.IntVar(&t.rounds, "rounds", 2, "times server and bare server are driven in turn")
	only := fs.String("only", "", "regular expression; only the rows with a matching name")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if t.server == "" {
		return errors.New("--server must name the server's program")
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	failed, any := 0, false
	for _, r := range rows {
		if !r.matches(wanted) {
			continue
		}
		any = true
		values, notes, err := t.measure(ctx, r)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for i, l := range r.lines {
			text := "failed"
			if err == nil {
				text = joined(values[i])
			}
			fmt.Fprintf(stdout, "%-58s %24s %s\n", l.name, text, l.unit)
		}
		for _, n := range notes {
			fmt.Fprintf(stdout, "  %s\n", n)
		}
		if err != nil {
			failed++
			fmt.Fprintf(stderr, "bench: %s: %v\n", r.lines[0].name, err)
		}
	}
	if !any {
		return fmt.Errorf("--only %s: no such row", *only)
	}
	if failed > 0 {
		return fmt.Errorf("%d rows failed", failed)
	}
	return nil
}

func (r row) matches(wanted *regexp.Regexp) bool {
	for _, l := range r.lines {
		if wanted.MatchString(l.name) {
			return true
		}
	}
	return false
}

func joined(values []float64) string {
	var parts []string
	for _, v := range values {
		precision := 2
		if v >= 20 || v <= -20 {
			precision = 0
		}
		parts = append(parts, strconv.FormatFloat(v, 'f', precision, 64))
	}
	return strings.Join(parts, " / ")
}

// measure returns the values of each line, and the errors of failed calls.
func (t *tabler) measure(ctx context.Context, r row) ([][]float64, []string, error) {
	if r.own != nil {
		values, err := r.own(ctx, t)
		return values, nil, err
	}
	values := make([][]float64, len(r.lines))
	var notes []string
	var s *started
	defer func() { s.stop() }()
	for _, j := range r.runs {
		if s == nil || r.anew {
			s.stop()
			var err error
			if s, err = t.start(ctx, j.server, ""); err != nil {
				return nil, nil, err
			}
		}
		report, err := t.run(ctx, s, j)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", j.bench, err)
		}
		for i, l := range r.lines {
			values[i] = append(values[i], l.pick(report))
		}
		for _, n := range report.Results {
			if n.Errors > 0 {
				notes = append(notes, fmt.Sprintf("%s: %d errors from %s: %s", j.bench, n.Errors, n.Target, n.FirstError))
			}
		}
	}
	return values, notes, nil
}

func (t *tabler) run(ctx context.Context, s *started, j job) (*Report, error) {
	words := strings.Fields(j.bench)
	scenario := findScenario(words[0])
	args := []string{"--address", s.address, "--pid", strconv.Itoa(s.pid()), "--duration", t.duration.String(), "--rounds", strconv.Itoa(t.rounds)}
	if !scenario.noBare {
		args = append(args, "--self-echo")
	}
	if scenario.plain {
		plain, err := t.start(ctx, "", "")
		if err != nil {
			return nil, err
		}
		defer plain.stop()
		args = append(args, "--plain", fmt.Sprintf("%s,%d", plain.address, plain.pid()))
	}
	o, err := parseOptions(scenario, append(args, words[1:]...), t.stderr)
	if err != nil {
		return nil, err
	}
	return scenario.measure(ctx, o, t.stderr)
}
