package fleet

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/internal/testutil"
	"kumi/store/fault"
)

// result is what the callback of Create got.
type result struct {
	id       string
	status   runtime.FmCreateStatus
	info     *runtime.InstanceInfo
	sessions []*runtime.SessionInfo
	metadata map[string]any
	err      error
}

func create(m *Manager, maxPlayers int, users []string, metadata map[string]any) <-chan result {
	done := make(chan result, 1)
	ids := make(chan string, 1)
	out, err := m.Create(context.Background(), maxPlayers, users, nil, metadata, func(status runtime.FmCreateStatus, info *runtime.InstanceInfo, sessions []*runtime.SessionInfo, metadata map[string]any, err error) {
		done <- result{<-ids, status, info, sessions, metadata, err}
	})
	if err != nil {
		done <- result{status: -1, err: err}
	}
	ids <- out["id"]
	return done
}

func created(t *testing.T, m *Manager, maxPlayers int, users ...string) *runtime.InstanceInfo {
	t.Helper()
	r := <-create(m, maxPlayers, users, map[string]any{"map": "forest"})
	if r.status != runtime.CreateSuccess {
		t.Fatalf("create: status %d, %v", r.status, r.err)
	}
	if r.id != r.info.Id || len(r.sessions) != len(users) {
		t.Errorf("create returned %s, the callback got %s with %d sessions", r.id, r.info.Id, len(r.sessions))
	}
	return r.info
}

// none reports whether all game servers have ended.
func none(m *Manager) bool { s := m.Stats(); return s.Starting+s.Running+s.Stopping == 0 }

func wantCode(t *testing.T, err error, code fault.Code, text string) {
	t.Helper()
	if fault.CodeOf(err) != code || !strings.Contains(fmt.Sprint(err), text) {
		t.Errorf("error %v of code %d, want code %d and %q", err, fault.CodeOf(err), code, text)
	}
}

// A game server from its start to its end, with players who join and leave.
func TestLife(t *testing.T) {
	t.Parallel()
	m, log := start(t, "serve")
	ctx := t.Context()
	info := created(t, m, 4, "ann")
	if info.Status != Running || info.ConnectionInfo.IpAddress != "127.0.0.1" || info.ConnectionInfo.Port < 20_000 || info.Metadata["map"] != "forest" || info.CreateTime.IsZero() {
		t.Errorf("info %+v %+v", info, info.ConnectionInfo)
	}
	players := func(n int) {
		t.Helper()
		testutil.Eventually(t, fmt.Sprint(n, " players"), func() bool {
			got, err := m.Get(ctx, info.Id)
			return err == nil && got.PlayerCount == n
		})
	}
	players(1)
	joined, err := m.Join(ctx, info.Id, []string{"bob", "carol"}, map[string]string{"team": "red"})
	if err != nil {
		t.Fatal(err)
	}
	if len(joined.SessionInfo) != 2 || joined.SessionInfo[1].UserId != "carol" || joined.SessionInfo[0].SessionId == joined.SessionInfo[1].SessionId || joined.InstanceInfo.Id != info.Id {
		t.Errorf("joined %+v", joined)
	}
	players(3)
	_, err = m.Join(ctx, info.Id, []string{"dave", "eve"}, nil)
	wantCode(t, err, fault.ResourceExhausted, "1 free slots, not 2")
	if err := m.Update(ctx, info.Id, 2, map[string]any{"map": "desert"}); err != nil {
		t.Fatal(err)
	}
	if got, _ := m.Get(ctx, info.Id); got.PlayerCount != 2 || got.Metadata["map"] != "desert" {
		t.Errorf("after the update: %+v", got)
	}
	if s := m.Stats(); s != (Stats{Running: 1, Players: 2, Succeeded: 1}) {
		t.Errorf("stats %+v", s)
	}
	if err := m.Delete(ctx, info.Id); err != nil {
		t.Fatal(err)
	}
	testutil.Eventually(t, "its end", func() bool { _, err := m.Get(ctx, info.Id); return fault.CodeOf(err) == fault.NotFound })
	for _, line := range []string{"joins ann", "joins bob red", "loading", "game server ended"} {
		if len(log.Lines(line)) != 1 {
			t.Errorf("%q is not in the log once:\n%s", line, log.String())
		}
	}
	if strings.Contains(log.String(), "@fleet") {
		t.Error("reports are logged")
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	m, _ := start(t, "serve")
	_, get := m.Get(t.Context(), "x")
	_, joins := m.Join(t.Context(), "x", []string{"ann"}, nil)
	for _, err := range []error{get, joins, m.Update(t.Context(), "x", 1, nil), m.Delete(t.Context(), "x")} {
		wantCode(t, err, fault.NotFound, `no game server "x"`)
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	m, _ := start(t, "serve")
	info := created(t, m, 2)
	_, join := m.Join(t.Context(), info.Id, nil, nil)
	_, _, limit := m.List(t.Context(), "", 1001, "")
	_, _, cursor := m.List(t.Context(), "", 1, "!")
	_, _, query := m.List(t.Context(), `a:"`, 1, "")
	for text, err := range map[string]error{
		"must be 1 or more":  (<-create(m, 0, nil, nil)).err,
		"3 users":            (<-create(m, 2, []string{"a", "b", "c"}, nil)).err,
		"cannot be encoded":  (<-create(m, 2, nil, map[string]any{"f": func() {}})).err,
		"the maximum is":     (<-create(m, 2, nil, map[string]any{"s": strings.Repeat("x", 70_000)})).err,
		"at least one user":  join,
		"from 1 to 1000":     limit,
		"the cursor":         cursor,
		"character":          query,
		"from 0 to 2, not 3": m.Update(t.Context(), info.Id, 3, nil),
		"not -1":             m.Update(t.Context(), info.Id, -1, nil),
	} {
		wantCode(t, err, fault.InvalidArgument, text)
	}
	if _, err := New(Options{Command: "/no/such/program"}); err == nil || !strings.Contains(err.Error(), "fleet.command") {
		t.Errorf("a command that does not exist: %v", err)
	}
}

// What an instance is told, and that it does not get the server's settings.
func TestEnvironment(t *testing.T) {
	t.Setenv("KUMI_SECRET", "s3cret")
	where := t.TempDir()
	m, _ := start(t, "env", func(o *Options) {
		o.Args = []string{"--port={port}", "{id}", "{max_players}", "plain"}
		o.Env = append(o.Env, "EXTRA=more")
		o.Dir = where
	})
	info := created(t, m, 7)
	port := fmt.Sprint(info.ConnectionInfo.Port)
	want := map[string]any{
		"args": []any{"--port=" + port, info.Id, "7", "plain"}, "port": port, "max": "7", "given": map[string]any{"map": "forest"}, "id": info.Id,
		"extra": "more", "secret": "", "dir": where,
	}
	if !reflect.DeepEqual(info.Metadata, want) {
		t.Errorf("the game server found\n%v\nwant\n%v", info.Metadata, want)
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	for _, ready := range []Ready{ReadyPort, ReadyStart} {
		t.Run(string(ready), func(t *testing.T) {
			t.Parallel()
			m, _ := start(t, string(ready), func(o *Options) { o.Ready = ready })
			info := created(t, m, 1)
			if ready == ReadyPort {
				c, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", info.ConnectionInfo.Port))
				if err != nil {
					t.Fatal(err)
				}
				_ = c.Close()
			}
		})
	}
}

func TestNeverReady(t *testing.T) {
	t.Parallel()
	m, log := start(t, "silent", func(o *Options) { o.StartTimeout = 100 * time.Millisecond })
	r := <-create(m, 1, []string{"ann"}, map[string]any{"a": 1})
	if r.status != runtime.CreateTimeout || r.info != nil || r.sessions != nil || r.metadata != nil {
		t.Errorf("%+v", r)
	}
	wantCode(t, r.err, fault.DeadlineExceeded, "fleet.start_timeout_sec")
	testutil.Eventually(t, "its end", func() bool { return none(m) })
	if len(log.Lines("it was not ready in time")) != 1 {
		t.Error(log.String())
	}
}

func TestCrash(t *testing.T) {
	t.Parallel()
	m, log := start(t, "crash")
	r := <-create(m, 1, nil, nil)
	if r.status != runtime.CreateError {
		t.Errorf("%+v", r)
	}
	wantCode(t, r.err, fault.Unavailable, "exit status 3")
	for _, line := range []string{"no such map", "game server ended: exit status 3"} {
		if len(log.Lines(line)) != 1 {
			t.Errorf("%q is not in the log:\n%s", line, log.String())
		}
	}
}

// The number of instances and the ports are limited, and free again afterwards.
func TestLimits(t *testing.T) {
	t.Parallel()
	taken := testutil.FreePorts(t, 2)
	l, err := net.Listen("tcp", ":"+strconv.Itoa(taken))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m, _ := start(t, "serve", func(o *Options) { o.PortMin, o.PortMax, o.MaxInstances = taken, taken+1, 3 })
	info := created(t, m, 1)
	if info.ConnectionInfo.Port != taken+1 {
		t.Errorf("port %d, want the one that is free", info.ConnectionInfo.Port)
	}
	wantCode(t, (<-create(m, 1, nil, nil)).err, fault.ResourceExhausted, "fleet.port_min")
	m.o.MaxInstances = 1
	wantCode(t, (<-create(m, 1, nil, nil)).err, fault.ResourceExhausted, "fleet.max_instances")
	if err := m.Delete(t.Context(), info.Id); err != nil {
		t.Fatal(err)
	}
	testutil.Eventually(t, "another game server", func() bool { return (<-create(m, 1, nil, nil)).status == runtime.CreateSuccess })
}

func TestList(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	var mu sync.Mutex
	m, _ := start(t, "serve", func(o *Options) {
		o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); now = now.Add(time.Millisecond); return now }
	})
	ids := make([]string, 3)
	for i := range ids {
		info := created(t, m, 4)
		ids[i] = info.Id
		if err := m.Update(t.Context(), info.Id, i, map[string]any{"map": "forest", "n": i}); err != nil {
			t.Fatal(err)
		}
	}
	list := func(query string, limit int, cursor string) (got []string, next string) {
		t.Helper()
		page, next, err := m.List(t.Context(), query, limit, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range page {
			got = append(got, info.Id)
		}
		return got, next
	}
	for query, want := range map[string][]string{
		"": ids, "+status:running": ids, "+status:starting": nil, "+player_count:>=1": ids[1:], "+free:>3": ids[:1],
		"+metadata.map:forest +metadata.n:1": ids[1:2], "+id:" + ids[2]: ids[2:], "+max_players:4": ids,
	} {
		if got, next := list(query, 0, ""); !reflect.DeepEqual(got, want) || next != "" {
			t.Errorf("%q lists %v and %q, want %v", query, got, next, want)
		}
	}
	first, next := list("", 2, "")
	if err := m.Delete(t.Context(), first[1]); err != nil {
		t.Fatal(err)
	}
	testutil.Eventually(t, "its end", func() bool { return m.Stats().Running+m.Stats().Stopping == 2 })
	if rest, last := list("", 2, next); !reflect.DeepEqual(rest, ids[2:]) || last != "" {
		t.Errorf("after a cursor whose game server has ended: %v and %q", rest, last)
	}
}

// Slots are reserved for a minute, and used by players who come.
func TestReservations(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	in := &instance{maxPlayers: 4}
	in.reserve([]string{"a", "b"}, now)
	in.reserve([]string{"c"}, now.Add(30*time.Second))
	steps := []struct {
		do   func()
		free int
		idle bool
	}{
		{func() {}, 1, false},
		{func() { in.setPlayers(1, now) }, 1, false}, // a came
		{func() { in.expire(now.Add(59 * time.Second)) }, 1, false},
		{func() { in.expire(now.Add(60 * time.Second)) }, 2, false}, // b did not
		{func() { in.setPlayers(3, now) }, 1, false},                // c came, and someone without a reservation
		{func() { in.setPlayers(0, now) }, 4, true},
		{func() { in.reserve([]string{"d"}, now) }, 3, false},
		{func() { in.expire(now.Add(time.Hour)) }, 4, true},
	}
	for i, s := range steps {
		if s.do(); in.free() != s.free || in.idleSince.IsZero() == s.idle {
			t.Errorf("step %d: %d free, idle since %v", i, in.free(), in.idleSince)
		}
	}
}

// Game servers are stopped that have run too long, have no players or use too much
// memory.
func TestSweep(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode   string
		change func(*Options)
		why    string
	}{
		"idle":     {"serve", func(o *Options) { o.IdleTimeout = time.Millisecond }, "no players"},
		"lifetime": {"serve", func(o *Options) { o.MaxLifetime = time.Millisecond }, "has run"},
		"memory":   {"memory", func(o *Options) { o.MaxMemory = 50 << 20 }, "MB of memory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "memory" && residentMemory(1) == 0 {
				t.Skip("the memory of processes is not known on this system")
			}
			m, log := start(t, c.mode, c.change)
			<-create(m, 2, nil, nil)
			testutil.Eventually(t, "its end", func() bool { return none(m) })
			if len(log.Lines(c.why)) != 1 {
				t.Error(log.String())
			}
		})
	}
}

func TestNotIdle(t *testing.T) {
	t.Parallel()
	m, _ := start(t, "serve", func(o *Options) { o.IdleTimeout, o.MaxMemory = 1, 10<<30 })
	info := created(t, m, 2, "ann")
	m.sweep()
	if got, err := m.Get(t.Context(), info.Id); err != nil || got.Status != Running {
		t.Errorf("%+v %v", got, err)
	}
}

// What is logged of an instance is limited; reports still count.
func TestFlood(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	m, log := start(t, "flood", func(o *Options) { o.LogLines, o.Now = 10, func() time.Time { return now } })
	info := created(t, m, 2)
	if got, _ := m.Get(t.Context(), info.Id); got.PlayerCount != 0 {
		t.Errorf("%d players", got.PlayerCount)
	}
	if n := len(log.Lines(`"stream":"stdout"`)); n != 10 {
		t.Errorf("%d lines logged, want 10", n)
	}
	l := lineLimit{perSecond: 1, now: func() time.Time { return now }}
	l.take()
	l.take()
	now = now.Add(time.Second)
	if dropped, ok := l.take(); dropped != 1 || !ok {
		t.Errorf("%d lines dropped, %v", dropped, ok)
	}
}

// A game server that ignores the request to end is killed, at Close too.
func TestStubborn(t *testing.T) {
	t.Parallel()
	m, log := start(t, "stubborn", func(o *Options) { o.StopGrace = 50 * time.Millisecond })
	info := created(t, m, 1)
	if err := m.Delete(t.Context(), info.Id); err != nil {
		t.Fatal(err)
	}
	testutil.Eventually(t, "its end", func() bool { return none(m) })
	if len(log.Lines("fleet.stop_grace_sec")) != 1 || len(log.Lines("signal: killed")) != 1 {
		t.Error(log.String())
	}
	created(t, m, 1)
	m.Close(t.Context())
	if !none(m) {
		t.Errorf("after Close: %+v", m.Stats())
	}
	wantCode(t, (<-create(m, 1, nil, nil)).err, fault.Unavailable, "stopping")
	m.Close(t.Context()) // again
}

// A game server that is ready at once can be joined at once.
func TestReadyAtOnce(t *testing.T) {
	t.Parallel()
	m, _ := start(t, "serve")
	in := &instance{
		id: "x", maxPlayers: 1, status: Starting, metadata: "{}", started: make(chan struct{}), ready: make(chan struct{}), ended: make(chan struct{}),
		lines: lineLimit{perSecond: 10, now: time.Now},
	}
	if err := m.add(in); err != nil {
		t.Fatal(err)
	}
	p, err := m.run(in)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-in.ready:
		t.Error("it is ready, and cannot be told who joins yet")
	case <-time.After(100 * time.Millisecond):
	}
	m.started(in, p)
	m.reports.Done() // there is no callback
	<-in.ready
	if _, err := m.Join(t.Context(), "x", []string{"ann"}, nil); err != nil {
		t.Error(err)
	}
}

// Joining does not wait for a game server that does not read who joins. If it reads late,
// it gets every line whole; those that are too many are dropped.
func TestReadsLate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m, log := start(t, "late", func(o *Options) { o.Dir = dir })
	info := created(t, m, 1000)
	team := map[string]string{"team": strings.Repeat("x", 16_000)} // four fill the pipe
	join := func(n int) {
		t.Helper()
		for range n {
			if _, err := m.Join(t.Context(), info.Id, []string{"ann"}, team); err != nil {
				t.Fatal(err)
			}
		}
	}
	join(50)
	if lines := log.Lines("does not read"); len(lines) > 0 {
		t.Errorf("lines were dropped: %s", lines)
	}
	join(maxUnread)
	if len(log.Lines("does not read")) == 0 {
		t.Error("no line was dropped")
	}
	if err := os.WriteFile(filepath.Join(dir, "read"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	testutil.Eventually(t, "the players", func() bool {
		got, err := m.Get(t.Context(), info.Id)
		return err == nil && got.PlayerCount >= maxUnread
	})
	if lines := log.Lines("invalid character"); len(lines) > 0 {
		t.Errorf("the game server got a torn line: %s", lines)
	}
}

// Close waits for the callbacks, which may use what is closed after it.
func TestCloseWaitsForCallbacks(t *testing.T) {
	t.Parallel()
	m, _ := start(t, "serve")
	release := make(chan struct{})
	if _, err := m.Create(t.Context(), 1, nil, nil, nil, func(runtime.FmCreateStatus, *runtime.InstanceInfo, []*runtime.SessionInfo, map[string]any, error) {
		<-release
	}); err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		m.Close(context.Background())
	}()
	testutil.Eventually(t, "its end", func() bool { return none(m) })
	select {
	case <-closed:
		t.Error("Close did not wait for the callback")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	<-closed
}

// A callback that panics, and Close while game servers start.
func TestCallbackPanics(t *testing.T) {
	t.Parallel()
	m, log := start(t, "serve")
	if _, err := m.Create(t.Context(), 1, nil, nil, nil, func(runtime.FmCreateStatus, *runtime.InstanceInfo, []*runtime.SessionInfo, map[string]any, error) {
		panic("oops")
	}); err != nil {
		t.Fatal(err)
	}
	testutil.Eventually(t, "the panic", func() bool { return len(log.Lines("oops")) == 1 })
	if _, err := m.Create(t.Context(), 1, nil, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	var results []<-chan result
	for range 5 {
		results = append(results, create(m, 1, nil, nil))
	}
	m.Close(t.Context())
	for _, r := range results {
		if r := <-r; r.status == runtime.CreateTimeout || r.status != runtime.CreateSuccess && r.err == nil {
			t.Errorf("%+v", r)
		}
	}
}
