package main

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets that are about 3 % wide: 32 for each
// power of two of nanoseconds. It belongs to one worker while load runs.
type histogram struct {
	counts [64 * subBuckets]uint32
	total  uint64
	max    time.Duration
}

const (
	subBits    = 5
	subBuckets = 1 << subBits
)

func (h *histogram) add(d time.Duration) {
	if d < 0 {
		d = 0
	}
	h.counts[bucket(uint64(d))]++
	h.total++
	h.max = max(h.max, d)
}

func bucket(v uint64) int {
	if v < subBuckets {
		return int(v)
	}
	exponent := bits.Len64(v) - 1 - subBits
	return (exponent+1)*subBuckets + int(v>>exponent)&(subBuckets-1)
}

// floor returns the smallest duration in a bucket.
func floor(bucket int) uint64 {
	exponent := bucket/subBuckets - 1
	if exponent < 0 {
		return uint64(bucket)
	}
	return uint64(subBuckets+bucket%subBuckets) << exponent
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.max = max(h.max, other.max)
}

// quantile returns the duration that a share q of all is at or below, to the
// width of a bucket; 0 if nothing was counted.
func (h *histogram) quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := uint64(q * float64(h.total))
	var seen uint64
	for i, n := range h.counts {
		seen += uint64(n)
		if seen > rank {
			return min(time.Duration(floor(i+1)-1), h.max)
		}
	}
	return h.max
}
