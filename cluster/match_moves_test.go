package cluster_test

import (
	"context"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/cluster"
	"kumi/cluster/wire"
	"kumi/presence"
	"kumi/store/fault"
)

// A node that was paused for so long that others took it for lost, and did not notice itself,
// learns then which matches have ended that had moved, and its players leave them.
func TestMovesAreForgottenAfterAPause(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		store := w.keep()
		a, b, c := w.keepingArena(t, "a", 1), w.keepingArena(t, "b", 1), w.keepingArena(t, "c", 1, "arena")
		defer b.close()
		defer c.close()
		cat := c.player("cat")
		after(time.Second)
		var streams []presence.Stream
		for range 3 {
			id, _ := a.play(t)
			if _, err := cat.join(id); err != nil {
				t.Fatal(err)
			}
			streams = append(streams, presence.AuthoritativeMatch(idOf(id), "a"))
		}
		after(time.Second)
		a.drain(w, func() int64 { return 0 })
		after(time.Second)
		if n := c.matches.KnownMoves(); n != len(streams) {
			t.Fatalf("c knows of %d moves", n)
		}
		w.net.Pause("c")
		after(15 * time.Second)
		for _, s := range streams[1:] {
			if err := b.matches.End(t.Context(), s.MatchID(), 0); err != nil {
				t.Errorf("end: %v", err)
			}
		}
		after(time.Second)
		w.net.Resume("c")
		after(10 * time.Second)
		for i, s := range streams[1:] {
			if cat.on(s) {
				t.Errorf("cat is in match %d, which has ended", i)
			}
		}
		if n := c.matches.KnownMoves(); n != 1 {
			t.Errorf("c knows of %d moves, one match is left", n)
		}
		if answer, err := c.matches.Signal(t.Context(), streams[0].MatchID(), "hello"); err != nil || answer != "re: hello" {
			t.Errorf("the match that is left answers %q, %v", answer, err)
		}
		if err := c.matches.End(t.Context(), streams[0].MatchID(), 0); err != nil {
			t.Errorf("end: %v", err)
		}
		after(2 * time.Minute)
		for _, x := range []*arena{b, c} {
			if n := x.matches.KnownMoves(); n != 0 {
				t.Errorf("%s knows of %d moves after all matches have ended", x.name, n)
			}
		}
		if len(store.wrong) > 0 {
			t.Error(store.wrong)
		}
	})
}

// A node that joins is told of all matches that have moved, however many they are.
func TestManyMovesAreTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		w.keep()
		all := w.keepingArenas(t, "a", "b")
		a, b := all[0], all[1]
		defer b.close()
		const matches = 1100
		want := map[uuid.UUID]bool{}
		for range matches {
			id, _ := a.play(t)
			want[idOf(id)] = true
		}
		a.drain(w, func() int64 { return 0 })
		c := w.arena("c", 1, cluster.MatchOptions{}, func(o *cluster.Options) { o.Expect = []string{"b"} })
		defer c.close()
		w.start(t, c.member)
		if n := c.matches.KnownMoves(); n != matches {
			t.Errorf("a node that has joined knows of %d of %d moves", n, matches)
		}
		in := &wire.MatchMoves{}
		for questions := 1; ; questions++ {
			out := &wire.MatchMoves{}
			if err := cluster.Call(t.Context(), c.Node, b.Self(), wire.Method_METHOD_MATCH_MOVES, in, out); err != nil {
				t.Fatal(err)
			}
			for _, m := range out.Moves {
				delete(want, uuid.UUID(m.Match))
			}
			if !out.More {
				if questions != 2 || len(want) > 0 {
					t.Errorf("after %d answers %d moves are missing", questions, len(want))
				}
				break
			}
			in.After = out.Moves[len(out.Moves)-1].Match
		}
	})
}

// Who asks something of a match that is moving waits for so long as for other answers, and
// is told why there is none.
func TestCallsOfAMatchThatIsMoving(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		store := w.keep()
		store.fault = func(node, what string) error {
			if node != "a" && what == "pass" {
				time.Sleep(30 * time.Second) // it will not have the match
			}
			return nil
		}
		all := append(w.keepingArenas(t, "a", "b", "c"), w.keepingArena(t, "d", 1, "arena"))
		a, d := all[0], all[3]
		id, _ := a.play(t)
		ann, dan := a.player("ann"), d.player("dan")
		after(time.Second)
		drained := make(chan struct{})
		go func() { defer close(drained); a.matches.Stop(context.Background(), 1) }()
		after(100 * time.Millisecond)
		ctx := context.Background()
		type result struct {
			what string
			err  error
		}
		results := make(chan result)
		began := time.Now()
		for what, call := range map[string]func() error{
			"join":                  func() error { _, err := dan.join(id); return err },
			"join on the same node": func() error { _, err := ann.join(id); return err },
			"signal":                func() error { _, err := d.matches.Signal(ctx, id, ""); return err },
			"state":                 func() error { _, _, _, err := d.matches.State(ctx, id); return err },
			"get":                   func() error { _, err := d.matches.Get(ctx, id); return err },
			"end":                   func() error { return d.matches.End(ctx, id, 0) },
		} {
			go func() { results <- result{what, call()} }()
		}
		for range 6 {
			got := <-results
			took := time.Since(began)
			if got.err == nil || took > 10*time.Second || fault.CodeOf(got.err) != fault.Unavailable || fault.Text(got.err) != "The match is moving to another node." {
				t.Errorf("%s has waited %v for %v", got.what, took, got.err)
			}
		}
		<-drained
		if owner := store.owner(idOf(id)); owner != "a" {
			t.Errorf("the match is that of %q", owner)
		}
		if len(store.wrong) > 0 {
			t.Error(store.wrong)
		}
		after(time.Minute)
		for _, x := range all {
			x.close()
		}
	})
}
