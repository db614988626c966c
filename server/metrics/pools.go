package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"kumi/vm"
)

// moduleCollector collects the metrics of the loaded modules and their VMs, which a
// reload replaces.
type moduleCollector struct{ *Metrics }

// Describe implements prometheus.Collector. It describes nothing, because the metrics
// depend on the modules.
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
	gauge("module_version", "1 for the version of the modules in use.", 1, prometheus.Labels{"version": set.Version})
	for _, p := range set.Pools {
		s, runtime := p.Stats(), prometheus.Labels{"runtime": p.Runtime}
		gauge(p.Runtime+"_runtimes", "Script VMs.", s.Allocated, nil)
		gauge("vm_pool_idle", "Idle script VMs.", s.Idle, runtime)
		gauge("vm_pool_in_use", "Script VMs in use.", s.InUse, runtime)
		gauge("vm_pool_waiting", "Calls waiting for a script VM.", s.Waiting, runtime)
		counter("vm_pool_waits", "Calls that had to wait for a script VM.", uint64(s.Waits), runtime)
		counter("vm_pool_retired", "Script VMs discarded after a call that was stopped or failed badly.", uint64(s.Retired), runtime)
	}
	if set.Guard == nil {
		return
	}
	set.Guard.Stops(func(l vm.Lang, r vm.Reason, n uint64) {
		counter("script_calls_stopped", "Calls into scripts stopped by a limit.", n, prometheus.Labels{"runtime": l.String(), "reason": r.String()})
	})
	guard := set.Guard.Stats()
	counter("script_heap_renewals", "Number of times that all script VMs were replaced because the heap exceeded its limit.", guard.Renewals, nil)
	counter("script_vms_abandoned", abandonedHelp, guard.AbandonedJS, prometheus.Labels{"runtime": vm.JS.String()})
	counter("script_vms_abandoned", abandonedHelp, guard.AbandonedLua, prometheus.Labels{"runtime": vm.Lua.String()})
}

const abandonedHelp = "Script VMs abandoned because their call did not end when it was stopped."
