package vm

import (
	"testing"
	"time"
)

// watching is a guard without a timer, and a call that it watches.
func watching(t *testing.T, limit uint64) (*Guard, *Watched, *int) {
	g := NewGuard(GuardOptions{Call: limit})
	stops := new(int)
	w := g.Watch(func(still func() bool) {
		if still() {
			*stops++
		}
	})
	w.Begin()
	g.mu.Lock()
	g.timer.Stop()
	g.last, g.calls.low = memory{}, 0 // as if all there is had been made since
	g.mu.Unlock()
	t.Cleanup(g.Close)
	return g, w, stops
}

// A call that is stopped again and again until it ends is remembered once.
func TestGuardStopsUntilTheEnd(t *testing.T) {
	g, w, stops := watching(t, 1)
	for i := range 3 {
		g.calls.forced = time.Time{} // it may collect again
		if stops := g.examine(); len(stops) > 0 {
			t.Errorf("%d calls are stopped before a collection, with a heap of some megabytes", len(stops))
		}
		g.calls.collections.Wait()
		if len(g.calls.stopped) != 1 || *stops != i+1 {
			t.Errorf("%d calls are remembered, which were stopped %d times, at look %d", len(g.calls.stopped), *stops, i+1)
		}
	}
	w.End()
	g.examine()
	if len(g.calls.stopped) != 0 {
		t.Error("a call that has ended is remembered")
	}
}

// VMs are not looked through while the heap does not grow, but for the guard to
// find out that it may rest.
func TestGuardRests(t *testing.T) {
	g, w, _ := watching(t, 1<<40)
	g.examine()
	if w.seen != 0 {
		t.Error("VMs are looked through although the heap is small")
	}
	for range maxLooks {
		g.examine()
	}
	if w.seen == 0 || g.resting.Load() {
		t.Errorf("a call is under way: seen %v, the guard rests %v", w.seen != 0, g.resting.Load())
	}
	w.End()
	for range maxLooks {
		g.examine()
	}
	if !g.resting.Load() {
		t.Error("the guard does not rest although nothing runs")
	}
}

func TestNoGuard(t *testing.T) {
	t.Parallel()
	var g *Guard
	w := g.Watch(nil)
	w.Begin()
	w.End()
	w.Close()
	g.Stopped(JS, StoppedMemory)
	g.Abandoned(Lua)
	g.Stops(func(Lang, Reason, uint64) {})
	w.Runs(&Usage{})
	if g.CallLimit() != 0 || g.Stats() != (GuardStats{}) {
		t.Error("a guard that is none does something")
	}
	g.Close()
}
