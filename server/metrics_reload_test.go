package server

import (
	"testing"

	"kumi/config"
	"kumi/modules"
)

func TestMetricsOfReloads(t *testing.T) {
	t.Parallel()
	m := newMetrics(config.Default(), nil)
	m.pools(&modules.Set{Version: "7-abc"})
	m.reloaded(true)
	m.reloaded(true)
	m.reloaded(false)
	wantLines(t, scrape(t, m),
		`nakama_module_version{node_name="nakama",version="7-abc"} 1`,
		`nakama_module_reloads{node_name="nakama",result="done"} 2`,
		`nakama_module_reloads{node_name="nakama",result="failed"} 1`)
}
