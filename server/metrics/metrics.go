package metrics

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kumi/config"
	"kumi/core"
	"kumi/match"
	"kumi/match/matchmaker"
	"kumi/match/party"
	"kumi/modules"
	"kumi/presence"
	"kumi/store"
)

// Metrics is everything the server counts, under the names of the protocol's
// reference server. Recording is a few atomic additions and never blocks; sums,
// quantiles and label sets are made when somebody reads. All methods may be
// called from any goroutine.
type Metrics struct {
	registry *prometheus.Registry
	naming   naming

	methods family[MethodStats]
	rpcs    family[RPCStats]
	// Messages are recorded by the sessions.
	Messages MessageStats
	values   struct {
		sync.Mutex
		list []value
	}
	storageRejects family[labeledCounter]
	jobRuns        family[labeledCounter]
	matches        matchMetrics
	groups         groupMetrics
	custom         customMetrics
	set            atomic.Pointer[modules.Set]

	droppedEvents, presenceEvents *counter
	reloads                       [2]*counter // failed, done
}

var (
	_ core.Metrics     = (*Metrics)(nil)
	_ match.Metrics    = (*Metrics)(nil)
	_ presence.Metrics = (*Metrics)(nil)

	_ matchmaker.Metrics = (*Metrics)(nil)
	_ party.Metrics      = (*Metrics)(nil)
)

// New makes the metrics of a server; database gives the figures of its
// connection pool, or is nil.
func New(cfg *config.Config, database func() store.Stats) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		naming:   newNaming(cfg),
	}
	m.storageRejects.limit = 1000 // clients choose the names of collections
	m.custom.limit = cfg.Metrics.CustomScopeLimit
	m.droppedEvents = m.counter("dropped_events", "Events that found their queue full.")
	m.presenceEvents = m.counter("presence_event_count", "Joins and leaves sent out.")
	m.matches.init(m)
	m.groups.init(m)
	m.watchModules()
	if database != nil {
		m.watchDatabase(database)
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m,
	)
	return m
}

// Handler offers the metrics to Prometheus, whatever the path. Values that
// cannot be shown, such as a module's metric under a name that is taken, are
// left out.
func (m *Metrics) Handler() http.Handler {
	show := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Access-Control-Allow-Origin"] = []string{"*"}
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			show.ServeHTTP(w, r)
		case http.MethodOptions:
			w.Header().Set("Access-Control-Allow-Methods", "GET, HEAD")
			w.WriteHeader(http.StatusOK)
		default:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		}
	})
}

// Pools says which set's script engines the metrics show from now on.
func (m *Metrics) Pools(set *modules.Set) { m.set.Store(set) }

// EventDropped counts an event that found its queue full.
func (m *Metrics) EventDropped() { m.droppedEvents.add(1) }

// PresenceEvents implements presence.Metrics.
func (m *Metrics) PresenceEvents(n int) { m.presenceEvents.add(n) }

// StorageReject implements core.Metrics.
func (m *Metrics) StorageReject(collection, reason string) {
	collection = label(collection)
	m.storageRejects.get(collection+"\x00"+reason, func() *labeledCounter {
		return &labeledCounter{labels: []string{collection, reason}}
	}).add(1)
}

// JobRun implements core.Metrics.
func (m *Metrics) JobRun(job string, ok bool) {
	job = label(job)
	result := "ok"
	if !ok {
		result = "failed"
	}
	m.jobRuns.get(job+"\x00"+result, func() *labeledCounter {
		return &labeledCounter{labels: []string{job, result}}
	}).add(1)
}

// value is one metric that collect shows as it is.
type value struct {
	name, help string
	labels     []string // names and values by turns
	read       func(e *emitter, v *value)
}

// counter counts up. The zero value is ready.
type counter struct{ n atomic.Uint64 }

func (c *counter) add(n int) { c.n.Add(uint64(n)) }

// labeledCounter is a counter in a family.
type labeledCounter struct {
	counter
	labels []string // values only
}

// gauge is a number that goes up and down. The zero value is ready.
type gauge struct{ n atomic.Int64 }

func (g *gauge) set(n int) { g.n.Store(int64(n)) }

// counter adds a counter to what is shown. labels are names and values by
// turns.
func (m *Metrics) counter(name, help string, labels ...string) *counter {
	c := new(counter)
	m.show(value{name, help, labels, func(e *emitter, v *value) { e.counter(v, float64(c.n.Load())) }})
	return c
}

// gauge adds a gauge to what is shown.
func (m *Metrics) gauge(name, help string, labels ...string) *gauge {
	g := new(gauge)
	m.gaugeFunc(name, help, func() float64 { return float64(g.n.Load()) }, labels...)
	return g
}

// gaugeFunc adds a gauge that is read when somebody looks.
func (m *Metrics) gaugeFunc(name, help string, read func() float64, labels ...string) {
	m.show(value{name, help, labels, func(e *emitter, v *value) { e.gauge(v, read()) }})
}

// timer adds a timer to what is shown, in seconds.
func (m *Metrics) timer(name, help string, labels ...string) *timer {
	t := new(timer)
	m.show(value{name, help, labels, func(e *emitter, v *value) {
		var d distribution
		t.read(e.now, &d)
		e.summary(v, &d)
	}})
	return t
}

func (m *Metrics) show(v value) {
	m.values.Lock()
	defer m.values.Unlock()
	m.values.list = append(m.values.list, v)
}

// watchDatabase shows the connection pool.
func (m *Metrics) watchDatabase(stats func() store.Stats) {
	show := func(name, help string, pick func(store.Stats) float64) {
		m.gaugeFunc("db_"+name, help, func() float64 { return pick(stats()) })
	}
	show("max_open_conns", "Most connections the pool may open.", func(s store.Stats) float64 { return float64(s.MaxOpen) })
	show("total_open_conns", "Open connections.", func(s store.Stats) float64 { return float64(s.Open) })
	show("in_use_conns", "Connections in use.", func(s store.Stats) float64 { return float64(s.InUse) })
	show("idle_conns", "Idle connections.", func(s store.Stats) float64 { return float64(s.Idle) })
	show("total_wait_count", "Times a connection was waited for.", func(s store.Stats) float64 { return float64(s.WaitCount) })
	show("total_wait_time_nanos", "Time spent waiting for connections, in nanoseconds.", func(s store.Stats) float64 { return float64(s.WaitTime / time.Nanosecond) })
	show("total_max_idle_closed", "Connections closed as too many were idle.", func(s store.Stats) float64 { return float64(s.MaxIdleClosed) })
	show("total_max_idle_time_closed", "Connections closed as they were idle for long.", func(s store.Stats) float64 { return float64(s.MaxIdleTimeClosed) })
	show("total_max_lifetime_closed", "Connections closed for their age.", func(s store.Stats) float64 { return float64(s.MaxLifetimeClosed) })
	show("write_queue", "Transactions that wait for the embedded database's writer.", func(s store.Stats) float64 { return float64(s.WriteQueue) })
}
