package metrics

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// customMetrics are the metrics that module code makes, by tag set and name.
type customMetrics struct {
	naming  *naming
	maxSets int // maximum number of tag sets; 0: no limit. Calls without tags do not count

	mu        sync.RWMutex
	scopes    map[string]*customScope
	kinds     map[string]customKind // by name: a name keeps the kind that it was first used with
	errors    map[[2]string]uint64  // calls that could not be counted, by name and reason
	values    int
	maxValues int // maximum number of values: one for each name and tag set
}

// Scripts make names and tags from what clients send, so the number of both is
// limited. Values of tags are cut like those of all labels.
const (
	maxCustomTags   = 32     // per set; further ones are dropped
	maxCustomValues = 50_000 // in total
	maxCustomErrors = 1000
)

// customScope are the metrics of one tag set.
type customScope struct {
	labels prometheus.Labels // the common ones, too
	byName map[string]*customValue
}

type customKind uint8

const (
	customCounter customKind = iota
	customGauge
	customTimer
)

// customValue is the metric of one name and tag set.
type customValue struct {
	kind customKind
	prometheus.Metric
}

// CustomCounter implements core.Metrics. A negative delta is refused and counted as an
// error.
func (m *Metrics) CustomCounter(name string, tags map[string]string, delta int64) {
	if delta < 0 {
		m.custom.fail(name, "negative_increment")
		return
	}
	if v := m.custom.find(customCounter, name, tags); v != nil {
		v.Metric.(prometheus.Counter).Add(float64(delta))
	}
}

// CustomGauge implements core.Metrics.
func (m *Metrics) CustomGauge(name string, tags map[string]string, x float64) {
	if v := m.custom.find(customGauge, name, tags); v != nil {
		v.Metric.(prometheus.Gauge).Set(x)
	}
}

// CustomTimer implements core.Metrics.
func (m *Metrics) CustomTimer(name string, tags map[string]string, took time.Duration) {
	if v := m.custom.find(customTimer, name, tags); v != nil {
		v.Metric.(prometheus.Histogram).Observe(max(took, 0).Seconds())
	}
}

// find returns the metric of a name and tag set. It adds it if there is room,
// otherwise it returns nil.
func (c *customMetrics) find(kind customKind, name string, tags map[string]string) *customValue {
	name, tags = label(name), boundTags(tags)
	key := tagKey(tags)
	c.mu.RLock()
	var v *customValue
	if scope := c.scopes[key]; scope != nil {
		v = scope.byName[name]
	}
	c.mu.RUnlock()
	if v == nil {
		v = c.add(kind, name, key, tags)
	}
	if v != nil && v.kind != kind {
		c.fail(name, "other_kind")
		return nil
	}
	return v
}

func (c *customMetrics) add(kind customKind, name, key string, tags map[string]string) *customValue {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.scopes == nil {
		c.scopes, c.kinds = map[string]*customScope{}, map[string]customKind{}
	}
	scope := c.scopes[key]
	if scope == nil {
		tagged := len(c.scopes)
		if _, ok := c.scopes[""]; ok {
			tagged--
		}
		if key != "" && c.maxSets > 0 && tagged >= c.maxSets {
			return nil
		}
		if c.values >= c.maxValues {
			return nil
		}
		scope = &customScope{labels: c.naming.with(tagLabels(tags)), byName: map[string]*customValue{}}
		c.scopes[key] = scope
	}
	v := scope.byName[name]
	if v == nil {
		clean := cleanName(name)
		if first, ok := c.kinds[clean]; ok && first != kind {
			return &customValue{kind: first} // the caller sees the other kind, and counts the error
		}
		if c.values >= c.maxValues {
			return nil
		}
		c.values++
		c.kinds[clean] = kind
		v = &customValue{kind, c.metric(kind, name, scope.labels)}
		scope.byName[name] = v
	}
	return v
}

func (c *customMetrics) fail(name, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.errors == nil {
		c.errors = map[[2]string]uint64{}
	}
	name = label(name)
	if _, ok := c.errors[[2]string{name, reason}]; !ok && len(c.errors) >= maxCustomErrors {
		name = otherLabel
	}
	c.errors[[2]string{name, reason}]++
}

// boundTags returns tags, or a copy with fewer tags and shorter values if they exceed
// the limits.
func boundTags(tags map[string]string) map[string]string {
	fits := len(tags) <= maxCustomTags
	for name, value := range tags {
		fits = fits && len(name) <= maxLabel && len(value) <= maxLabel
	}
	if fits {
		return tags
	}
	bounded := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if len(bounded) < maxCustomTags {
			bounded[label(name)] = label(tags[name])
		}
	}
	return bounded
}

// tagKey returns a key that identifies a tag set.
func tagKey(tags map[string]string) string {
	if len(tags) == 0 {
		return ""
	}
	var key strings.Builder
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		key.WriteString(name)
		key.WriteByte(0)
		key.WriteString(tags[name])
		key.WriteByte(0)
	}
	return key.String()
}

// tagLabels converts tags to labels. A name that Prometheus or the server uses itself,
// or that is not unique once cleaned, gets a prefix.
func tagLabels(tags map[string]string) prometheus.Labels {
	labels := prometheus.Labels{}
	used := map[string]bool{"node_name": true, "namespace": true, "quantile": true, "le": true}
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		name := cleanName(tag)
		for used[name] || name == "" || strings.HasPrefix(name, "__") {
			name = "tag_" + name
		}
		used[name] = true
		labels[name] = tags[tag]
	}
	return labels
}

// metric makes the Prometheus metric of a name and a tag set.
func (c *customMetrics) metric(kind customKind, name string, labels prometheus.Labels) prometheus.Metric {
	o := prometheus.Opts{Name: c.naming.prefix + cleanName(c.naming.customPrefix+name), Help: "A metric of a module.", ConstLabels: labels}
	switch kind {
	case customCounter:
		return prometheus.NewCounter(prometheus.CounterOpts(o))
	case customGauge:
		return prometheus.NewGauge(prometheus.GaugeOpts(o))
	}
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: o.Name, Help: o.Help, ConstLabels: labels, Buckets: timeBuckets[:]})
}

// Describe implements prometheus.Collector. It describes nothing, because modules
// decide which metrics exist.
func (c *customMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *customMetrics) Collect(out chan<- prometheus.Metric) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, scope := range c.scopes {
		for _, v := range scope.byName {
			out <- v.Metric
		}
	}
	for what, n := range c.errors {
		d := prometheus.NewDesc(c.naming.prefix+"metrics_collection_errors_count", "Calls of modules that could not be counted.", nil,
			c.naming.with(prometheus.Labels{"name": what[0], "err": what[1]}))
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n))
	}
}
