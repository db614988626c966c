package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// histogram are the times of calls of one kind since the start, in seconds.
type histogram struct {
	count uint64
	sum   float64
	// up has for each of timeBuckets how many calls took no longer.
	up [len(timeBuckets)]uint64
}

// readHistogram reads a metric that has timeBuckets.
func readHistogram(m prometheus.Metric) (h histogram, labels []*dto.LabelPair) {
	var out dto.Metric
	if m.Write(&out) != nil || out.Histogram == nil {
		return h, nil
	}
	h.count, h.sum = out.Histogram.GetSampleCount(), out.Histogram.GetSampleSum()
	for i, b := range out.Histogram.Bucket {
		if i < len(h.up) {
			h.up[i] = b.GetCumulativeCount()
		}
	}
	return h, out.Label
}

// since returns the calls after an earlier reading of the same metric.
func (h histogram) since(before histogram) histogram {
	h.count -= before.count
	h.sum -= before.sum
	for i := range h.up {
		h.up[i] -= before.up[i]
	}
	return h
}

// quantile returns the time in seconds within which a share of the calls were done, as
// precisely as the buckets tell.
func (h histogram) quantile(share float64) float64 {
	if h.count == 0 {
		return 0
	}
	rank := share * float64(h.count)
	below, from := 0.0, 0.0
	for i, up := range h.up {
		if n := float64(up); n >= rank && n > below {
			return from + (timeBuckets[i]-from)*(rank-below)/(n-below)
		} else {
			below, from = n, timeBuckets[i]
		}
	}
	return from // of more than the last bucket nothing is known
}

// mean returns the average time in seconds.
func (h histogram) mean() float64 {
	if h.count == 0 {
		return 0
	}
	return h.sum / float64(h.count)
}

// collect calls visit with the metrics of a collector.
func collect(c prometheus.Collector, visit func(prometheus.Metric)) {
	all := make(chan prometheus.Metric, 16)
	go func() {
		defer close(all)
		c.Collect(all)
	}()
	for m := range all {
		visit(m)
	}
}
