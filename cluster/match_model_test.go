package cluster_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/cluster"
	"kumi/presence"
)

// games is a random play of three nodes with matches and parties, with faults of the
// network and of nodes.
type games struct {
	seed   uint64
	delay  time.Duration
	faults int
	// longest is how long a cut or pause may be. Beyond lost_after nodes lose each other.
	longest time.Duration
	kills   int
	kicks   bool

	t       *testing.T
	w       *world
	random  *rand.Rand
	nodes   map[string]*arena
	epochs  map[string]uint64
	players []*player
	busy    map[*player]bool

	mu      sync.Mutex
	matches []*recorder
	parties []string
	// in is what each player's last answers say: the matches it is in. It holds if no node
	// was lost and nobody was kicked.
	in map[*player]map[string]bool
}

var nodeNames = []string{"a", "b", "c"}

// play runs for some virtual seconds, lets everything settle and returns what is wrong.
func (g *games) play(t *testing.T) (wrong []string) {
	synctest.Test(t, func(t *testing.T) {
		g.t, g.w = t, newWorld(g.seed)
		defer g.w.stop()
		g.random = rand.New(rand.NewPCG(g.seed, 3))
		g.nodes, g.epochs, g.busy, g.in = map[string]*arena{}, map[string]uint64{}, map[*player]bool{}, map[*player]map[string]bool{}
		for _, name := range nodeNames {
			g.start(name)
		}
		after(time.Second)
		g.w.net.Delay(0, g.delay)
		var faults sync.WaitGroup
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Duration(g.random.IntN(40)) * time.Millisecond) {
			if g.faults+g.kills > 0 && g.random.IntN(100) == 0 {
				g.fault(&faults)
			}
			if p := g.players[g.random.IntN(len(g.players))]; !g.isBusy(p) {
				g.act(p)
			}
		}
		faults.Wait()
		g.w.net.Heal()
		g.w.net.Delay(0, 0)
		after(40 * time.Second) // calls, links, and the deadlines of those who were let in and did not come
		wrong = g.check()
		for _, a := range g.nodes {
			a.close()
		}
	})
	return wrong
}

// start starts a node with two matches and two players.
func (g *games) start(name string) {
	g.epochs[name]++
	restarted := g.epochs[name] > 1
	a := g.w.arena(name, g.epochs[name], cluster.MatchOptions{}, func(o *cluster.Options) { o.Restarted = restarted })
	if err := a.Start(context.Background()); err != nil {
		g.t.Errorf("start %s: %v", name, err)
	}
	g.nodes[name] = a
	for i := range 2 {
		_, match := a.play(g.t)
		p := a.player(fmt.Sprint(name, g.epochs[name], i))
		g.mu.Lock()
		g.matches = append(g.matches, match)
		g.in[p] = map[string]bool{}
		g.mu.Unlock()
		g.players = append(g.players, p)
	}
}

func (g *games) isBusy(p *player) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.busy[p]
}

// act lets a player do something, one thing at a time.
func (g *games) act(p *player) {
	g.mu.Lock()
	m := g.matches[g.random.IntN(len(g.matches))]
	party := ""
	if len(g.parties) > 0 {
		party = g.parties[g.random.IntN(len(g.parties))]
	}
	g.busy[p] = true
	g.mu.Unlock()
	id, what, number := m.m.MatchID(), g.random.IntN(14), g.random.IntN(len(g.players))
	other := g.players[number]
	go func() {
		switch ctx := context.Background(); {
		case what < 4:
			_, err := p.join(id)
			g.note(err == nil, func() { g.in[p][id] = true })
		case what < 6:
			p.leave(id)
			g.note(true, func() { delete(g.in[p], id) })
		case what == 6 && g.kicks:
			_, _ = p.at.matches.Signal(ctx, id, "kick")
		case what == 7 && g.kicks:
			_, _ = p.at.matches.Kick(ctx, id, func(user, _ uuid.UUID) bool { return user == other.user })
		case what < 8:
			made, err := p.at.parties.Create(ctx, p.presence(), &rtapi.PartyCreate{Open: number%2 == 0, MaxSize: 4}, false)
			g.note(err == nil, func() { g.parties = append(g.parties, made.PartyId) })
		case party == "":
		case what < 10:
			_ = p.joinParty(party)
		case what == 10:
			_ = p.at.parties.Leave(p.id, party)
		case what == 11:
			_ = p.at.parties.Promote(ctx, p.id, party, other.target())
		case what == 12:
			_ = p.at.parties.Accept(ctx, p.id, party, other.target(), false)
		default:
			_ = p.at.parties.Remove(ctx, p.id, party, other.target())
		}
		g.note(true, func() { g.busy[p] = false })
	}()
}

// note changes what is known, if something was successful.
func (g *games) note(ok bool, f func()) {
	if ok {
		g.mu.Lock()
		defer g.mu.Unlock()
		f()
	}
}

// fault lets something happen to the network or a node.
func (g *games) fault(wait *sync.WaitGroup) {
	long := time.Duration(g.random.Int64N(int64(g.longest)))
	one, other := nodeNames[g.random.IntN(3)], nodeNames[g.random.IntN(3)]
	switch {
	case g.kills > 0 && g.random.IntN(3) == 0:
		g.kills--
		g.kill(one)
	case g.faults == 0:
	case one == other:
		g.faults--
		g.w.net.Pause(one)
		wait.Go(func() { time.Sleep(long); g.w.net.Resume(one) })
	default:
		g.faults--
		g.w.net.Cut(one, other)
		wait.Go(func() { time.Sleep(long); g.w.net.Heal() })
	}
}

// kill ends a node without a word and starts another process of its name.
func (g *games) kill(name string) {
	a := g.nodes[name]
	g.w.net.Resume(name)
	a.kill(g.w)
	a.close()
	g.players = slices.DeleteFunc(g.players, func(p *player) bool { return p.at == a })
	g.mu.Lock()
	g.matches = slices.DeleteFunc(g.matches, func(m *recorder) bool { return m.m.Node() == name })
	g.mu.Unlock()
	g.start(name)
}

// check compares what the nodes have of matches and parties.
func (g *games) check() (wrong []string) {
	say := func(format string, v ...any) { wrong = append(wrong, fmt.Sprintf(format, v...)) }
	sure := g.longest < 7*time.Second && !g.kicks && len(g.players) == 6 && g.epochs["a"]+g.epochs["b"]+g.epochs["c"] == 3
	living := map[presence.Stream]bool{}
	for _, m := range g.matches {
		living[m.stream()] = true
		members := slices.Sorted(maps.Keys(names(g.players, m.in)))
		for _, a := range g.nodes {
			if on := g.on(a, m.stream()); !slices.Equal(on, members) {
				say("%s has %v on the stream of a match of %s with %v", a.name, on, m.m.Node(), members)
			}
		}
		for _, mistake := range m.mistakes() {
			say("a match: %s", mistake)
		}
		for _, p := range g.players {
			if _, in := m.in[p.id]; sure && in != g.in[p][m.m.MatchID()] {
				say("%s is in a match of %s: %t", p.name, m.m.Node(), in)
			}
		}
	}
	for _, p := range g.players {
		for _, mistake := range p.wrong {
			say("%s was told %s", p.name, mistake)
		}
	}
	for _, a := range g.nodes {
		a.tracker.Streams(presence.ModeMatchAuthoritative, func(s presence.Stream, n int) bool {
			if !living[s] {
				say("%s has %d on the stream of a match of %s that is over", a.name, n, s.Label)
			}
			return true
		})
	}
	g.checkParties(say)
	return wrong
}

// checkParties checks that all nodes have the same members, who have one leader; that the
// leader can remove each of them, and that then nobody is left.
func (g *games) checkParties(say func(format string, v ...any)) {
	ctx := context.Background()
	for _, owner := range g.nodes {
		var streams []presence.Stream
		owner.tracker.Streams(presence.ModeParty, func(s presence.Stream, _ int) bool {
			if s.Label == owner.name {
				streams = append(streams, s)
			}
			return true
		})
		if n := owner.parties.Count(); n != len(streams) {
			say("%s has %d parties, and the streams of %d", owner.name, n, len(streams))
		}
		for _, s := range streams {
			members := g.on(owner, s)
			for _, a := range g.nodes {
				if on := g.on(a, s); !slices.Equal(on, members) {
					say("%s has %v in a party of %s with %v", a.name, on, owner.name, members)
				}
			}
			var leader *player
			for _, p := range g.players {
				err := p.at.parties.Update(ctx, p.id, &rtapi.PartyUpdate{PartyId: s.MatchID(), Open: true})
				if err == nil && leader != nil {
					say("%s and %s lead a party", leader.name, p.name)
				}
				if err == nil {
					leader = p
				}
			}
			if leader == nil || !slices.Contains(members, leader.name) {
				say("a party of %v has the leader %v", members, leader)
				continue
			}
			for _, p := range g.players {
				if p == leader || !slices.Contains(members, p.name) {
					continue
				}
				if err := leader.at.parties.Remove(ctx, leader.id, s.MatchID(), p.target()); err != nil {
					say("%s cannot remove %s from a party of %v: %v", leader.name, p.name, members, err)
				}
			}
			_ = leader.at.parties.Leave(leader.id, s.MatchID())
		}
		after(time.Second)
		if n := owner.parties.Count(); n != 0 {
			say("%s has %d parties that all have left", owner.name, n)
		}
	}
	for _, a := range g.nodes {
		a.tracker.Streams(presence.ModeParty, func(s presence.Stream, n int) bool {
			say("%s has %d on the stream of a party of %s that is over", a.name, n, s.Label)
			return true
		})
	}
}

// on returns the names of those on a stream, as a node sees it.
func (g *games) on(a *arena, s presence.Stream) (list []string) {
	for _, p := range a.tracker.List(s, true, true) {
		list = append(list, p.Username)
	}
	slices.Sort(list)
	return list
}

// names returns the names of sessions.
func names(players []*player, of map[uuid.UUID]int64) map[string]bool {
	all := map[string]bool{}
	for id := range of {
		all["?"+id.String()] = true
		for _, p := range players {
			if p.id == id {
				delete(all, "?"+id.String())
				all[p.name] = true
			}
		}
	}
	return all
}

// plays runs games that differ by chance. What goes wrong depends on the order of goroutines,
// too: the same seed need not show it again.
func plays(t *testing.T, draw func(r *rand.Rand) games) {
	t.Helper()
	t.Parallel()
	for range 6 {
		seed := rand.Uint64()
		g := draw(rand.New(rand.NewPCG(seed, 1)))
		g.seed = seed
		g.delay = time.Duration(seed%60) * time.Millisecond
		game := fmt.Sprintf("%d faults of up to %v, %d kills, delays of up to %v, seed %d", g.faults, g.longest, g.kills, g.delay, seed)
		if wrong := g.play(t); len(wrong) > 0 {
			t.Fatalf("%s:\n%s", game, strings.Join(wrong, "\n"))
		}
	}
}

// Through cuts and pauses that are shorter than lost_after, everyone is in the matches that
// it joined, and in no others.
func TestMatchesThroughFalseDowns(t *testing.T) {
	plays(t, func(r *rand.Rand) games { return games{faults: r.IntN(5), longest: 5 * time.Second} })
}

// After losses, kills and kicks nobody is left in a match or party on one node and not on
// another.
func TestMatchesThroughLosses(t *testing.T) {
	plays(t, func(r *rand.Rand) games {
		return games{faults: r.IntN(4), longest: time.Duration(1+r.IntN(18)) * time.Second, kills: r.IntN(3), kicks: true}
	})
}
