package vm

import (
	"runtime"
	"time"
)

// callGrowth is the part of a Guard that stops calls while which the heap grows.
// Short calls are not touched, nor is what grows while a call waits counted
// against it.
type callGrowth struct {
	low     uint64 // the smallest heap since the VMs were last looked through
	looks   int    // and how many looks ago that was
	forced  time.Time
	stopped map[*Watched]uint64 // calls that were stopped: what they held is in the figures until it is collected
}

// The VMs are looked through, for calls that run, when the heap has grown by a
// part of the limit, and now and then to see whether the guard may rest.
const (
	growthParts = 8
	maxLooks    = 16
)

// collectStopped collects what stopped calls have left, once they have ended:
// others would be measured from a heap that was never theirs.
func (g *Guard) collectStopped(m memory) memory {
	c := &g.calls
	if len(c.stopped) == 0 {
		return m
	}
	for w, call := range c.stopped {
		if w.call.Load() == call {
			return m
		}
	}
	clear(c.stopped)
	runtime.GC()
	c.forced = time.Now()
	m = measure()
	g.last.live, g.last.heap, g.last.goal = min(g.last.live, m.live), min(g.last.heap, m.heap), min(g.last.goal, m.goal)
	for w := range g.watched {
		w.from.live, w.from.goal = min(w.from.live, m.live), min(w.from.goal, m.goal)
	}
	return m
}

// worthLooking says whether to look through the VMs, which takes a while where
// there are many.
func (g *Guard) worthLooking(m memory) bool {
	c := &g.calls
	c.low = min(c.low, m.heap)
	c.looks++
	return c.looks >= maxLooks || g.o.Call > 0 && m.heap-c.low >= g.o.Call/growthParts
}

// runningCalls are the VMs whose calls run, with the heap as it was when these
// began.
func (g *Guard) runningCalls(m memory) (running []*Watched) {
	low := g.calls.low
	g.calls.low, g.calls.looks = m.heap, 0
	for w := range g.watched {
		call := w.call.Load()
		if call%2 == 0 {
			continue
		}
		running = append(running, w)
		if call != w.seen {
			w.seen, w.from = call, g.last
			w.from.heap = min(w.from.heap, m.heap)
		} else {
			w.from.heap = min(w.from.heap, low)
		}
	}
	return running
}

// growing finds the calls to stop. m becomes what is measured after a collection,
// where one is needed to tell garbage from growth.
func (g *Guard) growing(running []*Watched, m *memory) (stops []func()) {
	limit := g.o.Call
	if limit == 0 {
		return nil
	}
	var grown []*Watched
	certain := false
	for _, w := range running {
		others := w.others.Load()
		if m.heap-w.from.heap > limit+others && !w.waits.Load() {
			grown = append(grown, w)
			// Garbage is collected when the heap reaches its goal, or soon after.
			certain = certain || m.heap > max(w.from.goal, w.from.heap)+others+limit+64<<20
		}
	}
	if len(grown) == 0 {
		return nil
	}
	g.calls.looks = maxLooks // soon again
	if !certain {
		if time.Since(g.calls.forced) <= time.Second {
			return nil
		}
		runtime.GC()
		g.calls.forced = time.Now()
		after := measure()
		young := after.allocated - m.allocated // made while it ran
		*m = after
		kept := grown[:0]
		for _, w := range grown {
			if m.live > w.from.live+young+limit+w.others.Load() {
				kept = append(kept, w)
			} else {
				w.from.heap = min(w.from.heap, m.heap)
			}
		}
		grown = kept
	}
	for _, w := range grown {
		call := w.seen
		g.calls.stopped[w] = call
		stops = append(stops, func() { w.stop(func() bool { return w.call.Load() == call }) })
	}
	return stops
}
