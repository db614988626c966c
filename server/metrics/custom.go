package metrics

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// customMetrics are those that module code makes, by tag set and name.
type customMetrics struct {
	limit int // most tag sets, 0: no limit; calls without tags never count

	mu     sync.RWMutex
	scopes map[string]*customScope
	kinds  map[string]customKind // by name: a name keeps the kind it was first used with
	errors map[[2]string]uint64  // calls that could not be counted, by name and reason
	count  int                   // values
}

// Scripts make names and tags of what clients send, so neither may grow without
// bound. Values of tags are cut as all labels are.
const (
	maxCustomTags   = 32     // in a set; more are left out
	maxCustomValues = 50_000 // metrics, each tag set counting as one
	maxCustomErrors = 1000
)

// customScope are the metrics of one tag set.
type customScope struct {
	labels []string // names and values by turns
	byName map[string]*customValue
}

type customKind uint8

const (
	customCounter customKind = iota
	customGauge
	customTimer
)

type customValue struct {
	kind    customKind
	mu      sync.Mutex
	number  float64
	elapsed timer
}

// CustomCounter implements core.Metrics. Negative deltas are refused and
// counted as errors.
func (m *Metrics) CustomCounter(name string, tags map[string]string, delta int64) {
	if delta < 0 {
		m.custom.fail(name, "negative_increment")
		return
	}
	if v := m.custom.find(customCounter, name, tags); v != nil {
		v.mu.Lock()
		v.number += float64(delta)
		v.mu.Unlock()
	}
}

// CustomGauge implements core.Metrics.
func (m *Metrics) CustomGauge(name string, tags map[string]string, x float64) {
	if v := m.custom.find(customGauge, name, tags); v != nil {
		v.mu.Lock()
		v.number = x
		v.mu.Unlock()
	}
}

// CustomTimer implements core.Metrics.
func (m *Metrics) CustomTimer(name string, tags map[string]string, took time.Duration) {
	if v := m.custom.find(customTimer, name, tags); v != nil {
		v.elapsed.record(max(took, 0))
	}
}

// find returns the value of a name under a tag set, which it adds when there is
// room, or nil.
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
		if key != "" && c.limit > 0 && tagged >= c.limit {
			return nil
		}
		if c.count >= maxCustomValues {
			return nil
		}
		scope = &customScope{labels: tagLabels(tags), byName: map[string]*customValue{}}
		c.scopes[key] = scope
	}
	v := scope.byName[name]
	if v == nil {
		clean := cleanName(name)
		if first, ok := c.kinds[clean]; ok && first != kind {
			return &customValue{kind: first} // found to be of another kind, and counted so
		}
		if c.count >= maxCustomValues {
			return nil
		}
		c.count++
		c.kinds[clean] = kind
		v = &customValue{kind: kind}
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
		name = otherKey
	}
	c.errors[[2]string{name, reason}]++
}

// boundTags is tags, or a copy that is bounded where it has to be.
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

// tagKey names a tag set.
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

// tagLabels makes labels of tags, in order. Names that Prometheus or the server
// has a use for, or that are no longer unique once cleaned, get a prefix.
func tagLabels(tags map[string]string) []string {
	var labels []string
	used := map[string]bool{"node_name": true, "namespace": true, "quantile": true, "le": true}
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		name := cleanName(tag)
		for used[name] || name == "" || strings.HasPrefix(name, "__") {
			name = "tag_" + name
		}
		used[name] = true
		labels = append(labels, name, label(tags[tag]))
	}
	return labels
}

func (c *customMetrics) collect(e *emitter) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, scope := range c.scopes {
		for name, v := range scope.byName {
			shown := &value{name: e.customPrefix + name, help: "A metric of a module.", labels: scope.labels}
			switch v.kind {
			case customCounter:
				e.counter(shown, v.read())
			case customGauge:
				e.gauge(shown, v.read())
			case customTimer:
				var d distribution
				v.elapsed.read(e.now, &d)
				e.summary(shown, &d)
			}
		}
	}
	for what, n := range c.errors {
		e.counter(&value{name: "metrics_collection_errors_count", help: "Calls of modules that could not be counted.",
			labels: []string{"name", what[0], "err", what[1]}}, float64(n))
	}
}

func (v *customValue) read() float64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.number
}
