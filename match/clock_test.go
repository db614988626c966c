package match

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// groupOf returns a group at 10 Hz with matches whose ticks take the given
// times, inserted in that order.
func groupOf(took ...time.Duration) (*rateGroup, []*Match) {
	b := &rateGroup{period: 100 * time.Millisecond, slots: make([]slot, 12)}
	var all []*Match
	for _, d := range took {
		m := &Match{}
		b.insert(m, b.findSlot(maxSlotLoad, 0))
		m.took.ns.Store(int64(d))
		all = append(all, m)
	}
	return b, all
}

func times(n int, d time.Duration) (all []time.Duration) {
	for range n {
		all = append(all, d)
	}
	return all
}

func (g *rateGroup) sizes() (n []int) {
	for _, s := range g.slots {
		n = append(n, len(s.matches))
	}
	return n
}

// round makes every slot due once.
func (g *rateGroup) round() {
	for i := range g.slots {
		g.due(i)
	}
}

func TestMatchesShareSlots(t *testing.T) {
	t.Parallel()
	b, _ := groupOf(times(50, 20*time.Microsecond)...)
	b.round()
	if got := b.sizes(); got[0] != 50 {
		t.Errorf("50 quick matches are in slots %v, want all in the first", got)
	}
	b, _ = groupOf(times(200, 5*time.Microsecond)...)
	if got := b.sizes(); got[0] != maxPerSlot || got[3] == 0 || got[4] != 0 {
		t.Errorf("200 matches are in slots %v", got)
	}
	b, _ = groupOf(times(12*maxPerSlot+24, time.Microsecond)...)
	for i, n := range b.sizes() {
		if n != maxPerSlot+2 {
			t.Errorf("slot %d of a full group has %d matches", i, n)
		}
	}
}

func TestSlowMatchesSpread(t *testing.T) {
	t.Parallel()
	b, _ := groupOf(times(24, 2*time.Millisecond)...)
	for range 3 {
		b.round()
	}
	for i, s := range b.slots {
		if len(s.matches) != 2 {
			t.Errorf("slot %d has %d matches of 2 ms each, want 2", i, len(s.matches))
		}
	}
	// A slow match leaves the others where they are.
	b, all := groupOf(append(times(10, 10*time.Microsecond), 20*time.Millisecond)...)
	b.round()
	if got := b.sizes(); got[0] != 10 || all[10].slot == 0 {
		t.Errorf("matches are in slots %v, the slow one in %d", got, all[10].slot)
	}
	// It moves back once it is quick, and not sooner.
	all[10].took.ns.Store(int64(10 * time.Microsecond))
	b.rebalancedAt = time.Now()
	b.round()
	if all[10].slot == 0 {
		t.Error("matches move all the time")
	}
	b.rebalancedAt = time.Time{}
	b.round()
	if all[10].slot != 0 {
		t.Errorf("a match that is quick again stays in slot %d", all[10].slot)
	}
}

// A match that moves ticks neither immediately again nor a whole period late.
func TestMovingKeepsTicksApart(t *testing.T) {
	t.Parallel()
	b, all := groupOf(10*time.Microsecond, 10*time.Microsecond)
	m := all[1]
	for _, move := range []struct{ from, to int }{{0, 1}, {0, 5}, {0, 6}, {0, 11}, {11, 0}, {7, 2}} {
		b.move(m, move.from)
		m.skipNext = false
		b.move(m, move.to)
		n := len(b.slots)
		slots := (move.to-move.from+n-1)%n + 1
		if m.skipNext {
			slots += n
		}
		if slots < n/2 || slots > n+n/2 {
			t.Errorf("moving from slot %d to %d, the next tick comes %d slots of %d later", move.from, move.to, slots, n)
		}
	}
	b.remove(m)
	b.insert(m, 3)
	m.skipNext, b.rebalancedAt = true, time.Now()
	if due := b.due(3); len(due) != 0 {
		t.Error("a match ticks although it was to wait")
	}
	if due := b.due(3); len(due) != 1 {
		t.Error("a match waits for longer than one tick")
	}
}

// Matches that wait in their tick, longer or shorter than slowTickTime, do not
// hold up each other.
func TestMatchesThatWait(t *testing.T) {
	t.Parallel()
	for _, wait := range []time.Duration{20 * time.Millisecond, 3 * time.Millisecond, time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			w := newTestRegistry(t, Options{})
			var games []*game
			for i := range 800 {
				each := wait + wait*time.Duration(i%13)/20
				g := &game{loop: func(context.Context, int64, []*Data) (bool, error) { time.Sleep(each); return true, nil }}
				w.play(fmt.Sprint(i), g)
				games = append(games, g)
			}
			pass(2 * time.Second) // until their average tick time is known
			before := 0
			for _, g := range games {
				before += g.ticked()
			}
			pass(4 * time.Second)
			ticks := -before
			for _, g := range games {
				ticks += g.ticked()
			}
			if rate := float64(ticks) / 800 / 4; rate < 9.8 {
				t.Errorf("800 matches that wait %v or somewhat more in each of ten ticks per second have %.1f", wait, rate)
			}
		})
	}
}

// A match that ends as soon as it can be found is not on the clock afterwards.
func TestMatchEndsWhileItIsMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		w.counts.matches = func(n int) {
			if n == 1 {
				w.postAll(item{kind: doStop})
				synctest.Wait()
			}
		}
		if _, err := w.try("short", &game{}, nil); err != nil {
			t.Fatal(err)
		}
		w.clock.mu.Lock()
		defer w.clock.mu.Unlock()
		if len(w.clock.groups) != 0 {
			t.Error("a match that is over ticks on")
		}
	})
}
