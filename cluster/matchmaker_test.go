package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"
	"pgregory.net/rapid"

	"kumi/cluster"
	"kumi/match/matchmaker"
	"kumi/presence"
	"kumi/store/fault"
)

// decisions is a decider in memory.
type decisions struct {
	mu      sync.Mutex
	holder  presence.NodeID
	term    int64
	until   time.Time
	settled map[string]string
	away    bool
}

var errAway = errors.New("the database is away")

// deciderOf is the decider as one node sees it.
type deciderOf struct {
	*decisions
	node presence.NodeID
}

func (d deciderOf) Lease(_ context.Context, campaign bool) (matchmaker.Lease, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.away {
		return matchmaker.Lease{}, errAway
	}
	free := !time.Now().Before(d.until)
	mine := campaign && (free || d.holder == d.node)
	if mine {
		if free {
			d.term++
		}
		d.holder, d.until = d.node, time.Now().Add(matchmaker.LeaseTime)
	}
	return matchmaker.Lease{Holder: d.holder, Term: d.term, Mine: mine}, nil
}

func (d deciderOf) Release(context.Context, int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = time.Time{}
	return nil
}

func (d deciderOf) Decide(_ context.Context, _ int64, places map[string]string) (map[string]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.away {
		return nil, errAway
	}
	out := map[string]string{}
	for match, place := range places {
		if _, there := d.settled[match]; !there {
			d.settled[match] = place
		}
		out[match] = d.settled[match]
	}
	return out, nil
}

func (d deciderOf) Resolve(ctx context.Context, matches []string) (map[string]string, error) {
	none := map[string]string{}
	for _, match := range matches {
		none[match] = ""
	}
	return d.Decide(ctx, 0, none)
}

// matchmakers is a world whose nodes match players.
type matchmakers struct {
	*world
	db    *decisions
	desks map[string]*matchmaker.Desk
	homes map[string]*matchmaker.Matchmaker

	made, undone atomic.Int64

	mu   sync.Mutex
	told []string // "node: place of players, in their order"
	seen []tellings
}

// tellings are the tickets of a match that their home told its players.
type tellings struct {
	home, place string
	own, all    []string
}

func newMatchmakers(seed uint64) *matchmakers {
	return &matchmakers{
		world: newWorld(seed), db: &decisions{settled: map[string]string{}},
		desks: map[string]*matchmaker.Desk{}, homes: map[string]*matchmaker.Matchmaker{},
	}
}

func (m *matchmakers) member(t *testing.T, name string) {
	t.Helper()
	n := m.node(name, 1)
	net := cluster.NewMatchmaking(n.Node, func() string { return "" })
	home := matchmaker.New(matchmaker.Options{Interval: time.Second})
	d := matchmaker.NewDesk(home, matchmaker.DeskOptions{
		Network: net, Decider: deciderOf{m.db, n.Self()}, HookDeadline: time.Second,
		Hooked: func() bool { return true },
		Place: func(*matchmaker.Match) (string, func(), error) {
			return fmt.Sprintf("\xffmade by %s, %d", name, m.made.Add(1)), func() { m.undone.Add(1) }, nil
		},
		Tell: func(match *matchmaker.Match, place string, own func(*matchmaker.Ticket) bool) {
			var names []string
			seen := tellings{home: name, place: place}
			for _, e := range match.Entries {
				text := e.Presence.Username
				seen.all = append(seen.all, e.Ticket.ID)
				if own(e.Ticket) {
					text = strings.ToUpper(text)
					seen.own = append(seen.own, e.Ticket.ID)
				}
				names = append(names, text)
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			m.seen = append(m.seen, seen)
			m.told = append(m.told, fmt.Sprintf("%s: %q %s", name, place, strings.Join(names, " ")))
		},
	})
	net.Serve(d)
	m.desks[name], m.homes[name] = d, home
	m.start(t, n)
	d.Start()
}

func (m *matchmakers) add(t *testing.T, node, query string, players ...string) *matchmaker.Ticket {
	t.Helper()
	r := matchmaker.Request{
		Query: query, MinCount: 2, MaxCount: 2, StringProperties: map[string]string{"name": players[0]}, NumericProperties: map[string]float64{"n": 1},
	}
	if len(players) > 1 {
		r.PartyID, r.MinCount, r.MaxCount = players[0]+"'s", 4, 4
	}
	for _, player := range players {
		session := uuid.Must(presence.NewSessionID(presence.NodeHash(node)))
		r.Presences = append(r.Presences, &presence.Presence{
			ID: presence.ID{Node: node, Session: session}, UserID: uuid.NewV5(uuid.Nil, player), Meta: presence.Meta{Username: player},
		})
	}
	ticket, err := m.homes[node].Add(r)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

func (m *matchmakers) heard() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	told := m.told
	m.told = nil
	slices.Sort(told)
	return told
}

// leader returns the node that leads, and another one.
func (m *matchmakers) leader() (leads, other string) {
	m.db.mu.Lock()
	defer m.db.mu.Unlock()
	for name := range m.desks {
		if presence.NodeHash(name) == m.db.holder {
			leads = name
		} else {
			other = name
		}
	}
	return leads, other
}

func TestMatchmaking(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := newMatchmakers(1)
		defer m.stop()
		for _, name := range []string{"a", "b", "c"} {
			m.member(t, name)
		}
		after(5 * time.Second)

		// Players of two nodes, and a party of the third, meet.
		m.add(t, "a", "+properties.name:ben", "ann")
		m.add(t, "b", "+properties.name:ann", "ben")
		m.add(t, "c", "", "cat", "cid")
		m.add(t, "a", "", "dan", "dot")
		after(3 * time.Second)
		told := m.heard()
		if len(told) != 4 {
			t.Fatalf("told %q", told)
		}
		for _, text := range told {
			if text = strings.ToLower(text); !strings.Contains(text, "ann") && !strings.Contains(text, "cat cid") || !strings.Contains(text, `"\xffmade by `) {
				t.Errorf("told %s", text)
			}
		}

		if n := m.undone.Load(); n > 0 {
			t.Errorf("%d places were undone", n)
		}

		// What one node is asked of tickets of another.
		leads, other := m.leader()
		waiting := m.add(t, other, "+properties.name:nobody", "eva")
		after(time.Millisecond)
		for i := range 999 {
			m.add(t, leads, "+properties.name:nobody "+strings.Repeat("x", 3000), fmt.Sprint("player", i))
		}
		after(3 * time.Second)
		for name, d := range m.desks {
			stats := d.Stats(t.Context())
			if stats.Tickets != 1000 || stats.OldestAt != waiting.CreatedAt || len(stats.Completions) != 6 {
				t.Errorf("%s: %+v", name, stats)
			}
			list, err := d.Tickets(t.Context(), 1000, uuid.Nil)
			if err != nil || len(list) != 1000 || list[0].ID != waiting.ID || list[0].Presences[0].Username != "eva" || list[0].Query != waiting.Query {
				t.Errorf("%s: %d tickets, %v", name, len(list), err)
			}
			if list, err := d.Tickets(t.Context(), 10, waiting.Presences[0].UserID); err != nil || len(list) != 1 {
				t.Errorf("%s: %d tickets of a user, %v", name, len(list), err)
			}
			x, err := d.Explain(t.Context(), waiting.ID)
			if err != nil || x.Ticket.ID != waiting.ID || x.Others != 999 || len(x.Finds) == 0 || x.Finds[0].Reason != matchmaker.ReasonQuery {
				t.Errorf("%s: %+v, %v", name, x, err)
			}
		}
		for name, d := range m.desks {
			if name != leads && name != other {
				if err := d.Remove(t.Context(), waiting.ID); err != nil {
					t.Errorf("remove: %v", err)
				}
				if _, err := d.Explain(t.Context(), "nonsense"); fault.CodeOf(err) != fault.NotFound {
					t.Errorf("explain: %v", err)
				}
			}
			if err := d.Remove(t.Context(), waiting.ID+"x"); fault.CodeOf(err) != fault.NotFound {
				t.Errorf("%s: remove an unknown ticket: %v", name, err)
			}
		}
		if _, there := m.homes[other].Ticket(waiting.ID); there {
			t.Error("the ticket is still there")
		}

		// The leader dies. The next one has the tickets of those that are left.
		m.add(t, other, "+properties.name:fay", "eve")
		after(2 * time.Second)
		m.nodes[leads].kill(m.world)
		m.desks[leads].Stop()
		delete(m.desks, leads)
		_, third := m.leader()
		if third == other {
			for name := range m.desks {
				if name != other {
					third = name
				}
			}
		}
		m.add(t, third, "+properties.name:eve", "fay")
		after(8 * time.Second)
		if told := m.heard(); len(told) != 2 {
			t.Errorf("told %q", told)
		}
		for _, d := range m.desks {
			d.Stop()
		}
	})
}

// Players of three nodes are matched while calls are lost and late, nodes are cut off,
// paused and killed, and the database is away: nobody is told two matches, no match is
// told in part, and in the end all that are left are matched.
func TestMatchmakingUnderFaults(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		actions := rapid.SliceOfN(rapid.SampledFrom([]string{"add", "add more", "lose", "delay", "cut", "heal", "pause", "away", "kill"}), 5, 25).Draw(rt, "actions")
		var wrong string
		synctest.Test(t, func(t *testing.T) { wrong = playMatchmaking(t, seed, actions) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

func playMatchmaking(t *testing.T, seed uint64, actions []string) string {
	m := newMatchmakers(seed)
	random := rand.New(rand.NewPCG(seed, 1))
	names := []string{"a", "b", "c"}
	for _, name := range names {
		m.member(t, name)
	}
	homes := map[string]string{} // by ticket
	some := func() string { return names[random.IntN(len(names))] }
	add := func() {
		home := some()
		homes[m.add(t, home, "", fmt.Sprint("player", len(homes))).ID] = home
	}
	away := func(away bool) {
		m.db.mu.Lock()
		defer m.db.mu.Unlock()
		m.db.away = away
	}
	for _, action := range actions {
		switch action {
		case "lose":
			m.net.Lose(0.3)
		case "delay":
			m.net.Delay(0, time.Duration(1+random.IntN(1500))*time.Millisecond)
		case "cut":
			m.net.Cut(some(), some())
		case "heal":
			m.net.Heal()
			m.net.Delay(0, 0)
			away(false)
		case "pause":
			name := some()
			m.net.Pause(name)
			time.AfterFunc(time.Duration(random.IntN(9000))*time.Millisecond, func() { m.net.Resume(name) })
		case "away":
			away(true)
		case "kill":
			if len(names) < 3 || random.IntN(2) == 0 {
				continue
			}
			name := names[2]
			names = names[:2]
			m.nodes[name].kill(m.world)
			m.desks[name].Stop()
		default:
			for range 1 + random.IntN(4) {
				add()
			}
		}
		time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond)
	}
	after(10 * time.Second) // so nobody is paused
	m.net.Heal()
	m.net.Delay(0, 0)
	away(false)
	after(40 * time.Second)
	defer func() {
		for _, name := range names {
			m.desks[name].Stop()
		}
		m.stop()
	}()

	m.mu.Lock()
	defer m.mu.Unlock()
	told := map[string]string{} // ticket to place
	for _, s := range m.seen {
		for _, ticket := range s.own {
			if told[ticket] != "" {
				return fmt.Sprintf("ticket %s was told %q and %q", ticket, told[ticket], s.place)
			}
			told[ticket] = s.place
		}
	}
	for _, s := range m.seen {
		for _, ticket := range s.all {
			if told[ticket] != s.place && slices.Contains(names, homes[ticket]) {
				return fmt.Sprintf("%q was told at %s, but not to ticket %s of %s", s.place, s.home, ticket, homes[ticket])
			}
		}
	}
	left := 0
	for ticket, home := range homes {
		if told[ticket] == "" && slices.Contains(names, home) {
			left++
		}
	}
	if left > 1 {
		return fmt.Sprintf("%d tickets are left", left)
	}
	return ""
}
