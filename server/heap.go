package server

import (
	"context"
	"os"
	"runtime"
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
	heapFloor     = 40 << 20
	heapIdleWaste = 12 << 20 // garbage worth collecting when nothing else happens
	heapPeriod    = 500 * time.Millisecond
	heapIdle      = 6 // periods without a collection before that
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
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	debug.FreeOSMemory() // what loading left behind
	percent, cycles, quiet := 100, uint64(0), 0
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
		live, used, done := samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64()
		// Setting the percentage stops the world for a moment, so only a change
		// that matters does it.
		if want := heapPercent(live); want > percent*9/8 || want < percent*7/8 {
			percent = want
			debug.SetGCPercent(percent)
		}
		if done != cycles {
			cycles, quiet = done, 0
		} else if quiet++; quiet >= heapIdle && used > live+heapIdleWaste {
			runtime.GC()
		}
	}
}

// heapPercent is the growth, in percent of the live heap, before the next
// collection.
func heapPercent(live uint64) int {
	if live == 0 {
		return 100
	}
	return int(max(100, min(100*heapFloor/live, 1000)))
}
