package cluster_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/match"
	"kumi/presence"
)

// A node that is drained hands its matches over: they go on under their ids, with all that
// was sent to them, and their members on other nodes do not notice.
func TestMatchesAreHandedOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		store := w.keep()
		all := w.keepingArenas(t, "a", "b", "c")
		a, b, c := all[0], all[1], all[2]
		defer b.close()
		defer c.close()
		w.net.Delay(0, 20*time.Millisecond)
		ctx := t.Context()
		const matches = 8
		ids := make([]string, matches)
		for i := range ids {
			ids[i], _ = a.play(t)
		}
		ann, ben, cat := a.player("ann"), b.player("ben"), c.player("cat")
		after(time.Second)
		for _, id := range ids {
			for _, p := range []*player{ann, ben, cat} {
				if _, err := p.join(id); err != nil {
					t.Fatal(err)
				}
			}
		}
		after(time.Second)
		ben.told()
		cat.told()
		stop := keepSending(25*time.Millisecond, ids, ann, ben, cat)
		after(300 * time.Millisecond)
		w.net.Delay(0, 200*time.Millisecond)
		store.passes = func(id uuid.UUID) {
			for _, p := range []*player{ben, cat} {
				p.mu.Lock()
				if last := p.moves[id.String()+".a"]; last != "leaving" {
					store.wrong = append(store.wrong, fmt.Sprintf("%s has not got all that a match sent before it goes on: the last is %q", p.name, last))
				}
				p.mu.Unlock()
			}
		}
		annSent := a.drain(w, func() int64 { return ann.number.Load() })
		w.net.Delay(0, 20*time.Millisecond)
		store.passes = nil
		after(time.Second)
		stop()
		after(2 * time.Second)
		for i, id := range ids {
			runs := store.runs(idOf(id))
			if len(runs) != 1 || runs[0] == "a" {
				t.Fatalf("match %d is run by %v", i, runs)
			}
			k := map[string]*arena{"b": b, "c": c}[runs[0]].keeper(id)
			for _, p := range []*player{ben, cat} {
				if got := k.sent[p.user]; !slices.Equal(got, upTo(p.number.Load())) {
					t.Errorf("match %d on %s has of %s %v, want all up to %d", i, runs[0], p.name, got, p.number.Load())
				}
			}
			if got := k.sent[ann.user]; int64(len(got)) < annSent || !slices.Equal(got, upTo(int64(len(got)))) {
				t.Errorf("match %d on %s has of ann %v, want all up to %d", i, runs[0], got, annSent)
			}
			if k.restored != 1 || k.attempts != 3 {
				t.Errorf("match %d was restored %d times and asked %d times", i, k.restored, k.attempts)
			}
			if got := k.told(); got != "[]" {
				t.Errorf("match %d was told %s", i, got)
			}
			if wrong := k.mistakes(); len(wrong) > 0 {
				t.Errorf("match %d: %v", i, wrong)
			}
		}
		if got := ben.told(); got != fmt.Sprint(slices.Repeat([]string{"-ann"}, matches)) {
			t.Errorf("ben was told %s", got)
		}
		if wrong := append(append(ben.wrong, cat.wrong...), store.wrong...); len(wrong) > 0 {
			t.Error(wrong)
		}
		for _, at := range []*arena{b, c} {
			yes := true
			list, err := at.matches.List(ctx, match.ListFilter{Limit: 100, Authoritative: &yes})
			var found []string
			for _, m := range list {
				found = append(found, m.MatchId)
			}
			slices.Sort(found)
			if want := slices.Sorted(slices.Values(ids)); err != nil || !slices.Equal(found, want) {
				t.Errorf("%s lists %v, %v, want %v", at.name, found, err, want)
			}
			if answer, err := at.matches.Signal(ctx, ids[0], "hello"); err != nil || answer != "re: hello" {
				t.Errorf("signal from %s: %q, %v", at.name, answer, err)
			}
			if m, err := at.matches.Get(ctx, ids[0]); err != nil || m.GetMatchId() != ids[0] || m.Size != 3 {
				t.Errorf("get from %s: %v, %v", at.name, m, err)
			}
			if _, err := at.matches.Signal(ctx, idOf(ids[0]).String()+".b", "hello"); err != match.ErrNotFound {
				t.Errorf("a signal from %s to an id with another node: %v", at.name, err)
			}
			members, _, _, err := at.matches.State(ctx, ids[0])
			if err != nil || len(members) != 3 || members[0].Stream.MatchID() != ids[0] {
				t.Errorf("state from %s: %v, %v", at.name, members, err)
			}
		}
		// Who was on the node comes back without being asked for, by the user's id.
		again := c.playerOf("ann", ann.user)
		after(time.Second)
		if _, err := again.join(ids[0]); err != nil {
			t.Errorf("ann comes back: %v", err)
		}
		// Somebody new, from a node that was not there.
		d := w.keepingArena(t, "d", 1)
		defer d.close()
		dan := d.player("dan")
		after(time.Second)
		if _, err := dan.join(ids[0]); err != nil {
			t.Errorf("dan joins: %v", err)
		}
		ben.leave(ids[0])
		after(resumeTime)
		k := keeperOf(ids[0], b, c)
		if got := k.told(); got != "[+ann +dan -ben]" || k.attempts != 4 {
			t.Errorf("the match was told %s, and asked %d times", got, k.attempts)
		}
		if got := keeperOf(ids[1], b, c).told(); got != "[-ann]" {
			t.Errorf("the match to which ann did not come back was told %s", got)
		}
		if err := cat.at.matches.End(ctx, ids[0], 0); err != nil {
			t.Errorf("end: %v", err)
		}
		after(time.Second)
		for _, at := range []*arena{b, c, d} {
			if at.tracker.Count(k.stream()) != 0 {
				t.Errorf("%s has %d on the stream of a match that is over: %v", at.name, at.tracker.Count(k.stream()), at.tracker.List(k.stream(), true, true)[0])
			}
			if _, err := at.matches.Signal(ctx, ids[0], ""); err != match.ErrNotFound {
				t.Errorf("a signal to a match that is over, from %s: %v", at.name, err)
			}
		}
	})
}

func upTo(n int64) (all []int64) {
	for i := range n {
		all = append(all, i+1)
	}
	return all
}

// keeperOf returns the handler of a match on one of the nodes.
func keeperOf(id string, at ...*arena) *keeper {
	for _, a := range at {
		if k := a.keeper(id); k != nil {
			return k
		}
	}
	return nil
}

// A match that no node can go on with waits for its own, and one that does not want to go on
// is over.
func TestMatchesThatNobodyTakesOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		store := w.keep()
		a, b, c := w.keepingArena(t, "a", 1), w.keepingArena(t, "b", 1, "unknown"), w.keepingArena(t, "c", 1, "unknown")
		ben, cat := b.player("ben"), c.player("cat")
		after(time.Second)
		ids := map[string]string{}
		for _, handler := range []string{"unknown", "homely", "lazy", "tired", "arena"} {
			id, err := a.matches.Create(t.Context(), handler, nil)
			if err != nil {
				t.Fatal(err)
			}
			ids[handler] = id
			for _, p := range []*player{ben, cat} {
				if _, err := p.join(id); err != nil {
					t.Fatal(err)
				}
			}
		}
		after(time.Second)
		a.drain(w, func() int64 { return 0 })
		after(time.Second)
		for handler, want := range map[string]string{"unknown": "a", "homely": "a", "lazy": "a", "tired": "", "arena": ""} {
			id := ids[handler]
			if at := store.owner(idOf(id)); at != want {
				t.Errorf("the snapshot of %s is that of %q, want %q", handler, at, want)
			}
			if runs := store.runs(idOf(id)); (handler == "arena") != (len(runs) == 1 && runs[0] != "a") {
				t.Errorf("%s is run by %v", handler, runs)
			}
			if ben.on(presence.AuthoritativeMatch(idOf(id), "a")) != (handler == "arena") {
				t.Errorf("ben is in %s: %t", handler, ben.on(presence.AuthoritativeMatch(idOf(id), "a")))
			}
		}
		w.net.Delay(0, 40*time.Millisecond)
		for starts := 1; ; starts++ {
			a = w.keepingArena(t, "a", uint64(1+starts))
			after(time.Second)
			for _, handler := range []string{"unknown", "homely", "lazy"} {
				if _, err := ben.join(ids[handler]); err != nil {
					t.Errorf("ben comes back to %s: %v", handler, err)
				}
				if k := a.keeper(ids[handler]); k == nil || k.attempts != 2 || k.restored != starts {
					t.Errorf("%s is %+v", handler, k)
				}
			}
			// The new process does not take for its own what another node runs by now.
			for _, p := range []*player{ben, cat} {
				if !p.on(presence.AuthoritativeMatch(idOf(ids["arena"]), "a")) {
					t.Fatalf("%s had to leave the match that has moved", p.name)
				}
			}
			if starts == 5 {
				break
			}
			a.drain(w, func() int64 { return 0 })
			after(time.Second)
		}
		defer func() { a.close() }()
		// It goes on to the last node, without a change of its id.
		b.drain(w, func() int64 { return 0 })
		c.drain(w, func() int64 { return 0 })
		after(time.Second)
		if runs := store.runs(idOf(ids["arena"])); len(runs) != 1 || runs[0] != "a" {
			t.Errorf("the match that moves twice is run by %v", runs)
		}
		if answer, err := a.matches.Signal(t.Context(), ids["arena"], "hello"); err != nil || answer != "re: hello" {
			t.Errorf("it answers %q, %v", answer, err)
		}
		if len(store.wrong) > 0 {
			t.Error(store.wrong)
		}
	})
}

// A node that takes a match over too late, after its own has given that up, gets nothing.
func TestLateTakeOver(t *testing.T) {
	for _, names := range [][]string{{"a", "b"}, {"a", "b", "c"}} {
		t.Run(fmt.Sprint(names), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(1)
				defer w.stop()
				store := w.keep()
				w.snapshotTicks = 5
				store.fault = func(node, what string) error {
					if node == "b" && what == "pass" {
						time.Sleep(20 * time.Second)
					}
					return nil
				}
				all := w.keepingArenas(t, names...)
				id, _ := all[0].play(t)
				after(time.Second)
				all[0].drain(w, func() int64 { return 0 })
				all[0] = w.keepingArena(t, "a", 2)
				after(40 * time.Second)
				want := "a"
				if len(names) > 2 {
					want = "c"
				}
				if runs := store.runs(idOf(id)); !slices.Equal(runs, []string{want}) {
					t.Errorf("the match is run by %v, want %s", runs, want)
				}
				if len(store.wrong) > 0 {
					t.Error(store.wrong)
				}
				for _, a := range all {
					a.close()
				}
			})
		})
	}
}

// A member that is away while its match moves twice may still come back, and an order to end
// a match that is about to move follows it.
func TestMovesOneAfterTheOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		store := w.keep()
		all := w.keepingArenas(t, "a", "b", "c")
		all = append(all, w.keepingArena(t, "d", 1, "arena")) // it only has players
		id, _ := all[0].play(t)
		ann, dan := all[0].player("ann"), all[3].player("dan")
		after(time.Second)
		for _, p := range []*player{ann, dan} {
			if _, err := p.join(id); err != nil {
				t.Fatal(err)
			}
		}
		after(time.Second)
		runner := func() int {
			t.Helper()
			runs := store.runs(idOf(id))
			if len(runs) != 1 {
				t.Fatalf("the match is run by %v", runs)
			}
			return slices.IndexFunc(all, func(a *arena) bool { return a.name == runs[0] })
		}
		for range 2 {
			all[runner()].drain(w, func() int64 { return 0 })
			after(2 * time.Second)
		}
		ann = all[3].playerOf("ann", ann.user)
		after(time.Second)
		if _, err := ann.join(id); err != nil {
			t.Fatalf("ann comes back: %v", err)
		}
		after(resumeTime)
		k := all[runner()].keeper(id)
		if got := k.told(); got != "[+ann]" || k.attempts != 2 || k.restored != 2 {
			t.Errorf("after two moves the match was told %s, asked %d times and restored %d times", got, k.attempts, k.restored)
		}
		at := all[runner()]
		all = append(all, w.keepingArena(t, "e", 1))
		after(time.Second)
		var once sync.Once
		ordered := false
		store.passes = func(uuid.UUID) {
			once.Do(func() {
				ordered = true
				if err := at.matches.End(t.Context(), id, 0); err != nil {
					t.Errorf("end: %v", err)
				}
			})
		}
		at.drain(w, func() int64 { return 0 })
		after(2 * time.Second)
		if runs := store.runs(idOf(id)); len(runs) > 0 || !ordered {
			t.Errorf("the match that was to end is run by %v; it was to: %t", runs, ordered)
		}
		for _, a := range all {
			if w.nodes[a.name] != nil && a.tracker.Count(k.stream()) > 0 {
				t.Errorf("%s has somebody on the stream of the match that has ended", a.name)
			}
		}
		if len(store.wrong) > 0 {
			t.Error(store.wrong)
		}
		for _, a := range all {
			if w.nodes[a.name] != nil {
				a.close()
			}
		}
	})
}
