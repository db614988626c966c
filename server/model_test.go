package server_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kumi/match"
	"kumi/presence"
	"kumi/server/servertest"
)

// Clients connect, join and leave everything that a session can join, and disconnect,
// also in the middle of a frame, all at the same time. Afterwards the server agrees with
// a simple model: a session is where it was told that it is, if it is still connected.
func TestModelOverSockets(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {`+everywhere+`
			initializer.registerRpc("unstream", (ctx, logger, nk) => { nk.streamUserLeave(ctx.userId, ctx.sessionId, { mode: 77, label: "plaza" }); });
		}`))
	// A client's name is the user's: few, as authentication is not what is tested.
	var users []*servertest.User
	for i := range 4 {
		users = append(users, srv.User(t, fmt.Sprint("user", i)))
	}
	var arenas []string
	for range 2 {
		id, a := srv.RPC(t, "start", "")
		if a.Status != 200 {
			t.Fatalf("start: %s", a.Body)
		}
		arenas = append(arenas, id)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := &crowd{srv: srv, users: users, arenas: arenas}
		defer m.clear(t)
		// Rounds, and what happens in them, come from one number: rapid would make
		// a failure smaller, but a race does not fail the same way again.
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		for range 4 {
			m.round(t, rng)
			m.check(t)
		}
	})
}

// crowd is the clients that are connected, and where the model has them.
type crowd struct {
	srv    *servertest.Server
	users  []*servertest.User
	arenas []string

	players []*player

	mu      sync.Mutex
	parties []string
}

// player is a client. Only its own goroutine acts for it.
type player struct {
	*servertest.Raw
	session uuid.UUID
	cid     int
	on      map[string]bool // names of places
	gone    bool
}

// ask sends an envelope and gives the reply.
func (p *player) ask(kind, body string) (string, error) {
	p.cid++
	cid := fmt.Sprintf(`{"cid":"%d"`, p.cid)
	if err := p.Send(cid + `,"` + kind + `":` + body + `}`); err != nil {
		return "", err
	}
	return p.Until(cid)
}

// come opens a socket and finds its session id from its status.
func (m *crowd) come(user *servertest.User) (*player, error) {
	raw, err := m.srv.Raw(user.Token, "&status=true")
	if err != nil {
		return nil, err
	}
	p := &player{Raw: raw, on: map[string]bool{}}
	// The reply of a room names the session; then it leaves the room again.
	channel, session, err := joinRoom(raw, true)
	if err == nil {
		_, err = p.ask("channel_leave", `{"channel_id":"`+channel+`"}`)
	}
	if err != nil {
		raw.Cut()
		return nil, err
	}
	p.session = uuid.FromStringOrNil(session)
	p.on["1."+user.ID+".."] = true
	p.on["0."+user.ID+".."] = true
	return p, nil
}

// message draws something to do: an envelope, and where the session is or is
// not after it.
func (m *crowd) message(rng *rand.Rand) (kind, body, place string, there bool) {
	m.mu.Lock()
	party := ""
	if len(m.parties) > 0 {
		party = m.parties[rng.IntN(len(m.parties))]
	}
	m.mu.Unlock()
	arena := m.arenas[rng.IntN(len(m.arenas))]
	switch rng.IntN(11) {
	case 0:
		return "rpc", `{"id":"stream"}`, "77...plaza", true
	case 1:
		return "rpc", `{"id":"unstream"}`, "77...plaza", false
	case 2:
		return "channel_join", `{"target":"lobby","type":1,"persistence":false}`, "2...lobby", true
	case 3:
		return "channel_leave", `{"channel_id":"2...lobby"}`, "2...lobby", false
	case 4:
		return "match_create", `{"name":"duel"}`, place5(match.NamedID("duel").String()), true
	case 5:
		return "match_leave", `{"match_id":"` + match.NamedID("duel").String() + `."}`, place5(match.NamedID("duel").String()), false
	case 6:
		return "match_join", `{"match_id":"` + arena + `"}`, place6(arena), true
	case 7:
		return "match_leave", `{"match_id":"` + arena + `"}`, place6(arena), false
	case 8:
		return "party_create", `{"open":true,"max_size":5}`, "", true
	case 9:
		if party != "" {
			return "party_join", `{"party_id":"` + party + `"}`, place7(party), true
		}
	case 10:
		if party != "" {
			return "party_leave", `{"party_id":"` + party + `"}`, place7(party), false
		}
	}
	return "matchmaker_add", `{"min_count":2,"max_count":2,"query":"+properties.none:such"}`, "", false
}

// Places are named as channels are: mode, subject, subcontext, label.
func place5(id string) string { return "5." + id + ".." }

func place6(id string) string {
	subject, node, _ := strings.Cut(id, ".")
	return "6." + subject + ".." + node
}

func place7(id string) string { return "7" + place6(id)[1:] }

// act does one thing and records the result in the model.
func (m *crowd) act(p *player, rng *rand.Rand) error {
	kind, body, place, there := m.message(rng)
	reply, err := p.ask(kind, body)
	if err != nil {
		return err
	}
	if strings.Contains(reply, `"error":{`) {
		if kind == "matchmaker_add" || kind == "party_join" || kind == "party_leave" || kind == "match_leave" || kind == "channel_leave" {
			return nil // too many tickets, a party that is gone, not there: nothing changed
		}
		return fmt.Errorf("%s %s: %s", kind, body, reply)
	}
	if kind == "party_create" {
		id := field(reply, "party", "party_id")
		if id == "" {
			return errors.New("a party without an id: " + reply)
		}
		m.mu.Lock()
		m.parties = append(m.parties, id)
		m.mu.Unlock()
		place = place7(id)
	}
	if place != "" {
		p.on[place] = there
	}
	return nil
}

// round lets every client do some things, all at once. Some end meanwhile, one
// way or another, and new ones come.
func (m *crowd) round(t *rapid.T, rng *rand.Rand) {
	var all sync.WaitGroup
	failed := make(chan error, 100)
	for _, p := range m.players {
		own := rand.New(rand.NewPCG(rng.Uint64(), 1))
		end := rng.IntN(12)
		all.Go(func() {
			for range 1 + own.IntN(4) {
				if err := m.act(p, own); err != nil {
					failed <- err
					return
				}
			}
			if end < 6 {
				p.gone = true
				p.end(m, end, own)
			}
		})
	}
	var mu sync.Mutex
	var new []*player
	for range 3 + rng.IntN(4) {
		user := m.users[rng.IntN(len(m.users))]
		all.Go(func() {
			p, err := m.come(user)
			if err != nil {
				failed <- err
				return
			}
			mu.Lock()
			new = append(new, p)
			mu.Unlock()
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
	m.players = append(slices.DeleteFunc(m.players, func(p *player) bool { return p.gone }), new...)
}

// end ends a client. What it sent last may have been handled or not.
func (p *player) end(m *crowd, how int, rng *rand.Rand) {
	kind, body, _, _ := m.message(rng)
	text := `{"cid":"last","` + kind + `":` + body + `}`
	switch how {
	case 0:
		_ = p.Close()
	case 1:
		p.HangUp()
	case 2:
		_ = p.SendPart(text, rng.IntN(100))
		p.Cut()
	case 3:
		_ = p.SendPart(text, rng.IntN(100))
		p.HangUp()
	case 4: // many at once, and away
		for range 20 {
			_ = p.Send(text)
			kind, body, _, _ = m.message(rng)
			text = `{"cid":"last","` + kind + `":` + body + `}`
		}
		p.Cut()
	case 5:
		_ = p.Send(text)
		_ = p.Close()
	}
}

// check waits until the server agrees with the model, and says what differs if
// it never does.
func (m *crowd) check(t *rapid.T) {
	t.Helper()
	in := m.srv.Game()
	var differs string
	for deadline := time.Now().Add(late); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if differs = m.compare(in.Tracker, in.Sessions); differs != "" {
			continue
		}
		if n := m.srv.OpenSockets(); n != len(m.players) {
			differs = fmt.Sprintf("%d connections, the model has %d", n, len(m.players))
			continue
		}
		if n := in.Parties.Count(); n != m.count("7.") {
			differs = fmt.Sprintf("%d parties, the model has %d", n, m.count("7."))
			continue
		}
		if differs = m.compareMatches(in.Matches); differs == "" {
			return
		}
	}
	t.Fatalf("the server and the model do not agree: %s", differs)
}

// members are the sessions in a place, by the model.
func (m *crowd) members(place string) (all []string) {
	for _, p := range m.players {
		if p.on[place] {
			all = append(all, p.session.String())
		}
	}
	slices.Sort(all)
	return all
}

// count is the number of places of a kind that somebody is in.
func (m *crowd) count(kind string) int {
	places := map[string]bool{}
	for _, p := range m.players {
		for place, there := range p.on {
			if there && strings.HasPrefix(place, kind) {
				places[place] = true
			}
		}
	}
	return len(places)
}

func (m *crowd) compare(tracker *presence.Tracker, sessions *presence.Sessions) string {
	if n := sessions.Count(); n != len(m.players) {
		return fmt.Sprintf("%d sessions, the model has %d", n, len(m.players))
	}
	total := 0
	for _, p := range m.players {
		var want, got []string
		for place, there := range p.on {
			if there {
				want = append(want, place)
			}
		}
		for _, s := range tracker.StreamsOf(p.session) {
			got = append(got, s.ChannelID())
			i := slices.IndexFunc(tracker.List(s, true, true), func(q *presence.Presence) bool { return q.Session == p.session })
			if i < 0 {
				return fmt.Sprintf("%s does not have a session that is on it", s.ChannelID())
			}
		}
		total += len(want)
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			return "places of a session (-model +server): " + diff
		}
	}
	if n := tracker.Total(); n != total {
		return fmt.Sprintf("%d presences, the model has %d", n, total)
	}
	return ""
}

func (m *crowd) compareMatches(matches *match.Registry) string {
	for _, id := range m.arenas {
		members, _, _, err := matches.State(context.Background(), id)
		if err != nil {
			return err.Error()
		}
		var got []string
		for _, p := range members {
			got = append(got, p.Session.String())
		}
		slices.Sort(got)
		if diff := cmp.Diff(m.members(place6(id)), got); diff != "" {
			return "members of a match (-model +match): " + diff
		}
	}
	return ""
}

// clear cuts all connections and checks that nothing is left.
func (m *crowd) clear(t *rapid.T) {
	for _, p := range m.players {
		p.Cut()
	}
	m.players = nil
	m.check(t)
	if n := m.srv.Game().Matchmaker.Stats().Tickets; n != 0 {
		t.Fatalf("%d tickets are left", n)
	}
}
