package cluster_test

import (
	"cmp"
	"sync"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"

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
			if _, in := g.in[ben.id]; !in || !ben.on(g.stream()) || len(g.mistakes()) > 0 {
				t.Errorf("in the match: %v, on its stream: %t, %v", g.in, ben.on(g.stream()), g.mistakes())
			}
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
		if _, in := g.in[ben.id]; !in || !ben.on(g.stream()) || len(g.mistakes()) > 0 {
			t.Errorf("in the match: %v, on its stream: %t, %v", g.in, ben.on(g.stream()), g.mistakes())
		}
		if err := ann.at.parties.Promote(t.Context(), ann.id, made.PartyId, ben.target()); err != nil {
			t.Errorf("ann makes ben the leader of their party: %v", err)
		}
	})
}
