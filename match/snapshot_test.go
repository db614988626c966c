package match

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// durableGame is a game whose matches can be kept.
type durableGame struct{ *game }

func (durableGame) Snapshot(context.Context, int64) ([]byte, error) { return []byte("state"), nil }
func (durableGame) Restore(context.Context, int64, []byte, []*presence.Presence) (bool, error) {
	return true, nil
}

// savedStore keeps the last snapshot that was written.
type savedStore struct {
	fakeStore
	last *Snapshot
}

func (s *savedStore) WriteSnapshots(_ context.Context, _ string, save []*Snapshot, _ []uuid.UUID) error {
	for _, s.last = range save {
	}
	return nil
}

// A match that is to be suspended when a tick is due keeps the messages for that tick.
func TestSuspendKeepsMessagesOfADueTick(t *testing.T) {
	t.Parallel()
	store := &savedStore{}
	w := newTestRegistry(t, Options{Snapshots: store})
	w.SetHandlers(func(string) (Factory, bool) {
		return func(_ context.Context, m Dispatcher) (Handler, error) {
			return durableGame{&game{m: m, rate: 1}}, nil
		}, true
	})
	id, err := w.Create(t.Context(), "durable", nil)
	if err != nil {
		t.Fatal(err)
	}
	matchID, node, _ := ParseID(id)
	m := w.find(matchID, node)
	b := &m.box
	b.mu.Lock()
	b.running = true // here
	b.input = append(b.input, &Data{Presence: &presence.Presence{}, OpCode: 1})
	b.tickDue = true
	b.queue = append(b.queue, item{kind: doSuspend})
	b.mu.Unlock()
	m.Run()
	if store.last == nil || len(store.last.Input) != 1 || string(store.last.State) != "state" {
		t.Errorf("the snapshot is %+v", store.last)
	}
}

// readStore has snapshots, and notes which are deleted.
type readStore struct {
	fakeStore
	all     []*Snapshot
	mu      sync.Mutex
	removed []uuid.UUID
}

func (s *readStore) WriteSnapshots(_ context.Context, _ string, _ []*Snapshot, remove []uuid.UUID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed = append(s.removed, remove...)
	return nil
}

func (s *readStore) ReadSnapshots(_ context.Context, _ string, each func(*Snapshot, error)) error {
	for _, one := range s.all {
		each(one, nil)
	}
	return nil
}

// hangingGame is a game of which one match does not come back from Restore until it is told
// to.
type hangingGame struct {
	durableGame
	free, ended chan struct{}
}

func (g hangingGame) Restore(ctx context.Context, _ int64, state []byte, _ []*presence.Presence) (bool, error) {
	if string(state) != "hangs" {
		return true, nil
	}
	<-g.free
	if ctx.Err() == nil {
		return false, errors.New("it was not told that it is too late")
	}
	return true, g.m.BroadcastMessage(1, nil, nil, nil, true)
}

func (g hangingGame) Close() { g.durableGame.Close(); close(g.ended) }

// A handler that does not return from Restore costs only its match, whose snapshot stays.
func TestRestoreThatHangs(t *testing.T) {
	t.Parallel()
	store := &readStore{}
	for _, state := range []string{"one", "hangs", "two"} {
		store.all = append(store.all, &Snapshot{ID: uuid.Must(uuid.NewV4()), Handler: "durable", Rate: 1, State: []byte(state)})
	}
	w := newTestRegistry(t, Options{Snapshots: store, RestoreTime: 3 * time.Second})
	free, closed := make(chan struct{}), make(chan struct{})
	w.SetHandlers(func(string) (Factory, bool) {
		return func(_ context.Context, m Dispatcher) (Handler, error) {
			if !strings.HasPrefix(m.MatchID(), store.all[1].ID.String()) {
				return durableGame{&game{m: m, rate: 1}}, nil
			}
			return hangingGame{durableGame{&game{m: m, rate: 1}}, free, closed}, nil
		}, true
	})
	if err := w.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.Count(); n != 2 {
		t.Errorf("%d matches were restored, want 2", n)
	}
	w.snapshots.wait(t.Context())
	store.mu.Lock()
	if len(store.removed) != 2 || slices.Contains(store.removed, store.all[1].ID) {
		t.Errorf("the snapshots %s were deleted, want those of the restored matches", store.removed)
	}
	store.mu.Unlock()
	close(free)
	select {
	case <-closed: // its handler is not left behind
	case <-time.After(time.Minute):
		t.Error("the handler was not closed")
	}
	if n := w.Count(); n != 2 {
		t.Errorf("%d matches run after the last one came back", n)
	}
}

// meetingGame is a game whose Restore waits for that of another match.
type meetingGame struct {
	durableGame
	meet chan struct{}
}

func (g meetingGame) Restore(context.Context, int64, []byte, []*presence.Presence) (bool, error) {
	select {
	case g.meet <- struct{}{}:
	case <-g.meet:
	}
	return true, nil
}

// Matches are restored several at a time, if there are several CPUs.
func TestRestoreAtOnce(t *testing.T) {
	t.Parallel()
	if runtime.GOMAXPROCS(0) == 1 {
		return
	}
	store := &readStore{}
	for range 20 {
		store.all = append(store.all, &Snapshot{ID: uuid.Must(uuid.NewV4()), Handler: "durable", Rate: 1})
	}
	w := newTestRegistry(t, Options{Snapshots: store, RestoreTime: time.Minute})
	meet := make(chan struct{})
	w.SetHandlers(func(string) (Factory, bool) {
		return func(_ context.Context, m Dispatcher) (Handler, error) {
			return meetingGame{durableGame{&game{m: m, rate: 1}}, meet}, nil
		}, true
	})
	if err := w.Restore(t.Context()); err != nil || w.Count() != len(store.all) {
		t.Errorf("%d matches were restored, want %d, %v", w.Count(), len(store.all), err)
	}
}

// stoppingGame is a game during whose Restore the server begins to stop.
type stoppingGame struct {
	durableGame
	stop func()
}

func (g stoppingGame) Restore(context.Context, int64, []byte, []*presence.Presence) (bool, error) {
	g.stop()
	return true, nil
}

// A match that is restored while the server stops leaves nothing in the recorder's memory.
func TestRestoreWhileStoppingEndsTheRecording(t *testing.T) {
	t.Parallel()
	for _, mode := range []RecordMode{RecordError, RecordAlways} {
		rec := NewRecorder(RecorderOptions{
			Mode: mode, MaxMatch: 1 << 20, MaxAll: 1 << 20, Folder: t.TempDir(),
			EncodeParams: func(map[string]any) ([]byte, error) { return nil, nil },
		})
		w := newTestRegistry(t, Options{Recorder: rec})
		factory := func(_ context.Context, m Dispatcher) (Handler, error) {
			return stoppingGame{durableGame{&game{m: m, rate: 1}}, func() { w.stopping.Store(true) }}, nil
		}
		w.SetHandlers(func(string) (Factory, bool) { return factory, true })
		s := &Snapshot{ID: uuid.Must(uuid.NewV4()), Home: "here", Handler: "durable", Rate: 1, State: []byte("state")}
		if _, err := w.restore(t.Context(), s, nil); !errors.Is(err, ErrStopping) {
			t.Errorf("%s: the error is %v", mode, err)
		}
		rec.Flush()
		if rec.Used() != 0 {
			t.Errorf("%s: %d bytes of recordings are left", mode, rec.Used())
		}
	}
}
