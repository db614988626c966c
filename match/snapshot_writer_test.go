package match

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"
)

// fakeStore keeps snapshots by their tick, and refuses those of some matches.
type fakeStore struct {
	mu      sync.Mutex
	refused map[uuid.UUID]bool
	ticks   map[uuid.UUID]int64
	fails   int // so many further writes fail
}

func (f *fakeStore) WriteSnapshots(_ context.Context, _ string, save []*Snapshot, remove []uuid.UUID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails > 0 {
		f.fails--
		return errors.New("failed")
	}
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

func (*fakeStore) PassSnapshot(context.Context, uuid.UUID, string, int64, string) (*Snapshot, error) {
	return nil, ErrSnapshotTaken
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

// The snapshot of a match that has ended is deleted also if that fails at first, but not one
// that was taken since.
func TestDeletionIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended, restored := uuid.NewV5(uuid.Nil, "ended"), uuid.NewV5(uuid.Nil, "restored")
		f := &fakeStore{ticks: map[uuid.UUID]int64{ended: 1, restored: 1}}
		w := &snapshotWriter{store: f, log: zerolog.Nop(), waiting: map[uuid.UUID]write{}}
		f.fails = 6
		w.put(ended, write{})
		w.put(restored, write{})
		w.wait(t.Context())
		if len(f.ticks) != 2 || f.fails == 6 {
			t.Fatalf("stored %v", f.ticks)
		}
		w.put(restored, write{save: &Snapshot{ID: restored, Tick: 2}})
		w.wait(t.Context())
		f.mu.Lock()
		f.fails = 0
		f.ticks[restored] = 2
		f.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if !maps.Equal(f.ticks, map[uuid.UUID]int64{restored: 2}) {
			t.Errorf("stored %v", f.ticks)
		}
	})
}
