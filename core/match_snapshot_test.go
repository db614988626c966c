package core

import (
	"context"
	"errors"
	"testing"

	"github.com/gofrs/uuid/v5"

	"kumi/match"
	"kumi/presence"
	"kumi/store"
	"kumi/store/storetest"
)

// A snapshot has one owner, who alone can write it, delete it and restore it. Of several nodes that
// want it from the same owner one gets it.
func TestSnapshotOwner(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		s := NewMatchSnapshots(db)
		id := uuid.Must(uuid.NewV4())
		member := &presence.Presence{ID: presence.ID{Node: "c", Session: uuid.Must(uuid.NewV4())}, Meta: presence.Meta{Username: "cat", Admission: 7}}
		of := func(node string, epoch uint64, tick int64) []*match.Snapshot {
			return []*match.Snapshot{{
				ID: id, Home: "a", Node: node, Epoch: epoch, Handler: "game", Tick: tick, Rate: 10, State: []byte("state"),
				Members: []*presence.Presence{member}, Input: []*match.Data{{Presence: member, OpCode: 3, Data: []byte("x")}},
			}}
		}
		owned := func(node string) (n int) {
			if err := s.ReadSnapshots(ctx, node, func(*match.Snapshot, error) { n++ }); err != nil {
				t.Error(err)
			}
			return n
		}
		if err := s.WriteSnapshots(ctx, "a", of("a", 0, 5), nil); err != nil {
			t.Fatal(err)
		}
		const nodes = 4
		won := make(chan *match.Snapshot, nodes)
		for i := range nodes {
			go func() {
				x, err := s.PassSnapshot(context.WithoutCancel(ctx), id, "a", 0, string(rune('b'+i)))
				if err != nil && !errors.Is(err, match.ErrSnapshotTaken) {
					t.Error(err)
				}
				won <- x
			}()
		}
		var winners []*match.Snapshot
		for range nodes {
			if x := <-won; x != nil {
				winners = append(winners, x)
			}
		}
		if len(winners) != 1 {
			t.Fatalf("%d nodes have got it", len(winners))
		}
		x := winners[0]
		if x.Epoch != 1 || x.Home != "a" || x.Tick != 5 || x.Handler != "game" || len(x.Members) != 1 || x.Members[0].Admission != 7 || len(x.Input) != 1 {
			t.Errorf("it got %+v", x)
		}
		if err := s.WriteSnapshots(ctx, "a", of("a", 0, 6), nil); !errors.Is(err, match.ErrSnapshotTaken) {
			t.Errorf("the old owner writes: %v", err)
		}
		if err := s.WriteSnapshots(ctx, "a", nil, []uuid.UUID{id}); err != nil || owned("a") != 0 || owned(x.Node) != 1 {
			t.Errorf("the old owner deletes: %v; it has %d, the new one %d", err, owned("a"), owned(x.Node))
		}
		if _, err := s.PassSnapshot(ctx, id, x.Node, 0, "z"); !errors.Is(err, match.ErrSnapshotTaken) {
			t.Errorf("with an old epoch: %v", err)
		}
		if y, err := s.PassSnapshot(ctx, id, x.Node, match.AnyEpoch, x.Node); err != nil || y.Epoch != 2 {
			t.Errorf("the owner takes it back: %+v, %v", y, err)
		}
		if err := s.WriteSnapshots(ctx, x.Node, of(x.Node, 1, 7), nil); !errors.Is(err, match.ErrSnapshotTaken) {
			t.Errorf("the owner writes with an old epoch: %v", err)
		}
		if err := s.WriteSnapshots(ctx, x.Node, of(x.Node, 2, 8), nil); err != nil {
			t.Errorf("the owner writes: %v", err)
		}
		if err := s.WriteSnapshots(ctx, x.Node, nil, []uuid.UUID{id}); err != nil || owned(x.Node) != 0 {
			t.Errorf("the owner deletes: %v", err)
		}
	})
}
