package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"

	"kumi/cluster"
	"kumi/match"
	"kumi/presence"
	"kumi/store/fault"
)

// A match is joined, played, signalled, described, kicked from and ended from another node
// as on its own.
func TestMatchOfAnotherNode(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b", "c")
		for _, a := range all {
			defer a.close()
		}
		a, b, c := all[0], all[1], all[2]
		ctx := t.Context()
		id, g := a.play(t)
		ann, ben, eve := a.player("ann"), b.player("ben"), c.player("eve")
		after(100 * time.Millisecond)

		joined, err := ann.join(id)
		if err != nil || len(joined.Presences) != 0 {
			t.Fatalf("ann joins: %v, %v", joined, err)
		}
		joined, err = ben.join(id)
		if err != nil || fmt.Sprint(usernames(joined.Presences)) != "[ann]" || joined.Self.Username != "ben" || !joined.Authoritative || joined.Size != 1 {
			t.Fatalf("ben joins: %v, %v", joined, err)
		}
		var rejected *match.Rejected
		if _, err = eve.join(id); !errors.As(err, &rejected) || rejected.Reason != "not you" {
			t.Errorf("eve joins: %v", err)
		}
		after(time.Second)
		if got := g.told(); got != "[+ann +ben]" {
			t.Errorf("the match was told %s", got)
		}
		if got := ann.told(); got != "[+ann +ben]" {
			t.Errorf("ann was told %s", got)
		}
		if ann.ticks[id] < 9 || ben.ticks[id] < ann.ticks[id]-1 {
			t.Errorf("ann has %d broadcasts, ben %d", ann.ticks[id], ben.ticks[id])
		}
		if joined, err = ben.join(id); err != nil || len(joined.Presences) != 2 {
			t.Errorf("ben joins again: %v, %v", joined, err)
		}

		for i := 1; i <= 20; i++ {
			if err := b.matches.Data(ben.id, &match.DataSend{ID: id, OpCode: dataCode, Data: fmt.Append(nil, i), Reliable: i%2 == 0}); err != nil {
				t.Fatal(err)
			}
		}
		after(time.Second)
		if n := g.last(ben); n != 20 {
			t.Errorf("ben's last message is %d", n)
		}
		if answer, err := c.matches.Signal(ctx, id, "hello"); err != nil || answer != "re: hello" {
			t.Errorf("signal: %q, %v", answer, err)
		}
		members, tick, state, err := c.matches.State(ctx, id)
		if err != nil || len(members) != 2 || tick == 0 || state != `{"on":true}` || members[1].Node != "b" || members[1].Username != "ben" {
			t.Errorf("state: %v %d %s, %v", members, tick, state, err)
		}
		if m, err := c.matches.Get(ctx, id); err != nil || m.GetMatchId() != id || m.Size != 2 || m.HandlerName != "arena" {
			t.Errorf("get: %v, %v", m, err)
		}
		if _, err := c.matches.Watch(id); !errors.Is(err, match.ErrElsewhere) {
			t.Errorf("watch: %v", err)
		}
		if err := c.matches.PatchState(ctx, id, "{}"); !errors.Is(err, match.ErrStateFixed) {
			t.Errorf("patch: %v", err)
		}
		if err := c.matches.Step(ctx, id); !errors.Is(err, match.ErrNotPaused) {
			t.Errorf("step: %v", err)
		}

		if who, err := c.matches.Signal(ctx, id, "kick"); err != nil || who != "ann" {
			t.Errorf("kick: %s, %v", who, err)
		}
		if who, err := c.matches.Signal(ctx, id, "kick"); err != nil || who != "ben" {
			t.Errorf("kick: %s, %v", who, err)
		}
		after(time.Second)
		if got := g.told(); got != "[-ann -ben]" || ben.on(g.stream()) {
			t.Errorf("after kicks the match was told %s; ben is on its stream: %t", got, ben.on(g.stream()))
		}
		if _, err := ben.join(id); err != nil {
			t.Errorf("ben joins after a kick: %v", err)
		}
		after(time.Second)
		if n, err := c.matches.Kick(ctx, id, func(user, _ uuid.UUID) bool { return user == ben.user }); n != 1 || err != nil {
			t.Errorf("an operator kicks %d, %v", n, err)
		}
		if _, err := ben.join(id); err != nil { // while the kick is on its way
			t.Errorf("ben joins: %v", err)
		}
		after(20 * time.Second)
		if ben.on(g.stream()) != (g.last(ben) == 0 && len(g.in) == 1) {
			t.Errorf("ben is on the stream: %t, in the match: %v", ben.on(g.stream()), g.in)
		}
		if err := c.matches.End(ctx, id, 0); err != nil {
			t.Errorf("end: %v", err)
		}
		after(time.Second)
		if !g.ended || ben.on(g.stream()) {
			t.Errorf("the match has ended: %t; ben is on its stream: %t", g.ended, ben.on(g.stream()))
		}
		for _, at := range all {
			if _, err := at.matches.Signal(ctx, id, ""); !errors.Is(err, match.ErrNotFound) {
				t.Errorf("a signal to a match that has ended, from %s: %v", at.name, err)
			}
		}
		if _, err := ben.join(id); err != match.ErrNotFound {
			t.Errorf("joining a match that has ended: %v", err)
		}
		if m, err := b.matches.Get(ctx, id); m != nil || err != nil {
			t.Errorf("getting it: %v, %v", m, err)
		}
		if got := append(g.mistakes(), ben.wrong...); len(got) > 0 {
			t.Error(got)
		}
	})
}

// A client that leaves and joins at once is in the match, each time.
func TestLeaveAndJoinAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b")
		defer all[0].close()
		defer all[1].close()
		w.net.Delay(0, 30*time.Millisecond)
		id, g := all[0].play(t)
		ben := all[1].player("ben")
		after(time.Second)
		for range 50 {
			if _, err := ben.join(id); err != nil {
				t.Fatal(err)
			}
			ben.leave(id)
		}
		if _, err := ben.join(id); err != nil {
			t.Fatal(err)
		}
		after(20 * time.Second)
		checkIn(t, g, ben)
	})
}

// What a match sends when a client joins arrives, also if the client's session was opened so
// shortly before that the match's node has not heard of it.
func TestMatchGreetsANewSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b")
		defer all[0].close()
		defer all[1].close()
		id, err := all[0].matches.Create(t.Context(), "greeter", nil)
		if err != nil {
			t.Fatal(err)
		}
		ben := all[1].player("ben")
		if _, err := ben.join(id); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		if got := ben.told(); got != "[+ben 3 welcome ben]" && got != "[3 welcome ben +ben]" {
			t.Errorf("ben is told %s", got)
		}
	})
}

// A match that kicks a client as soon as it has let it in has it on no stream, though the
// kick overtakes the client's presence.
func TestMatchKicksWhoIsLetIn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b")
		defer all[0].close()
		defer all[1].close()
		id, err := all[0].matches.Create(t.Context(), "bouncer", nil)
		if err != nil {
			t.Fatal(err)
		}
		g, ben := all[0].games[0], all[1].player("ben")
		for _, delay := range []time.Duration{0, 20 * time.Millisecond, 200 * time.Millisecond} {
			w.net.Delay(0, delay)
			_, _ = ben.join(id)
			after(20 * time.Second)
			if len(g.in) != 0 || ben.on(g.stream()) || len(g.mistakes()) > 0 {
				t.Errorf("in the match: %v, on its stream: %t, %v", g.in, ben.on(g.stream()), g.mistakes())
			}
		}
	})
}

// A match that fails closes the sockets of its members on all nodes.
func TestMatchFailsForAllNodes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b")
		defer all[0].close()
		defer all[1].close()
		id, g := all[0].play(t)
		ben := all[1].player("ben")
		after(100 * time.Millisecond)
		if _, err := ben.join(id); err != nil {
			t.Fatal(err)
		}
		if _, err := all[1].matches.Signal(t.Context(), id, "fail"); err != match.ErrFailed {
			t.Errorf("the signal: %v", err)
		}
		after(time.Second)
		if !slices.Equal(ben.closed, []presence.CloseReason{presence.MatchFailed}) || ben.on(g.stream()) {
			t.Errorf("ben was closed by %v; on the stream: %t", ben.closed, ben.on(g.stream()))
		}
	})
}

// Listings have the best of all nodes, of one that the query names, and of those that
// answer.
func TestListMatchesOfAllNodes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b", "c")
		for _, a := range all {
			defer a.close()
		}
		ids := map[string]string{} // by number
		for i := range 9 {
			a := all[i%3]
			id, err := a.matches.Create(t.Context(), "arena", map[string]any{"label": fmt.Sprintf(`{"n":%d,"odd":%t}`, i, i%2 == 1)})
			if err != nil {
				t.Fatal(err)
			}
			ids[id] = fmt.Sprint(i)
			time.Sleep(time.Millisecond)
		}
		list := func(from *arena, f match.ListFilter) (numbers string) {
			t.Helper()
			found, err := from.matches.List(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range found {
				numbers += ids[m.MatchId]
				if m.Label.GetValue() == "" || m.HandlerName != "arena" || m.TickRate != 10 {
					t.Errorf("listed: %v", m)
				}
			}
			return numbers
		}
		query := func(text string) *string { return &text }
		for _, from := range all {
			for _, test := range []struct {
				f    match.ListFilter
				want string
			}{
				{match.ListFilter{Limit: 4}, "8765"},
				{match.ListFilter{Limit: 100}, "876543210"},
				{match.ListFilter{Limit: 3, Query: query("+label.odd:T label.n:3^5")}, "375"},
				{match.ListFilter{Limit: 100, Query: query("+node:b")}, "741"},
				{match.ListFilter{Limit: 100, Query: query("+node:nowhere")}, ""},
				{match.ListFilter{Limit: 100, Node: "c"}, "852"},
				{match.ListFilter{Limit: 2, Label: query(`{"n":5,"odd":true}`)}, "5"},
			} {
				if got := list(from, test.f); got != test.want {
					t.Errorf("%s lists %s by %+v, not %s", from.name, got, test.f, test.want)
				}
			}
		}
		if _, err := all[0].matches.List(t.Context(), match.ListFilter{Limit: 1, Query: query("+label.n:>")}); fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("a query that does not parse: %v", err)
		}
		w.net.Cut("a", "c")
		began := time.Now()
		if got := list(all[0], match.ListFilter{Limit: 5}); got != "76431" || time.Since(began) > 600*time.Millisecond {
			t.Errorf("without c, a lists %s after %v", got, time.Since(began))
		}
		if n := all[0].Node.Stats().Partial; n != 1 {
			t.Errorf("%d listings count as partial", n)
		}
		after(3 * time.Second) // it is down
		began = time.Now()
		if got := list(all[0], match.ListFilter{Limit: 5}); got != "76431" || time.Since(began) > 10*time.Millisecond {
			t.Errorf("with c down, a lists %s after %v", got, time.Since(began))
		}
	})
}

// Many who list the same at once ask the other nodes once.
func TestListingsAreShared(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b")
		defer all[0].close()
		defer all[1].close()
		all[1].play(t)
		before := all[0].Node.Stats().Calls
		done := make(chan []*api.Match)
		for range 100 {
			go func() {
				found, _ := all[0].matches.List(t.Context(), match.ListFilter{Limit: 10})
				done <- found
			}()
		}
		for range 100 {
			if found := <-done; len(found) != 1 {
				t.Errorf("listed: %v", found)
			}
		}
		if n := all[0].Node.Stats().Calls - before; n != 1 {
			t.Errorf("%d calls for 100 listings", n)
		}
	})
}

// While a node is down its players stay in matches, and what it is sent waits; when it is
// lost they leave.
func TestMatchesWhileANodeIsDownOrLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b", "c")
		for _, a := range all {
			defer a.close()
		}
		a, b, c := all[0], all[1], all[2]
		id, g := a.play(t)
		ann, ben, cat := a.player("ann"), b.player("ben"), c.player("cat")
		after(100 * time.Millisecond)
		for _, p := range []*player{ann, ben, cat} {
			if _, err := p.join(id); err != nil {
				t.Fatal(err)
			}
		}
		after(100 * time.Millisecond)
		g.told()
		ann.told()

		w.net.Cut("a", "b")
		after(5 * time.Second)
		if got := g.told() + ann.told(); got != "[][]" {
			t.Errorf("with b down, the match and ann are told %s", got)
		}
		began := time.Now()
		_, err := b.matches.Signal(t.Context(), id, "x")
		if fault.CodeOf(err) != fault.Unavailable || time.Since(began) > 10*time.Millisecond {
			t.Errorf("a signal to a node that is down: %v after %v", err, time.Since(began))
		}
		if _, err := b.player("bob").join(id); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("joining a match of a node that is down: %v", err)
		}
		if err := b.matches.Data(ben.id, &match.DataSend{ID: id, OpCode: dataCode, Data: []byte("1"), Reliable: true}); err != nil {
			t.Error(err)
		}
		had := ben.ticks[id]
		w.net.Heal()
		after(4 * time.Second)
		if got := g.told(); got != "[]" || g.last(ben) != 1 || ben.ticks[id] < had+80 || len(ben.wrong) > 0 {
			t.Errorf("b is back: %s, ben sent %d, has %d ticks of which %d from before, %v", got, g.last(ben), ben.ticks[id], had, ben.wrong)
		}

		w.net.Cut("a", "b")
		after(15 * time.Second)
		if got := g.told(); got != "[-ben]" || ben.on(g.stream()) {
			t.Errorf("b is lost: the match is told %s; ben is on its stream: %t", got, ben.on(g.stream()))
		}
		if got := ann.told(); got != "[-ben]" {
			t.Errorf("ann is told %s", got)
		}
		if _, in := g.in[cat.id]; !in || !cat.on(g.stream()) {
			t.Errorf("cat is in the match: %t, on its stream: %t", in, cat.on(g.stream()))
		}
		if _, err := b.matches.Signal(t.Context(), id, "x"); err != match.ErrNotFound {
			t.Errorf("a signal to a node that is lost: %v", err)
		}
		w.net.Heal()
		after(5 * time.Second)
		if _, err := ben.join(id); err != nil {
			t.Errorf("ben joins when b is back: %v", err)
		}
		after(20 * time.Second)
		if got := g.told(); got != "[+ben]" || !ben.on(g.stream()) || len(g.mistakes()) > 0 {
			t.Errorf("b is back: %s, %t, %v", got, ben.on(g.stream()), g.mistakes())
		}

		a.kill(w)
		after(15 * time.Second)
		if ben.on(g.stream()) || cat.on(g.stream()) {
			t.Errorf("the match's node is lost, and ben is on its stream: %t, cat: %t", ben.on(g.stream()), cat.on(g.stream()))
		}
		if _, err := ben.join(id); err != match.ErrNotFound {
			t.Errorf("joining a match of a node that is lost: %v", err)
		}
	})
}

// The creator's node asks another one for a match when it drains; one whose answer does not
// come leaves none behind.
func TestMatchIsPlacedElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b")
		a, b := all[0], all[1]
		other := w.arena("c", 1, cluster.MatchOptions{Digest: func() string { return "other modules" }})
		w.start(t, other.member)
		for _, x := range append(all, other) {
			defer x.close()
		}
		after(2 * time.Second)
		if id, err := a.matches.Create(t.Context(), "arena", nil); err != nil || a.matches.Count() != 1 {
			t.Errorf("a match stays near: %s, %v", id, err)
		}
		a.Drain()
		params := map[string]any{"label": "x", "n": 5, "list": []any{int64(1), "two"}}
		id, err := a.matches.Create(t.Context(), "arena", params)
		if err != nil || b.matches.Count() != 1 || other.matches.Count() != 0 {
			t.Fatalf("a draining node makes %s, %v", id, err)
		}
		if got := b.games[0].params; fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", params) {
			t.Errorf("the parameters %v arrive as %v", params, got)
		}
		if m, err := a.matches.Get(t.Context(), id); err != nil || m.GetLabel().GetValue() != "x" {
			t.Errorf("the match is %v, %v", m, err)
		}
		if _, err := a.matches.Create(t.Context(), "nonsense", nil); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("a match without a handler: %v", err)
		}

		// One that was made for nothing is ended there, others are not.
		newest := a.matches.Newest()
		unused, err := a.matches.Create(t.Context(), "arena", nil)
		if err != nil || b.matches.Count() != 2 {
			t.Fatalf("a draining node makes %s, %v", unused, err)
		}
		a.matches.EndUnused(id, newest)
		a.matches.EndUnused(unused, newest)
		after(time.Second)
		if m, err := a.matches.Get(t.Context(), id); m == nil || b.matches.Count() != 1 {
			t.Errorf("the match that was there before is %v, %v; b has %d", m, err, b.matches.Count())
		}

		w.net.CutOneWay("b", "a") // the call arrives, the answer does not
		short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := a.matches.Create(short, "arena", nil); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("a match whose answer does not come: %v", err)
		}
		w.net.Heal()
		after(3 * time.Second)
		if n := b.matches.Count(); n != 1 {
			t.Errorf("b has %d matches", n)
		}
	})
}

// Of nodes with the same modules, new matches go to all.
func TestMatchesAreSpread(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		var all []*arena
		for _, name := range []string{"a", "b", "c"} {
			x := w.arena(name, 1, cluster.MatchOptions{Spread: true})
			w.start(t, x.member)
			all = append(all, x)
			defer x.close()
		}
		after(2 * time.Second)
		for range 60 {
			if _, err := all[0].matches.Create(t.Context(), "arena", nil); err != nil {
				t.Fatal(err)
			}
			after(2 * time.Second) // they tell how many they have
		}
		for _, x := range all {
			if n := x.matches.Count(); n < 15 || n > 25 {
				t.Errorf("%s has %d of 60 matches", x.name, n)
			}
		}
	})
}

// Who is told of a relayed match can join it at once on another node.
func TestRelayedMatchOfAnotherNode(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.stop()
		all := w.arenas(t, "a", "b", "c")
		for _, a := range all {
			defer a.close()
		}
		ann, ben := all[0].player("ann"), all[1].player("ben")
		after(100 * time.Millisecond)
		w.net.Delay(20*time.Millisecond, 20*time.Millisecond)
		made, err := all[0].matches.CreateRelayed(&match.Joiner{Presence: *ann.presence()}, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ben.join(made.MatchId); err != nil {
			t.Fatalf("ben joins: %v", err)
		}
		after(200 * time.Millisecond)
		if err := all[0].matches.Data(ann.id, &match.DataSend{ID: made.MatchId, OpCode: 7, Data: []byte("hi"), Reliable: true}); err != nil {
			t.Fatal(err)
		}
		after(200 * time.Millisecond)
		if got := ann.told() + ben.told(); got != "[+ann +ben][+ben 7 hi]" {
			t.Errorf("ann and ben are told %s", got)
		}
		began := time.Now()
		if _, err := ben.join(uuid.Must(uuid.NewV4()).String() + "."); err != match.ErrNotFound || time.Since(began) > 300*time.Millisecond {
			t.Errorf("a match that does not exist: %v after %v", err, time.Since(began))
		}
		if n, err := all[2].matches.Kick(t.Context(), made.MatchId, func(user, _ uuid.UUID) bool { return user == ben.user }); n != 1 || err != nil {
			t.Errorf("kicked: %d, %v", n, err)
		}
		after(200 * time.Millisecond)
		if got := ann.told(); got != "[-ben]" {
			t.Errorf("ann is told %s", got)
		}
		if err := all[2].matches.End(t.Context(), made.MatchId, 0); err != nil {
			t.Error(err)
		}
		after(200 * time.Millisecond)
		if n := all[0].tracker.Count(presence.RelayedMatch(uuid.FromStringOrNil(made.MatchId[:36]))); n != 0 {
			t.Errorf("%d are in a match that was ended", n)
		}
	})
}
