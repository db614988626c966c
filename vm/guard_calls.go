package vm

import (
	"runtime"
	"sync"
	"time"
)

// callGrowth is the part of a Guard that stops calls during which the heap
// grows. Calls that end before a second check finds them are not affected, and
// growth while a call waits does not count.
type callGrowth struct {
	low         uint64              // smallest heap since the VMs were last checked
	looks       int                 // number of checks since then
	forced      time.Time           // end of the last collection that was forced
	collecting  bool                // one runs in the background
	collections sync.WaitGroup      // of those
	stopped     map[*Watched]uint64 // stopped calls, whose memory counts until it is collected
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

// runningCalls returns the VMs with running calls, and notes the heap when these
// began.
func (g *Guard) runningCalls(m memory) (running []*Watched) {
	low := g.calls.low
	g.calls.low, g.calls.looks = m.heap, 0
	older := false // some call ran at an earlier check
	for w := range g.watched {
		call := w.call.Load()
		if call%2 == 0 {
			continue
		}
		running = append(running, w)
		if w.fresh = call != w.seen; w.fresh {
			w.seen = call
			continue
		}
		older = older || !w.waits.Load()
		// Memory that others have freed since must not hide the growth of the call.
		w.from.heap, w.from.live, w.from.goal = min(w.from.heap, low), min(w.from.live, m.live), min(w.from.goal, m.goal)
	}
	for _, w := range running {
		if !w.fresh {
			continue
		}
		if w.from = g.last; older { // which has grown the heap
			w.from = m
		}
		w.from.heap = min(w.from.heap, m.heap)
	}
	return running
}

// growing returns the calls to stop now. Whether the growth of others is garbage is
// found out by a collection in the background: a script that doubles a string would
// take gigabytes if nobody looked meanwhile.
func (g *Guard) growing(running []*Watched, m memory) (stops []func()) {
	limit := g.o.Call
	if limit == 0 {
		return nil
	}
	var grown []*Watched
	certain := false
	for _, w := range running {
		others := w.others.Load()
		if m.heap-w.from.heap > limit+others && !w.waits.Load() {
			if w.fresh { // most calls have ended by the next check
				g.calls.looks = maxLooks
				continue
			}
			grown = append(grown, w)
			// Garbage is collected when the heap reaches its goal, or soon after.
			certain = certain || m.heap > max(w.from.goal, w.from.heap)+others+limit+64<<20
		}
	}
	if len(grown) == 0 {
		return nil
	}
	c := &g.calls
	c.looks = maxLooks // check again soon
	if certain {
		for _, w := range grown {
			stops = append(stops, g.stopOf(w, w.seen))
		}
	} else if !c.collecting && time.Since(c.forced) > time.Second {
		calls := make(map[*Watched]uint64, len(grown))
		for _, w := range grown {
			calls[w] = w.seen
		}
		c.collecting = true
		c.collections.Go(func() { g.collectGrown(calls, m) })
	}
	return stops
}

// collectGrown runs a collection, and stops those of the calls that have grown more
// than the garbage. before is the heap when they were noticed.
func (g *Guard) collectGrown(calls map[*Watched]uint64, before memory) {
	runtime.GC()
	var stops []func()
	g.mu.Lock()
	after := measure()
	g.calls.collecting, g.calls.forced = false, time.Now()
	young := after.allocated - before.allocated // while it ran
	for w, call := range calls {
		switch {
		case w.seen != call || g.closed: // it has ended
		case after.live > w.from.live+young+g.o.Call+w.others.Load():
			stops = append(stops, g.stopOf(w, call))
		default:
			w.from.heap, w.from.live, w.from.goal = min(w.from.heap, after.heap), min(w.from.live, after.live), min(w.from.goal, after.goal)
		}
	}
	g.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
}

// stopOf returns the function that stops a call unless it has ended, to be called
// without the guard's lock.
func (g *Guard) stopOf(w *Watched, call uint64) func() {
	g.calls.stopped[w] = call
	return func() { w.stop(func() bool { return w.call.Load() == call }) }
}
