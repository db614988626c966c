package match

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"
)

// fakeStore keeps snapshots by their tick, and refuses those of some matches.
type fakeStore struct {
	mu      sync.Mutex
	refused map[uuid.UUID]bool
	ticks   map[uuid.UUID]int64
}

func (f *fakeStore) WriteSnapshots(_ context.Context, save []*Snapshot, remove []uuid.UUID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := maps.Clone(f.ticks)
	for _, s := range save {
		if f.refused[s.ID] {
			return errors.New("refused")
		}
		next[s.ID] = s.Tick
	}
	for _, id := range remove {
		delete(next, id)
	}
	f.ticks = next
	return nil
}

func (*fakeStore) ReadSnapshots(context.Context, string, func(*Snapshot, error)) error { return nil }

// Whatever is put, in the end the store has the last of each match, those of refused ones
// do not cost others theirs, and each write is answered once.
func TestSnapshotWriter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ids := make([]uuid.UUID, 5)
		for i := range ids {
			ids[i] = uuid.NewV5(uuid.Nil, fmt.Sprint(i))
		}
		f := &fakeStore{ticks: map[uuid.UUID]int64{}, refused: map[uuid.UUID]bool{ids[0]: true}}
		w := &snapshotWriter{store: f, log: zerolog.Nop(), waiting: map[uuid.UUID]write{}}
		want := map[uuid.UUID]int64{}
		var answered sync.Map
		n := rapid.IntRange(1, 60).Draw(t, "writes")
		for tick := range n {
			id := rapid.SampledFrom(ids).Draw(t, "match")
			x := write{done: func(err error) {
				if _, twice := answered.LoadOrStore(tick, err); twice {
					t.Errorf("write %d is answered twice", tick)
				}
			}}
			if rapid.IntRange(0, 4).Draw(t, "end") > 0 {
				x.save = &Snapshot{ID: id, Tick: int64(tick)}
				want[id] = int64(tick)
			} else {
				delete(want, id)
			}
			w.put(id, x)
		}
		w.wait(context.Background())
		delete(want, ids[0])
		if !maps.Equal(f.ticks, want) {
			t.Fatalf("stored %v, want %v", f.ticks, want)
		}
		for tick := range n {
			if _, ok := answered.Load(tick); !ok {
				t.Fatalf("write %d is not answered", tick)
			}
		}
	})
}
