package cluster_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"kumi/presence"
)

// A match of which no snapshot can be written is told that it ends, with and without a node
// that could take it over.
func TestMatchesThatCannotBeKeptAreTerminated(t *testing.T) {
	for _, names := range [][]string{{"a"}, {"a", "b"}} {
		bubbleOf(t, fmt.Sprint(names), func(t *testing.T) {
			w := newWorld(1)
			defer w.stop()
			store := w.keep()
			all := w.keepingArenas(t, names...)
			for _, n := range all {
				defer n.close()
			}
			if _, err := all[0].matches.Create(t.Context(), "unkept", nil); err != nil {
				t.Fatal(err)
			}
			after(time.Second)
			all[0].matches.Stop(context.Background(), 5)
			if n := store.terminated.Load(); n != 1 {
				t.Errorf("Terminate was called %d times", n)
			}
		})
	}
}

// Where matches have moved is confirmed also if another match has used up the time. b takes
// the match over while c does not hear it, which only the drained node tells in time.
func TestMovesAreConfirmedWhenTheTimeIsUsedUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		w.keep()
		a := w.keepingArena(t, "a", 1)
		c := w.keepingArena(t, "c", 1, "arena", "odd")
		defer c.close()
		b := w.startingArena(t, "b", 1, "odd")
		defer b.close()
		d := w.startingArena(t, "d", 1, "arena")
		defer d.close()
		if _, err := a.matches.Create(t.Context(), "odd", nil); err != nil { // waits for d, which does not come
			t.Fatal(err)
		}
		id, err := a.matches.Create(t.Context(), "arena", nil)
		if err != nil {
			t.Fatal(err)
		}
		ben := c.player("ben")
		after(time.Second)
		if _, err := ben.join(id); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		time.AfterFunc(15*time.Second, func() { w.net.Cut("b", "c") })
		time.AfterFunc(15200*time.Millisecond, func() { b.restore(t) })
		time.AfterFunc(18500*time.Millisecond, func() { w.net.Heal() })
		a.drain(w, func() int64 { return 0 })
		after(5 * time.Second)
		if in := ben.on(presence.AuthoritativeMatch(idOf(id), "a")); !in {
			t.Error("ben has left the match that has moved")
		}
	})
}

// A match that has moved and ended stays forgotten when the drained node confirms much later,
// as another match has kept it.
func TestLateConfirmRevivesNoMatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		store := w.keep()
		all := w.keepingArenas(t, "a", "b", "c")
		a, b, c := all[0], all[1], all[2]
		defer b.close()
		defer c.close()
		var ids []string
		for _, handler := range []string{"hanging", "arena"} {
			id, err := a.matches.Create(t.Context(), handler, nil)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		after(time.Second)
		time.AfterFunc(5*time.Second, func() { _ = b.matches.End(context.Background(), ids[1], 0) })
		time.AfterFunc(100*time.Second, func() { close(store.release) })
		a.Drain()
		after(time.Second)
		a.matches.Stop(context.Background(), 120)
		after(5 * time.Second)
		a.Stop()
		a.close()
		delete(w.nodes, "a")
		after(time.Second)
		_ = b.matches.End(context.Background(), ids[0], 0)
		after(3 * time.Minute)
		for i, id := range ids {
			if runs := store.runs(idOf(id)); len(runs) > 0 {
				t.Fatalf("match %d is run by %v", i, runs)
			}
		}
		if nb, nc := b.matches.KnownMoves(), c.matches.KnownMoves(); nb+nc > 0 {
			t.Errorf("b knows %d moves and c %d, all of matches that have ended", nb, nc)
		}
	})
}

// When a handler returns after its hand-over was given up, the others do not go on to wait for
// the match.
func TestHandlerReturnsAfterHandOverWasGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		store := w.keep()
		all := w.keepingArenas(t, "a", "b")
		a, b := all[0], all[1]
		defer b.close()
		id, err := a.matches.Create(t.Context(), "hanging", nil)
		if err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		a.Drain()
		after(time.Second)
		time.AfterFunc(15500*time.Millisecond, func() { close(store.release) })
		a.matches.Stop(context.Background(), 1)
		after(time.Second)
		if owner := store.owner(idOf(id)); owner != "a" {
			t.Errorf("the snapshot is that of %q, want a", owner)
		}
		began := time.Now()
		_, err = b.player("ben").join(id)
		if took := time.Since(began); err == nil || took > time.Second {
			t.Errorf("a join of the suspended match has waited %v for %v", took, err)
		}
		a.close()
	})
}
