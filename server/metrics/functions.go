package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Function is what the calls of one function of the modules took.
type Function struct {
	Kind  string // "rpc", "before", "after" or "match"
	Name  string // of the RPC, the API method, the message or the match handler
	Total Calls  // since the start
	Last  Calls  // of the last minutes, see Recent
}

// Calls are calls of a function.
type Calls struct {
	Count, Errors  uint64
	Mean, P50, P99 time.Duration
}

// keptMinutes is how many minutes Recent looks back, once the server has run that long.
const keptMinutes = 5

// recentCalls are the state of all functions, once a minute.
type recentCalls struct {
	mu   sync.Mutex
	kept [keptMinutes]functionTotals // the last minutes
	next int
}

// functionTotals are the totals of functions by kind and name, at one time.
type functionTotals struct {
	at  time.Time
	all map[[2]string]functionTotal
}

type functionTotal struct {
	histogram
	errors uint64
}

// KeepCalls is called once a minute: what was counted until now is what Functions compares
// with during the next minutes. It costs some microseconds and 200 bytes per function.
func (m *Metrics) KeepCalls() {
	now := m.functionTotals()
	r := &m.recent
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept[r.next] = now
	r.next = (r.next + 1) % keptMinutes
}

// oldest returns the totals to compare with; since the start there may be none.
func (r *recentCalls) oldest() functionTotals {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.kept[r.next]; t.all != nil {
		return t
	}
	return functionTotals{}
}

// Functions returns the functions that were called, in no order.
func (m *Metrics) Functions() []Function {
	now, before := m.functionTotals(), m.recent.oldest()
	out := make([]Function, 0, len(now.all))
	for key, t := range now.all {
		f := Function{Kind: key[0], Name: key[1], Total: t.calls()}
		was := before.all[key]
		f.Last = functionTotal{t.since(was.histogram), t.errors - was.errors}.calls()
		out = append(out, f)
	}
	return out
}

func (t functionTotal) calls() Calls {
	seconds := func(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }
	return Calls{Count: t.count, Errors: t.errors, Mean: seconds(t.mean()), P50: seconds(t.quantile(0.5)), P99: seconds(t.quantile(0.99))}
}

// functionTotals reads the metrics of all functions.
func (m *Metrics) functionTotals() functionTotals {
	out := functionTotals{time.Now(), map[[2]string]functionTotal{}}
	read := func(kind string, times *prometheus.HistogramVec, errors *prometheus.CounterVec, label string) {
		failed := map[string]uint64{}
		collect(errors, func(metric prometheus.Metric) {
			var d dto.Metric
			if metric.Write(&d) == nil && d.Counter != nil {
				failed[labelOf(d.Label, label)] = uint64(d.Counter.GetValue())
			}
		})
		collect(times, func(metric prometheus.Metric) {
			h, labels := readHistogram(metric)
			name := labelOf(labels, label)
			out.all[[2]string{kind, name}] = functionTotal{h, failed[name]}
		})
	}
	read("rpc", m.calls.byRPC.took, m.calls.byRPC.errors, "rpc_id")
	read("match", m.ticks, m.failed, "handler")
	for kind, h := range map[string]*messageHooks{"before": &m.calls.beforeMessage, "after": &m.calls.afterMessage} {
		read(kind, h.took, h.errors, "message")
	}
	m.calls.methods.Range(func(name, stats any) bool {
		s := stats.(*MethodStats)
		for kind, h := range map[string]*HookStats{"before": &s.Before, "after": &s.After} {
			if !h.ran.Load() {
				continue
			}
			own := h.own()
			times, _ := readHistogram(own.took)
			var failed dto.Metric
			_ = own.errors.Write(&failed)
			out.all[[2]string{kind, name.(string)}] = functionTotal{times, uint64(failed.Counter.GetValue())}
		}
		return true
	})
	return out
}

func labelOf(labels []*dto.LabelPair, name string) string {
	for _, l := range labels {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}
