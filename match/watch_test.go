package match

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kumi/presence"
)

// watch begins to watch a match until the test ends.
func (w *testRegistry) watch(id string) *Watch {
	w.t.Helper()
	watch, err := w.Watch(id)
	if err != nil {
		w.t.Fatalf("watch %s: %v", id, err)
	}
	w.t.Cleanup(watch.Close)
	return watch
}

func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		g := &game{rate: 10}
		g.loop = func(_ context.Context, tick int64, messages []*Data) (bool, error) {
			for _, m := range messages {
				_ = g.m.BroadcastMessage(m.OpCode+1, bytes.ToUpper(m.Data), nil, nil, true)
				_ = g.m.BroadcastMessageDeferred(9, nil, nil, nil, true)
			}
			return true, nil
		}
		id, m := w.play("duel", g)
		pass(time.Second)
		if m.rec.Load() != nil {
			t.Fatal("a match that nobody watches is recorded")
		}
		watch := w.watch(id)
		ann := w.client("ann")
		w.mustJoin(ann, id)
		long := strings.Repeat("x", 2*keptData)
		for _, text := range []string{"left", long} {
			if err := w.Data(ann.id, &DataSend{ID: id, OpCode: 1, Data: []byte(text)}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Signal(t.Context(), id, "hello"); err != nil {
			t.Fatal(err)
		}
		pass(300 * time.Millisecond)
		ticks, missed := watch.Next(100)
		if len(ticks) != 3 || missed != 0 || ticks[1].Number != ticks[0].Number+1 {
			t.Fatalf("recorded %+v, missed %d", ticks, missed)
		}
		first := ticks[0]
		if first.AllInputs != 2 || len(first.Inputs) != 2 || first.Inputs[0].Sender.Session != ann.id || first.Inputs[0].OpCode != 1 || string(first.Inputs[0].Data) != "left" {
			t.Errorf("the inputs are %+v", first.Inputs)
		}
		if in := first.Inputs[1]; in.Size != len(long) || len(in.Data) != keptData {
			t.Errorf("of %d bytes %d were kept", in.Size, len(in.Data))
		}
		if first.AllBroadcasts != 4 || first.Broadcasts[0].OpCode != 2 || string(first.Broadcasts[0].Data) != "LEFT" || first.Broadcasts[0].Receivers != 1 {
			t.Errorf("the broadcasts are %+v", first.Broadcasts)
		}
		var kinds []string
		for _, e := range first.Events {
			kinds = append(kinds, e.Kind)
		}
		if !slices.Equal(kinds, []string{"join", "signal"}) || first.Events[1].Text != "hello" {
			t.Errorf("the events are %+v", first.Events)
		}
		if more, _ := watch.Next(100); len(more) != 0 {
			t.Errorf("seen twice: %+v", more)
		}
		state := watch.State()
		if state == nil || state.Text != `{"on":true}` || watch.State() != nil {
			t.Errorf("the state is %+v", state)
		}
		pass(100 * time.Millisecond)
		if next := watch.State(); next == nil || next.Tick <= state.Tick {
			t.Errorf("the next state is %+v", next)
		}
		if d := watch.Describe(); d.ID != id || d.Handler != "duel" || d.TickRate != 10 || len(d.Presences) != 1 || d.Ended {
			t.Errorf("described as %+v", d)
		}

		// Another watcher sees what was recorded; without one it is forgotten.
		other := w.watch(id)
		if seen, _ := other.Next(100); len(seen) != 4 || string(seen[0].Inputs[0].Data) != "left" {
			t.Errorf("another watcher sees %d ticks", len(seen))
		}
		watch.Close()
		watch.Close()
		if m.rec.Load() == nil {
			t.Error("the recording ended with its first watcher")
		}
		other.Close()
		if m.rec.Load() != nil {
			t.Error("the recording did not end with its last watcher")
		}
	})
}

func TestWatchIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		payload := []byte(strings.Repeat("x", keptData))
		large := false
		g := &game{rate: 60}
		g.loop = func(context.Context, int64, []*Data) (bool, error) {
			for range 2 * keptItems {
				if large {
					_ = g.m.BroadcastMessage(1, payload, nil, nil, true)
				}
			}
			return true, nil
		}
		id, m := w.play("duel", g)
		watch := w.watch(id)
		pass(20 * time.Second)
		ticks, missed := watch.Next(10)
		if len(ticks) != 10 || missed == 0 {
			t.Errorf("%d ticks, missed %d", len(ticks), missed)
		}
		m.setPaused(true)
		synctest.Wait()
		large = true
		m.setPaused(false)
		pass(20 * time.Second)
		all, missed := watch.Next(2 * keptTicks)
		size := 0
		for _, tick := range all {
			size += len(tick.data)
			if tick.AllBroadcasts > 0 && (tick.AllBroadcasts != 2*keptItems || len(tick.Broadcasts) != keptItems) {
				t.Fatalf("%d of %d broadcasts", len(tick.Broadcasts), tick.AllBroadcasts)
			}
		}
		if len(all) < 10 || len(all) > keptTicks || size > keptBytes || missed == 0 {
			t.Errorf("%d ticks of %d bytes, missed %d", len(all), size, missed)
		}
	})
}

// traced is an error with a stack trace.
type traced struct{ error }

func (traced) Trace() string { return "at loop (index.ts:3:7)" }

func TestWatchFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		g := &game{rate: 10, loop: func(_ context.Context, tick int64, _ []*Data) (bool, error) {
			if tick == 5 {
				return false, fmt.Errorf("loop: %w", traced{errors.New("no luck")})
			}
			return true, nil
		}}
		id, _ := w.play("duel", g)
		watch := w.watch(id)
		pass(time.Second)
		ticks, _ := watch.Next(100)
		last := ticks[len(ticks)-1]
		if last.Number != 5 || !strings.Contains(last.Error, "no luck") || !strings.Contains(last.Stack, "index.ts:3") || !watch.Describe().Ended || !watch.Ended() {
			t.Errorf("the last tick is %+v", last)
		}
		if _, err := w.Watch(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("watching it again: %v", err)
		}
	})
}

func TestPauseAndStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		g := &game{rate: 10}
		id, _ := w.play("duel", g)
		if err := w.Step(t.Context(), id); !errors.Is(err, ErrNotPaused) {
			t.Errorf("a step of a running match: %v", err)
		}
		watch := w.watch(id)
		if err := w.Pause(t.Context(), id, true); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		before := g.ticked()
		w.mustJoin(w.client("ann"), id)
		if _, err := w.Signal(t.Context(), id, "hello"); err != nil {
			t.Errorf("a signal to a paused match: %v", err)
		}
		pass(time.Second)
		if n := g.ticked(); n != before || !watch.Describe().Paused {
			t.Errorf("%d ticks while paused", n-before)
		}
		for range 2 {
			if err := w.Step(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if n := g.ticked(); n != before+2 {
			t.Errorf("%d ticks of two steps", n-before)
		}
		watch.Close()
		pass(time.Second)
		if n := g.ticked(); n != before+2 {
			t.Errorf("%d ticks after the last watcher left", n-before)
		}
		if err := w.Pause(t.Context(), id, false); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if n := g.ticked(); n < before+10 {
			t.Errorf("%d ticks after it went on", n-before)
		}
		if err := w.Pause(t.Context(), "nonsense", true); !errors.Is(err, ErrIDInvalid) {
			t.Errorf("no id: %v", err)
		}
	})
}

// editable is a game whose state can be changed.
type editable struct {
	*game
	state string
}

func (g *editable) State(context.Context) (string, error) { return g.state, nil }
func (g *editable) PatchState(_ context.Context, patch string) error {
	g.state = patch
	return nil
}

func TestPatchState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		id, _ := w.play("fixed", &game{rate: 10})
		if err := w.PatchState(t.Context(), id, "{}"); !errors.Is(err, ErrStateFixed) {
			t.Errorf("a state that cannot be changed: %v", err)
		}
		w.SetHandlers(func(string) (Factory, bool) {
			return func(_ context.Context, m Dispatcher) (Handler, error) {
				return &editable{&game{rate: 1, m: m}, `{"round":1}`}, nil
			}, true
		})
		id, err := w.Create(t.Context(), "editable", nil)
		if err != nil {
			t.Fatal(err)
		}
		watch := w.watch(id)
		if err := w.PatchState(t.Context(), id, `{"round":7}`); err != nil {
			t.Fatal(err)
		}
		if s := watch.State(); s == nil || s.Text != `{"round":7}` {
			t.Errorf("the state is %+v", s)
		}
	})
}

func TestWatchRelayedMatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		ann, bob := w.client("ann"), w.client("bob")
		made, err := w.CreateRelayed(ann.joiner(), "")
		if err != nil {
			t.Fatal(err)
		}
		id := made.MatchId
		w.mustJoin(bob, id)
		watch := w.watch(id)
		if err := w.Data(ann.id, &DataSend{ID: id, OpCode: 3, Data: []byte("hi")}); err != nil {
			t.Fatal(err)
		}
		ticks, _ := watch.Next(10)
		if len(ticks) != 1 || ticks[0].Inputs[0].Sender.Session != ann.id || ticks[0].Inputs[0].OpCode != 3 || string(ticks[0].Inputs[0].Data) != "hi" {
			t.Errorf("recorded %+v", ticks)
		}
		d := watch.Describe()
		if len(d.Presences) != 2 || d.Ended || d.Handler != "" || watch.Ended() {
			t.Errorf("described as %+v", d)
		}
		if again := watch.Describe(); !d.Equal(&again) {
			t.Errorf("described as %+v, then as %+v", d, again)
		}
		cat := w.client("cat")
		w.mustJoin(cat, id)
		if joined := watch.Describe(); d.Equal(&joined) {
			t.Error("a player who joined makes no difference")
		}
		watch.Close()
		if w.relays.Load() != nil {
			t.Error("the recording did not end")
		}
		if _, err := w.Watch("11111111-1111-4111-8111-111111111111."); !errors.Is(err, ErrNotFound) {
			t.Errorf("a match that nobody is in: %v", err)
		}
	})
}

// BenchmarkWatchedTick compares ticks of a match with eight players, one input each and a
// broadcast to all, that somebody watches or not. The handler takes as long as that of the
// load generator's match in JavaScript.
func BenchmarkWatchedTick(b *testing.B) {
	for _, handler := range []time.Duration{0, 30 * time.Microsecond} {
		for _, watched := range []bool{false, true} {
			b.Run(fmt.Sprintf("handler=%v/watched=%v", handler, watched), func(b *testing.B) {
				w := newTestRegistry(b, Options{})
				payload := bytes.Repeat([]byte("x"), 200)
				g := &game{rate: 1}
				g.loop = func(context.Context, int64, []*Data) (bool, error) {
					for end := time.Now().Add(handler); time.Now().Before(end); {
					}
					return true, g.m.BroadcastMessage(1, payload, nil, nil, true)
				}
				id, m := w.play("duel", g)
				m.setPaused(true)
				var input []*Data
				for i := range 8 {
					input = append(input, &Data{Presence: &presence.Presence{Meta: presence.Meta{Username: fmt.Sprint(i)}}, OpCode: 1, Data: []byte(`{"x":3,"y":-2}`)})
				}
				if watched {
					defer w.watch(id).Close()
				}
				b.ReportAllocs()
				for b.Loop() {
					m.loop(input, 0, 0)
				}
			})
		}
	}
}

// slowState is a game whose state takes long to describe.
type slowState struct {
	*game
	taken int
}

func (g *slowState) State(context.Context) (string, error) {
	g.taken++
	time.Sleep(20 * time.Millisecond)
	return "{}", nil
}

// Taking the state needs a few percent of the time at most, and nothing while nobody reads
// what was taken.
func TestStatesAreTakenSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		slow := &slowState{game: &game{rate: 20}}
		w.SetHandlers(func(string) (Factory, bool) {
			return func(_ context.Context, m Dispatcher) (Handler, error) { slow.m = m; return slow, nil }, true
		})
		id, err := w.Create(t.Context(), "slow", nil)
		if err != nil {
			t.Fatal(err)
		}
		watch := w.watch(id)
		pass(20 * time.Second)
		if slow.taken != 1 {
			t.Errorf("%d states were taken for a watcher that reads none", slow.taken)
		}
		for range 400 {
			watch.State()
			pass(50 * time.Millisecond)
		}
		if share := float64(slow.taken) * 20 / 20_000; share > 0.05 || slow.taken < 20 {
			t.Errorf("%d states in 20 s, %v of the time", slow.taken, share)
		}
	})
}

// Messages of a relayed match come from many goroutines; their numbers and times are in the
// order in which they are recorded.
func TestRelayedMessagesAreNumberedInOrder(t *testing.T) {
	t.Parallel()
	for range 50 {
		r := &recording{}
		var senders sync.WaitGroup
		for range 8 {
			senders.Go(func() {
				for range 100 {
					r.relayed(nil, 1, []byte("hi"), -1)
				}
			})
		}
		senders.Wait()
		ticks, _, _ := r.since(0, keptTicks)
		if len(ticks) != 800 {
			t.Fatalf("%d messages", len(ticks))
		}
		for i, tick := range ticks {
			if tick.Number != int64(i) || i > 0 && tick.At.Before(ticks[i-1].At) {
				t.Fatalf("message %d has the number %d", i, tick.Number)
			}
		}
	}
}
