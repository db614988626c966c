package command

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kumi/match"
	"kumi/server/replay"
	"kumi/store/fault"
)

// replayOptions are the arguments of kumi replay.
type replayOptions struct {
	file     string
	at       int64 // -1: not set
	a, b     string
	toTest   string
	quiet    bool
	settings []string // of the server
}

// replayFlags explains the flags; docs/replay.md does in more words.
const replayFlags = `  --at tick         stop after a tick and show the state
  --bisect a b      find the first tick in which two modules folders part
  --to-test name    write a test of kumi test into the modules folder that replays it
  --quiet           do not print the log of the modules
`

// replayMatch replays a recording. The exit code is 0 if everything is as it was recorded, and
// 1 if something differs.
func replayMatch(ctx context.Context, args []string, s streams) int {
	o, err := parseReplay(args)
	if err != nil {
		fmt.Fprintf(s.err, "replay: %v\n", err)
		return exitUsage
	}
	rec, err := replay.Read(o.file)
	if err != nil {
		return failed(s, err)
	}
	describeRecording(rec, s)
	if o.a != "" {
		return bisect(ctx, rec, o, s)
	}
	cfg, _, ok := load(o.settings, s)
	if !ok {
		return exitUsage
	}
	if err := isFolder(cfg); err != nil {
		return failed(s, err)
	}
	if o.toTest != "" {
		return writeReplayTest(rec, cfg.Runtime.Path, o.file, o.toTest, s)
	}
	if code, ran := withGoModule(ctx, cfg.Runtime.Path, "replay", args, s); ran {
		return code
	}
	host, err := replay.NewHost(ctx, cfg, rec.Node)
	if err != nil {
		return failed(s, err)
	}
	defer host.Close()
	shown := false
	report, err := host.Run(ctx, rec, func(p *match.Replay, want, got *match.Step) bool {
		if lines := host.Log(); !o.quiet {
			for _, l := range lines {
				fmt.Fprintf(s.out, "tick %d  %-5s  %s\n", want.Tick, l.Level, l.Message)
			}
		}
		next, more := p.Tick()
		if o.at < 0 || want.Tick < o.at || more && next <= o.at {
			return true
		}
		state, err := p.State()
		if err != nil {
			state = err.Error()
		}
		shown = true
		fmt.Fprintf(s.out, "state after tick %d:\n%s\n", want.Tick, state)
		return false
	})
	if fault.CodeOf(err) == fault.NotFound {
		err = fmt.Errorf("%w in the modules of %s; give the folder of the match's modules as --runtime.path", err, cfg.Runtime.Path)
	}
	if err != nil {
		return failed(s, err)
	}
	if o.at >= 0 && !shown {
		fmt.Fprintf(s.out, "the recording has no tick %d\n", o.at)
	}
	return summarize(rec, report, s)
}

func describeRecording(rec *match.Recording, s streams) {
	end := "without an end, up to tick"
	if !rec.Ended.IsZero() {
		end = "ended " + rec.Ended.UTC().Format(time.RFC3339) + " at tick"
	}
	fmt.Fprintf(s.out, "match %s, handler %s (%s), %s %d\n", rec.Match, rec.Handler, rec.Runtime, end, rec.Tick)
	if rec.Error != "" {
		fmt.Fprintf(s.out, "it failed in %s: %s\n", rec.In, rec.Error)
		if rec.Stack != "" {
			fmt.Fprintln(s.out, rec.Stack)
		}
	}
	if !rec.First && len(rec.Segments) > 0 {
		fmt.Fprintf(s.out, "the recording begins with tick %d\n", rec.Segments[0].Tick)
	}
	if rec.Incomplete {
		fmt.Fprintln(s.out, "the match was running or its server was killed; what the file has is replayed")
	}
}

// summarize prints the result of a replay.
func summarize(rec *match.Recording, r *replay.Report, s streams) int {
	speed := ""
	if rec.TickRate > 0 && r.Took > 0 && r.Ticks > 1 {
		speed = fmt.Sprintf(", %.0f times as fast as it was played", float64(r.Ticks)/float64(rec.TickRate)/r.Took.Seconds())
	}
	fmt.Fprintf(s.out, "%d calls in %s%s\n", r.Calls, r.Took.Round(time.Millisecond), speed)
	if r.First == nil {
		fmt.Fprintln(s.out, "everything is as it was recorded")
		return exitOK
	}
	fmt.Fprintf(s.out, "the first difference is in tick %d, %s:\n", r.First.Tick, r.First.Name())
	printDifferences(r.Differences, s)
	if len(r.State) > 0 {
		fmt.Fprintf(s.out, "the state after tick %d:\n", r.StateTick)
		printDifferences(r.State, s)
	}
	return exitFailed
}

func printDifferences(all []match.Difference, s streams) {
	for _, d := range all {
		fmt.Fprintf(s.out, "  %s\n", d)
	}
}

// bisect finds where two modules folders part.
func bisect(ctx context.Context, rec *match.Recording, o replayOptions, s streams) int {
	var hosts [2]*replay.Host
	for i, folder := range []string{o.a, o.b} {
		cfg, _, ok := load(append(o.settings, "--runtime.path", folder), s)
		if !ok {
			return exitUsage
		}
		if err := isFolder(cfg); err != nil {
			return failed(s, err)
		}
		host, err := replay.NewHost(ctx, cfg, rec.Node)
		if err != nil {
			return failed(s, fmt.Errorf("%s: %w", folder, err))
		}
		defer host.Close()
		hosts[i] = host
	}
	part, err := replay.Bisect(ctx, rec, hosts[0], hosts[1])
	if err != nil {
		return failed(s, err)
	}
	if part == nil {
		fmt.Fprintln(s.out, "both folders do the same")
		return exitOK
	}
	fmt.Fprintf(s.out, "they part in tick %d, %s (\"recorded\" is %s, \"replayed\" is %s):\n", part.Step.Tick, part.Step.Name(), o.a, o.b)
	printDifferences(part.Differences, s)
	printDifferences(part.State, s)
	return exitFailed
}

func parseReplay(args []string) (o replayOptions, err error) {
	o.at = -1
	for i := 0; i < len(args); i++ {
		name, value, given := strings.Cut(args[i], "=")
		name = strings.TrimPrefix(name, "-")
		take := func() string {
			if given {
				given = false
				return value
			}
			if i++; i >= len(args) {
				err = fmt.Errorf("%s needs a value", name)
				return ""
			}
			return args[i]
		}
		switch {
		case name == "-at":
			text := take()
			if err == nil {
				if o.at, err = strconv.ParseInt(text, 10, 64); err != nil || o.at < 0 {
					err = fmt.Errorf("--at: %q is not a tick", text)
				}
			}
		case name == "-bisect":
			o.a = take()
			if err == nil {
				o.b = take()
			}
		case name == "-to-test":
			if o.toTest = take(); err == nil && (o.toTest == "" || strings.ContainsAny(o.toTest, `/\`)) {
				err = fmt.Errorf("--to-test: %q is not a name for a file", o.toTest)
			}
		case name == "-quiet":
			o.quiet = true
		case strings.HasPrefix(args[i], "-"):
			setting := settingAt(args[i:], given)
			o.settings = append(o.settings, setting...)
			i += len(setting) - 1
		case o.file != "":
			err = fmt.Errorf("expected one file, not also %s", args[i])
		default:
			o.file = args[i]
		}
		if err != nil {
			return o, err
		}
	}
	if o.file == "" {
		return o, errors.New("which recording? Give its file")
	}
	return o, nil
}
