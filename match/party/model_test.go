package party

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"kumi/match"
	"kumi/match/matchmaker"
	"kumi/presence"
)

// Sessions join and leave concurrently, are moved by others and end in the
// middle of operations. Afterwards the tracker, the matches, the parties and
// the matchmaker agree with a plain model.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		u := newUniverse(t)
		defer u.stop()
		t.Repeat(map[string]func(*rapid.T){
			"all at once":   u.together,
			"by others":     u.alone,
			"a new session": func(*rapid.T) { u.comes() },
			"":              u.check,
		})
	})
}

// testState is the system under test and the model it is compared with.
type testState struct {
	sessions *presence.Sessions
	tracker  *presence.Tracker
	tickets  *matchmaker.Matchmaker
	matches  *match.Registry
	parties  *Registry
	games    []*recorder

	ending sync.Map // sessions, from the start of their end

	mu      sync.Mutex
	alive   []*client
	dead    []*client
	on      map[presence.Stream]map[uuid.UUID]bool // session to hidden
	streams []presence.Stream                      // plain ones: streams, rooms, relayed matches
	known   []presence.Stream                      // parties, as they were created
}

func newUniverse(t *rapid.T) *testState {
	u := &testState{sessions: presence.NewSessions(), tickets: matchmaker.New(matchmaker.Options{}), on: map[presence.Stream]map[uuid.UUID]bool{}}
	u.tracker = presence.NewTracker(presence.TrackerOptions{Node: "here", Sessions: u.sessions})
	router := presence.NewRouter(u.tracker)
	u.matches = match.NewRegistry(match.Options{Node: "here", Tracker: u.tracker, Router: router, Logger: zerolog.Nop(), TokenKey: []byte("key")})
	u.parties = NewRegistry(Options{Node: "here", Tracker: u.tracker, Router: router, Matchmaker: u.tickets})
	u.matches.SetHandlers(func(string) (match.Factory, bool) {
		return func(_ context.Context, m match.Dispatcher) (match.Handler, error) {
			g := &recorder{m: m, in: map[uuid.UUID]bool{}}
			u.games = append(u.games, g)
			return g, nil
		}, true
	})
	for range 2 {
		if _, err := u.matches.Create(context.Background(), "told", nil); err != nil {
			t.Fatal(err)
		}
	}
	u.streams = []presence.Stream{
		{Mode: 9, Label: "a"}, {Mode: 9, Subject: uuid.Must(uuid.NewV4())}, {Mode: presence.ModeRoom, Label: "lobby"},
		presence.RelayedMatch(uuid.Must(uuid.NewV4())),
	}
	for range 4 {
		u.comes()
	}
	return u
}

func (u *testState) stop() {
	u.matches.Stop(context.Background(), 0)
	u.tickets.Stop()
	u.tracker.Close()
}

func (u *testState) comes() {
	if len(u.alive) >= 8 {
		return
	}
	c := &client{id: uuid.Must(presence.NewSessionID(presence.NodeHash("here"))), user: uuid.Must(uuid.NewV4()), name: fmt.Sprint("s", len(u.alive)+len(u.dead))}
	u.sessions.Add(c)
	u.alive = append(u.alive, c)
}

// endSession ends a session as a closing socket does.
func (u *testState) endSession(c *client) {
	u.ending.Store(c.id, true)
	u.tickets.RemoveSession(c.id)
	u.tracker.End(c.id, runtime.PresenceReasonDisconnect)
	u.sessions.Remove(c.id)
}

func (u *testState) put(s presence.Stream, c *client, hidden bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.on[s] == nil {
		u.on[s] = map[uuid.UUID]bool{}
	}
	if old, there := u.on[s][c.id]; there {
		hidden = old
	}
	u.on[s][c.id] = hidden
}

func (u *testState) take(s presence.Stream, id uuid.UUID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.on[s], id)
}

// pick draws an element by its index, which keeps the report of a failing test
// short.
func pick[T any](t *rapid.T, what string, from []T) T {
	return from[rapid.IntRange(0, len(from)-1).Draw(t, what)]
}

// act is an operation of a session. It is drawn first and run later,
// concurrently with those of others. It updates the model.
type act func(c *client)

func (u *testState) draw(t *rapid.T) act {
	place, game := pick(t, "stream", u.streams), pick(t, "match", u.games)
	var in presence.Stream
	if len(u.known) > 0 {
		in = pick(t, "party", u.known)
	}
	hidden, closed := rapid.Bool().Draw(t, "hidden"), rapid.Bool().Draw(t, "closed")
	acts := map[string]act{
		"join a stream": func(c *client) {
			if _, _, err := u.tracker.Track(c.id, place, presence.Meta{Hidden: hidden}); err == nil {
				u.put(place, c, hidden)
			}
		},
		"update on a stream": func(c *client) {
			if _, err := u.tracker.Update(c.id, place, presence.Meta{Hidden: hidden}); err == nil {
				u.take(place, c.id)
				u.put(place, c, hidden)
			}
		},
		"leave a stream": func(c *client) {
			u.tracker.Untrack(c.id, place, runtime.PresenceReasonLeave)
			u.take(place, c.id)
		},
		"join a match": func(c *client) {
			if _, err := u.matches.Join(context.Background(), match.JoinRequest{ID: game.m.MatchID(), Joiner: &match.Joiner{Presence: *c.presence()}}); err == nil {
				u.put(game.stream(), c, false)
			}
		},
		"be put on a match's stream": func(c *client) {
			if _, _, err := u.tracker.Track(c.id, game.stream(), presence.Meta{}); err == nil {
				u.put(game.stream(), c, false)
			}
		},
		"leave a match": func(c *client) {
			_ = u.matches.Leave(c.id, game.m.MatchID())
			u.take(game.stream(), c.id)
		},
		"come and go": func(c *client) {
			_, _, _ = u.tracker.Track(c.id, game.stream(), presence.Meta{})
			_ = u.matches.Leave(c.id, game.m.MatchID())
			u.take(game.stream(), c.id)
		},
		"make a party": func(c *client) {
			made, err := u.parties.Create(context.Background(), c.presence(), &rtapi.PartyCreate{Open: !closed, MaxSize: 3}, false)
			if err != nil {
				return
			}
			id, node, _ := ParseID(made.PartyId)
			u.put(streamOf(id, node), c, false)
			u.mu.Lock()
			u.known = append(u.known, streamOf(id, node))
			u.mu.Unlock()
		},
		"join a party": func(c *client) {
			p := u.parties.at(in.Subject, in.Label)
			if p == nil {
				return
			}
			if err := u.parties.Join(context.Background(), c.presence(), in.MatchID(), false); err == nil && p.open {
				u.put(in, c, false)
			}
		},
		"leave a party": func(c *client) {
			if in.Mode == presence.ModeParty {
				_ = u.parties.Leave(c.id, in.MatchID())
				u.take(in, c.id)
			}
		},
		"look for others": func(c *client) {
			request := matchmaker.Request{MinCount: 2, MaxCount: 2, Query: "+properties.none:such"}
			if _, err := u.parties.AddTicket(context.Background(), c.id, in.MatchID(), request); err == nil {
				return
			}
			request.Presences = []*presence.Presence{c.presence()}
			_, _ = u.tickets.Add(request)
			if _, ending := u.ending.Load(c.id); ending {
				u.tickets.RemoveSession(c.id) // as the socket server does
			}
		},
	}
	return acts[rapid.SampledFrom(slices.Sorted(maps.Keys(acts))).Draw(t, "act")]
}

// together lets sessions act concurrently. Some end meanwhile.
func (u *testState) together(t *rapid.T) {
	var acts []func()
	var ended []*client
	for _, c := range u.alive {
		if rapid.IntRange(0, 2).Draw(t, "idle") == 0 {
			continue
		}
		f := u.draw(t)
		acts = append(acts, func() { f(c) })
		if rapid.IntRange(0, 5).Draw(t, "ends") == 0 {
			ended = append(ended, c)
			acts = append(acts, func() { u.endSession(c) })
		}
	}
	var all sync.WaitGroup
	for _, f := range acts {
		all.Go(f)
	}
	all.Wait()
	for _, c := range ended {
		u.alive = slices.DeleteFunc(u.alive, func(o *client) bool { return o == c })
		u.dead = append(u.dead, c)
		for _, members := range u.on {
			delete(members, c.id)
		}
	}
}

// alone runs an operation on sessions by somebody else.
func (u *testState) alone(t *rapid.T) {
	ctx := context.Background()
	game := pick(t, "match", u.games)
	switch rapid.SampledFrom([]string{"kick", "close a stream", "take off", "remove", "promote", "accept", "close a party"}).Draw(t, "what") {
	case "kick":
		if _, err := u.matches.Signal(ctx, game.m.MatchID(), "kick the first"); err != nil {
			t.Fatal(err)
		}
		if game.kicked != uuid.Nil {
			u.take(game.stream(), game.kicked)
		}
	case "close a stream":
		s := pick(t, "stream", u.streams)
		u.tracker.UntrackStream(s, runtime.PresenceReasonLeave)
		delete(u.on, s)
	case "take off":
		if len(u.alive) == 0 {
			return
		}
		c := pick(t, "session", u.alive)
		mode := rapid.SampledFrom([]uint8{9, presence.ModeRoom, presence.ModeMatchAuthoritative, presence.ModeParty}).Draw(t, "mode")
		u.tracker.UntrackAll(c.id, runtime.PresenceReasonLeave, func(s presence.Stream) bool { return s.Mode == mode })
		for s, members := range u.on {
			if s.Mode == mode {
				delete(members, c.id)
			}
		}
	default:
		u.lead(t)
	}
}

// lead runs an operation of a party's leader.
func (u *testState) lead(t *rapid.T) {
	if len(u.known) == 0 {
		return
	}
	s := pick(t, "party", u.known)
	p := u.parties.at(s.Subject, s.Label)
	if p == nil {
		return
	}
	m := pick(t, "member", p.members)
	switch rapid.SampledFrom([]string{"remove", "promote", "accept", "close"}).Draw(t, "how") {
	case "remove":
		if err := u.parties.Remove(context.Background(), p.leader, p.text, m.UserPresence()); (err == nil) == (m.Session == p.leader) {
			t.Fatalf("remove a member: %v", err)
		} else if err == nil {
			u.take(s, m.Session)
		}
	case "promote":
		if err := u.parties.Promote(context.Background(), p.leader, p.text, m.UserPresence()); err != nil || p.leader != m.Session {
			t.Fatalf("promote a member: %v", err)
		}
	case "accept":
		for _, r := range slices.Clone(p.requests) {
			if u.parties.Accept(context.Background(), p.leader, p.text, r.UserPresence(), false) == nil {
				u.put(s, &client{id: r.Session}, false)
			}
		}
	case "close":
		if err := u.parties.Close(context.Background(), p.leader, p.text); err != nil {
			t.Fatal(err)
		}
		delete(u.on, s)
	}
}

// check compares the system with the model.
func (u *testState) check(t *rapid.T) {
	u.tracker.Close() // waits for its events
	total := 0
	for s, members := range u.on {
		total += len(members)
		got := map[uuid.UUID]bool{}
		for _, p := range u.tracker.List(s, true, true) {
			got[p.Session] = p.Hidden
		}
		if diff := cmp.Diff(members, got); diff != "" {
			t.Fatalf("presences on %s (-model +tracker): %s", s.ChannelID(), diff)
		}
	}
	if n := u.tracker.Total(); n != total {
		t.Fatalf("%d presences, the model has %d", n, total)
	}
	if n := u.sessions.Count(); n != len(u.alive) {
		t.Fatalf("%d sessions, the model has %d", n, len(u.alive))
	}
	for _, c := range u.dead {
		if n := u.tickets.RemoveSession(c.id); n > 0 {
			t.Fatalf("%s has ended, and had %d tickets", c.name, n)
		}
	}
	for _, g := range u.games {
		u.checkMatch(t, g)
	}
	parties := 0
	for _, s := range u.known {
		p := u.parties.at(s.Subject, s.Label)
		want := slices.Collect(maps.Keys(u.on[s]))
		if p == nil {
			if len(want) > 0 {
				t.Fatalf("a party of %d is gone", len(want))
			}
			continue
		}
		parties++
		var got []uuid.UUID
		for _, m := range p.members {
			got = append(got, m.Session)
		}
		if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
			t.Fatalf("members of a party (-model +party): %s", diff)
		}
		if !slices.Contains(got, p.leader) || len(p.joining) > 0 {
			t.Fatalf("leader %s of %v, %v on their way", p.leader, got, p.joining)
		}
	}
	if n := u.parties.Count(); n != parties {
		t.Fatalf("%d parties, the model has %d", n, parties)
	}
}

func (u *testState) checkMatch(t *rapid.T, g *recorder) {
	members, _, _, err := u.matches.State(context.Background(), g.m.MatchID())
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Collect(maps.Keys(u.on[g.stream()]))
	var got []uuid.UUID
	for _, p := range members {
		got = append(got, p.Session)
	}
	if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
		t.Fatalf("members of a match (-model +match): %s", diff)
	}
	if diff := cmp.Diff(sorted(want), sorted(slices.Collect(maps.Keys(g.in)))); diff != "" {
		t.Fatalf("what the match's handler was told (-model +handler): %s", diff)
	}
	if g.wrong != "" {
		t.Fatalf("the match's handler: %s", g.wrong)
	}
}

func sorted(ids []uuid.UUID) []string {
	text := make([]string, len(ids))
	for i, id := range ids {
		text[i] = id.String()
	}
	slices.Sort(text)
	return text
}

// recorder is a match handler that records its presences.
type recorder struct {
	m      match.Dispatcher
	in     map[uuid.UUID]bool
	order  []uuid.UUID
	kicked uuid.UUID
	wrong  string
}

func (g *recorder) stream() presence.Stream {
	id, node, _ := match.ParseID(g.m.MatchID())
	return presence.AuthoritativeMatch(id, node)
}

func (g *recorder) Init(context.Context, map[string]any) (int, string, error) { return 1, "", nil }
func (g *recorder) JoinAttempt(context.Context, int64, *match.Joiner, map[string]string) (match.Verdict, error) {
	return match.Verdict{Alive: true, Accept: true}, nil
}

func (g *recorder) Join(_ context.Context, _ int64, joins []*presence.Presence) (bool, error) {
	for _, p := range joins {
		if g.in[p.Session] {
			g.wrong = p.Username + " joined twice"
		}
		g.in[p.Session] = true
		g.order = append(g.order, p.Session)
	}
	return true, nil
}

func (g *recorder) Leave(_ context.Context, _ int64, leaves []*presence.Presence) (bool, error) {
	for _, p := range leaves {
		if !g.in[p.Session] {
			g.wrong = p.Username + " left without having joined"
		}
		delete(g.in, p.Session)
		g.order = slices.DeleteFunc(g.order, func(id uuid.UUID) bool { return id == p.Session })
	}
	return true, nil
}

func (g *recorder) Signal(context.Context, int64, string) (bool, string, error) {
	g.kicked = uuid.Nil
	if len(g.order) == 0 {
		return true, "", nil
	}
	g.kicked = g.order[0]
	err := g.m.MatchKick([]runtime.Presence{&presence.Presence{ID: presence.ID{Node: "here", Session: g.kicked}}})
	return true, "", err
}

func (g *recorder) Loop(context.Context, int64, []*match.Data) (bool, error) { return true, nil }
func (g *recorder) Terminate(context.Context, int64, int) (bool, error)      { return false, nil }
func (g *recorder) State(context.Context) (string, error)                    { return "{}", nil }
func (g *recorder) Close()                                                   {}
