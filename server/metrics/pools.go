package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"kumi/vm"
)

// moduleCollector shows the loaded set of modules and its script engines, which
// change when modules are loaded anew.
type moduleCollector struct{ *Metrics }

// Describe implements prometheus.Collector. It names nothing in advance: which
// metrics there are follows from the set.
func (m *moduleCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m *moduleCollector) Collect(out chan<- prometheus.Metric) {
	set := m.set.Load()
	if set == nil {
		return
	}
	show := func(kind prometheus.ValueType, name, help string, x float64, labels prometheus.Labels) {
		d := prometheus.NewDesc(m.naming.prefix+name, help, nil, m.naming.with(labels))
		if metric, err := prometheus.NewConstMetric(d, kind, x); err == nil {
			out <- metric
		}
	}
	counter := func(name, help string, n uint64, labels prometheus.Labels) {
		show(prometheus.CounterValue, name, help, float64(n), labels)
	}
	gauge := func(name, help string, n int, labels prometheus.Labels) {
		show(prometheus.GaugeValue, name, help, float64(n), labels)
	}
	gauge("module_version", "1 for the load of the modules that is in use.", 1, prometheus.Labels{"version": set.Version})
	for _, p := range set.Pools {
		s, runtime := p.Stats(), prometheus.Labels{"runtime": p.Runtime}
		gauge(p.Runtime+"_runtimes", "Script engines that exist.", s.Allocated, nil)
		gauge("vm_pool_idle", "Script engines that wait for work.", s.Idle, runtime)
		gauge("vm_pool_in_use", "Script engines at work.", s.InUse, runtime)
		gauge("vm_pool_waiting", "Calls that wait for a script engine.", s.Waiting, runtime)
		counter("vm_pool_waits", "Calls that had to wait for a script engine.", uint64(s.Waits), runtime)
		counter("vm_pool_retired", "Script engines thrown away after a call that went wrong.", uint64(s.Retired), runtime)
	}
	if set.Guard == nil {
		return
	}
	set.Guard.Stops(func(l vm.Lang, r vm.Reason, n uint64) {
		counter("script_calls_stopped", "Calls into scripts that a limit ended.", n, prometheus.Labels{"runtime": l.String(), "reason": r.String()})
	})
	guard := set.Guard.Stats()
	counter("script_heap_renewals", "How often all script engines were replaced as the heap was over its limit.", guard.Renewals, nil)
	counter("script_vms_abandoned", abandonedHelp, guard.AbandonedJS, prometheus.Labels{"runtime": vm.JS.String()})
	counter("script_vms_abandoned", abandonedHelp, guard.AbandonedLua, prometheus.Labels{"runtime": vm.Lua.String()})
}

const abandonedHelp = "Script engines given up as their call did not end when it was stopped."
