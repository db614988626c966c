package vm

import (
	"cmp"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// heapWatch is the part of a Guard that replaces the VMs of all pools when the
// live heap passes its limit, and reports what may have filled it.
type heapWatch struct {
	threshold uint64 // the limit, or more if replacing VMs does not help
	renewing  bool
	renewed   time.Time // last replacement
	seen      map[*Usage]*Used
	halved    time.Time
	allocated uint64    // at the last check of running calls
	looked    time.Time // time of that check
}

const (
	renewPause  = 10 * time.Second // minimum time between replacements
	renewWait   = 5 * time.Second  // maximum time to wait for running calls to return their VMs
	renewTries  = 20               // checks during that time
	usageHalves = 5 * time.Minute  // half-life of attributed allocations
	maxReported = 5                // maximum number of functions, and of matches, in a report

	minAttributed = 1 << 20 // bytes allocated before they are attributed
	maxAttributed = 256     // VMs checked each time; more only now and then
)

// Usage is a registered function, or a match, as named in a Guard's report.
type Usage struct {
	Name   string // such as: RPC function "echo"
	Module string
	Match  string // match id; empty for a function, which runs in VMs of a pool
	// Calls and ResultBytes are counted by the caller.
	Calls, ResultBytes atomic.Uint64

	known atomic.Bool // registered with the guard
}

// Used is the recent usage that a Guard has seen.
type Used struct {
	*Usage
	// Allocated is the memory allocated while it ran, in bytes, garbage included;
	// shared between calls that ran concurrently.
	Allocated uint64
	// Time is how long it ran, as far as the guard saw.
	Time time.Duration
}

// HeapReport describes what happened when the live heap passed its limit.
type HeapReport struct {
	Limit         uint64
	Before, After uint64 // the live heap, in bytes
	// CameBack tells whether the memory was in VMs of pools. Otherwise it is
	// elsewhere, most likely in Matches.
	CameBack bool
	// Functions and Matches with the most recent allocations, largest first.
	Functions, Matches []Used
}

// know registers a function or match for reports.
func (g *Guard) know(u *Usage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.o.Heap > 0 && g.heap.seen[u] == nil {
		g.heap.seen[u] = &Used{Usage: u}
	}
	u.known.Store(true)
}

// attribute distributes the bytes allocated since the last check among the
// running calls.
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

// forget decays old allocations.
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

// checkHeap starts replacing all VMs when the live heap is over the threshold.
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

// renew replaces all VMs and checks the effect.
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
		h.threshold = after + g.o.Heap/4 // otherwise VMs would be replaced again and again
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

// settled returns the live heap after leased VMs have come back and their
// memory was collected, or after renewWait.
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

// add and drop register and unregister pools.
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
