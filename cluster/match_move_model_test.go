package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heroiclabs/nakama-common/api"

	"kumi/match"
)

// moving is a random drain of one of three nodes, with something that goes wrong at one of
// its steps.
type moving struct {
	seed uint64
	// Of these at most one is not zero.
	failures int           // accesses to the database that fail, before or after they had an effect
	writes   bool          // also those that write a snapshot, which ends the match
	cut      time.Duration // between two nodes
	kill     string        // the node that is killed
}

func (g *moving) play(t *testing.T) (wrong []string) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(g.seed)
		defer w.stop()
		random := rand.New(rand.NewPCG(g.seed, 4))
		store := w.keep()
		if g.kill != "" { // what a node has that is killed is in its last snapshot
			w.snapshotTicks, store.goesBack = 5, true
		}
		nodes := map[string]*arena{}
		// Something happens at a random access to the database, from the drain on.
		var mu sync.Mutex
		left, failures, draining := random.IntN(20), g.failures, false
		one, other := nodeNames[random.IntN(3)], nodeNames[random.IntN(3)]
		var faults sync.WaitGroup
		happens := func() (fails bool) {
			mu.Lock()
			defer mu.Unlock()
			if left--; !draining || left > 0 {
				return false
			}
			switch {
			case failures > 0:
				failures--
				return true
			case g.cut > 0 && left == 0 && one != other:
				w.net.Cut(one, other)
				faults.Go(func() { time.Sleep(g.cut); w.net.Heal() })
			case g.kill != "" && left == 0:
				nodes[g.kill].store.dead.Store(true)
				faults.Go(func() { nodes[g.kill].die(g.kill == "a") })
			}
			return false
		}
		store.goesBack = store.goesBack || g.writes // a deletion may fail, too
		store.fault = func(node, what string) error {
			if (g.writes || strings.HasPrefix(what, "pass")) && happens() {
				store.note("%s of %s fails", what, node)
				return errNoDatabase
			}
			return nil
		}
		for _, name := range nodeNames {
			nodes[name] = w.keepingArena(t, name, 1)
		}
		after(time.Second)
		w.net.Delay(0, time.Duration(random.IntN(30))*time.Millisecond)
		ids := make([]string, 3)
		for i := range ids {
			ids[i], _ = nodes["a"].play(t)
		}
		var players []*player
		for _, name := range nodeNames {
			p := nodes[name].player(name)
			players = append(players, p)
			after(time.Second)
			for _, id := range ids {
				if _, err := p.join(id); err != nil {
					t.Errorf("%s cannot join: %v", p.name, err)
				}
			}
		}
		after(time.Second)
		stop := keepSending(100*time.Millisecond, ids, players...)
		after(time.Duration(random.IntN(200)) * time.Millisecond)
		mu.Lock()
		draining = true
		mu.Unlock()
		nodes["a"].drain(w, func() int64 { return 0 })
		faults.Wait()
		if g.kill != "" && nodes[g.kill].store.dead.Load() {
			delete(w.nodes, g.kill)
		}
		after(time.Second)
		mu.Lock()
		left = 1 << 30
		mu.Unlock()
		w.net.Heal()
		after(3 * time.Second)
		stop()
		// Those that have ended start again.
		for _, name := range nodeNames {
			if w.nodes[name] == nil {
				nodes[name] = w.keepingArena(t, name, 2)
			}
		}
		after(20 * time.Second) // as long as those who were let in are waited for, and longer
		// One that the database calls the owner, which could not know it.
		stuck := map[string]bool{}
		for _, id := range ids {
			if at := store.owner(idOf(id)); at != "" && len(store.runs(idOf(id))) == 0 {
				stuck[id] = true
				nodes[at].close()
				nodes[at].Stop()
				delete(w.nodes, at)
				nodes[at] = w.keepingArena(t, at, 3)
				players = slices.DeleteFunc(players, func(p *player) bool { return p.at.name == at })
				after(20 * time.Second)
			}
		}
		say := func(format string, v ...any) { wrong = append(wrong, fmt.Sprintf(format, v...)) }
		for i, id := range ids {
			runs := store.runs(idOf(id))
			if len(runs) == 0 && g.writes {
				continue
			}
			if len(runs) != 1 {
				say("match %d is run by %v", i, runs)
				continue
			}
			k := nodes[runs[0]].keeper(id)
			for _, name := range nodeNames {
				if answer, err := nodes[name].matches.Signal(t.Context(), id, "hello"); err != nil || answer != "re: hello" {
					say("match %d on %s does not answer %s: %v", i, runs[0], name, err)
				}
				yes := true
				list, _ := nodes[name].matches.List(t.Context(), match.ListFilter{Limit: 100, Authoritative: &yes})
				if n := len(slices.DeleteFunc(list, func(m *api.Match) bool { return m.MatchId != id })); n != 1 {
					say("%s lists match %d %d times", name, i, n)
				}
			}
			for _, p := range players {
				got := k.sent[p.user]
				if sorted := slices.Sorted(slices.Values(got)); len(slices.Compact(sorted)) != len(got) {
					say("match %d has something twice of %s: %v", i, p.name, got)
				}
				// Without a heir the match waits for its node, and what is sent meanwhile is lost.
				if moved := runs[0] != "a"; moved && p.name != "a" && g.kill == "" && g.cut == 0 && !stuck[id] && !slices.Equal(got, upTo(p.number.Load())) {
					say("match %d on %s has of %s %v, want all up to %d", i, runs[0], p.name, got, p.number.Load())
				}
				if moved := runs[0] != "a"; moved && p.name != "a" && g.kill == "" && !stuck[id] && g.cut < lostAfter && !p.on(k.stream()) {
					say("%s is not in match %d on %s any more", p.name, i, runs[0])
				}
			}
		}
		// When all are over no node knows of a move any more.
		for _, id := range ids {
			if err := nodes["b"].matches.End(t.Context(), id, 0); err != nil && err != match.ErrNotFound {
				say("match %s does not end: %v", id, err)
			}
		}
		after(2 * time.Minute)
		for _, name := range nodeNames {
			if n := nodes[name].matches.KnownMoves(); n > 0 {
				say("%s knows of %d moves after all matches have ended", name, n)
			}
		}
		wrong = append(wrong, store.wrong...)
		if len(wrong) > 0 {
			wrong = append(wrong, store.trace...)
		}
		for _, a := range nodes {
			a.close()
		}
	})
	return wrong
}

// lostAfter is the silence after which nodes lose each other.
const lostAfter = 10 * time.Second

func movings(t *testing.T, draw func(r *rand.Rand) moving) {
	t.Helper()
	t.Parallel()
	for range 3 {
		seed := rand.Uint64()
		g := draw(rand.New(rand.NewPCG(seed, 1)))
		g.seed = seed
		if wrong := g.play(t); len(wrong) > 0 {
			t.Fatalf("%d failures, a cut of %v, %q killed, seed %d:\n%s", g.failures, g.cut, g.kill, seed, strings.Join(wrong, "\n"))
		}
	}
}

// A database that fails at any step of a drain makes no match run twice, and loses none.
func TestMovesThroughFailures(t *testing.T) {
	movings(t, func(r *rand.Rand) moving { return moving{failures: 1 + r.IntN(8), writes: r.IntN(2) == 0} })
}

// So do nodes that lose each other for some time.
func TestMovesThroughCuts(t *testing.T) {
	movings(t, func(r *rand.Rand) moving { return moving{cut: time.Duration(r.IntN(8000)) * time.Millisecond} })
}

// Nor do nodes that lose each other for so long that their players leave the matches there.
func TestMovesThroughLosses(t *testing.T) {
	movings(t, func(r *rand.Rand) moving {
		return moving{cut: lostAfter + time.Duration(r.IntN(20_000))*time.Millisecond}
	})
}

// And nodes that are killed: what they had goes on when they start again.
func TestMovesThroughKills(t *testing.T) {
	movings(t, func(r *rand.Rand) moving { return moving{kill: nodeNames[r.IntN(3)]} })
}
