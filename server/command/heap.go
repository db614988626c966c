package command

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// By default the garbage collector runs when the heap has doubled. The live heap of a
// game server is often a dozen megabytes, so at full load it runs many times per
// second, which takes a tenth to a third of the CPU time of script calls. tuneHeap
// lets the heap grow by at least heapFloor between collections, and returns memory to
// the system when the load is gone.
const (
	heapFloor  = 40 << 20
	heapPeriod = 500 * time.Millisecond
	heapIdle   = 6 // quiet periods before memory is returned
	// heapWaste is how much garbage and free memory, in bytes, is returned after
	// heapIdle quiet periods. After twice as many, half as much is enough.
	heapWaste = 8 << 20
	heapCalm  = 2 << 20 // allocated in a quiet period
)

// tuneHeap runs until ctx ends. It does nothing if the operator has set GOGC
// or GOMEMLIMIT. The heap is that of the process, so a program that embeds servers, as
// the tests do, tunes it as it likes.
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
	debug.FreeOSMemory() // garbage from loading
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
		// Setting the percentage stops the world for a moment, so only do it for a
		// significant change.
		if want := heapPercent(live); want > percent*9/8 || want < percent*7/8 {
			percent = want
			debug.SetGCPercent(percent)
		}
		if idle.look(live, samples[1].Value.Uint64()+samples[2].Value.Uint64(), samples[3].Value.Uint64(), samples[4].Value.Uint64()) {
			debug.FreeOSMemory()
		}
	}
}

// idleHeap decides when to return memory.
type idleHeap struct {
	allocated, cycles uint64 // at the last check
	quiet             uint64 // number of quiet periods
	worth             uint64
}

func newIdleHeap() *idleHeap { return &idleHeap{worth: heapWaste} }

// look is called once per period with the bytes that are live and held, and the totals
// allocated and collected. It reports whether to return memory now.
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
	// With a steady source of garbage this repeats, but less and less often.
	h.worth = min(2*h.worth, heapFloor)
	return true
}

// heapPercent returns the growth, in percent of the live heap, until the next
// collection.
func heapPercent(live uint64) int {
	if live == 0 {
		return 100
	}
	return int(max(100, min(100*heapFloor/live, 1000)))
}
