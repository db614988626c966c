package match

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
)

// within runs f inside the handler of a match.
func within(t *testing.T, w *testRegistry, g *game, id string, f func()) {
	t.Helper()
	g.signal = func(context.Context, string) (bool, string, error) { f(); return true, "", nil }
	if _, err := w.Signal(context.Background(), id, ""); err != nil {
		t.Fatal(err)
	}
}

func TestBroadcast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{DeferredQueue: 2})
		g := &game{}
		id, _ := w.play("g", g)
		ann, bob, eve := w.client("ann"), w.client("bob"), w.client("eve")
		w.mustJoin(ann, id)
		w.mustJoin(bob, id)
		at := func(c *client) *presence.Presence { p := c.joiner().Presence; return &p }
		check := func(what string, wantAnn, wantBob []string) {
			t.Helper()
			synctest.Wait()
			if got := ann.heard(); !slices.Equal(got, wantAnn) {
				t.Errorf("%s: ann heard %q, want %q", what, got, wantAnn)
			}
			if got := bob.heard(); !slices.Equal(got, wantBob) {
				t.Errorf("%s: bob heard %q, want %q", what, got, wantBob)
			}
			if got := eve.heard(); len(got) > 0 {
				t.Errorf("%s: eve, who is no member, heard %q", what, got)
			}
		}
		within(t, w, g, id, func() { _ = g.m.BroadcastMessage(1, []byte("x"), nil, nil, true) })
		check("to all", []string{"1 x "}, []string{"1 x "})
		within(t, w, g, id, func() {
			_ = g.m.BroadcastMessage(2, nil, []runtime.Presence{}, nil, true)
			_ = g.m.BroadcastMessage(3, []byte("y"), []runtime.Presence{at(bob), at(eve)}, at(ann), true)
		})
		check("to some", nil, []string{"3 y ann"})
		data := []byte("one")
		within(t, w, g, id, func() {
			for _, want := range []error{nil, nil, runtime.ErrDeferredBroadcastFull} {
				if err := g.m.BroadcastMessageDeferred(4, data, nil, nil, true); !errors.Is(err, want) {
					t.Errorf("deferred: %v, want %v", err, want)
				}
			}
			copy(data, "two") // may be reused
			if len(ann.heard()) > 0 {
				t.Error("a deferred message was sent at once")
			}
			_ = g.m.BroadcastMessage(5, data, nil, nil, true)
			copy(data, "xxx")
		})
		check("deferred", []string{"5 two ", "4 one ", "4 one "}, []string{"5 two ", "4 one ", "4 one "})
		within(t, w, g, id, func() {
			if err := g.m.BroadcastMessage(1, nil, []runtime.Presence{stranger{}}, nil, true); err == nil {
				t.Error("a recipient without session was accepted")
			}
			if err := g.m.BroadcastMessage(1, nil, nil, stranger{}, true); err == nil {
				t.Error("a sender without fields was accepted")
			}
		})
	})
}

// stranger is a presence made up by module code.
type stranger struct{}

func (stranger) GetUserId() string                 { return "" }
func (stranger) GetSessionId() string              { return "?" }
func (stranger) GetNodeId() string                 { return "here" }
func (stranger) GetHidden() bool                   { return false }
func (stranger) GetPersistence() bool              { return false }
func (stranger) GetUsername() string               { return "" }
func (stranger) GetStatus() string                 { return "" }
func (stranger) GetReason() runtime.PresenceReason { return 0 }

// A handler greets in its join call, before the client is on the stream.
func TestBroadcastInJoinReachesTheJoiner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		g := &game{}
		g.join = func(joins []*presence.Presence) (bool, error) {
			return true, g.m.BroadcastMessage(1, []byte("state"), []runtime.Presence{joins[0]}, nil, true)
		}
		id, _ := w.play("g", g)
		ann := w.client("ann")
		w.mustJoin(ann, id)
		synctest.Wait()
		if got := ann.heard(); !slices.Equal(got, []string{"1 state "}) {
			t.Errorf("heard %q", got)
		}
	})
}

func TestKickAndLabel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		g := &game{label: "open"}
		id, m := w.play("g", g)
		ann, bob := w.client("ann"), w.client("bob")
		w.mustJoin(ann, id)
		w.mustJoin(bob, id)
		p := ann.joiner().Presence
		within(t, w, g, id, func() {
			if err := g.m.MatchKick([]runtime.Presence{&p}); err != nil {
				t.Error(err)
			}
			if got := g.told(); len(got) != 2 {
				t.Errorf("told %q inside the kick, want the leave to follow", got)
			}
			_ = g.m.MatchKick(nil)
			if err := g.m.MatchLabelUpdate(strings.Repeat("x", 2049)); !errors.Is(err, runtime.ErrMatchLabelTooLong) {
				t.Errorf("long label: %v", err)
			}
			_ = g.m.MatchLabelUpdate("closed")
		})
		synctest.Wait()
		if got := g.told(); got[len(got)-1] != "leave ann 3" || m.size.Load() != 1 || len(ann.closedBy()) != 0 {
			t.Errorf("told %q, %d members", got, m.size.Load())
		}
		if g.m.Label() != "closed" || g.m.TickRate() != 10 || g.m.MatchID() != id || g.m.Node() != "here" {
			t.Errorf("the match says it is %s %s %d %s", g.m.MatchID(), g.m.Node(), g.m.TickRate(), g.m.Label())
		}
		_ = bob
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		idA, _ := w.play("a", &game{label: "red"})
		idB, _ := w.play("b", &game{label: "blue", rate: 3})
		idC, _ := w.play("c", &game{label: "red"})
		ann, bob := w.client("ann"), w.client("bob")
		w.mustJoin(ann, idB)
		relayed, err := w.CreateRelayed(bob.joiner(), "")
		if err != nil {
			t.Fatal(err)
		}
		p := func(n int) *int { return &n }
		s := func(s string) *string { return &s }
		b := func(b bool) *bool { return &b }
		for _, c := range []struct {
			name string
			f    ListFilter
			want []string
		}{
			{"all", ListFilter{Limit: 10}, []string{idC, idB, idA, relayed.MatchId}},
			{"limit", ListFilter{Limit: 2}, []string{idC, idB}},
			{"none", ListFilter{}, nil},
			{"label", ListFilter{Limit: 10, Label: s("red")}, []string{idC, idA}},
			{"relayed", ListFilter{Limit: 10, Authoritative: b(false)}, []string{relayed.MatchId}},
			{"relayed with label", ListFilter{Limit: 10, Authoritative: b(false), Label: s("red")}, nil},
			{"authoritative", ListFilter{Limit: 10, Authoritative: b(true)}, []string{idC, idB, idA}},
			{"size", ListFilter{Limit: 10, MinSize: p(1)}, []string{idB, relayed.MatchId}},
			{"max size", ListFilter{Limit: 10, MaxSize: p(0)}, []string{idC, idA}},
			{"query for all", ListFilter{Limit: 10, Query: s("*"), Label: s("red")}, []string{idC, idB, idA}},
		} {
			found, err := w.List(context.Background(), c.f)
			var got []string
			for _, m := range found {
				got = append(got, m.MatchId)
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
			}
		}
		if m, _ := w.Get(context.Background(), idB); m.Size != 1 || m.TickRate != 3 || m.HandlerName != "b" || m.Label.Value != "blue" || !m.Authoritative {
			t.Errorf("got %v", m)
		}
		if m, _ := w.Get(context.Background(), relayed.MatchId); m.Size != 1 || m.Authoritative || m.Label != nil {
			t.Errorf("got %v", m)
		}
		if m, err := w.Get(context.Background(), idA[:36]+".mars"); m != nil || err != nil {
			t.Errorf("another node's match is %v, %v", m, err)
		}
		if _, err := w.Get(context.Background(), "junk"); !errors.Is(err, runtime.ErrMatchIdInvalid) {
			t.Errorf("bad id: %v", err)
		}
	})
}

func TestSingleMatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		g := &game{}
		id, _ := w.play("g", g)
		ann, bob := w.client("ann"), w.client("bob")
		relayed, _ := w.CreateRelayed(bob.joiner(), "r")
		w.mustJoin(ann, id)
		if _, err := w.Join(context.Background(), JoinRequest{ID: relayed.MatchId, Joiner: ann.joiner(), Single: true}); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if got := g.told(); got[len(got)-1] != "leave ann 3" {
			t.Errorf("told %q, want ann to have left", got)
		}
		if w.tracker.Total() != 2 {
			t.Errorf("%d presences", w.tracker.Total())
		}
	})
}

func BenchmarkBroadcast(b *testing.B) {
	w := newTestRegistry(b, Options{})
	g := &game{rate: 1}
	id, m := w.play("g", g)
	const receivers = 100
	for range receivers {
		c := w.client("c")
		w.sessions.Remove(c.id)
		w.sessions.Add(&nobody{client{id: c.id, user: c.user, name: c.name}})
		w.mustJoin(c, id)
	}
	data := []byte(strings.Repeat("x", 190))
	b.ReportAllocs()
	for b.Loop() {
		if err := m.BroadcastMessage(1, data, nil, nil, true); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/receivers, "ns/receiver")
}

// nobody is a session that discards what it gets.
type nobody struct{ client }

func (n *nobody) Send(m *presence.Message) { _, _ = m.Bytes(presence.JSON) }
