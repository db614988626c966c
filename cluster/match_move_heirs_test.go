package cluster_test

import (
	"context"
	"slices"
	"testing"
	"time"
)

// Matches go on where they are while the only node that can take them is starting, and move
// when it has restored its own.
func TestHeirThatStarts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		store := w.keep()
		a := w.keepingArena(t, "a", 1)
		b := w.keepingArena(t, "b", 1, "arena") // has players, and not the handler
		defer b.close()
		id, _ := a.play(t)
		ben := b.player("ben")
		after(time.Second)
		if _, err := ben.join(id); err != nil {
			t.Fatal(err)
		}
		c := w.startingArena(t, "c", 1)
		defer c.close()
		after(time.Second)
		stop := keepSending(50*time.Millisecond, []string{id}, ben)
		drained := make(chan struct{})
		go func() { defer close(drained); a.drain(w, func() int64 { return 0 }) }()
		after(2 * time.Second)
		ran := store.ticked(idOf(id))
		after(5 * time.Second)
		if n := store.ticked(idOf(id)) - ran; n < 45 {
			t.Errorf("while it waits for its heir the match has run %d ticks in 5 s, of 10 a second", n)
		}
		if runs := store.runs(idOf(id)); !slices.Equal(runs, []string{"a"}) {
			t.Errorf("the match is run by %v, and its heir has not restored its own", runs)
		}
		if owner := store.owner(idOf(id)); owner != "" {
			t.Errorf("a crash would make the match go back to a snapshot, which %s has", owner)
		}
		if answer, err := b.matches.Signal(t.Context(), id, "hello"); err != nil || answer != "re: hello" {
			t.Errorf("it answers %q, %v", answer, err)
		}
		c.restore(t)
		after(2 * time.Second)
		select {
		case <-drained:
		default:
			t.Error("the node has not ended, and another one can take its match")
		}
		stop()
		<-drained
		after(time.Second)
		if runs := store.runs(idOf(id)); !slices.Equal(runs, []string{"c"}) {
			t.Fatalf("the match is run by %v", runs)
		}
		k := c.keeper(id)
		if got := k.sent[ben.user]; !slices.Equal(got, upTo(ben.number.Load())) {
			t.Errorf("it has got %v, want all up to %d", got, ben.number.Load())
		}
		if len(store.wrong)+len(ben.wrong) > 0 {
			t.Error(store.wrong, ben.wrong)
		}
	})
}

// If it does not become ready in time, or goes away, the matches are suspended. So they are
// at once when nobody can take them.
func TestHeirThatIsNotReadyInTime(t *testing.T) {
	for what, test := range map[string]struct {
		others int // that are starting
		goes   bool
		took   time.Duration
	}{
		"starts":   {1, false, 15 * time.Second},
		"goes":     {1, true, 5 * time.Second},
		"is alone": {},
	} {
		bubbleOf(t, what, func(t *testing.T) {
			w := newWorld(1)
			defer w.stop()
			store := w.keep()
			a := w.keepingArena(t, "a", 1)
			id, _ := a.play(t)
			for range test.others {
				c := w.startingArena(t, "c", 1)
				defer c.close()
				if test.goes {
					delete(w.nodes, "c")
					time.AfterFunc(6*time.Second, c.Stop)
				}
			}
			after(time.Second)
			began := time.Now()
			a.matches.Stop(context.Background(), 0)
			if took := time.Since(began).Round(time.Second); took != test.took {
				t.Errorf("the match has waited %v for a node, want %v", took, test.took)
			}
			if store.owner(idOf(id)) != "a" || len(store.runs(idOf(id))) > 0 {
				t.Errorf("the snapshot is that of %q, the match is run by %v", store.owner(idOf(id)), store.runs(idOf(id)))
			}
			a.close()
		})
	}
}

// A node that says it is ready and takes no match, as it is drained itself, is asked again, or
// another one is.
func TestHeirThatRefusesForNow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		store := w.keep()
		all := w.keepingArenas(t, "a", "b")
		a, b := all[0], all[1]
		id, _ := a.play(t)
		b.matches.Stop(context.Background(), 0) // and says nothing
		c := w.startingArena(t, "c", 1)
		defer c.close()
		after(time.Second)
		time.AfterFunc(6*time.Second, func() { c.restore(t) })
		a.drain(w, func() int64 { return 0 })
		if runs := store.runs(idOf(id)); !slices.Equal(runs, []string{"c"}) {
			t.Errorf("the match is run by %v", runs)
		}
		if len(store.wrong) > 0 {
			t.Error(store.wrong)
		}
		b.tickets.Stop()
		b.tracker.Close()
	})
}
