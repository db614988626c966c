// Package metrics holds the server's metrics for Prometheus, under the names that
// Nakama uses.
package metrics

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kumi/config"
	"kumi/core"
	"kumi/match"
	"kumi/match/matchmaker"
	"kumi/match/party"
	"kumi/modules"
	"kumi/presence"
	"kumi/store"
	"kumi/store/fault"
)

// Metrics are the metrics of a server. Recording takes a few atomic additions and
// never blocks. All methods may be called from any goroutine.
type Metrics struct {
	registry *prometheus.Registry
	naming   naming
	factory  promauto.Factory // of metrics with the prefix and the common labels

	calls callMetrics
	// Messages are recorded by the sessions.
	Messages Traffic
	custom   customMetrics
	recent   recentCalls
	set      atomic.Pointer[modules.Set]

	storageRejects *prometheus.CounterVec
	rejected       struct {
		sync.Mutex
		kept map[[2]string]struct{}
	}
	indexEntries, indexComplete   *prometheus.GaugeVec
	indexBehind                   prometheus.Gauge
	jobRuns, console              *prometheus.CounterVec
	consoleTook                   *prometheus.HistogramVec
	providers, satori             *prometheus.HistogramVec
	droppedEvents, presenceEvents prometheus.Counter
	reloads                       *prometheus.CounterVec

	matches                           prometheus.Gauge
	allTicks, allSkipped              atomic.Uint64 // of all handlers
	ticks                             *prometheus.HistogramVec
	skippedTicks, failed, matchesDrop *prometheus.CounterVec

	parties, tickets, activeTickets, leads prometheus.Gauge
	passes                                 prometheus.Histogram
	formed, matched, timedOut              prometheus.Counter
}

var (
	_ core.Metrics     = (*Metrics)(nil)
	_ match.Metrics    = (*Metrics)(nil)
	_ presence.Metrics = (*Metrics)(nil)

	_ matchmaker.Metrics = (*Metrics)(nil)
	_ party.Metrics      = (*Metrics)(nil)
)

// maxRejects is the maximum number of pairs of collection and reason for which refused
// writes are counted apart. Clients choose the names of collections, and may take half
// of them, so that those of modules keep their names.
const maxRejects = 1000

// New makes the metrics of a server. database returns the statistics of its connection
// pool; it may be nil.
func New(cfg *config.Config, database func() store.Stats) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), naming: newNaming(cfg)}
	m.factory = promauto.With(prometheus.WrapRegistererWith(m.naming.common, prometheus.WrapRegistererWithPrefix(m.naming.prefix, m.registry)))
	m.declare(cfg)
	if database != nil {
		m.watchDatabase(database)
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&m.custom,
		&moduleCollector{m},
	)
	return m
}

// declare makes the metrics that exist from the start.
func (m *Metrics) declare(cfg *config.Config) {
	m.custom.maxSets, m.custom.maxValues, m.custom.naming = cfg.Metrics.CustomScopeLimit, maxCustomValues, &m.naming
	m.calls.init(m)

	m.storageRejects = m.counters("storage_write_reject_count", "Refused storage writes.", "collection", "reason")
	m.indexEntries = m.gauges("storage_index_entry_count", "Entries of a storage index.", "index_name")
	m.indexComplete = m.gauges("storage_index_complete", "1 when a storage index has all objects, 0 while it is built.", "index_name")
	m.indexBehind = m.gauge("storage_index_behind_seconds", "Age of the changes of other servers that the storage indexes have, when they were last read.")
	m.jobRuns = m.counters("job_runs", "Runs of jobs, by result.", "job", "result")
	m.console = m.counters("console_count", "Calls of the console's API by name and code.", "call", "code")
	m.consoleTook = m.timers("console_latency", "Duration of calls of the console's API by name.", "call")
	m.providers = m.timers("provider_latency", "Time of requests to sign-in providers and stores of apps, by host and result.", "host", "result")
	m.satori = m.timers("satori_latency", "Time of requests to Satori, by call and result: the status code, timeout or unreachable.", "call", "result")
	m.droppedEvents = m.counter("dropped_events", "Events dropped because their queue was full.")
	m.presenceEvents = m.counter("presence_event_count", "Presence joins and leaves sent.")
	m.reloads = m.counters("module_reloads", "Loads of the modules after the first one.", "result")

	m.matches = m.gauge("authoritative_matches", "Running authoritative matches.")
	m.ticks = m.timers("match_tick_latency", "Time the handler of a match took for one tick.", "handler")
	m.skippedTicks = m.counters("match_ticks_skipped", "Ticks skipped because an earlier one took too long.", "handler")
	m.failed = m.counters("match_failures", "Matches ended by an error of their handler.", "handler")
	m.matchesDrop = m.counters("match_dropped", "Inputs refused because a queue of a match was full.", "handler", "queue")

	m.parties = m.gauge("parties", "Parties.")
	m.tickets = m.gauge("matchmaker_tickets", "Tickets in the matchmaker at its last pass.")
	m.activeTickets = m.gauge("matchmaker_active_tickets", "Tickets that were still searching in that pass.")
	m.passes = m.timer("matchmaker_process_time", "Time a pass of the matchmaker took.")
	m.formed = m.counter("matchmaker_matches", "Matches the matchmaker formed.")
	m.matched = m.counter("matchmaker_matched_players", "Players in the matches that the matchmaker formed.")
	m.leads = m.gauge("matchmaker_leads", "1 on the node that forms the matches of a cluster, 0 on others.")
	m.timedOut = m.counter("matchmaker_timed_out", "Tickets removed because they had waited too long.")
}

// Handler serves the metrics to Prometheus, at any path. A value that cannot be
// collected, such as a module's metric under a name in use, is left out.
func (m *Metrics) Handler() http.Handler {
	show := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
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

// timeBuckets are the upper bounds of timers, in seconds. All times are in seconds,
// although the protocol has names that end in _ms.
var timeBuckets = [...]float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

func (m *Metrics) counter(name, help string) prometheus.Counter {
	return m.factory.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	return m.factory.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func (m *Metrics) counterFunc(name, help string, read func() float64) {
	m.factory.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read)
}

func (m *Metrics) gauge(name, help string) prometheus.Gauge {
	return m.factory.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

func (m *Metrics) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return m.factory.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

func (m *Metrics) gaugeFunc(name, help string, read func() float64) {
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read)
}

func (m *Metrics) timer(name, help string) prometheus.Histogram {
	return m.factory.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: timeBuckets[:]})
}

func (m *Metrics) timers(name, help string, labels ...string) *prometheus.HistogramVec {
	return m.factory.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: timeBuckets[:]}, labels)
}

// Pools sets the modules whose VM pools the metrics report.
func (m *Metrics) Pools(set *modules.Set) { m.set.Store(set) }

// EventDropped counts an event that was dropped because its queue was full.
func (m *Metrics) EventDropped() { m.droppedEvents.Inc() }

// PresenceEvents implements presence.Metrics.
func (m *Metrics) PresenceEvents(n int) { m.presenceEvents.Add(float64(n)) }

// StorageReject implements core.Metrics.
func (m *Metrics) StorageReject(collection, reason string, client bool) {
	room := maxRejects
	if client {
		room /= 2
	}
	pair := [2]string{label(collection), reason}
	m.rejected.Lock()
	if _, ok := m.rejected.kept[pair]; !ok {
		if len(m.rejected.kept) >= room {
			pair = [2]string{otherLabel, reason}
		} else {
			if m.rejected.kept == nil {
				m.rejected.kept = map[[2]string]struct{}{}
			}
			m.rejected.kept[pair] = struct{}{}
		}
	}
	m.rejected.Unlock()
	m.storageRejects.WithLabelValues(pair[0], pair[1]).Inc()
}

// StorageIndex implements core.Metrics.
func (m *Metrics) StorageIndex(name string, entries int, complete bool) {
	m.StorageIndexEntries(name, entries)
	value := 0.0
	if complete {
		value = 1
	}
	m.indexComplete.WithLabelValues(label(name)).Set(value)
}

// StorageIndexEntries implements core.Metrics.
func (m *Metrics) StorageIndexEntries(name string, entries int) {
	m.indexEntries.WithLabelValues(label(name)).Set(float64(entries))
}

// StorageIndexGone implements core.Metrics.
func (m *Metrics) StorageIndexGone(name string) {
	m.indexEntries.DeleteLabelValues(label(name))
	m.indexComplete.DeleteLabelValues(label(name))
}

// StorageIndexBehind implements core.Metrics.
func (m *Metrics) StorageIndexBehind(age time.Duration) { m.indexBehind.Set(age.Seconds()) }

// JobRun implements core.Metrics.
func (m *Metrics) JobRun(job string, ok bool) {
	result := "ok"
	if !ok {
		result = "failed"
	}
	m.jobRuns.WithLabelValues(label(job), result).Inc()
}

// ConsoleCall counts a call of the console's API, by its name.
func (m *Metrics) ConsoleCall(call string, code fault.Code, took time.Duration) {
	m.console.WithLabelValues(call, codeNames[code]).Inc()
	m.consoleTook.WithLabelValues(call).Observe(took.Seconds())
}

// ProviderRequest counts a request to a host of a sign-in provider or a store of apps.
func (m *Metrics) ProviderRequest(host string, ok bool, took time.Duration) {
	result := "ok"
	if !ok {
		result = "failed"
	}
	m.providers.WithLabelValues(host, result).Observe(took.Seconds())
}

// SatoriRequest counts a request to Satori.
func (m *Metrics) SatoriRequest(call, result string, took time.Duration) {
	m.satori.WithLabelValues(call, result).Observe(took.Seconds())
}

// Reloaded counts a reload.
func (m *Metrics) Reloaded(done bool) {
	result := "failed"
	if done {
		result = "done"
	}
	m.reloads.WithLabelValues(result).Inc()
}

// Matches implements match.Metrics.
func (m *Metrics) Matches(n int) { m.matches.Set(float64(n)) }

// MatchTick implements match.Metrics.
func (m *Metrics) MatchTick(handler string, took time.Duration) {
	m.allTicks.Add(1)
	m.ticks.WithLabelValues(handler).Observe(took.Seconds())
}

// MatchTickSkipped implements match.Metrics.
func (m *Metrics) MatchTickSkipped(handler string, n int) {
	m.allSkipped.Add(uint64(n))
	m.skippedTicks.WithLabelValues(handler).Add(float64(n))
}

// MatchFailed implements match.Metrics.
func (m *Metrics) MatchFailed(handler string) { m.failed.WithLabelValues(handler).Inc() }

// MatchDropped implements match.Metrics.
func (m *Metrics) MatchDropped(handler, queue string) {
	m.matchesDrop.WithLabelValues(handler, queue).Inc()
}

// Parties implements party.Metrics.
func (m *Metrics) Parties(n int) { m.parties.Set(float64(n)) }

// MatchmakerPass implements matchmaker.Metrics.
func (m *Metrics) MatchmakerPass(tickets, active int, took time.Duration) {
	m.tickets.Set(float64(tickets))
	m.activeTickets.Set(float64(active))
	m.passes.Observe(took.Seconds())
}

// MatchmakerFormed implements matchmaker.Metrics.
func (m *Metrics) MatchmakerFormed(matches, players int) {
	m.formed.Add(float64(matches))
	m.matched.Add(float64(players))
}

// MatchmakerTimedOut implements matchmaker.Metrics.
func (m *Metrics) MatchmakerTimedOut(tickets int) { m.timedOut.Add(float64(tickets)) }

// MatchmakerLeads implements matchmaker.Metrics.
func (m *Metrics) MatchmakerLeads(leads bool) {
	m.leads.Set(0)
	if leads {
		m.leads.Set(1)
		return
	}
	m.tickets.Set(0)
	m.activeTickets.Set(0)
}

// watchDatabase adds the metrics of the connection pool.
func (m *Metrics) watchDatabase(stats func() store.Stats) {
	show := func(name, help string, pick func(store.Stats) float64) {
		m.gaugeFunc("db_"+name, help, func() float64 { return pick(stats()) })
	}
	show("max_open_conns", "Maximum number of connections.", func(s store.Stats) float64 { return float64(s.MaxOpen) })
	show("total_open_conns", "Open connections.", func(s store.Stats) float64 { return float64(s.Open) })
	show("in_use_conns", "Connections in use.", func(s store.Stats) float64 { return float64(s.InUse) })
	show("idle_conns", "Idle connections.", func(s store.Stats) float64 { return float64(s.Idle) })
	show("total_wait_count", "Number of times that a call waited for a connection.", func(s store.Stats) float64 { return float64(s.WaitCount) })
	show("total_wait_time_nanos", "Time spent waiting for connections, in nanoseconds.", func(s store.Stats) float64 { return float64(s.WaitTime / time.Nanosecond) })
	show("total_max_idle_closed", "Connections closed because too many were idle.", func(s store.Stats) float64 { return float64(s.MaxIdleClosed) })
	show("total_max_idle_time_closed", "Connections closed because they were idle for too long.", func(s store.Stats) float64 { return float64(s.MaxIdleTimeClosed) })
	show("total_max_lifetime_closed", "Connections closed because of their age.", func(s store.Stats) float64 { return float64(s.MaxLifetimeClosed) })
	show("write_queue", "Transactions waiting for the embedded database's writer.", func(s store.Stats) float64 { return float64(s.WriteQueue) })
}
