package metrics

import (
	goruntime "runtime"
	gometrics "runtime/metrics"
	"time"

	"kumi/server/history"
	"kumi/store"
	"kumi/vm"
)

// Open are how many of each are open now.
type Open struct{ Sessions, Presences, Matches, Parties int }

// Figures turns the metrics into the figures of a history. It belongs to one goroutine.
type Figures struct {
	m      *Metrics
	open   func() Open
	db     *store.DB
	heap   []gometrics.Sample
	before reading
}

// reading is the state of all figures at one time. Counters count from the start.
type reading struct {
	at   time.Time
	open Open

	calls, callErrors               uint64
	received, sent                  uint64
	messagesIn, messagesOut, broken uint64
	latency                         histogram
	ticks, skipped                  uint64
	cpu                             time.Duration
	heap                            uint64
	goroutines                      int
	db                              store.Load
	pool                            store.Stats
	js, lua                         vm.PoolStats
}

// NewFigures makes the figures of a server.
func NewFigures(m *Metrics, db *store.DB, open func() Open) *Figures {
	f := &Figures{m: m, open: open, db: db}
	f.heap = []gometrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	f.before = f.read(time.Now())
	return f
}

// figure is one series, and how it follows from two readings.
type figure struct {
	history.Series
	value func(now, before *reading, seconds float64) float64
}

// rate makes a figure of a counter, per second.
func rate(count func(*reading) uint64) func(now, before *reading, seconds float64) float64 {
	return func(now, before *reading, seconds float64) float64 {
		return float64(count(now)-count(before)) / seconds
	}
}

// level makes a figure of a value that goes up and down.
func level(value func(*reading) float64) func(now, before *reading, seconds float64) float64 {
	return func(now, _ *reading, _ float64) float64 { return value(now) }
}

// latency makes a figure of the times of calls between two readings, in milliseconds.
func latency(share float64) func(now, before *reading, seconds float64) float64 {
	return func(now, before *reading, _ float64) float64 {
		return now.latency.since(before.latency).quantile(share) * 1000
	}
}

// figures are what a history has. A new figure is a row here.
var figures = []figure{
	{history.Series{Name: "sessions"}, level(func(r *reading) float64 { return float64(r.open.Sessions) })},
	{history.Series{Name: "presences"}, level(func(r *reading) float64 { return float64(r.open.Presences) })},
	{history.Series{Name: "matches"}, level(func(r *reading) float64 { return float64(r.open.Matches) })},
	{history.Series{Name: "parties"}, level(func(r *reading) float64 { return float64(r.open.Parties) })},

	{history.Series{Name: "requests", Unit: "1/s"}, rate(func(r *reading) uint64 { return r.calls })},
	{history.Series{Name: "request_p50", Unit: "ms"}, latency(0.5)},
	{history.Series{Name: "request_p99", Unit: "ms", Max: true}, latency(0.99)},
	{history.Series{Name: "messages_in", Unit: "1/s"}, rate(func(r *reading) uint64 { return r.messagesIn })},
	{history.Series{Name: "messages_out", Unit: "1/s"}, rate(func(r *reading) uint64 { return r.messagesOut })},
	{history.Series{Name: "bytes_in", Unit: "B/s"}, rate(func(r *reading) uint64 { return r.received })},
	{history.Series{Name: "bytes_out", Unit: "B/s"}, rate(func(r *reading) uint64 { return r.sent })},
	{history.Series{Name: "errors", Unit: "1/s"}, rate(func(r *reading) uint64 { return r.callErrors + r.broken })},

	{history.Series{Name: "ticks", Unit: "1/s"}, rate(func(r *reading) uint64 { return r.ticks })},
	{history.Series{Name: "ticks_skipped", Unit: "1/s"}, rate(func(r *reading) uint64 { return r.skipped })},

	{history.Series{Name: "cpu", Unit: "cores"}, func(now, before *reading, seconds float64) float64 { return (now.cpu - before.cpu).Seconds() / seconds }},
	{history.Series{Name: "heap", Unit: "B"}, level(func(r *reading) float64 { return float64(r.heap) })},
	{history.Series{Name: "goroutines"}, level(func(r *reading) float64 { return float64(r.goroutines) })},

	{history.Series{Name: "vm_js_in_use"}, level(func(r *reading) float64 { return float64(r.js.InUse) })},
	{history.Series{Name: "vm_js_waiting", Max: true}, level(func(r *reading) float64 { return float64(r.js.Waiting) })},
	{history.Series{Name: "vm_lua_in_use"}, level(func(r *reading) float64 { return float64(r.lua.InUse) })},
	{history.Series{Name: "vm_lua_waiting", Max: true}, level(func(r *reading) float64 { return float64(r.lua.Waiting) })},

	{history.Series{Name: "db_statements", Unit: "1/s"}, rate(func(r *reading) uint64 { return r.db.Statements })},
	{history.Series{Name: "db_latency", Unit: "ms"}, func(now, before *reading, _ float64) float64 {
		n := now.db.Statements - before.db.Statements
		if n == 0 {
			return 0
		}
		return float64((now.db.Took - before.db.Took).Microseconds()) / 1000 / float64(n)
	}},
	{history.Series{Name: "db_in_use"}, level(func(r *reading) float64 { return float64(r.pool.InUse) })},
	{history.Series{Name: "db_write_queue", Max: true}, level(func(r *reading) float64 { return float64(r.pool.WriteQueue) })},
}

// Series returns the series of the figures.
func (f *Figures) Series() []history.Series {
	all := make([]history.Series, len(figures))
	for i := range figures {
		all[i] = figures[i].Series
	}
	return all
}

// Next writes the figures of the time since the call before into values.
func (f *Figures) Next(now time.Time, values []float32) {
	r := f.read(now)
	seconds := max(now.Sub(f.before.at).Seconds(), 1e-3)
	for i := range figures {
		values[i] = float32(figures[i].value(&r, &f.before, seconds))
	}
	f.before = r
}

func (f *Figures) read(now time.Time) (r reading) {
	m := f.m
	c, messages := &m.calls.requests, &m.Messages
	r = reading{
		at: now, open: f.open(), calls: c.Count.Load(), callErrors: c.Errors.Load(),
		received: c.Received.Load() + messages.Received.Load(), sent: c.Sent.Load() + messages.Sent.Load(),
		messagesIn: messages.Count.Load(), messagesOut: messages.Out.Load(), broken: messages.Errors.Load(),
		ticks: m.allTicks.Load(), skipped: m.allSkipped.Load(),
		goroutines: goruntime.NumGoroutine(), db: f.db.Load(), pool: f.db.Stats(), cpu: cpuTime(),
	}
	r.latency, _ = readHistogram(m.calls.took)
	gometrics.Read(f.heap)
	r.heap = f.heap[0].Value.Uint64()
	if set := m.set.Load(); set != nil {
		for _, p := range set.Pools {
			if p.Runtime == "lua" {
				r.lua = p.Stats()
			} else {
				r.js = p.Stats()
			}
		}
	}
	return r
}
