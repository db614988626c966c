package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"kumi/cluster"
)

// Cluster adds the metrics of a node of a cluster. It may be called once.
func (m *Metrics) Cluster(stats func() cluster.Stats) {
	for _, state := range []cluster.State{cluster.Down, cluster.Joining, cluster.Ready, cluster.Draining} {
		m.factory.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "cluster_nodes", Help: "This node and those that it knows, by state.", ConstLabels: prometheus.Labels{"state": state.String()},
		}, func() float64 { return float64(stats().Nodes[state]) })
	}
	gauge := func(name, help string, of func(cluster.Stats) int64) {
		m.gaugeFunc(name, help, func() float64 { return float64(of(stats())) })
	}
	counter := func(name, help string, of func(cluster.Stats) int64) {
		m.factory.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(of(stats())) })
	}
	gauge("cluster_module_digests", "How many different modules the nodes run. More than 1 is for the time of an update.", func(s cluster.Stats) int64 { return int64(s.Digests) })
	counter("cluster_sent", "Messages that this node has sent to others.", func(s cluster.Stats) int64 { return s.Frames })
	counter("cluster_bytes", "Bytes of these messages.", func(s cluster.Stats) int64 { return s.Bytes })
	counter("cluster_unsent", "Messages that could not be sent, as the connection was away.", func(s cluster.Stats) int64 { return s.Unsent })
	counter("cluster_received", "Messages of other nodes.", func(s cluster.Stats) int64 { return s.Received })
	counter("cluster_malformed", "Messages and items of other nodes that could not be read.", func(s cluster.Stats) int64 { return s.Malformed })
	counter("cluster_unknown", "Items and calls of kinds that this version does not know.", func(s cluster.Stats) int64 { return s.Unknown })
	counter("cluster_items", "Items put on the links to other nodes.", func(s cluster.Stats) int64 { return s.Items })
	counter("cluster_lost", "Items that never arrived, as far as this node knows.", func(s cluster.Stats) int64 { return s.Lost })
	counter("cluster_resent", "Items that were sent again.", func(s cluster.Stats) int64 { return s.Again })
	counter("cluster_calls", "Calls to other nodes.", func(s cluster.Stats) int64 { return s.Calls })
	counter("cluster_calls_answered", "Calls of other nodes that were handled.", func(s cluster.Stats) int64 { return s.Answered })
	counter("cluster_listings_partial", "Listings of matches or parties that lack what a node has, which did not answer in time.", func(s cluster.Stats) int64 { return s.Partial })
	gauge("cluster_calls_open", "Calls to other nodes that wait for an answer.", func(s cluster.Stats) int64 { return int64(s.Open) })
	gauge("cluster_buffered_bytes", "Bytes kept to be sent to other nodes, for the first time or again.", func(s cluster.Stats) int64 { return s.Buffered })
}

// Presences adds the metrics of what a node copies of the others' presences. It may be
// called once.
func (m *Metrics) Presences(stats func() cluster.PresencesStats) {
	counter := func(name, help string, of func(cluster.PresencesStats) int64) {
		m.factory.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(of(stats())) })
	}
	counter("cluster_log_resent", "How often this node asked for changes of presences that had not arrived.", func(s cluster.PresencesStats) int64 { return s.Resent })
	counter("cluster_snapshots", "How often this node copied all that another one has.", func(s cluster.PresencesStats) int64 { return s.Snapshots })
	counter("cluster_divergence", "How often a copy of another node's presences differed from what it has. It should be 0.", func(s cluster.PresencesStats) int64 { return s.Diverged })
}
