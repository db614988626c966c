package vm

import (
	"cmp"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// heapWatch is the part of a Guard that replaces the VMs of all pools when the
// live heap passes its limit, and says what may have filled it.
type heapWatch struct {
	threshold uint64 // the limit, or more while replacing VMs does not help
	renewing  bool
	renewed   time.Time // the last time
	seen      map[*Usage]*Used
	halved    time.Time
	allocated uint64    // when running calls were looked at last, and
	looked    time.Time // when that was
}

const (
	renewPause  = 10 * time.Second // from one replacement to the next
	renewWait   = 5 * time.Second  // at most, for running calls to give their VMs back
	renewTries  = 20               // during that time
	usageHalves = 5 * time.Minute  // what was seen counts half after this time
	maxReported = 5                // functions, and matches, in a report

	minAttributed = 1 << 20 // bytes allocated before it is asked by whom
	maxAttributed = 256     // VMs that are looked through each time; more are now and then
)

// Usage is a registered function, or a match, as a Guard's report names it.
type Usage struct {
	Name   string // for people: RPC function "echo"
	Module string
	Match  string // id; empty for a function, which runs in VMs of a pool
	// Calls and ResultBytes are counted by whoever makes the calls.
	Calls, ResultBytes atomic.Uint64

	known atomic.Bool // to the guard
}

// Used is what a Guard has seen of a Usage lately.
type Used struct {
	*Usage
	// Allocated is how much memory was allocated while it ran, in bytes, garbage
	// included: its share where several ran.
	Allocated uint64
	// Time is how long it ran, as far as the guard has seen.
	Time time.Duration
}

// HeapReport says what happened when the live heap passed its limit.
type HeapReport struct {
	Limit         uint64
	Before, After uint64 // the live heap, in bytes
	// CameBack says that what filled the heap was in VMs of pools. Otherwise it is
	// elsewhere, in Matches most likely.
	CameBack bool
	// Functions and Matches that have allocated most lately, the largest first.
	Functions, Matches []Used
}

// know takes a function or match into what is reported.
func (g *Guard) know(u *Usage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.o.Heap > 0 && g.heap.seen[u] == nil {
		g.heap.seen[u] = &Used{Usage: u}
	}
	u.known.Store(true)
}

// attribute shares what was allocated since the last look among the calls that
// run now.
func (g *Guard) attribute(m memory) {
	h, now := &g.heap, time.Now()
	grown, took := m.allocated-h.allocated, now.Sub(h.looked)
	if g.o.Heap == 0 || grown < minAttributed || len(g.watched) > maxAttributed && took < maxLooks*lookEvery {
		return
	}
	h.allocated, h.looked = m.allocated, now
	h.forget(now)
	var running []*Used
	for w := range g.watched {
		if w.call.Load()%2 == 1 && !w.waits.Load() {
			if used := h.seen[w.runs.Load()]; used != nil {
				running = append(running, used)
			}
		}
	}
	for _, used := range running {
		used.Allocated += grown / uint64(len(running))
		used.Time += took
	}
}

// forget lets what was seen long ago count less and less.
func (h *heapWatch) forget(now time.Time) {
	if now.Sub(h.halved) < usageHalves {
		return
	}
	h.halved = now
	for u, used := range h.seen {
		used.Allocated, used.Time = used.Allocated/2, used.Time/2
		if used.Time < lookEvery && u.Match == "" {
			delete(h.seen, u)
			u.known.Store(false)
		}
	}
}

// checkHeap begins to replace all VMs when the live heap is over the threshold.
func (g *Guard) checkHeap(m memory) {
	h := &g.heap
	if g.o.Heap == 0 || h.renewing {
		return
	}
	if m.live < g.o.Heap-g.o.Heap/4 {
		h.threshold = g.o.Heap
	}
	if m.live <= h.threshold || time.Since(h.renewed) < renewPause {
		return
	}
	h.renewing = true
	pools := make([]*Pool, 0, len(g.pools))
	for p := range g.pools {
		pools = append(pools, p)
	}
	go g.renew(pools, m.live)
}

// renew replaces all VMs and looks what came of it.
func (g *Guard) renew(pools []*Pool, before uint64) {
	g.renewals.Add(1)
	for _, p := range pools {
		p.Renew()
	}
	after := g.settled(pools)
	g.mu.Lock()
	h := &g.heap
	h.renewing, h.renewed = false, time.Now()
	r := HeapReport{Limit: g.o.Heap, Before: before, After: after, CameBack: after <= h.threshold}
	if !r.CameBack {
		h.threshold = after + g.o.Heap/4 // or VMs would be replaced again and again
	}
	for _, used := range h.seen {
		if used.Match == "" {
			r.Functions = append(r.Functions, *used)
		} else {
			r.Matches = append(r.Matches, *used)
		}
	}
	closed := g.closed
	g.mu.Unlock()
	if closed || g.o.Report == nil {
		return
	}
	for _, list := range []*[]Used{&r.Functions, &r.Matches} {
		slices.SortFunc(*list, func(a, b Used) int {
			return cmp.Or(cmp.Compare(b.Allocated, a.Allocated), cmp.Compare(b.Calls.Load(), a.Calls.Load()))
		})
		*list = (*list)[:min(len(*list), maxReported)]
	}
	g.o.Report(r)
}

// settled is the live heap once the VMs on loan have come back and what they kept
// has been collected, or after a few seconds.
func (g *Guard) settled(pools []*Pool) (live uint64) {
	for tries := 1; ; tries++ {
		time.Sleep(renewWait / renewTries) // a call that has just ended may still hold its VM
		if last := tries == renewTries || g.isClosed(); !last && slices.ContainsFunc(pools, (*Pool).renewing) {
			continue
		} else if runtime.GC(); last || measure().live <= g.o.Heap {
			return measure().live
		}
	}
}

func (g *Guard) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// add and drop say which pools there are.
func (g *Guard) add(p *Pool) {
	if g != nil {
		g.mu.Lock()
		g.pools[p] = struct{}{}
		g.mu.Unlock()
	}
}

func (g *Guard) drop(p *Pool) {
	if g != nil {
		g.mu.Lock()
		delete(g.pools, p)
		g.mu.Unlock()
	}
}
