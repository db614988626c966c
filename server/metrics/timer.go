package metrics

import (
	"math"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// Durations are counted in buckets of eight to the octave, from 1.024 µs to
// about two minutes: quantiles come out within a tenth, which is as good as
// machines repeat themselves, and recording costs two atomic additions.
const (
	firstOctave  = 10 // 2^10 ns
	octaves      = 27
	perOctave    = 8
	timerBuckets = octaves*perOctave + 1 // the first takes all that is shorter
	windowHalf   = 5 * time.Minute
)

// bucketOf is the bucket of a duration in nanoseconds.
func bucketOf(ns int64) int {
	if ns < 1<<firstOctave {
		return 0
	}
	octave := bits.Len64(uint64(ns)) - 1
	within := int(ns>>(octave-3)) & (perOctave - 1)
	return min((octave-firstOctave)*perOctave+within+1, timerBuckets-1)
}

// bucketBounds are the shortest and the longest duration of a bucket, in
// seconds.
func bucketBounds(bucket int) (low, high float64) {
	edge := func(b int) float64 {
		octave, within := b/perOctave, b%perOctave
		return math.Ldexp(1+float64(within)/perOctave, firstOctave+octave) / 1e9
	}
	if bucket == 0 {
		return 0, edge(0)
	}
	return edge(bucket - 1), edge(bucket)
}

// timer collects durations: their number and sum for ever, and their
// distribution over the last five to ten minutes. Record it from any
// goroutine. The zero value is ready.
type timer struct {
	sum     atomic.Int64 // nanoseconds
	buckets atomic.Pointer[[timerBuckets]atomic.Uint64]

	// What the buckets held when the window and the next one began. Only reading
	// moves them, so that recording needs no clock.
	mu            sync.Mutex
	older, newer  *[timerBuckets]uint64
	newerIsSince  time.Time
	windowStarted bool
}

func (t *timer) record(took time.Duration) {
	buckets := t.buckets.Load()
	if buckets == nil {
		t.buckets.CompareAndSwap(nil, new([timerBuckets]atomic.Uint64))
		buckets = t.buckets.Load()
	}
	buckets[bucketOf(int64(took))].Add(1)
	t.sum.Add(int64(took))
}

// distribution is what timers hold, added up.
type distribution struct {
	count  uint64
	sum    float64 // seconds
	window [timerBuckets]uint64
}

// read adds what t holds to d.
func (t *timer) read(now time.Time, d *distribution) {
	buckets := t.buckets.Load()
	if buckets == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var current [timerBuckets]uint64
	for i := range buckets {
		current[i] = buckets[i].Load()
	}
	switch {
	case !t.windowStarted:
		t.windowStarted, t.newerIsSince = true, now
	case now.Sub(t.newerIsSince) >= windowHalf:
		snapshot := current
		t.older, t.newer, t.newerIsSince = t.newer, &snapshot, now
	}
	d.sum += float64(t.sum.Load()) / 1e9
	for i, n := range current {
		d.count += n
		if t.older != nil {
			n -= t.older[i]
		}
		d.window[i] += n
	}
}

// summaryQuantiles are those the protocol's timers show.
var summaryQuantiles = []float64{0.5, 0.75, 0.95, 0.99, 0.999}

// quantiles computes summaryQuantiles over the window, in seconds; NaN when it
// is empty.
func (d *distribution) quantiles() map[float64]float64 {
	var total uint64
	for _, n := range d.window {
		total += n
	}
	out := make(map[float64]float64, len(summaryQuantiles))
	bucket, before := 0, uint64(0)
	for _, q := range summaryQuantiles {
		if total == 0 {
			out[q] = math.NaN()
			continue
		}
		rank := q * float64(total)
		for float64(before+d.window[bucket]) < rank && bucket < timerBuckets-1 {
			before += d.window[bucket]
			bucket++
		}
		low, high := bucketBounds(bucket)
		part := 1.0
		if n := d.window[bucket]; n > 0 {
			part = (rank - float64(before)) / float64(n)
		}
		out[q] = low + (high-low)*part
	}
	return out
}
