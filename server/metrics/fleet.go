package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"kumi/fleet"
)

// Fleet adds the metrics of the server's own fleet manager. It may be called once.
func (m *Metrics) Fleet(stats func() fleet.Stats) {
	for status, count := range map[string]func(fleet.Stats) int{
		fleet.Starting: func(s fleet.Stats) int { return s.Starting },
		fleet.Running:  func(s fleet.Stats) int { return s.Running },
		fleet.Stopping: func(s fleet.Stats) int { return s.Stopping },
	} {
		m.factory.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "fleet_instances", Help: "Game servers on this machine, by status.", ConstLabels: prometheus.Labels{"status": status},
		}, func() float64 { return float64(count(stats())) })
	}
	for result, count := range map[string]func(fleet.Stats) int{
		"success": func(s fleet.Stats) int { return s.Succeeded },
		"timeout": func(s fleet.Stats) int { return s.TimedOut },
		"error":   func(s fleet.Stats) int { return s.Failed },
	} {
		m.factory.NewCounterFunc(prometheus.CounterOpts{
			Name: "fleet_created", Help: "Requests to create a game server on this machine, by how they ended.", ConstLabels: prometheus.Labels{"result": result},
		}, func() float64 { return float64(count(stats())) })
	}
	m.gaugeFunc("fleet_players", "Players that game servers on this machine have reported.", func() float64 { return float64(stats().Players) })
}
