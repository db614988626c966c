package metrics

import (
	"time"

	"kumi/vm"
)

// matchMetrics count what authoritative matches do, by handler.
type matchMetrics struct {
	running *gauge
	ticks   family[timer]
	skipped family[counter]
	failed  family[counter]
	dropped family[labeledCounter]
}

func (x *matchMetrics) init(m *Metrics) {
	x.running = m.gauge("authoritative_matches", "Authoritative matches that run.")
}

// Matches implements match.Metrics.
func (m *Metrics) Matches(n int) { m.matches.running.set(n) }

// MatchTick implements match.Metrics.
func (m *Metrics) MatchTick(handler string, took time.Duration) {
	m.matches.ticks.get(handler, newOf[timer]).record(took)
}

// MatchTickSkipped implements match.Metrics.
func (m *Metrics) MatchTickSkipped(handler string, n int) {
	m.matches.skipped.get(handler, newOf[counter]).add(n)
}

// MatchFailed implements match.Metrics.
func (m *Metrics) MatchFailed(handler string) {
	m.matches.failed.get(handler, newOf[counter]).add(1)
}

// MatchDropped implements match.Metrics.
func (m *Metrics) MatchDropped(handler, queue string) {
	m.matches.dropped.get(handler+"\x00"+queue, func() *labeledCounter {
		return &labeledCounter{labels: []string{handler, queue}}
	}).add(1)
}

func newOf[T any]() *T { return new(T) }

func (x *matchMetrics) collect(e *emitter) {
	for handler, t := range inOrder(x.ticks.all()) {
		var d distribution
		t.read(e.now, &d)
		e.summary(&value{name: "match_tick_latency", help: "Time the handler of a match took for one tick, in seconds.",
			labels: []string{"handler", handler}}, &d)
	}
	for handler, c := range inOrder(x.skipped.all()) {
		e.counter(&value{name: "match_ticks_skipped", help: "Ticks skipped as one before took too long.",
			labels: []string{"handler", handler}}, float64(c.n.Load()))
	}
	for handler, c := range inOrder(x.failed.all()) {
		e.counter(&value{name: "match_failures", help: "Matches ended by an error of their handler.",
			labels: []string{"handler", handler}}, float64(c.n.Load()))
	}
	for _, c := range inOrder(x.dropped.all()) {
		e.counter(&value{name: "match_dropped", help: "What full queues of matches refused.",
			labels: []string{"handler", c.labels[0], "queue", c.labels[1]}}, float64(c.n.Load()))
	}
}

// collectPools shows the pools of script engines of the loaded set.
func (m *Metrics) collectPools(e *emitter) {
	set := m.set.Load()
	if set == nil {
		return
	}
	set.Guard.Stops(func(l vm.Lang, r vm.Reason, n uint64) {
		e.counter(&value{name: "script_calls_stopped", help: "Calls into scripts that a limit ended.",
			labels: []string{"runtime", l.String(), "reason", r.String()}}, float64(n))
	})
	guard := set.Guard.Stats()
	e.counter(&value{name: "script_heap_renewals", help: "How often all script engines were replaced as the heap was over its limit."}, float64(guard.Renewals))
	for runtime, n := range map[string]uint64{vm.JS.String(): guard.AbandonedJS, vm.Lua.String(): guard.AbandonedLua} {
		e.counter(&value{name: "script_vms_abandoned", help: "Script engines given up as their call did not end when it was stopped.",
			labels: []string{"runtime", runtime}}, float64(n))
	}
	for _, p := range set.Pools {
		runtime, s := p.Runtime, p.Stats()
		e.gauge(&value{name: runtime + "_runtimes", help: "Script engines that exist."}, float64(s.Allocated))
		labels := []string{"runtime", runtime}
		e.gauge(&value{name: "vm_pool_idle", help: "Script engines that wait for work.", labels: labels}, float64(s.Idle))
		e.gauge(&value{name: "vm_pool_in_use", help: "Script engines at work.", labels: labels}, float64(s.InUse))
		e.gauge(&value{name: "vm_pool_waiting", help: "Calls that wait for a script engine.", labels: labels}, float64(s.Waiting))
		e.counter(&value{name: "vm_pool_waits", help: "Calls that had to wait for a script engine.", labels: labels}, float64(s.Waits))
		e.counter(&value{name: "vm_pool_retired", help: "Script engines thrown away after a call that went wrong.", labels: labels}, float64(s.Retired))
	}
}
