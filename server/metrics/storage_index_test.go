package metrics

import (
	"strings"
	"testing"
	"time"

	"kumi/config"
	"kumi/internal/testutil"
)

func TestMetricsOfStorageIndexes(t *testing.T) {
	t.Parallel()
	m := New(config.Default(), nil)
	m.StorageIndex("done", 5, true)
	m.StorageIndexEntries("done", 6)
	m.StorageIndex("building", 1, false)
	m.StorageIndex("gone", 1, true)
	m.StorageIndexGone("gone")
	m.StorageIndexBehind(1500 * time.Millisecond)
	out := testutil.Scrape(t, m.Handler())
	testutil.WantLines(t, out,
		`nakama_storage_index_entry_count{index_name="done",node_name="nakama"} 6`,
		`nakama_storage_index_complete{index_name="done",node_name="nakama"} 1`,
		`nakama_storage_index_complete{index_name="building",node_name="nakama"} 0`,
		`nakama_storage_index_behind_seconds{node_name="nakama"} 1.5`)
	if strings.Contains(out, `index_name="gone"`) {
		t.Error("an index that is gone still shows")
	}
}
