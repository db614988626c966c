package fleet

import (
	"context"
	"fmt"
	"net"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// Create implements runtime.FleetManager: it starts a game server with slots reserved
// for the given users, and returns its id under the key "id". The callback is called
// once, on a goroutine of its own, when the game server is ready, has ended or has not
// become ready in time; it is not called if Create fails. Latencies have no meaning
// on one machine.
//
// Errors: InvalidArgument for bad arguments, ResourceExhausted when the maximum number
// of instances run or no port is free, Internal if the command cannot be started,
// Unavailable while the server stops.
func (m *Manager) Create(_ context.Context, maxPlayers int, userIds []string, _ []runtime.FleetUserLatencies, metadata map[string]any, callback runtime.FmCreateCallbackFn) (map[string]string, error) {
	if maxPlayers < 1 {
		return nil, invalid("the maximum number of players must be 1 or more, not %d", maxPlayers)
	}
	if len(userIds) > maxPlayers {
		return nil, invalid("there are %d users for a game server of at most %d players", len(userIds), maxPlayers)
	}
	text, err := encode(metadata)
	if err != nil {
		return nil, err
	}
	in, err := m.start(maxPlayers, text)
	if err != nil {
		return nil, err
	}
	go m.await(in, userIds, callback)
	return map[string]string{"id": in.id}, nil
}

// start starts the process of a new instance.
func (m *Manager) start(maxPlayers int, metadata string) (*instance, error) {
	in := &instance{
		id: uuid.Must(uuid.NewV4()).String(), maxPlayers: maxPlayers, metadata: metadata, status: Starting,
		created: m.o.Now(), started: make(chan struct{}), ready: make(chan struct{}), ended: make(chan struct{}),
		lines: lineLimit{perSecond: m.o.LogLines, now: m.o.Now},
	}
	if err := m.add(in); err != nil {
		return nil, err
	}
	p, err := m.run(in)
	if err != nil {
		m.remove(in, err)
		return nil, fault.Private(fault.Internal, "cannot start the game server: "+err.Error(), err)
	}
	m.started(in, p)
	return in, nil
}

// started notes the process of an instance, whose output is read from now on.
func (m *Manager) started(in *instance, p *process) {
	m.mu.Lock()
	defer m.mu.Unlock()
	in.process = p
	close(in.started)
	switch { // what happened while it started
	case m.closed:
		p.kill()
	case in.status == Stopping:
		go m.endProcess(in)
	}
	go m.wait(in)
	go m.feed(in)
}

// remove forgets an instance that could not be started.
func (m *Manager) remove(in *instance, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reports.Done()
	delete(m.instances, in.id)
	in.exit = err
	close(in.ended)
}

// add takes a place and a port for an instance.
func (m *Manager) add(in *instance) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	if len(m.instances) >= m.o.MaxInstances {
		return fault.Newf(fault.ResourceExhausted, "%d game servers run, the maximum (fleet.max_instances)", len(m.instances))
	}
	used := map[int]bool{}
	for _, other := range m.instances {
		used[other.port] = true
	}
	for port := m.o.PortMin; port <= m.o.PortMax; port++ {
		if !used[port] && portFree(port) {
			in.port = port
			in.log = m.log.With().Str("instance", in.id).Int("port", port).Logger()
			m.instances[in.id] = in
			m.reports.Add(1)
			return nil
		}
	}
	return fault.Newf(fault.ResourceExhausted, "no port from %d to %d is free (fleet.port_min, fleet.port_max)", m.o.PortMin, m.o.PortMax)
}

// portFree reports whether nothing on this machine listens on a port, for TCP or UDP.
func portFree(port int) bool {
	address := ":" + strconv.Itoa(port)
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	_ = tcp.Close()
	udp, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	_ = udp.Close()
	return true
}

// await waits until an instance is ready, and reports it.
func (m *Manager) await(in *instance, users []string, callback runtime.FmCreateCallbackFn) {
	defer m.reports.Done()
	timeout := time.NewTimer(m.o.StartTimeout)
	defer timeout.Stop()
	if m.o.Ready == ReadyPort {
		go m.probe(in)
	}
	status, err := runtime.CreateSuccess, error(nil)
	select {
	case <-in.ready:
	case <-in.ended:
		status = runtime.CreateError
		err = fault.Private(fault.Unavailable, fmt.Sprintf("the game server ended before it was ready: %s", in.ending()), in.exit)
	case <-timeout.C:
		status = runtime.CreateTimeout
		err = fault.Newf(fault.DeadlineExceeded, "the game server was not ready within %s (fleet.start_timeout_sec)", m.o.StartTimeout)
	}

	m.mu.Lock()
	var info *runtime.InstanceInfo
	var sessions []*runtime.SessionInfo
	var metadata map[string]any
	switch {
	case status != runtime.CreateSuccess:
		m.stop(in, "it was not ready in time")
	case in.status == Running:
		sessions = in.reserve(users, m.o.Now())
		info = in.info(m.o.Address)
		metadata = info.Metadata
	default: // it was stopped meanwhile
		status, err = runtime.CreateError, fault.New(fault.Unavailable, "the game server was stopped before it was ready")
	}
	m.results[status]++
	m.mu.Unlock()
	if status == runtime.CreateSuccess {
		in.log.Info().Msg("game server is ready")
		in.tell(sessions, nil)
	}
	if callback != nil {
		defer in.recovered()
		callback(status, info, sessions, metadata, err)
	}
}

// recovered logs a panic of a callback. It must be deferred.
func (in *instance) recovered() {
	if p := recover(); p != nil {
		in.log.Error().Interface("panic", p).Bytes("stack", debug.Stack()).Msg("the callback of a game server's creation panicked")
	}
}

// becomesReady marks an instance as ready for players.
func (m *Manager) becomesReady(in *instance) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if in.status == Starting {
		in.status, in.idleSince = Running, m.o.Now()
		close(in.ready)
	}
}

// probe waits until an instance accepts connections.
func (m *Manager) probe(in *instance) {
	pause := time.NewTicker(100 * time.Millisecond)
	defer pause.Stop()
	port := strconv.Itoa(in.port)
	for {
		for _, host := range []string{"127.0.0.1", m.o.Address} {
			if c, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), time.Second); err == nil {
				_ = c.Close()
				m.becomesReady(in)
				return
			}
		}
		select {
		case <-pause.C:
		case <-in.ended:
			return
		}
	}
}

// environment is that of an instance: the server's without its settings, which have
// its keys, and what the instance has to know.
func (m *Manager) environment(in *instance, own []string) []string {
	var env []string
	for _, v := range own {
		if !strings.HasPrefix(v, "KUMI_") {
			env = append(env, v)
		}
	}
	env = append(env, m.o.Env...)
	return append(env,
		"FLEET_INSTANCE_ID="+in.id,
		"FLEET_PORT="+strconv.Itoa(in.port),
		"FLEET_MAX_PLAYERS="+strconv.Itoa(in.maxPlayers),
		"FLEET_METADATA="+in.metadata,
		markVariable+m.mark)
}

// arguments are those of the command, for one instance.
func (m *Manager) arguments(in *instance) []string {
	replace := strings.NewReplacer("{id}", in.id, "{port}", strconv.Itoa(in.port), "{max_players}", strconv.Itoa(in.maxPlayers))
	args := make([]string, len(m.o.Args))
	for i, a := range m.o.Args {
		args[i] = replace.Replace(a)
	}
	return args
}
