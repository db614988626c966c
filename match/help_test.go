package match

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"kumi/presence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testRegistry is a registry with its own tracker, router and sessions.
type testRegistry struct {
	*Registry
	t        testing.TB
	sessions *presence.Sessions
	counts   *counts
	games    map[string]*game // by name, latest only
	mu       sync.Mutex
}

func newTestRegistry(t testing.TB, o Options) *testRegistry {
	t.Helper()
	w := &testRegistry{t: t, sessions: presence.NewSessions(), counts: &counts{}, games: map[string]*game{}}
	o.Node, o.Logger, o.Metrics, o.TokenKey = "here", zerolog.Nop(), w.counts, []byte("key")
	o.Tracker = presence.NewTracker(presence.TrackerOptions{Node: "here", Sessions: w.sessions})
	o.Router = presence.NewRouter(o.Tracker)
	w.Registry = NewRegistry(o)
	t.Cleanup(func() {
		w.Stop(context.Background(), 0)
		o.Tracker.Close()
	})
	return w
}

// play registers g under a name and creates a match of it.
func (w *testRegistry) play(name string, g *game) (id string, m *Match) {
	w.t.Helper()
	id, err := w.try(name, g, nil)
	if err != nil {
		w.t.Fatalf("create %s: %v", name, err)
	}
	matchID, node, _ := ParseID(id)
	return id, w.find(matchID, node)
}

func (w *testRegistry) try(name string, g *game, params map[string]any) (string, error) {
	w.mu.Lock()
	w.games[name] = g
	w.mu.Unlock()
	w.SetHandlers(func(name string) (Factory, bool) {
		w.mu.Lock()
		g, ok := w.games[name]
		w.mu.Unlock()
		return func(_ context.Context, m Dispatcher) (Handler, error) { g.m = m; return g, nil }, ok
	})
	return w.Create(context.Background(), name, params)
}

// counts implements Metrics.
type counts struct {
	mu             sync.Mutex
	skipped, fails int
	dropped        map[string]int
	ticks          int
	matches        func(int)
}

func (c *counts) Matches(n int) {
	if c.matches != nil {
		c.matches(n)
	}
}
func (c *counts) MatchTick(string, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ticks++
}
func (c *counts) MatchTickSkipped(_ string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skipped += n
}
func (c *counts) MatchDropped(_, queue string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dropped == nil {
		c.dropped = map[string]int{}
	}
	c.dropped[queue]++
}
func (c *counts) MatchFailed(string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails++
}

// game is a handler made of functions, with defaults for nil ones. It records
// its calls.
type game struct {
	m       Dispatcher
	rate    int
	label   string
	init    func(ctx context.Context, params map[string]any) error
	attempt func(j *Joiner, meta map[string]string) (Verdict, error)
	join    func(joins []*presence.Presence) (bool, error)
	leave   func(leaves []*presence.Presence) (bool, error)
	loop    func(ctx context.Context, tick int64, messages []*Data) (bool, error)
	term    func(grace int) (bool, error)
	signal  func(ctx context.Context, data string) (bool, string, error)

	mu    sync.Mutex
	notes []string
	ticks int
	shut  int
}

func (g *game) note(format string, v ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.notes = append(g.notes, fmt.Sprintf(format, v...))
}

func (g *game) told() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.notes)
}

func (g *game) ticked() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ticks
}

func (g *game) Init(ctx context.Context, params map[string]any) (int, string, error) {
	if g.rate == 0 {
		g.rate = 10
	}
	if g.init != nil {
		return g.rate, g.label, g.init(ctx, params)
	}
	return g.rate, g.label, nil
}

func (g *game) JoinAttempt(_ context.Context, _ int64, j *Joiner, meta map[string]string) (Verdict, error) {
	if g.attempt != nil {
		return g.attempt(j, meta)
	}
	return Verdict{Alive: true, Accept: true}, nil
}

func (g *game) Join(_ context.Context, _ int64, joins []*presence.Presence) (bool, error) {
	for _, p := range joins {
		g.note("join %s %d", p.Username, p.Reason)
	}
	if g.join != nil {
		return g.join(joins)
	}
	return true, nil
}

func (g *game) Leave(_ context.Context, _ int64, leaves []*presence.Presence) (bool, error) {
	for _, p := range leaves {
		g.note("leave %s %d", p.Username, p.Reason)
	}
	if g.leave != nil {
		return g.leave(leaves)
	}
	return true, nil
}

func (g *game) Loop(ctx context.Context, tick int64, messages []*Data) (bool, error) {
	g.mu.Lock()
	if tick != int64(g.ticks) {
		g.notes = append(g.notes, fmt.Sprintf("tick %d where %d was due", tick, g.ticks))
	}
	g.ticks++
	g.mu.Unlock()
	if g.loop != nil {
		return g.loop(ctx, tick, messages)
	}
	return true, nil
}

func (g *game) Terminate(_ context.Context, _ int64, grace int) (bool, error) {
	g.note("terminate %d", grace)
	if g.term != nil {
		return g.term(grace)
	}
	return true, nil
}

func (g *game) Signal(ctx context.Context, _ int64, data string) (bool, string, error) {
	if g.signal != nil {
		return g.signal(ctx, data)
	}
	return true, "re: " + data, nil
}

func (g *game) State(context.Context) (string, error) { return `{"on":true}`, nil }

func (g *game) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut++
}

// client is a session that records what is sent to it.
type client struct {
	id, user uuid.UUID
	name     string
	mu       sync.Mutex
	got      []string
	closed   []presence.CloseReason
}

func (c *client) ID() uuid.UUID           { return c.id }
func (c *client) UserID() uuid.UUID       { return c.user }
func (c *client) Username() string        { return c.name }
func (c *client) Format() presence.Format { return presence.Protobuf }

func (c *client) Send(m *presence.Message) {
	b, err := m.Bytes(presence.Protobuf)
	if err != nil {
		panic(err)
	}
	env, err := presence.Decode(b, presence.Protobuf)
	if err != nil {
		panic(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := env.Message.(type) {
	case *rtapi.Envelope_MatchData:
		c.got = append(c.got, fmt.Sprintf("%d %s %s", e.MatchData.OpCode, e.MatchData.Data, e.MatchData.Presence.GetUsername()))
	case *rtapi.Envelope_MatchPresenceEvent:
		for _, p := range e.MatchPresenceEvent.Joins {
			c.got = append(c.got, "+"+p.Username)
		}
		for _, p := range e.MatchPresenceEvent.Leaves {
			c.got = append(c.got, "-"+p.Username)
		}
	}
}

func (c *client) Close(r presence.CloseReason, _ ...*presence.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = append(c.closed, r)
}

// heard returns the match data received since the last call.
func (c *client) heard() (data []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.got {
		if s[0] != '+' && s[0] != '-' {
			data = append(data, s)
		}
	}
	c.got = nil
	return data
}

func (c *client) closedBy() []presence.CloseReason {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.closed)
}

func (w *testRegistry) client(name string) *client {
	w.t.Helper()
	id, err := presence.NewSessionID(presence.NodeHash("here"))
	if err != nil {
		w.t.Fatal(err)
	}
	c := &client{id: id, user: uuid.Must(uuid.NewV4()), name: name}
	w.sessions.Add(c)
	return c
}

func (c *client) joiner() *Joiner {
	return &Joiner{Presence: presence.Presence{ID: presence.ID{Node: "here", Session: c.id}, UserID: c.user, Meta: presence.Meta{Username: c.name}}}
}

func (w *testRegistry) join(c *client, id string) (*rtapi.Match, error) {
	return w.Join(context.Background(), JoinRequest{ID: id, Joiner: c.joiner()})
}

func (w *testRegistry) mustJoin(c *client, id string) *rtapi.Match {
	w.t.Helper()
	m, err := w.join(c, id)
	if err != nil {
		w.t.Fatalf("%s joins: %v", c.name, err)
	}
	return m
}

// pass advances the time of a synctest bubble and waits for what was due.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
