package match

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
)

func TestTicks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		games := map[int][]*game{}
		for _, rate := range []int{1, 7, 10, 60} {
			for range 20 {
				g := &game{rate: rate}
				games[rate] = append(games[rate], g)
				w.play("g", g)
				pass(3 * time.Millisecond) // they begin at different times
			}
		}
		before := map[*game]int{}
		for _, all := range games {
			for _, g := range all {
				before[g] = g.ticked()
			}
		}
		pass(10 * time.Second)
		for rate, all := range games {
			for _, g := range all {
				if n := g.ticked() - before[g]; n < rate*10-1 || n > rate*10+1 {
					t.Errorf("%d ticks in 10 s at %d per second", n, rate)
				}
				if len(g.told()) > 0 {
					t.Errorf("ticks out of order: %v", g.told())
				}
			}
		}
	})
}

func TestMatchesComeAndGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		for i := range 50 {
			g := &game{rate: 20}
			last := i%5 + 1
			g.loop = func(context.Context, int64, []*Data) (bool, error) { return g.ticked() < last, nil }
			w.play("g", g)
			pass(7 * time.Millisecond)
			defer func() {
				if g.shut != 1 || g.ticked() != last {
					t.Errorf("closed %d times after %d ticks, want once after %d", g.shut, g.ticked(), last)
				}
			}()
		}
		pass(time.Second)
		if w.Count() != 0 {
			t.Errorf("%d matches are left", w.Count())
		}
	})
}

func TestSlowLoopSkipsTicks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		g := &game{rate: 10}
		g.loop = func(context.Context, int64, []*Data) (bool, error) { time.Sleep(time.Second); return true, nil }
		id, _ := w.play("slow", g)
		pass(60 * time.Second)
		if m, _ := w.Get(context.Background(), id); m == nil {
			t.Fatal("a slow match was ended")
		}
		if n := g.ticked(); n < 55 || n > 61 {
			t.Errorf("%d ticks in 60 s of loops that take one", n)
		}
		w.counts.mu.Lock()
		defer w.counts.mu.Unlock()
		if w.counts.skipped < 400 {
			t.Errorf("%d skipped ticks were counted, want about 540", w.counts.skipped)
		}
	})
}

func TestInput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{InputQueue: 5})
		var got []string
		g := &game{rate: 1}
		g.loop = func(_ context.Context, _ int64, messages []*Data) (bool, error) {
			for _, d := range messages {
				got = append(got, d.GetUsername()+" "+string(d.GetData()))
				if d.GetOpCode() != 4 || !d.GetReliable() || d.GetReceiveTime() == 0 {
					t.Errorf("message %+v", d)
				}
			}
			return true, nil
		}
		id, _ := w.play("g", g)
		ann, eve := w.client("ann"), w.client("eve")
		w.mustJoin(ann, id)
		send := func(c *client, text string) {
			if err := w.Data(c.id, &DataSend{ID: id, OpCode: 4, Data: []byte(text), Reliable: true}); err != nil {
				t.Error(err)
			}
		}
		send(eve, "not a member")
		for _, text := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			send(ann, text)
		}
		pass(1100 * time.Millisecond)
		if want := []string{"ann a", "ann b", "ann c", "ann d", "ann e"}; !slices.Equal(got, want) {
			t.Errorf("the loop got %q, want %q", got, want)
		}
		if w.counts.dropped["input"] != 2 {
			t.Errorf("%d dropped messages were counted", w.counts.dropped["input"])
		}
		send(ann, "next")
		pass(time.Second)
		if got[len(got)-1] != "ann next" {
			t.Errorf("after the drop the loop got %q", got)
		}
		if err := w.Data(ann.id, &DataSend{ID: "junk"}); !errors.Is(err, runtime.ErrMatchIdInvalid) {
			t.Errorf("error %v for a bad id", err)
		}
	})
}

func TestJoinAndLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		attempts := 0
		g := &game{label: "one"}
		g.attempt = func(j *Joiner, _ map[string]string) (Verdict, error) {
			attempts++
			return Verdict{Alive: true, Accept: j.Username != "eve", Reason: "not eve"}, nil
		}
		id, _ := w.play("g", g)
		ann, bob, eve := w.client("ann"), w.client("bob"), w.client("eve")
		w.mustJoin(ann, id)
		m := w.mustJoin(bob, id)
		if m.Size != 1 || m.Presences[0].Username != "ann" || m.Self.Username != "bob" || m.Label.Value != "one" || !m.Authoritative {
			t.Errorf("joined %v", m)
		}
		if m = w.mustJoin(bob, id); attempts != 2 || m.Size != 2 || len(m.Presences) != 2 || m.Presences[1].Username != "bob" {
			t.Errorf("a member was asked about again (%d attempts), or does not see itself: %v", attempts, m)
		}
		var rejected *Rejected
		if _, err := w.join(eve, id); !errors.As(err, &rejected) || rejected.Reason != "not eve" {
			t.Errorf("error %v, want the refusal", err)
		}
		// A member that left has to ask again.
		if err := w.Leave(bob.id, id); err != nil {
			t.Error(err)
		}
		w.mustJoin(bob, id)
		if attempts != 4 {
			t.Errorf("%d attempts, want one more after leaving", attempts)
		}
		w.tracker.End(ann.id, runtime.PresenceReasonDisconnect)
		synctest.Wait()
		want := []string{"join ann 0", "join bob 0", "leave bob 3", "join bob 0", "leave ann 4"}
		if got := g.told(); !slices.Equal(got, want) {
			t.Errorf("the handler was told %q, want %q", got, want)
		}
		// Module code may add sessions to the stream and remove them.
		_, mm := id, w.only()
		if _, _, err := w.tracker.Track(eve.id, mm.stream, presence.Meta{}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := g.told(); got[len(got)-1] != "join eve 1" || mm.size.Load() != 2 {
			t.Errorf("the handler was told %q", got)
		}
	})
}

func TestListAtOnceAfterJoin(t *testing.T) {
	t.Parallel()
	w := newTestRegistry(t, Options{})
	busy := make(chan struct{})
	defer close(busy)
	id, _ := w.play("g", &game{join: func([]*presence.Presence) (bool, error) { <-busy; return true, nil }})
	w.mustJoin(w.client("ann"), id)
	one := 1
	if list, err := w.List(t.Context(), ListFilter{Limit: 10, MinSize: &one}); err != nil || len(list) != 1 {
		t.Errorf("before the handler knows of the join, matches with a member are %v (%v)", list, err)
	}
}

func (w *testRegistry) only() *Match {
	w.Registry.mu.RLock()
	defer w.Registry.mu.RUnlock()
	for _, m := range w.matches {
		return m
	}
	return nil
}

func TestJoinAttemptQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{JoinAttemptQueue: 2})
		release := make(chan struct{})
		asked := 0
		g := &game{rate: 1}
		g.attempt = func(*Joiner, map[string]string) (Verdict, error) {
			asked++
			<-release
			return Verdict{Alive: true, Accept: true}, nil
		}
		id, m := w.play("g", g)
		results := make(chan error, 10)
		for range 3 { // one in the handler, two in the queue
			c := w.client("c")
			go func() { _, err := w.join(c, id); results <- err }()
			synctest.Wait()
		}
		var rejected *Rejected
		if _, err := w.join(w.client("d"), id); !errors.As(err, &rejected) || rejected.Reason != reasonFull {
			t.Errorf("error %v with a full queue", err)
		}
		pass(11 * time.Second)
		for range 3 {
			if err := <-results; !errors.As(err, &rejected) || rejected.Reason != "" {
				t.Errorf("error %v after the wait, want a refusal without reason", err)
			}
		}
		close(release)
		synctest.Wait()
		if asked != 1 || m.size.Load() != 0 || len(g.told()) != 0 {
			t.Errorf("after all had given up the handler was asked %d times and has %d members", asked, m.size.Load())
		}
		w.mustJoin(w.client("e"), id)
	})
}

func TestSignals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{SignalQueue: 2})
		release := make(chan struct{})
		a, b := &game{rate: 1}, &game{rate: 1}
		var idA, idB string
		a.signal = func(ctx context.Context, data string) (bool, string, error) {
			switch data {
			case "wait":
				<-release
			case "self":
				_, err := w.Signal(ctx, idA, "x")
				return true, fmt.Sprint(err), nil
			case "other":
				_, err := w.Signal(ctx, idB, "back")
				return true, fmt.Sprint(err), nil
			case "end":
				return false, "bye", nil
			}
			return true, "re: " + data, nil
		}
		b.signal = func(ctx context.Context, data string) (bool, string, error) {
			_, err := w.Signal(ctx, idA, "x") // a waits for b
			return true, fmt.Sprint(err), nil
		}
		idA, _ = w.play("a", a)
		idB, _ = w.play("b", b)
		ctx := context.Background()
		if re, err := w.Signal(ctx, idA, "hello"); err != nil || re != "re: hello" {
			t.Errorf("got %q, %v", re, err)
		}
		began := time.Now()
		if re, err := w.Signal(ctx, idA, "self"); err != nil || re != "match busy" || time.Since(began) > time.Second {
			t.Errorf("a match that signals itself got %q, %v after %s", re, err, time.Since(began))
		}
		if _, err := w.Signal(ctx, idA, "other"); !errors.Is(err, runtime.ErrMatchBusy) && err != nil {
			t.Errorf("matches that wait for each other: %v", err)
		}
		pass(time.Minute)
		for _, c := range []struct {
			id   string
			want error
		}{
			{"junk", runtime.ErrMatchIdInvalid}, {idA[:36] + ".mars", runtime.ErrMatchNotFound}, {idA[:36] + ".", runtime.ErrMatchNotFound},
		} {
			if _, err := w.Signal(ctx, c.id, ""); !errors.Is(err, c.want) {
				t.Errorf("signal %s: %v, want %v", c.id, err, c.want)
			}
		}
		results := make(chan error, 3)
		for range 3 {
			go func() { _, err := w.Signal(ctx, idA, "wait"); results <- err }()
			synctest.Wait()
		}
		if _, err := w.Signal(ctx, idA, "wait"); !errors.Is(err, runtime.ErrMatchBusy) {
			t.Errorf("error %v with a full queue", err)
		}
		pass(11 * time.Second)
		for range 3 {
			if err := <-results; !errors.Is(err, runtime.ErrMatchBusy) {
				t.Errorf("error %v after the wait", err)
			}
		}
		close(release)
		synctest.Wait()
		members, _, state, err := w.State(ctx, idA)
		if err != nil || state != `{"on":true}` || len(members) != 0 {
			t.Errorf("state %q, %v, %v", state, members, err)
		}
		if re, err := w.Signal(ctx, idA, "end"); err != nil || re != "bye" {
			t.Errorf("the signal that ends a match gave %q, %v", re, err)
		}
		if _, err := w.Signal(ctx, idA, "x"); !errors.Is(err, runtime.ErrMatchNotFound) {
			t.Errorf("a signal to an ended match gave %v", err)
		}
	})
}

func TestJoinMarker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		g := &game{}
		_, m := w.play("g", g)
		c := w.client("late")
		got, err := m.ask(context.Background(), c.joiner(), nil)
		if err != nil || !got.accepted {
			t.Fatalf("asked: %v, %v", got, err)
		}
		pass(14 * time.Second)
		if m.size.Load() != 1 {
			t.Error("taken out too early")
		}
		pass(3 * time.Second)
		if want := []string{"join late 0", "leave late 4"}; !slices.Equal(g.told(), want) || m.size.Load() != 0 {
			t.Errorf("the handler was told %q, want %q", g.told(), want)
		}
	})
}

func TestEmptyMatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{MaxEmpty: 5 * time.Second})
		g := &game{}
		id, _ := w.play("g", g)
		c := w.client("ann")
		pass(4 * time.Second)
		w.mustJoin(c, id)
		pass(time.Minute)
		if w.Count() != 1 {
			t.Fatal("a match with a member was ended")
		}
		_ = w.Leave(c.id, id)
		pass(4 * time.Second)
		if w.Count() != 1 {
			t.Error("ended too early")
		}
		pass(2 * time.Second)
		if w.Count() != 0 || slices.ContainsFunc(g.told(), func(s string) bool { return strings.HasPrefix(s, "term") }) || g.shut != 1 {
			t.Errorf("%d matches left, told %q, closed %d times", w.Count(), g.told(), g.shut)
		}
	})
}

func TestStopWithGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		stays, goes := &game{}, &game{}
		var left int
		goes.term = func(int) (bool, error) { left = 2; return true, nil }
		goes.loop = func(context.Context, int64, []*Data) (bool, error) {
			if left > 0 {
				left--
				return left > 0, nil
			}
			return true, nil
		}
		w.play("stays", stays)
		w.play("goes", goes)
		c := w.client("ann")
		began := time.Now()
		done := make(chan struct{})
		go func() { w.Stop(context.Background(), 3); close(done) }()
		synctest.Wait()
		if _, err := w.try("new", &game{}, nil); !errors.Is(err, ErrStopping) {
			t.Errorf("a match was made while stopping: %v", err)
		}
		pass(time.Second)
		if w.Count() != 1 {
			t.Errorf("%d matches after one ended itself", w.Count())
		}
		<-done
		if took := time.Since(began); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("stopping took %s", took)
		}
		for _, g := range []*game{stays, goes} {
			if got := g.told(); len(got) != 1 || got[0] != "terminate 3" || g.shut != 1 {
				t.Errorf("told %q, closed %d times", got, g.shut)
			}
		}
		if len(c.closedBy()) != 0 {
			t.Error("a socket was closed")
		}
	})
}

func TestFailureEndsOneMatch(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"error", "panic", "quiet"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newTestRegistry(t, Options{})
				bad, good := &game{}, &game{}
				bad.loop = func(_ context.Context, _ int64, messages []*Data) (bool, error) {
					if len(messages) == 0 {
						return true, nil
					}
					switch how {
					case "error":
						return true, errors.New("broken")
					case "panic":
						panic("broken")
					}
					return false, nil
				}
				idBad, _ := w.play("bad", bad)
				idGood, _ := w.play("good", good)
				ann, bob := w.client("ann"), w.client("bob")
				w.mustJoin(ann, idBad)
				w.mustJoin(bob, idGood)
				_ = w.Data(ann.id, &DataSend{ID: idBad})
				pass(time.Second)
				if m, _ := w.Get(context.Background(), idBad); m != nil {
					t.Error("the match is still there")
				}
				want := []presence.CloseReason{presence.MatchFailed}
				if how == "quiet" {
					want = nil
				}
				if got := ann.closedBy(); !slices.Equal(got, want) {
					t.Errorf("its client was closed for %v, want %v", got, want)
				}
				if w.tracker.Total() != 1 || bad.shut != 1 {
					t.Errorf("%d presences left, handler closed %d times", w.tracker.Total(), bad.shut)
				}
				if err := bad.m.BroadcastMessage(1, nil, nil, nil, true); err == nil || err.Error() != "match stopped" {
					t.Errorf("a stopped match broadcasts: %v", err)
				}
				if len(bob.closedBy()) != 0 || w.Count() != 1 {
					t.Error("another match suffered")
				}
				if _, err := w.join(ann, idBad); !errors.Is(err, ErrNotFound) {
					t.Errorf("joining an ended match gave %v", err)
				}
			})
		})
	}
}

// The load of a node is the share of the ticks that are late.
func TestLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		slow, quick := &game{rate: 10}, atomic.Bool{}
		slow.loop = func(context.Context, int64, []*Data) (bool, error) {
			if slow.ticked()%2 == 0 && !quick.Load() {
				time.Sleep(150 * time.Millisecond)
			}
			return true, nil
		}
		w.play("slow", slow)
		w.Load()
		pass(10 * time.Second)
		if n, late := w.Load(); n != 1 || late < 30 || late > 50 {
			t.Errorf("%d matches, and %d percent of the ticks are late, of which each other takes one and a half", n, late)
		}
		quick.Store(true)
		pass(2 * time.Second)
		w.Load()
		pass(10 * time.Second)
		if _, late := w.Load(); late != 0 {
			t.Errorf("%d percent are late of ticks that take no time", late)
		}
	})
}
