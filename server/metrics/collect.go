package metrics

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kumi/config"
	"kumi/store/fault"
)

// naming makes names and labels as the configuration says.
type naming struct {
	prefix, customPrefix string // with their separator
	common               prometheus.Labels
}

func newNaming(cfg *config.Config) naming {
	n := naming{common: prometheus.Labels{"node_name": cfg.Name}}
	if p := cfg.Metrics.Prefix; p != "" {
		n.prefix = p + "_"
	}
	if p := cfg.Metrics.CustomPrefix; p != "" {
		n.customPrefix = p + "_"
	}
	if ns := cfg.Metrics.Namespace; ns != "" {
		n.common["namespace"] = ns
	}
	return n
}

// metric is the full name of a metric, with everything that may not be in one
// replaced.
func (n *naming) metric(name string) string { return cleanName(n.prefix + name) }

// cleanName replaces what may not be in a name of Prometheus.
func cleanName(name string) string {
	clean := []byte(name)
	for i, c := range clean {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9' && i > 0:
		default:
			clean[i] = '_'
		}
	}
	return string(clean)
}

// emitter hands out the metrics of one scrape.
type emitter struct {
	*naming
	out chan<- prometheus.Metric
	now time.Time
}

func (e *emitter) desc(v *value) (*prometheus.Desc, []string) {
	var names, values []string
	for pair := range slices.Chunk(v.labels, 2) {
		names, values = append(names, pair[0]), append(values, strings.ToValidUTF8(pair[1], "\ufffd"))
	}
	return prometheus.NewDesc(e.metric(v.name), v.help, names, e.common), values
}

func (e *emitter) constant(v *value, kind prometheus.ValueType, x float64) {
	desc, labels := e.desc(v)
	if metric, err := prometheus.NewConstMetric(desc, kind, x, labels...); err == nil {
		e.out <- metric
	}
}

func (e *emitter) counter(v *value, x float64) { e.constant(v, prometheus.CounterValue, x) }
func (e *emitter) gauge(v *value, x float64)   { e.constant(v, prometheus.GaugeValue, x) }

func (e *emitter) summary(v *value, d *distribution) {
	desc, labels := e.desc(v)
	if metric, err := prometheus.NewConstSummary(desc, d.count, d.sum, d.quantiles(), labels...); err == nil {
		e.out <- metric
	}
}

// Describe implements prometheus.Collector. It names nothing in advance: which
// metrics there are follows from what was used.
func (m *Metrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	e := &emitter{naming: &m.naming, out: out, now: time.Now()}
	m.values.Lock()
	values := slices.Clone(m.values.list)
	m.values.Unlock()
	for i := range values {
		values[i].read(e, &values[i])
	}
	m.collectCalls(e)
	m.collectHooks(e)
	for _, c := range m.storageRejects.all() {
		e.counter(&value{name: "storage_write_reject_count", help: "Refused storage writes.",
			labels: []string{"collection", c.labels[0], "reason", c.labels[1]}}, float64(c.n.Load()))
	}
	for _, c := range m.jobRuns.all() {
		e.counter(&value{name: "job_runs", help: "Runs of jobs by how they ended.",
			labels: []string{"job", c.labels[0], "result", c.labels[1]}}, float64(c.n.Load()))
	}
	m.matches.collect(e)
	m.custom.collect(e)
	m.collectPools(e)
}

// sums adds up calls.
type sums struct {
	count, errors, received, sent uint64
	took                          distribution
}

func (s *sums) merge(o *sums) {
	s.count += o.count
	s.errors += o.errors
	s.received += o.received
	s.sent += o.sent
	s.took.count += o.took.count
	s.took.sum += o.took.sum
	for i, n := range o.took.window {
		s.took.window[i] += n
	}
}

func (e *emitter) sums(prefix, what string, s *sums, labels ...string) {
	e.counter(&value{name: prefix + "_count", help: "Calls of " + what + ".", labels: labels}, float64(s.count))
	e.counter(&value{name: prefix + "_recv_bytes", help: "Bytes received by " + what + ".", labels: labels}, float64(s.received))
	e.counter(&value{name: prefix + "_sent_bytes", help: "Bytes sent by " + what + ".", labels: labels}, float64(s.sent))
	e.counter(&value{name: prefix + "_errors", help: "Failed calls of " + what + ".", labels: labels}, float64(s.errors))
	e.summary(&value{name: prefix + "_latency_ms", help: "Duration of " + what + ", in seconds whatever the name says.", labels: labels}, &s.took)
}

// collectCalls shows API methods and RPCs, each and overall.
func (m *Metrics) collectCalls(e *emitter) {
	var all sums
	for name, stats := range inOrder(m.methods.all()) {
		s := e.calls(&stats.CallStats)
		if s.count > 0 {
			e.sums(name, "the API method "+name, s)
			all.merge(s)
		}
	}
	for id, stats := range inOrder(m.rpcs.all()) {
		s := e.calls(&stats.HTTP)
		s.merge(e.calls(&stats.Socket))
		if s.count > 0 {
			e.sums("Rpc", "registered functions", s, "rpc_id", id)
			all.merge(s)
		}
	}
	messages := m.socketSums()
	e.counter(&value{name: "overall_request_count", help: "API and RPC calls."}, float64(all.count))
	e.counter(&value{name: "overall_request_recv_bytes", help: "Bytes received by API and RPC calls."}, float64(all.received))
	e.counter(&value{name: "overall_request_sent_bytes", help: "Bytes sent by API and RPC calls."}, float64(all.sent))
	e.counter(&value{name: "overall_request_errors", help: "Failed API and RPC calls."}, float64(all.errors))
	e.counter(&value{name: "overall_message_count", help: "Messages received on sockets."}, float64(messages.count))
	e.counter(&value{name: "overall_message_recv_bytes", help: "Bytes received on sockets."}, float64(messages.received))
	e.counter(&value{name: "overall_message_sent_bytes", help: "Bytes sent on sockets."}, float64(messages.sent))
	e.counter(&value{name: "overall_message_errors", help: "Sockets that ended abnormally."}, float64(messages.errors))
	all.merge(&messages)
	e.sums("overall", "everything", &all)
}

// calls shows the counts of one method or RPC by transport and code, and
// returns their sum.
func (e *emitter) calls(stats *CallStats) *sums {
	total := new(sums)
	for code := range stats.byCode {
		c := stats.byCode[code].Load()
		if c == nil {
			continue
		}
		var s sums
		c.took.read(e.now, &s.took)
		s.count, s.received, s.sent = s.took.count, c.received.Load(), c.sent.Load()
		if fault.Code(code) != fault.OK {
			s.errors = s.count
		}
		labels := []string{"transport", stats.transport, "rpc_id", stats.id, "rpc_code", codeNames[code]}
		e.counter(&value{name: "count", help: "Calls by method and code.", labels: labels}, float64(s.count))
		e.counter(&value{name: "recv_bytes", help: "Bytes received by method and code.", labels: labels}, float64(s.received))
		e.counter(&value{name: "sent_bytes", help: "Bytes sent by method and code.", labels: labels}, float64(s.sent))
		e.summary(&value{name: "latency", help: "Duration of calls by method and code, in seconds.", labels: labels}, &s.took)
		total.merge(&s)
	}
	return total
}

// collectHooks shows before and after hooks, each and overall.
func (m *Metrics) collectHooks(e *emitter) {
	var before, after hookSums
	for name, stats := range inOrder(m.methods.all()) {
		e.hook("before_"+name, &stats.Before, &before)
		e.hook("after_"+name, &stats.After, &after)
	}
	e.hookSums("overall_before", &before)
	e.hookSums("overall_after", &after)
}

type hookSums struct {
	errors uint64
	took   distribution
}

func (e *emitter) hook(name string, stats *HookStats, total *hookSums) {
	s := hookSums{errors: stats.errors.Load()}
	stats.took.read(e.now, &s.took)
	e.hookSums(name, &s)
	total.errors += s.errors
	total.took.count += s.took.count
	total.took.sum += s.took.sum
	for i, n := range s.took.window {
		total.took.window[i] += n
	}
}

func (e *emitter) hookSums(name string, s *hookSums) {
	if s.took.count == 0 {
		return
	}
	e.counter(&value{name: name + "_count", help: "Runs of the hook."}, float64(s.took.count))
	e.counter(&value{name: name + "_errors", help: "Failed runs of the hook."}, float64(s.errors))
	e.summary(&value{name: name + "_latency_ms", help: "Duration of the hook, in seconds whatever the name says."}, &s.took)
	e.summary(&value{name: name + "_latency", help: "Duration of the hook, in seconds."}, &s.took)
}

// inOrder visits a family by name.
func inOrder[T any](values map[string]*T) func(yield func(string, *T) bool) {
	return func(yield func(string, *T) bool) {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if !yield(name, values[name]) {
				return
			}
		}
	}
}
