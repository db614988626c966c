package match

import (
	"context"
	"testing"

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
