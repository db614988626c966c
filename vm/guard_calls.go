package vm

import (
	"runtime"
	"time"
)

// callGrowth is the part of a Guard that stops calls during which the heap
// grows. Short calls are not affected, and growth while a call waits does not
// count.
type callGrowth struct {
	low     uint64 // smallest heap since the VMs were last checked
	looks   int    // number of checks since then
	forced  time.Time
	stopped map[*Watched]uint64 // stopped calls, whose memory counts until it is collected
}

// The VMs are checked for running calls when the heap has grown by a fraction
// of the limit, and periodically to see whether the guard can pause.
const (
	growthParts = 8
	maxLooks    = 16
)

// collectStopped runs a collection after stopped calls have ended: their
// garbage must not count against other calls.
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

// worthLooking tells whether to check the VMs, which takes a while if there
// are many.
func (g *Guard) worthLooking(m memory) bool {
	c := &g.calls
	c.low = min(c.low, m.heap)
	c.looks++
	return c.looks >= maxLooks || g.o.Call > 0 && m.heap-c.low >= g.o.Call/growthParts
}

// runningCalls returns the VMs with running calls, and the heap when these
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

// growing returns the calls to stop. If a collection is needed to tell garbage
// from growth, m is updated to the state after it.
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
	g.calls.looks = maxLooks // check again soon
	if !certain {
		if time.Since(g.calls.forced) <= time.Second {
			return nil
		}
		runtime.GC()
		g.calls.forced = time.Now()
		after := measure()
		young := after.allocated - m.allocated // allocated while it ran
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
