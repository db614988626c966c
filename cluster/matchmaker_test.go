package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

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
}

// deciderOf is the decider as one node sees it.
type deciderOf struct {
	*decisions
	node presence.NodeID
}

func (d deciderOf) Lease(_ context.Context, campaign bool) (matchmaker.Lease, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
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

	mu   sync.Mutex
	told []string // "node: place of players, in their order"
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
			return "\xffmade by " + name, func() { t.Error("a place was undone") }, nil
		},
		Tell: func(match *matchmaker.Match, place string, own func(*matchmaker.Ticket) bool) {
			var names []string
			for _, e := range match.Entries {
				text := e.Presence.Username
				if own(e.Ticket) {
					text = strings.ToUpper(text)
				}
				names = append(names, text)
			}
			m.mu.Lock()
			defer m.mu.Unlock()
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
		m := &matchmakers{
			world: newWorld(1), db: &decisions{settled: map[string]string{}},
			desks: map[string]*matchmaker.Desk{}, homes: map[string]*matchmaker.Matchmaker{},
		}
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

		// What one node is asked of tickets of another.
		leads, other := m.leader()
		waiting := m.add(t, other, "+properties.name:nobody", "eva")
		after(time.Millisecond)
		for i := range 999 {
			m.add(t, leads, "+properties.name:nobody "+strings.Repeat("x", 3000), fmt.Sprint("player", i))
		}
		after(3 * time.Second)
		for name, d := range m.desks {
			stats, err := d.Stats(t.Context())
			if err != nil || stats.Tickets != 1000 || stats.OldestAt != waiting.CreatedAt || len(stats.Completions) != 6 {
				t.Errorf("%s: %+v, %v", name, stats, err)
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
