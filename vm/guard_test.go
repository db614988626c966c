package vm

import (
	"testing"
	"time"
)

// watching is a guard without a timer, and a call that it watches.
func watching(t *testing.T, limit uint64) (*Guard, *Watched, *int) {
	g := NewGuard(limit, 0)
	stops := new(int)
	w := g.Watch(func(still func() bool) {
		if still() {
			*stops++
		}
	})
	w.Begin()
	g.mu.Lock()
	g.timer.Stop()
	g.last, g.low = memory{}, 0 // as if all there is had been made since
	g.mu.Unlock()
	t.Cleanup(g.Close)
	return g, w, stops
}

// A call that is stopped again and again until it ends is remembered once.
func TestGuardStopsUntilTheEnd(t *testing.T) {
	g, w, stops := watching(t, 1)
	for i := range 3 {
		g.forced = time.Time{} // it may collect again
		for _, stop := range g.examine() {
			stop()
		}
		if len(g.stale) != 1 || *stops != i+1 {
			t.Errorf("%d calls are remembered, which were stopped %d times, at look %d", len(g.stale), *stops, i+1)
		}
	}
	w.End()
	g.examine()
	if len(g.stale) != 0 {
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
	for range mostLooks {
		g.examine()
	}
	if w.seen == 0 || g.resting.Load() {
		t.Errorf("a call is under way: seen %v, the guard rests %v", w.seen != 0, g.resting.Load())
	}
	w.End()
	for range mostLooks {
		g.examine()
	}
	if !g.resting.Load() {
		t.Error("the guard does not rest although nothing runs")
	}
}

// heavy is a VM that asks the guard something while it is weighed.
type heavy struct {
	w    *Watched
	then func()
}

func (h heavy) Watched() *Watched { return h.w }
func (h heavy) Weigh(uint64, ...any) uint64 {
	h.then()
	return 1
}

// However much the heap grows, all VMs that have calls are weighed before one is
// weighed again.
func TestRoundsLetAllBeWeighed(t *testing.T) {
	t.Parallel()
	g := NewGuard(0, 8<<20)
	defer g.Close()
	var live uint64
	grow := func() { live += 64 << 20; g.grow(live) }
	open := func(ago time.Duration) { g.next.Store(int64(time.Since(scaleStarted) - ago)) }
	often, seldom := g.Watch(nil), g.Watch(nil)
	open(time.Hour)
	grow()
	if !often.Due() || !seldom.Due() {
		t.Fatal("the heap has grown, and nobody is to be weighed")
	}
	WeighDue(heavy{often, grow}, 0)
	grow()
	open(0)
	grow()
	if often.Due() || !seldom.Due() {
		t.Errorf("of two VMs the one that was weighed is due: %v, the other one: %v", often.Due(), seldom.Due())
	}
	open(time.Hour) // the other one has had time to come
	grow()
	if !often.Due() {
		t.Error("a VM is not weighed again although the others have been, or do nothing")
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
	g.Retired(Lua, true)
	g.Stops(func(Lang, Reason, uint64) {})
	if w.Due() || g.Limit() != 0 || g.KeepLimit() != 0 || g.Kept(func(Lang, uint64, uint64) {}) != 0 {
		t.Error("a guard that is none does something")
	}
	g.Close()
}
