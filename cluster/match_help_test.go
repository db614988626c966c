package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/cluster"
	"kumi/match"
	"kumi/match/matchmaker"
	"kumi/match/party"
	"kumi/presence"
)

// arena is a host with matches and parties.
type arena struct {
	*host
	matches *match.Registry
	parties *party.Registry
	tickets *matchmaker.Matchmaker

	mu      sync.Mutex
	games   []*recorder
	kept    []*keeper
	players []*player
	store   *connection // nil: matches are not kept
}

// resumeTime is that of matches that are kept.
const resumeTime = 30 * time.Second

func (w *world) arena(name string, epoch uint64, o cluster.MatchOptions, changes ...func(*cluster.Options)) *arena {
	a := &arena{host: w.host(name, epoch, changes...), tickets: matchmaker.New(matchmaker.Options{})}
	if o.Digest == nil {
		o.Digest = func() string { return "" }
	}
	matches, parties := cluster.NewMatches(a.Node, o), cluster.NewParties(a.Node)
	m := match.Options{
		Node: name, Tracker: a.tracker, Router: a.router, Logger: zerolog.Nop(), TokenKey: []byte("key"), Elsewhere: matches,
	}
	if w.store != nil {
		a.store = &connection{snapshots: w.store, node: name}
		m.Snapshots, m.ResumeTime, m.SnapshotTicks = a.store, resumeTime, w.snapshotTicks
	}
	a.matches = match.NewRegistry(m)
	a.parties = party.NewRegistry(party.Options{
		Node: name, Tracker: a.tracker, Router: a.router, Matchmaker: a.tickets, Elsewhere: parties,
	})
	matches.Serve(a.matches)
	parties.Serve(a.parties)
	a.matches.SetHandlers(func(handler string) (match.Factory, bool) {
		return func(_ context.Context, m match.Dispatcher) (match.Handler, error) {
			g := &recorder{m: m, in: map[uuid.UUID]int64{}, handler: handler}
			a.mu.Lock()
			defer a.mu.Unlock()
			a.games = append(a.games, g)
			return g, nil
		}, handler != "nonsense"
	})
	return a
}

// arenas starts nodes with matches and parties, which know each other.
func (w *world) arenas(t *testing.T, names ...string) []*arena {
	t.Helper()
	var all []*arena
	for _, name := range names {
		a := w.arena(name, 1, cluster.MatchOptions{})
		w.start(t, a.member)
		all = append(all, a)
	}
	after(time.Second)
	return all
}

// close ends what an arena runs, before or after its node.
func (a *arena) close() {
	a.matches.Stop(context.Background(), 0)
	a.tickets.Stop()
	a.tracker.Close()
}

// play makes a match on this node.
func (a *arena) play(t testing.TB) (id string, g *recorder) {
	t.Helper()
	id, err := a.matches.Create(context.Background(), "arena", map[string]any{"on": a.name})
	if err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return id, a.games[len(a.games)-1]
}

// player is a client of an arena that notes what it is sent.
type player struct {
	at       *arena
	id, user uuid.UUID
	name     string
	number   atomic.Int64 // the last that it sent

	mu     sync.Mutex
	notes  []string
	ticks  map[string]int64 // the last broadcast of each match
	moves  map[string]string
	wrong  []string
	closed []presence.CloseReason
}

func (a *arena) player(name string) *player { return a.playerOf(name, uuid.Must(uuid.NewV4())) }

// playerOf opens a session of a user.
func (a *arena) playerOf(name string, user uuid.UUID) *player {
	p := &player{
		at: a, id: uuid.Must(presence.NewSessionID(a.Self())), user: user, name: name, ticks: map[string]int64{}, moves: map[string]string{},
	}
	a.players = append(a.players, p)
	a.sessions.Add(p)
	_, _, _ = a.tracker.Track(p.id, presence.NotificationsOf(p.user), presence.Meta{Hidden: true})
	return p
}

func (p *player) presence() *presence.Presence {
	return &presence.Presence{ID: presence.ID{Node: p.at.name, Session: p.id}, UserID: p.user, Meta: presence.Meta{Username: p.name}}
}

// send sends the player's next number to matches.
func (p *player) send(ids ...string) {
	number := fmt.Append(nil, p.number.Add(1))
	for _, id := range ids {
		_ = p.at.matches.Data(p.id, &match.DataSend{ID: id, OpCode: dataCode, Data: number, Reliable: true})
	}
}

// keepSending lets players send to matches again and again, until stop is called.
func keepSending(every time.Duration, ids []string, players ...*player) (stop func()) {
	over, sent := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sent)
		for {
			select {
			case <-over:
				return
			case <-time.After(every):
			}
			for _, p := range players {
				p.send(ids...)
			}
		}
	}()
	return func() { close(over); <-sent }
}

func (p *player) join(id string) (*rtapi.Match, error) { return p.joinWith(context.Background(), id) }

func (p *player) joinWith(ctx context.Context, id string) (*rtapi.Match, error) {
	return p.at.matches.Join(ctx, match.JoinRequest{
		ID: id, Joiner: &match.Joiner{Presence: *p.presence(), Vars: map[string]string{"who": p.name}}, Metadata: map[string]string{"seat": "1"},
	})
}

// checkIn checks that a player is in a match and on its stream.
func checkIn(t *testing.T, g *recorder, p *player) {
	t.Helper()
	if _, in := g.in[p.id]; !in || !p.on(g.stream()) || len(g.mistakes()) > 0 {
		t.Errorf("in the match: %v, on its stream: %t, %v", g.in, p.on(g.stream()), g.mistakes())
	}
}

func (p *player) leave(id string) { _ = p.at.matches.Leave(p.id, id) }

// on reports whether the player is on the stream of a match or party, as its node sees it.
func (p *player) on(s presence.Stream) bool { return p.at.tracker.Get(p.id, s) != nil }

func (p *player) ID() uuid.UUID           { return p.id }
func (p *player) UserID() uuid.UUID       { return p.user }
func (p *player) Username() string        { return p.name }
func (p *player) Format() presence.Format { return presence.JSON }
func (p *player) Close(r presence.CloseReason, _ ...*presence.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = append(p.closed, r)
}

func (p *player) Send(m *presence.Message) {
	b, err := m.Bytes(presence.JSON)
	if err != nil {
		panic(err)
	}
	env, err := presence.Decode(b, presence.JSON)
	if err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	note := func(format string, v ...any) { p.notes = append(p.notes, fmt.Sprintf(format, v...)) }
	switch e := env.Message.(type) {
	case *rtapi.Envelope_MatchData:
		d := e.MatchData
		if d.OpCode == tickCode {
			var tick int64
			_, _ = fmt.Sscan(string(d.Data), &tick)
			if tick <= p.ticks[d.MatchId] {
				p.wrong = append(p.wrong, fmt.Sprintf("tick %d after %d", tick, p.ticks[d.MatchId]))
			}
			p.ticks[d.MatchId] = tick
			return
		}
		if d.OpCode == moveCode {
			// What a match sends before it moves comes before what it sends afterwards.
			if was := p.moves[d.MatchId]; string(d.Data) == "here" && was != "leaving" {
				p.wrong = append(p.wrong, "that a match is here, before it had left")
			}
			p.moves[d.MatchId] = string(d.Data)
			return
		}
		note("%d %s", d.OpCode, d.Data)
	case *rtapi.Envelope_MatchPresenceEvent:
		for _, j := range e.MatchPresenceEvent.Joins {
			note("+%s", j.Username)
		}
		for _, l := range e.MatchPresenceEvent.Leaves {
			note("-%s", l.Username)
		}
	case *rtapi.Envelope_Party:
		note("party of %s, led by %s", usernames(e.Party.Presences), e.Party.Leader.GetUsername())
	case *rtapi.Envelope_PartyPresenceEvent:
		for _, j := range e.PartyPresenceEvent.Joins {
			note("+%s", j.Username)
		}
		for _, l := range e.PartyPresenceEvent.Leaves {
			note("-%s", l.Username)
		}
	case *rtapi.Envelope_PartyLeader:
		note("leader %s", e.PartyLeader.Presence.GetUsername())
	case *rtapi.Envelope_PartyJoinRequest:
		note("request of %s", usernames(e.PartyJoinRequest.Presences))
	case *rtapi.Envelope_PartyClose:
		note("closed")
	case *rtapi.Envelope_PartyData:
		note("%d %s by %s", e.PartyData.OpCode, e.PartyData.Data, e.PartyData.Presence.GetUsername())
	case *rtapi.Envelope_PartyMatchmakerTicket:
		note("ticket")
	case *rtapi.Envelope_PartyUpdate:
		note("update %s", e.PartyUpdate.Label)
	default:
		note("%T", env.Message)
	}
}

func usernames(list []*rtapi.UserPresence) (names []string) {
	for _, p := range list {
		names = append(names, p.Username)
	}
	return names
}

// told returns the notes since the last call.
func (p *player) told() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprint(p.notes)
	p.notes = nil
	return text
}

const (
	tickCode = 1 // of the broadcast of every tick
	dataCode = 2 // of a player's message, a number
	moveCode = 4 // of broadcasts before and after a match moves
)

// recorder is a match that notes who is in it and what they send.
type recorder struct {
	m       match.Dispatcher
	handler string
	params  map[string]any

	mu    sync.Mutex
	in    map[uuid.UUID]int64 // the last number of each member
	order []*presence.Presence
	notes []string
	wrong []string
	ended bool
}

func (g *recorder) Init(_ context.Context, params map[string]any) (int, string, error) {
	g.params = params
	if wait, ok := params["slow"].(time.Duration); ok {
		time.Sleep(wait)
	}
	label, _ := params["label"].(string)
	return 10, label, nil
}

func (g *recorder) JoinAttempt(_ context.Context, _ int64, j *match.Joiner, metadata map[string]string) (match.Verdict, error) {
	if j.Username == "eve" {
		return match.Verdict{Alive: true, Reason: "not you"}, nil
	}
	if j.Vars["who"] != j.Username || metadata["seat"] != "1" {
		g.wrong = append(g.wrong, "a joiner without its variables or metadata")
	}
	return match.Verdict{Alive: true, Accept: true}, nil
}

func (g *recorder) Join(_ context.Context, _ int64, joins []*presence.Presence) (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range joins {
		if _, twice := g.in[p.Session]; twice {
			g.wrong = append(g.wrong, p.Username+" joined twice")
		}
		g.in[p.Session] = 0
		g.order = append(g.order, p)
		g.notes = append(g.notes, "+"+p.Username)
		if g.handler == "bouncer" {
			_ = g.m.MatchKick([]runtime.Presence{p})
		}
		if g.handler == "greeter" {
			_ = g.m.BroadcastMessage(3, []byte("welcome "+p.Username), []runtime.Presence{p}, nil, true)
		}
	}
	return true, nil
}

func (g *recorder) Leave(_ context.Context, _ int64, leaves []*presence.Presence) (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range leaves {
		if _, in := g.in[p.Session]; !in {
			g.wrong = append(g.wrong, p.Username+" left without having joined")
		}
		delete(g.in, p.Session)
		g.order = slices.DeleteFunc(g.order, func(o *presence.Presence) bool { return o.Session == p.Session })
		g.notes = append(g.notes, "-"+p.Username)
	}
	return true, nil
}

func (g *recorder) Loop(_ context.Context, tick int64, messages []*match.Data) (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, d := range messages {
		var number int64
		_, _ = fmt.Sscan(string(d.Data), &number)
		if was, in := g.in[d.Session]; !in || number <= was {
			g.wrong = append(g.wrong, fmt.Sprintf("%d of %s after %d, member %t", number, d.Username, was, in))
		}
		g.in[d.Session] = number
	}
	return true, g.m.BroadcastMessage(tickCode, fmt.Append(nil, tick+1), nil, nil, true)
}

func (g *recorder) Terminate(context.Context, int64, int) (bool, error) { return true, nil }

// Signal kicks the oldest member, ends the match, fails, or answers.
func (g *recorder) Signal(_ context.Context, _ int64, data string) (bool, string, error) {
	switch data {
	case "kick":
		g.mu.Lock()
		order := g.order
		g.mu.Unlock()
		if len(order) > 0 {
			return true, order[0].Username, g.m.MatchKick([]runtime.Presence{order[0]})
		}
	case "end":
		return false, "", nil
	case "fail":
		return true, "", fmt.Errorf("as asked")
	}
	return true, "re: " + data, nil
}

func (g *recorder) State(context.Context) (string, error) { return `{"on":true}`, nil }
func (g *recorder) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
}

func (g *recorder) stream() presence.Stream {
	id, node, _ := match.ParseID(g.m.MatchID())
	return presence.AuthoritativeMatch(id, node)
}

func (g *recorder) told() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	text := fmt.Sprint(g.notes)
	g.notes = nil
	return text
}

func (g *recorder) last(p *player) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.in[p.id]
}

func (g *recorder) mistakes() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.wrong)
}
