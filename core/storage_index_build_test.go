package core

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"
	"github.com/rs/zerolog"

	"kumi/internal/testutil"
	"kumi/store/storetest"
)

// indexMetrics records whether indexes are complete, and how often entries were counted.
type indexMetrics struct {
	noMetrics
	mu       sync.Mutex
	complete map[string]bool
	counts   int
}

func (m *indexMetrics) StorageIndexEntries(string, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts++
}

func (m *indexMetrics) StorageIndex(name string, _ int, complete bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.complete[name] = complete
}

func (m *indexMetrics) isComplete(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.complete[name]
}

// A write does not count the entries of all indexes; RunStorageIndexes does so once a
// second.
func TestStorageIndexCountsEntriesOnce(t *testing.T) {
	t.Parallel()
	c := newTestCore(t, storetest.SQLite(t))
	metrics := &indexMetrics{complete: map[string]bool{}}
	c.metrics = metrics
	c.SetStorageIndexes(testIndexes())
	for range 5 {
		if _, err := c.Module().StorageWrite(t.Context(), []*runtime.StorageWrite{{Collection: gear, Key: "k", Value: `{"level":1}`}}); err != nil {
			t.Fatal(err)
		}
	}
	if metrics.counts != 0 {
		t.Errorf("five writes counted entries %d times", metrics.counts)
	}
	if err := c.workIndexes(t.Context()); err != nil {
		t.Fatal(err)
	}
	if metrics.counts != len(testIndexes()) {
		t.Errorf("entries of %d indexes were counted %d times", len(testIndexes()), metrics.counts)
	}
}

// While a new index is built, lists return what it has so far. An index whose filter may
// have changed answers with its old entries, updated by writes, until the new ones are
// complete. The log and the metrics report that.
func TestStorageIndexWhileItIsBuilt(t *testing.T) {
	t.Parallel()
	c := newTestCore(t, storetest.SQLite(t))
	var log testutil.Log
	metrics := &indexMetrics{complete: map[string]bool{}}
	c.log, c.metrics = zerolog.New(&log), metrics
	write := func(key, value string) {
		t.Helper()
		if _, err := c.Module().StorageWrite(t.Context(), []*runtime.StorageWrite{{Collection: gear, Key: key, Value: value}}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		write(fmt.Sprint("k", i), fmt.Sprintf(`{"level":%d}`, i))
	}
	// The build stops before its second object until it may go on.
	indexes := func(limit string, reached, proceed chan struct{}) []StorageIndex {
		return []StorageIndex{{Name: "i", Collection: gear, Fields: []string{"level"}, MaxEntries: 10,
			Filter: func(_ context.Context, w *runtime.StorageWrite) (bool, error) {
				if w.Key == "k1" && reached != nil {
					close(reached)
					<-proceed
					reached = nil
				}
				return w.Value <= `{"level": `+limit+`}`, nil
			}}}
	}
	keys := func() string {
		t.Helper()
		var keys []string
		for _, id := range c.indexList(t, "i", "", uuid.Nil) {
			keys = append(keys, id[:2])
		}
		return strings.Join(keys, " ")
	}
	want := func(when, want string, complete bool) {
		t.Helper()
		if got := keys(); got != want || metrics.isComplete("i") != complete {
			t.Errorf("%s: the index has %q, want %q; complete is %t", when, got, want, metrics.isComplete("i"))
		}
	}
	reached, proceed := make(chan struct{}), make(chan struct{})
	c.SetStorageIndexes(indexes("9", reached, proceed))
	c.runIndexes(t)
	<-reached
	want("during the first build", "k0", false)
	write("k9", `{"level":9}`)
	want("after a write during the first build", "k9 k0", false)
	close(proceed)
	testutil.Eventually(t, "the index is complete", func() bool { return metrics.isComplete("i") })
	want("after the first build", "k9 k2 k1 k0", true)

	reached, proceed = make(chan struct{}), make(chan struct{})
	c.SetStorageIndexes(indexes("1", reached, proceed))
	<-reached
	want("during the second build", "k9 k2 k1 k0", true)
	write("k3", `{"level":1}`)
	want("after a write during the second build", "k9 k2 k3 k1 k0", true)
	close(proceed)
	testutil.Eventually(t, "the old entries are gone", func() bool { return keys() == "k3 k1 k0" })
	if lines := log.Lines("storage index complete"); len(lines) != 2 {
		t.Errorf("the log has %q", lines)
	}
}

// A build that failed halfway begins anew, without the entries that it had: other
// servers may have deleted some of the objects unnoticed.
func TestStorageIndexBuildBeginsAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		for i := range 3 {
			if _, err := c.Module().StorageWrite(ctx, []*runtime.StorageWrite{{Collection: gear, Key: fmt.Sprint("k", i), Value: `{"level":1}`}}); err != nil {
				t.Fatal(err)
			}
		}
		failing, fail := context.WithCancel(ctx)
		c.SetStorageIndexes([]StorageIndex{{Name: "i", Collection: gear, Fields: []string{"level"}, MaxEntries: 10,
			Filter: func(_ context.Context, w *runtime.StorageWrite) (bool, error) {
				if w.Key == "k1" {
					fail()
				}
				return true, nil
			}, IndexOnly: true}})
		if err := c.workIndexes(failing); err == nil {
			t.Fatal("the build did not fail")
		}
		if list := c.indexList(t, "i", "", uuid.Nil); len(list) == 0 {
			t.Fatal("the build failed before it read an object")
		}
		if _, err := c.db.Exec(ctx, "DELETE FROM storage WHERE collection = $1 AND key = 'k0'", gear); err != nil {
			t.Fatal(err)
		}
		if err := c.workIndexes(ctx); err != nil {
			t.Fatal(err)
		}
		if list := c.indexList(t, "i", "", uuid.Nil); len(list) != 2 {
			t.Errorf("the index has %q, want k1 and k2", list)
		}
	})
}

// A full index has the objects that were updated last. When many of its entries were
// deleted, it is built again, with objects that it evicted.
func TestStorageIndexEvicts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ctx context.Context, c *testCore) {
		c.SetStorageIndexes([]StorageIndex{{Name: "few", Collection: gear, Fields: []string{"n"}, MaxEntries: 10}})
		c.runIndexes(t)
		for i := range 30 {
			if _, err := c.Module().StorageWrite(ctx, []*runtime.StorageWrite{{Collection: gear, Key: fmt.Sprintf("k%02d", i), Value: `{"n":1}`}}); err != nil {
				t.Fatal(err)
			}
		}
		keys := func() (keys []string) {
			list, _, err := c.Module().StorageIndexList(ctx, "", "few", "", 100, []string{"key"}, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range list.Objects {
				keys = append(keys, o.Key)
			}
			return keys
		}
		if got := keys(); len(got) != 10 || got[0] != "k20" {
			t.Errorf("the index has %q", got)
		}
		c.awaitIndexes(t)
		var gone []*runtime.StorageDelete
		for i := 20; i < 25; i++ {
			gone = append(gone, &runtime.StorageDelete{Collection: gear, Key: fmt.Sprintf("k%02d", i)})
		}
		if err := c.Module().StorageDelete(ctx, gone); err != nil {
			t.Fatal(err)
		}
		testutil.Eventually(t, "the index is full again", func() bool { got := keys(); return len(got) == 10 && got[0] == "k15" })
	})
}
