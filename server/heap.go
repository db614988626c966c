package server

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The collector lets the heap double before it runs. A game server's live heap
// is often a dozen megabytes, so at full load that is many collections a
// second, which measured a tenth to a third of the processor time of calls into
// scripts. heapTuner therefore lets the heap grow by heapFloor at least between
// collections, and gives the memory back when the load is gone.
const (
	heapFloor  = 40 << 20
	heapPeriod = 500 * time.Millisecond
	heapIdle   = 6 // periods in which little happens before memory is given back
	// heapWaste is how much garbage and free memory is worth it after heapIdle
	// periods. Half as much is after twice as long.
	heapWaste = 8 << 20
	heapCalm  = 2 << 20 // allocated in a period in which little happens
)

// tuneHeap runs until ctx ends. It does nothing when the operator has set the
// collector's own variables.
func tuneHeap(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	debug.FreeOSMemory() // what loading left behind
	percent, idle := 100, newIdleHeap()
	tick := time.NewTicker(heapPeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			debug.SetGCPercent(100)
			return
		case <-tick.C:
		}
		metrics.Read(samples)
		live := samples[0].Value.Uint64()
		// Setting the percentage stops the world for a moment, so only a change
		// that matters does it.
		if want := heapPercent(live); want > percent*9/8 || want < percent*7/8 {
			percent = want
			debug.SetGCPercent(percent)
		}
		if idle.look(live, samples[1].Value.Uint64()+samples[2].Value.Uint64(), samples[3].Value.Uint64(), samples[4].Value.Uint64()) {
			debug.FreeOSMemory()
		}
	}
}

// idleHeap finds the moments to give memory back.
type idleHeap struct {
	allocated, cycles uint64 // when looked last
	quiet             uint64 // periods in which little happened
	worth             uint64
}

func newIdleHeap() *idleHeap { return &idleHeap{worth: heapWaste} }

// look is called once a period with what is live, what is held, and what was
// allocated and collected ever. It says whether to give memory back now.
func (h *idleHeap) look(live, held, allocated, cycles uint64) bool {
	switch {
	case allocated-h.allocated > heapCalm:
		h.quiet, h.worth = 0, heapWaste
	case cycles != h.cycles:
		h.quiet = 0
	default:
		h.quiet++
	}
	h.allocated, h.cycles = allocated, cycles
	if waste := max(held, live) - live; h.quiet < heapIdle || waste*h.quiet <= h.worth*heapIdle {
		return false
	}
	// What makes garbage all the time gets its collections, but ever fewer.
	h.worth = min(2*h.worth, heapFloor)
	return true
}

// heapPercent is the growth, in percent of the live heap, before the next
// collection.
func heapPercent(live uint64) int {
	if live == 0 {
		return 100
	}
	return int(max(100, min(100*heapFloor/live, 1000)))
}
