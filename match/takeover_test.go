package match

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
	"kumi/store/fault"
)

// passStore passes a snapshot to whoever asks.
type passStore struct {
	readStore
	passed *Snapshot
}

func (s *passStore) PassSnapshot(context.Context, uuid.UUID, string, int64, string) (*Snapshot, error) {
	return s.passed, nil
}

// alone is a cluster whose other nodes take no match over.
type alone struct{ faraway }

func (alone) Moved(...Move)                   {}
func (alone) Known(string) bool               { return true }
func (alone) Heirs([]string) ([]string, bool) { return nil, false }

// versionGame is a game that goes on with any code.
type versionGame struct {
	durableGame
	version   int32
	restoring func()
}

func (g *versionGame) Move(context.Context, int64, Handler) (bool, error) { return true, nil }
func (g *versionGame) Restore(context.Context, int64, []byte, []*presence.Presence) (bool, error) {
	g.restoring()
	return true, nil
}

// A match that is taken over while the modules are loaded anew goes on with the new ones.
func TestTakeOverDuringReload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id := uuid.Must(uuid.NewV4())
		store := &passStore{passed: &Snapshot{ID: id, Home: "a", Epoch: 1, Handler: "durable", Rate: 10}}
		w := newTestRegistry(t, Options{Snapshots: store, Elsewhere: alone{}})
		if err := w.Restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		var version atomic.Int32
		version.Store(1)
		reload := func() {
			version.Store(2)
			w.Swap(t.Context())
		}
		w.SetHandlers(func(string) (Factory, bool) {
			return func(_ context.Context, m Dispatcher) (Handler, error) {
				return &versionGame{durableGame{&game{m: m, rate: 10}}, version.Load(), reload}, nil
			}, true
		})
		if _, err := w.TakeOver(t.Context(), Move{Match: id, Home: "a", Node: "a"}, "durable"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if v := w.here(id).handler.(*versionGame).version; v != 2 {
			t.Errorf("the match runs version %d after the reload", v)
		}
	})
}

// A node that begins to stop while it takes a match over says so: another one may take it.
func TestTakeOverWhileStopping(t *testing.T) {
	t.Parallel()
	id := uuid.Must(uuid.NewV4())
	store := &passStore{passed: &Snapshot{ID: id, Home: "a", Epoch: 1, Handler: "durable", Rate: 10}}
	w := newTestRegistry(t, Options{Snapshots: store, Elsewhere: alone{}})
	if err := w.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.SetHandlers(func(string) (Factory, bool) {
		return func(_ context.Context, m Dispatcher) (Handler, error) {
			return &versionGame{durableGame{&game{m: m, rate: 10}}, 1, func() { w.stopping.Store(true) }}, nil
		}, true
	})
	_, err := w.TakeOver(t.Context(), Move{Match: id, Home: "a", Node: "a"}, "durable")
	if code := fault.CodeOf(err); code != fault.Unavailable {
		t.Errorf("the error is %v with code %v, want Unavailable", err, code)
	}
}

// lockedInput wants the messages to other nodes to be sent under the lock of the moves.
type lockedInput struct {
	alone
	of   func() *moves
	sent chan bool // whether it was held
}

func (l lockedInput) Input(string, uuid.UUID, uuid.UUID, *DataSend) {
	free := l.of().mu.TryLock()
	if free {
		l.of().mu.Unlock()
	}
	l.sent <- !free
}

// Held returns after what was passed on to the node before has been sent, also if no match has
// moved yet: its caller answers that the node sends nothing more.
func TestInputIsSentBeforeItIsHeld(t *testing.T) {
	t.Parallel()
	var w *testRegistry
	l := lockedInput{of: func() *moves { return &w.moves }, sent: make(chan bool, 1)}
	w = newTestRegistry(t, Options{Elsewhere: l})
	id := presence.AuthoritativeMatch(uuid.Must(uuid.NewV4()), "a").MatchID()
	if err := w.Data(uuid.Must(uuid.NewV4()), &DataSend{ID: id}); err != nil {
		t.Fatal(err)
	}
	if !<-l.sent {
		t.Error("a message was sent to another node without the lock")
	}
}
