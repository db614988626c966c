package cluster_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"kumi/match"
	"kumi/presence"
	"kumi/store/fault"
)

// Handlers that do not return, on the node that is drained or on the one that takes their
// match over, do not keep the other matches from moving, nor the node from ending. Their own
// matches are run by one node or suspended.
func TestMovesWithHandlersThatHang(t *testing.T) {
	for _, ticks := range []int{0, 2} { // for each snapshot
		bubbleOf(t, map[int]string{0: "shutdown", 2: "a number"}[ticks], func(t *testing.T) {
			w := newWorld(1)
			defer w.stop()
			store := w.keep()
			w.snapshotTicks, store.goesBack = ticks, true
			all := w.keepingArenas(t, "a", "b", "c")
			a, b, c := all[0], all[1], all[2]
			defer b.close()
			defer c.close()
			ids := map[string][]string{}
			for handler, n := range map[string]int{"hanging": 40, "stuck": 5, "arena": 10} {
				for range n {
					id, err := a.matches.Create(t.Context(), handler, nil)
					if err != nil {
						t.Fatal(err)
					}
					ids[handler] = append(ids[handler], id)
				}
			}
			ben := b.player("ben")
			after(200 * time.Millisecond)
			for _, handler := range []string{"hanging", "stuck", "arena"} {
				if _, err := ben.join(ids[handler][0]); err != nil {
					t.Fatal(err)
				}
			}
			after(time.Second) // now they hang
			stopped := make(chan struct{})
			a.Drain()
			after(time.Second)
			began := time.Now()
			go func() { defer close(stopped); a.matches.Stop(context.Background(), 1) }()
			after(13 * time.Second)
			for _, id := range ids["arena"] {
				if runs := store.runs(idOf(id)); len(runs) != 1 || runs[0] == "a" {
					t.Fatalf("beside handlers that hang a match is run by %v after 13 s", runs)
				}
			}
			joined := time.Now()
			_, err := b.player("bea").join(ids["hanging"][0])
			var rejected *match.Rejected
			if took := time.Since(joined); took > 10*time.Second || fault.CodeOf(err) != fault.Unavailable && !errors.As(err, &rejected) {
				t.Errorf("a join of the match that hangs has waited %v for %v", took, err)
			}
			<-stopped
			if took := time.Since(began); took > 31*time.Second {
				t.Errorf("the node has ended after %v", took)
			}
			for handler, want := range map[string]string{"hanging": map[int]string{2: "a"}[ticks], "stuck": "a"} {
				for _, id := range ids[handler] {
					if owner := store.owner(idOf(id)); owner != want {
						t.Errorf("the snapshot of a match that is %s is that of %q, want %q", handler, owner, want)
					}
					if runs := store.runs(idOf(id)); slices.Contains(runs, "b") || slices.Contains(runs, "c") {
						t.Errorf("a match that is %s is run by %v", handler, runs)
					}
				}
			}
			a.die(false)
			delete(w.nodes, "a")
			after(time.Second)
			for handler := range ids {
				if in := ben.on(presence.AuthoritativeMatch(idOf(ids[handler][0]), "a")); in != (handler == "arena") {
					t.Errorf("ben is in the match that is %s: %t", handler, in)
				}
			}
			// What returns too late changes nothing, and the node's next process goes on.
			close(store.release)
			after(time.Second)
			a = w.keepingArena(t, "a", 2)
			defer func() { a.close() }()
			after(time.Second)
			for handler, list := range ids {
				for _, id := range list {
					runs := store.runs(idOf(id))
					want := handler == "stuck" || handler == "hanging" && ticks > 0
					if handler == "arena" {
						want = slices.Equal(runs, []string{"b"}) || slices.Equal(runs, []string{"c"})
						if !want {
							t.Errorf("a match is run by %v", runs)
						}
					} else if slices.Equal(runs, []string{"a"}) != want || !want && len(runs) > 0 {
						t.Errorf("after the restart a match that was %s is run by %v", handler, runs)
					}
				}
			}
			if len(store.wrong) > 0 {
				t.Error(store.wrong)
			}
		})
	}
}
