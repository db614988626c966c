package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"kumi/bench/wire"
)

// options are the flags of a run.
type options struct {
	address   string
	serverKey string
	httpKey   string
	pid       string
	dbPid     int
	echo      string
	selfEcho  bool

	connections int
	inflight    int
	duration    time.Duration
	warmup      time.Duration
	settle      time.Duration
	rounds      int
	json        bool
	codec       wire.Codec

	rpc     string
	payload string
	rooms   int
	players int
	window  int
	size    int
	count   int
	users   int

	persist   bool
	reconnect bool
	waiting   int
	sources   int
	metrics   string
	plain     string
	stores    string
	filled    int // records of the board that are there already
}

// echoPayload is about 130 bytes of JSON, such as a game client would send.
const echoPayload = `{"action":"move","seq":1042,"position":{"x":128.5,"y":64.25,"z":0},"target":"npc-7731","flags":["run","aim"],"note":"hello world"}`

func parseOptions(s *scenario, args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("bench "+s.name, flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.address, "address", "", "host:port of the server's HTTP listener; of several, separated by commas, each gets an equal part of the sockets; empty drives the bare server alone")
	fs.StringVar(&o.serverKey, "server-key", "defaultkey", "key for authentication")
	fs.StringVar(&o.httpKey, "http-key", "defaulthttpkey", "key for RPCs from other servers, used to create matches")
	fs.StringVar(&o.pid, "pid", "0", "process id of the server, for its processor time and memory; several are added")
	fs.IntVar(&o.dbPid, "db-pid", 0, "process id of the server's database, counted with its child processes and shown apart")
	fs.StringVar(&o.echo, "echo", "", "host:port,pid of a bare server to drive in the same run")
	fs.BoolVar(&o.selfEcho, "self-echo", false, "start a bare server as a child process and drive it in the same run")
	fs.IntVar(&o.connections, "connections", s.connections, "connections")
	fs.IntVar(&o.inflight, "inflight", cmp.Or(s.inflight, 1), "requests (rpc-ws) or tickets (matchmaker) in flight per connection")
	fs.DurationVar(&o.duration, "duration", 5*time.Second, "measured time, at most 5m")
	fs.DurationVar(&o.warmup, "warmup", time.Second, "load before the measured time")
	fs.DurationVar(&o.settle, "settle", 2*time.Second, "idle time before memory is read (idle, match-empty)")
	fs.IntVar(&o.rounds, "rounds", 1, "rounds in which server and bare server are driven in turn; results are combined")
	fs.BoolVar(&o.json, "json", false, "print the report as JSON")
	format := fs.String("format", "json", "wire format of WebSocket messages: json or protobuf")
	fs.StringVar(&o.rpc, "rpc", s.rpc, "id of the RPC to call, or of the one that creates a match and returns its id")
	fs.StringVar(&o.payload, "payload", s.payload, "payload of that RPC")
	fs.IntVar(&o.rooms, "rooms", cmp.Or(s.rooms, 20), "matches (match) or parties (party)")
	fs.IntVar(&o.players, "players", cmp.Or(s.players, 8), "players in each match, room or party (relay, match, chat, churn, party)")
	fs.IntVar(&o.window, "window", 4, "messages in flight per player (relay)")
	fs.IntVar(&o.size, "size", 128, "bytes of data in a message (relay, chat, status, hook, party)")
	fs.IntVar(&o.count, "count", cmp.Or(s.count, 200), "matches to create (match-empty, match-list), or reloads (reload)")
	fs.IntVar(&o.users, "users", 0, "users that share the connections; 0 means one each (idle, churn)")
	fs.BoolVar(&o.persist, "persist", false, "store the messages; an operation is then one send (chat)")
	fs.BoolVar(&o.reconnect, "reconnect", false, "reconnect in every round (churn)")
	fs.IntVar(&o.waiting, "waiting", 0, "additional tickets that never match (matchmaker)")
	fs.IntVar(&o.sources, "sources", 1, "loopback addresses to connect from, for more connections than one has ports")
	fs.StringVar(&o.metrics, "metrics", "", "host:port of the server's Prometheus metrics (churn)")
	fs.StringVar(&o.plain, "plain", "", "host:port,pid of a server without the hook, driven in the same run (hook)")
	fs.StringVar(&o.stores, "stores", "127.0.0.1:9009", "host:port at which to play the stores of apps (purchase)")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	var err error
	if o.codec, err = wire.ByName(*format); err != nil {
		return nil, err
	}
	return o, o.check(s)
}

func (o *options) check(s *scenario) error {
	for _, n := range []struct {
		name  string
		value int
	}{
		{"connections", o.connections}, {"inflight", o.inflight}, {"rounds", o.rounds}, {"rooms", o.rooms},
		{"window", o.window}, {"count", o.count}, {"sources", o.sources},
	} {
		if n.value < 1 {
			return fmt.Errorf("--%s must be 1 or more", n.name)
		}
	}
	switch {
	case o.duration <= 0 || o.duration > 5*time.Minute:
		return errors.New("--duration must be more than 0 and at most 5m")
	case o.warmup < 0 || o.settle < 0:
		return errors.New("--warmup and --settle must not be negative")
	case o.waiting < 0:
		return errors.New("--waiting must not be negative")
	case o.sources > 60000:
		return errors.New("--sources must be at most 60000")
	case s.plain && o.plain == "":
		return fmt.Errorf("%s compares with a server without the hook: give --plain", s.name)
	case o.players < 2:
		return errors.New("--players must be 2 or more")
	case o.size < wire.StampSize || o.size > 2048:
		return fmt.Errorf("--size must be between %d and 2048", wire.StampSize)
	case o.address == "" && o.echo == "" && !o.selfEcho:
		return errors.New("nothing to drive: give --address, --echo or --self-echo")
	case o.address == "" && s.noBare:
		return fmt.Errorf("%s has no bare counterpart: give --address", s.name)
	case o.address != "" && s.rpc != "" && o.rpc == "":
		return errors.New("--rpc must not be empty")
	}
	return nil
}

// targets returns the server first, then the bare server. The second result
// stops what was started.
func (o *options) targets(ctx context.Context, stderr io.Writer) ([]*target, func(), error) {
	var targets []*target
	if o.address != "" {
		nodes := strings.Split(o.address, ",")
		t := &target{name: "server", address: nodes[0], nodes: nodes, serverKey: o.serverKey, httpKey: o.httpKey}
		var err error
		if t.process, err = openProcesses(o.pid); err != nil {
			return nil, nil, fmt.Errorf("--pid: %w", err)
		}
		if t.database, err = openProcess(o.dbPid, true); err != nil {
			return nil, nil, fmt.Errorf("--db-pid: %w", err)
		}
		targets = append(targets, t)
	}
	if o.plain != "" {
		t, err := targetAt(o.plain)
		if err != nil {
			return nil, nil, fmt.Errorf("--plain: %w", err)
		}
		t.name, t.plain, t.serverKey, t.httpKey = "plain", true, o.serverKey, o.httpKey
		targets = append(targets, t)
	}
	if o.echo != "" {
		t, err := targetAt(o.echo)
		if err != nil {
			return nil, nil, fmt.Errorf("--echo: %w", err)
		}
		t.name, t.bare = "bare", true
		targets = append(targets, t)
	}
	for _, t := range targets {
		t.sources = newSources(o.sources)
	}
	if !o.selfEcho {
		return targets, func() {}, nil
	}
	child, err := startEcho(ctx, stderr)
	if err != nil {
		return nil, nil, fmt.Errorf("start the bare server: %w", err)
	}
	t := &target{name: "bare", address: child.address, bare: true, sources: newSources(o.sources)}
	if t.process, err = openProcess(child.pid(), false); err != nil {
		child.stop()
		return nil, nil, err
	}
	return append(targets, t), child.stop, nil
}

// targetAt parses host:port,pid.
func targetAt(where string) (*target, error) {
	address, pid, _ := strings.Cut(where, ",")
	n, err := strconv.Atoi(pid)
	if pid != "" && err != nil {
		return nil, fmt.Errorf("%q is not a process id", pid)
	}
	t := &target{address: address}
	t.process, err = openProcess(n, false)
	return t, err
}

// target is a server under load.
type target struct {
	name      string
	address   string
	nodes     []string // addresses for sockets, in turn; none: address
	node      atomic.Uint32
	bare      bool // only echoes, without sessions and matches
	plain     bool // without the hook (scenario hook)
	serverKey string
	httpKey   string
	sources   *sources
	process   *process // nil without a process id
	database  *process
}
