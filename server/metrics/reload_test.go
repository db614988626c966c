package metrics

import (
	"testing"

	"kumi/config"
	"kumi/internal/testutil"
	"kumi/modules"
)

func TestMetricsOfReloads(t *testing.T) {
	t.Parallel()
	m := New(config.Default(), nil)
	m.Pools(&modules.Set{Version: "7-abc"})
	m.Reloaded(true)
	m.Reloaded(true)
	m.Reloaded(false)
	testutil.WantLines(t, testutil.Scrape(t, m.Handler()),
		`nakama_module_version{node_name="nakama",version="7-abc"} 1`,
		`nakama_module_reloads{node_name="nakama",result="done"} 2`,
		`nakama_module_reloads{node_name="nakama",result="failed"} 1`)
}
