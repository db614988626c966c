package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/bench/wire"
)

// maxPause is how long a restart may keep 99 % of the matches from their players.
const maxPause = 2 * time.Second

// restart measures what players notice of a server that is stopped and started again
// under load: authoritative matches whose players send messages, chat, and reconnect
// when their socket closes.
func restart(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	t := &tabler{stderr: stderr}
	r := &restarting{chat: time.Second, codec: wire.JSON{}}
	fs := flag.NewFlagSet("bench restart", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&t.server, "server", "", "the server's program")
	modules := fs.String("modules", "bench/restart", "folder with the matches, in a folder for each language")
	language := fs.String("language", "js", "language of the matches: js or lua")
	database := fs.String("database", "", "PostgreSQL as user:password@host:5432/name, migrated; empty: SQLite")
	flags := fs.String("server-flags", "", "further flags for the server")
	fs.IntVar(&r.matches, "matches", 200, "matches")
	fs.IntVar(&r.players, "players", 4, "players in each match, and in a chat room of its own")
	fs.DurationVar(&r.duration, "duration", 3*time.Second, "load before each restart, and after the last one")
	fs.IntVar(&r.restarts, "restarts", 1, "restarts, one after the other")
	fs.BoolVar(&r.kill, "kill", false, "kill the server instead of stopping it: sessions are lost, and matches go on from their last snapshot")
	every := fs.Int("snapshot", 10, "ticks between snapshots of a match (with --kill)")
	format := fs.String("format", "json", "wire format of WebSocket messages: json or protobuf")
	if err := fs.Parse(args); err != nil {
		return err
	}
	var err error
	if r.codec, err = wire.ByName(*format); err != nil {
		return err
	}
	if t.server == "" || r.matches < 1 || r.players < 2 || r.restarts < 1 || *every < 1 {
		return errors.New("--server must name the server's program; --matches, --restarts and --snapshot be 1 or more, --players 2 or more")
	}
	data, err := os.MkdirTemp("", "bench-restart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	if t.port, err = freePort(); err != nil {
		return err
	}
	t.modules = filepath.Join(*modules, *language)
	snapshot := "shutdown"
	if r.kill {
		snapshot = fmt.Sprint(*every)
	}
	// A name of its own keeps what another run left in the database away.
	name := fmt.Sprintf("bench-%08x", rand.Uint32())
	t.flags = fmt.Sprintf("--name %s --session.token_expiry_sec 3600 --session.resume_sec 60 --match.resume_sec 60 --match.snapshot %s %s",
		name, snapshot, *flags)
	if *database != "" {
		t.flags += " --database.address " + *database
	}
	p := &restartedProcess{tabler: t, ctx: ctx, data: data}
	address, err := p.start()
	if err != nil {
		return err
	}
	defer func() { p.now.stop() }()
	report, err := r.run(ctx, p, &target{name: "server", address: address, serverKey: "defaultkey", httpKey: "defaulthttpkey", sources: newSources(1)})
	if err != nil {
		return err
	}
	report.write(stdout)
	return errors.Join(report.lost(), report.slow())
}

// restartable is a server that can be stopped and started again on the same address and
// data.
type restartable interface {
	start() (address string, err error)
	// stop returns when the server has ended.
	stop(kill bool) error
}

// restartedProcess is the server as a process.
type restartedProcess struct {
	*tabler
	ctx  context.Context
	data string
	now  *started
}

func (p *restartedProcess) start() (string, error) {
	s, err := p.tabler.start(p.ctx, "", p.data)
	if err != nil {
		return "", err
	}
	p.now = s
	return s.address, nil
}

func (p *restartedProcess) stop(kill bool) error {
	signal := syscall.SIGTERM
	if kill {
		signal = syscall.SIGKILL
	}
	if err := p.now.cmd.Process.Signal(signal); err != nil {
		return err
	}
	select {
	case <-p.now.ended:
		return nil
	case <-time.After(healthyTime):
		return errors.New("the server does not end")
	}
}

// restarting is the load of a run.
type restarting struct {
	matches, players, restarts int
	duration                   time.Duration
	chat                       time.Duration // between two chat messages of a player
	kill                       bool
	codec                      wire.Codec
}

// run puts the load on the server, restarts it, and reports what the players saw.
func (r *restarting) run(ctx context.Context, server restartable, t *target) (*restartReport, error) {
	sessions, err := t.sessions(r.matches * r.players)
	if err != nil {
		return nil, err
	}
	ids, err := t.createMatches(&options{rooms: r.matches, rpc: "create_restart"})
	if err != nil {
		return nil, err
	}
	all := &restartedPlayers{restarting: r, target: t}
	room := uuid.Must(uuid.NewV4()).String()
	for i, s := range sessions {
		all.add(s, ids[i/r.players], fmt.Sprintf("%s-%d", room, i/r.players))
	}
	defer all.stop()
	if err := all.start(ctx); err != nil {
		return nil, err
	}
	report := &restartReport{restarting: r}
	for range r.restarts {
		if err := wait(ctx, r.duration, all.failed); err != nil {
			return nil, err
		}
		all.mark()
		began := time.Now()
		if err := server.stop(r.kill); err != nil {
			return nil, fmt.Errorf("stop the server: %w", err)
		}
		report.stopped = append(report.stopped, time.Since(began))
		began = time.Now()
		if _, err := server.start(); err != nil {
			return nil, fmt.Errorf("start the server again: %w", err)
		}
		report.started = append(report.started, time.Since(began))
		if err := all.awaitBack(ctx); err != nil {
			return nil, err
		}
		all.pauses(&report.pause)
	}
	if err := wait(ctx, r.duration, all.failed); err != nil {
		return nil, err
	}
	if err := all.finish(ctx); err != nil {
		return nil, err
	}
	all.count(report)
	return report, nil
}

// restartReport is what the players of a run saw.
type restartReport struct {
	*restarting
	stopped, started []time.Duration
	pause            histogram // of each match at each restart: the longest time that one of its players got no state

	lostMatches                            int
	sent, counted, lostInputs, againInputs int // messages to matches
	chats, acked, lostChats, againChats    int // chat messages
	presences                              int // joins and leaves that others were told
	joins, leaves                          int // that the matches' handlers saw after the beginning
}

func (r *restartReport) write(w io.Writer) {
	how := "stopped with SIGTERM"
	if r.kill {
		how = "killed with SIGKILL"
	}
	fmt.Fprintf(w, "%d matches of %d players, server %s %d times\n\n", r.matches, r.players, how, r.restarts)
	times := func(all []time.Duration) string {
		var parts []string
		for _, d := range all {
			parts = append(parts, fmt.Sprintf("%.0f", d.Seconds()*1000))
		}
		return strings.Join(parts, ", ") + " ms"
	}
	for _, line := range []struct {
		name string
		text string
	}{
		{"stop", times(r.stopped)},
		{"start until healthy", times(r.started)},
		{"pause of a match, p50 / p99 / max", fmt.Sprintf("%.0f / %.0f / %.0f ms", ms(r.pause.quantile(0.5)), ms(r.pause.quantile(0.99)), ms(r.pause.max))},
		{"matches lost", fmt.Sprint(r.lostMatches)},
		{"messages to matches: sent / counted", fmt.Sprintf("%d / %d", r.sent, r.counted)},
		{"  acknowledged and lost / counted twice", fmt.Sprintf("%d / %d", r.lostInputs, r.againInputs)},
		{"chat messages: sent / acknowledged", fmt.Sprintf("%d / %d", r.chats, r.acked)},
		{"  acknowledged and lost / received twice", fmt.Sprintf("%d / %d", r.lostChats, r.againChats)},
		{"joins and leaves that others were told", fmt.Sprint(r.presences)},
		{"matchJoin / matchLeave of handlers", fmt.Sprintf("%d / %d", r.joins, r.leaves)},
	} {
		fmt.Fprintf(w, "%-42s %s\n", line.name, line.text)
	}
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// lost returns an error that names what a restart must not do. After a kill the matches
// have to be there; the rest may be lost as far as docs/restart.md says.
func (r *restartReport) lost() error {
	var wrong []string
	bad := func(n int, what string) {
		if n > 0 {
			wrong = append(wrong, fmt.Sprintf("%d %s", n, what))
		}
	}
	bad(r.lostMatches, "matches were lost")
	if !r.kill {
		bad(r.lostInputs, "acknowledged messages to matches were lost")
		bad(r.lostChats, "acknowledged chat messages were lost")
	}
	bad(r.againInputs, "messages to matches were counted twice")
	bad(r.againChats, "chat messages were received twice")
	if !r.kill {
		bad(r.presences, "joins and leaves were told to others")
		bad(r.joins+r.leaves, "joins and leaves were told to matches")
	}
	if wrong == nil {
		return nil
	}
	return errors.New(strings.Join(wrong, "; "))
}

// slow returns an error if the matches paused for too long.
func (r *restartReport) slow() error {
	if p := r.pause.quantile(0.99); p >= maxPause {
		return fmt.Errorf("the p99 of the pause is %s, not less than %s", p.Round(time.Millisecond), maxPause)
	}
	return nil
}
