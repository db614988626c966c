package vm

import (
	"testing"
	"time"
)

// watching returns a guard whose timer is stopped, with one running call. stops
// counts how often that is told to stop.
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
	g.last, g.calls.low = memory{}, 0 // so that the whole heap counts as growth
	g.mu.Unlock()
	t.Cleanup(g.Close)
	return g, w, stops
}

// A call that needs to be stopped several times is kept once, until it ends.
func TestGuardStopsUntilTheEnd(t *testing.T) {
	g, w, stops := watching(t, 1)
	g.examine()
	g.calls.collections.Wait()
	if *stops != 0 {
		t.Error("a call was stopped when it was first seen")
	}
	for i := range 3 {
		g.calls.forced = time.Time{} // it may collect again
		if stops := g.examine(); len(stops) > 0 {
			t.Errorf("%d calls were stopped without a collection", len(stops))
		}
		g.calls.collections.Wait()
		if len(g.calls.stopped) != 1 || *stops != i+1 {
			t.Errorf("check %d: %d calls kept, stopped %d times", i+1, len(g.calls.stopped), *stops)
		}
	}
	w.End()
	g.examine()
	if len(g.calls.stopped) != 0 {
		t.Error("a call that has ended is still kept")
	}
}

// A short call is not stopped for the memory that a longer one uses beside it.
func TestGuardSparesShortCalls(t *testing.T) {
	g, _, stops := watching(t, 1)
	g.examine()
	g.calls.collections.Wait()
	var spared int
	short := g.Watch(func(still func() bool) {
		if still() {
			spared++
		}
	})
	short.Begin()
	g.last, g.calls.low, g.calls.forced = memory{}, 0, time.Time{} // the heap has grown since
	*stops = 0
	g.examine()
	g.calls.collections.Wait()
	if *stops != 1 || spared != 0 {
		t.Errorf("the longer call was stopped %d times, the short one %d times", *stops, spared)
	}
}

// While the heap does not grow, the VMs are checked only now and then, to see whether
// the guard can rest.
func TestGuardRests(t *testing.T) {
	g, w, _ := watching(t, 1<<40)
	g.examine()
	if w.seen != 0 {
		t.Error("the VMs were checked although the heap has not grown")
	}
	for range maxLooks {
		g.examine()
	}
	if w.seen == 0 || g.resting.Load() {
		t.Errorf("during a call: seen %v, resting %v", w.seen != 0, g.resting.Load())
	}
	w.End()
	for range maxLooks {
		g.examine()
	}
	if !g.resting.Load() {
		t.Error("the guard does not rest although no call runs")
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
		t.Error("a nil Guard has limits or counts")
	}
	g.Close()
}
