package cluster_test

import (
	"cmp"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store/fault"
)

// A node that was down is copied again, part by part. Clients that leave matches and join
// them again meanwhile are in them, also those that were not on the stream when it was copied.
func TestLeaveAndJoinDuringACopy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b")
		defer all[0].close()
		defer all[1].close()
		ben := all[1].player("ben")
		after(time.Second)
		w.net.Delay(0, 50*time.Millisecond) // so the copy takes some seconds
		var games []*recorder
		for range 20 { // their streams are in different parts
			id, g := all[0].play(t)
			if _, err := ben.join(id); err != nil {
				t.Fatal(err)
			}
			games = append(games, g)
		}
		after(time.Second)
		w.net.Cut("a", "b")
		after(3 * time.Second)
		w.net.Heal()
		var joining sync.WaitGroup
		for _, g := range games {
			joining.Go(func() {
				for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
					ben.leave(g.m.MatchID())
					_, err := ben.join(g.m.MatchID())
					for fault.CodeOf(err) == fault.Unavailable { // a is not back yet
						time.Sleep(20 * time.Millisecond)
						_, err = ben.join(g.m.MatchID())
					}
					if time.Sleep(150 * time.Millisecond); err != nil || !ben.on(g.stream()) {
						t.Errorf("ben has joined: %v, and is on the stream: %t", err, ben.on(g.stream()))
						return
					}
				}
			})
		}
		joining.Wait()
		after(20 * time.Second)
		for _, g := range games {
			checkIn(t, g, ben)
		}
	})
}

// A match and a party wait for those whom they have let in as long as the copy of their node
// is not complete.
func TestJoinWhileANodeIsCopiedAgainAndAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b")
		a, b := all[0], all[1]
		defer a.close()
		defer b.close()
		id, g := a.play(t)
		ann, ben := a.player("ann"), b.player("ben")
		made, err := a.parties.Create(t.Context(), ann.presence(), &rtapi.PartyCreate{Open: true, MaxSize: 4}, false)
		if err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		w.net.Delay(50*time.Millisecond, 50*time.Millisecond)
		joined := false
		for range 8 {
			w.net.Cut("a", "b")
			after(2 * time.Second)
			w.net.Heal()
			after(2 * time.Second)
			if !joined {
				_, err := ben.join(id)
				if err := cmp.Or(err, ben.joinParty(made.PartyId)); err != nil {
					t.Fatal(err)
				}
				joined = true
			}
		}
		w.net.Delay(0, 0)
		after(20 * time.Second)
		checkIn(t, g, ben)
		if err := ann.at.parties.Promote(t.Context(), ann.id, made.PartyId, ben.target()); err != nil {
			t.Errorf("ann makes ben the leader of their party: %v", err)
		}
	})
}

// Who left a match and a party and was put back on their streams by module code while the
// node was down is a member like others: it leaves with its session.
func TestPutBackWhileANodeIsDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b")
		a, b := all[0], all[1]
		defer a.close()
		defer b.close()
		id, g := a.play(t)
		ann, ben := a.player("ann"), b.player("ben")
		made, err := a.parties.Create(t.Context(), ann.presence(), &rtapi.PartyCreate{Open: true, MaxSize: 4}, false)
		if err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		_, err = ben.join(id)
		if err := cmp.Or(err, ben.joinParty(made.PartyId)); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		w.net.Cut("a", "b")
		after(3 * time.Second)
		streams := b.tracker.StreamsOf(ben.id)
		for _, s := range streams {
			b.tracker.Untrack(ben.id, s, runtime.PresenceReasonLeave)
			if _, _, err := b.tracker.Track(ben.id, s, presence.Meta{}); err != nil {
				t.Fatal(err)
			}
		}
		w.net.Heal()
		after(10 * time.Second)
		if got := g.told(); got != "[+ben -ben +ben]" {
			t.Errorf("the match is told %s", got)
		}
		if err := a.parties.Promote(t.Context(), ann.id, made.PartyId, ben.target()); err != nil {
			t.Errorf("ann makes ben the leader: %v", err)
		}
		b.tracker.End(ben.id, runtime.PresenceReasonDisconnect)
		b.sessions.Remove(ben.id)
		after(20 * time.Second)
		if got := g.told(); got != "[-ben]" || len(g.mistakes()) > 0 {
			t.Errorf("the match is told %s, %v", got, g.mistakes())
		}
		if err := a.parties.Promote(t.Context(), ann.id, made.PartyId, ann.target()); err != nil {
			t.Errorf("ann leads the party again: %v", err)
		}
	})
}

// Who was let in, but did not hear of it, joins the match after it has moved to its node.
func TestJoinAgainAfterAMove(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		w.keep()
		all := w.keepingArenas(t, "a", "b")
		a, b := all[0], all[1]
		defer b.close()
		id, _ := a.play(t)
		ben := b.player("ben")
		after(time.Second)
		w.net.CutOneWay("a", "b") // the call arrives, the answer does not
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := ben.joinWith(ctx, id); fault.CodeOf(err) != fault.Unavailable {
			t.Fatalf("an answer that does not come: %v", err)
		}
		w.net.Heal()
		after(time.Second)
		a.drain(w, func() int64 { return 0 })
		after(time.Second)
		if _, err := ben.join(id); err != nil {
			t.Fatal(err)
		}
		after(30 * time.Second)
		checkIn(t, b.keeper(id).recorder, ben)
	})
}
