// Package fleet is a fleet manager that runs headless game servers on this machine: one
// process per instance, started from one configured command.
//
// An instance learns what it is from its environment (FLEET_INSTANCE_ID, FLEET_PORT,
// FLEET_MAX_PLAYERS, FLEET_METADATA), is told on its standard input who joins, and
// reports its state in lines on its standard output that begin with "@fleet". All
// other lines go to the server's log. docs/fleet.md describes the protocol.
//
// No instance outlives the server: it is stopped with its process group, killed by the
// kernel if the server dies (Linux), and what is left of it is killed when the server
// starts again (Linux). Elsewhere an instance has to end when its standard input is
// closed.
//
// A Manager may be used from any goroutine.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/store/fault"
)

// Ready says when an instance is ready for players.
type Ready string

const (
	// ReadyLine is when it prints a line that contains Options.ReadyText.
	ReadyLine Ready = "line"
	// ReadyPort is when it accepts TCP connections on its port.
	ReadyPort Ready = "port"
	// ReadyStart is when its process runs.
	ReadyStart Ready = "start"
)

// Options configure a Manager.
type Options struct {
	// Command and Args are the program and its arguments, in which {id}, {port} and
	// {max_players} are replaced. Env has further variables, KEY=VALUE. Dir is the
	// working directory, that of the server if empty.
	Command string
	Args    []string
	Env     []string
	Dir     string

	Address          string // what players connect to, for ConnectionInfo: an IP address or a name
	PortMin, PortMax int    // each instance gets a port of its own
	MaxInstances     int

	Ready        Ready
	ReadyText    string
	StartTimeout time.Duration // until it is ready
	StopGrace    time.Duration // between the request to end and the kill
	IdleTimeout  time.Duration // without players and reservations; 0 means no limit
	MaxLifetime  time.Duration // 0 means no limit
	MaxMemory    int64         // resident bytes of the process; 0 means no limit; only on Linux
	LogLines     int           // logged per second of one instance; the others are counted

	// Name tells servers apart that run on this machine. A server finds the processes
	// that one of the same name has left.
	Name   string
	Logger zerolog.Logger
	Now    func() time.Time // nil means time.Now
}

// reservationTime is how long a slot is kept for a player who has not connected, as
// runtime.FleetManager says.
const reservationTime = time.Minute

// Manager implements runtime.FleetManager. Make one with New.
type Manager struct {
	o      Options
	log    zerolog.Logger
	mark   string // in the environment of instances, see orphans
	starts chan func()
	end    chan struct{} // closed by Close
	swept  chan struct{} // closed when the sweeper has ended
	// reports are the requests to create an instance whose callback has not returned.
	reports sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	instances map[string]*instance
	results   [3]int // of Create, by runtime.FmCreateStatus
}

var _ runtime.FleetManagerInitializer = (*Manager)(nil)

// New makes a manager, after it has killed processes that a server of the same name
// left when it died. It fails if the command does not exist.
func New(o Options) (*Manager, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := findCommand(&o); err != nil {
		return nil, fmt.Errorf("fleet.command: %w", err)
	}
	m := &Manager{
		o: o, log: o.Logger.With().Str("part", "fleet").Logger(), mark: newMark(o.Name),
		starts: make(chan func()), end: make(chan struct{}), swept: make(chan struct{}),
		instances: map[string]*instance{},
	}
	for _, pid := range killOrphans(o.Name) {
		m.log.Warn().Int("pid", pid).Msg("killed a process that an earlier run of the server left")
	}
	go startOnOneThread(m.starts)
	go m.sweepEverySecond()
	return m, nil
}

// findCommand makes the command a path that does not depend on the server's working
// directory.
func findCommand(o *Options) error {
	if o.Dir != "" && strings.ContainsRune(o.Command, filepath.Separator) && !filepath.IsAbs(o.Command) {
		o.Command = filepath.Join(o.Dir, o.Command)
	}
	path, err := exec.LookPath(o.Command)
	if err == nil {
		o.Command, err = filepath.Abs(path)
	}
	return err
}

// Init implements runtime.FleetManagerInitializer. The manager needs neither.
func (m *Manager) Init(runtime.NakamaModule, runtime.FmCallbackHandler) error { return nil }

// Close stops all instances, and waits for them and for the callbacks of Create. When ctx
// ends it kills the instances that are left, and waits for no callback any more. Later
// calls of Create fail.
func (m *Manager) Close(ctx context.Context) {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	m.closed = true
	var left []*instance
	for _, in := range m.instances {
		m.stop(in, "the server stops")
		left = append(left, in)
	}
	m.mu.Unlock()
	for _, in := range left {
		select {
		case <-in.ended:
		case <-ctx.Done():
			m.kill(in)
			<-in.ended
		}
	}
	close(m.end)
	<-m.swept
	close(m.starts)
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		m.reports.Wait()
	}()
	select {
	case <-reported:
	case <-ctx.Done():
	}
}

// sweepEverySecond applies the limits of time and memory until Close.
func (m *Manager) sweepEverySecond() {
	defer close(m.swept)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			m.sweep()
		case <-m.end:
			return
		}
	}
}

func (m *Manager) sweep() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.o.Now()
	for _, in := range m.instances {
		if in.status == Stopping || in.process == nil {
			continue
		}
		in.expire(now)
		memory := int64(0)
		if m.o.MaxMemory > 0 {
			memory = residentMemory(in.process.pid())
		}
		switch {
		case m.o.MaxLifetime > 0 && now.Sub(in.created) >= m.o.MaxLifetime:
			m.stop(in, "it has run for fleet.max_lifetime_sec")
		case m.o.IdleTimeout > 0 && in.status == Running && !in.idleSince.IsZero() && now.Sub(in.idleSince) >= m.o.IdleTimeout:
			m.stop(in, "it had no players for fleet.idle_timeout_sec")
		case m.o.MaxMemory > 0 && memory > m.o.MaxMemory:
			m.stop(in, fmt.Sprintf("it uses %d MB of memory, more than fleet.max_memory_mb", memory>>20))
		}
	}
}

// Stats counts the instances that have not ended, by status, their players, and how
// requests to create one have ended.
type Stats struct {
	Starting, Running, Stopping, Players int
	Succeeded, TimedOut, Failed          int
}

// Stats returns the current counts.
func (m *Manager) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Stats{Succeeded: m.results[runtime.CreateSuccess], TimedOut: m.results[runtime.CreateTimeout], Failed: m.results[runtime.CreateError]}
	for _, in := range m.instances {
		switch in.status {
		case Starting:
			s.Starting++
		case Running:
			s.Running++
		case Stopping:
			s.Stopping++
		}
		s.Players += in.players
	}
	return s
}

// find returns an instance. The lock is held.
func (m *Manager) find(id string) (*instance, error) {
	if in := m.instances[id]; in != nil {
		return in, nil
	}
	return nil, fault.Newf(fault.NotFound, "there is no game server %q", id)
}

func invalid(format string, args ...any) error {
	return fault.Newf(fault.InvalidArgument, format, args...)
}

var errClosed = fault.Wrap(fault.Unavailable, "the server is stopping", errors.New("fleet manager closed"))
