package match

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kumi/store/fault"
)

// moving is a game that can move to another one.
type moving struct {
	game
	move func(tick int64, next *moving) (bool, error)
}

func (g *moving) Move(_ context.Context, tick int64, next Handler) (bool, error) {
	if g.move != nil {
		return g.move(tick, next.(*moving))
	}
	next.(*moving).ticks = g.ticks
	return true, nil
}

// handlers makes the registry return these games, in this order.
func (w *testRegistry) handlers(made ...*moving) {
	w.SetHandlers(func(string) (Factory, bool) {
		if len(made) == 0 {
			return nil, false
		}
		return func(_ context.Context, m Dispatcher) (Handler, error) {
			if len(made) == 0 {
				return nil, errors.New("no more games")
			}
			g := made[0]
			made = made[1:]
			g.m = m
			return g, nil
		}, true
	})
}

func TestSwap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		first, second := &moving{}, &moving{}
		second.init = func(context.Context, map[string]any) error { t.Error("init of the new code ran"); return nil }
		first.term = func(int) (bool, error) { t.Error("the old code was told to end"); return true, nil }
		w.handlers(first)
		id, err := w.Create(t.Context(), "duel", nil)
		if err != nil {
			t.Fatal(err)
		}
		ann := w.client("ann")
		w.mustJoin(ann, id)
		pass(250 * time.Millisecond)
		w.handlers(second)
		w.Swap(t.Context())
		synctest.Wait()
		at := first.ticked()
		pass(time.Second)
		if first.ticked() != at || first.shut != 1 {
			t.Errorf("the old handler ran %d ticks more and was closed %d times", first.ticked()-at, first.shut)
		}
		// Ticks go on from where they were: a gap would be recorded.
		if second.ticked() != at+10 || len(second.told()) != 0 {
			t.Errorf("the new handler is at tick %d, from %d on, and was told %v", second.ticked(), at, second.told())
		}
		if got, err := w.Signal(t.Context(), id, "x"); got != "re: x" || err != nil {
			t.Errorf("signal: %q %v", got, err)
		}
		w.Leave(ann.id, id)
		synctest.Wait()
		if told := second.told(); len(told) != 1 || !strings.HasPrefix(told[0], "leave ann") {
			t.Errorf("the new handler was told %v", told)
		}
	})
}

func TestSwapThatDoesNotGo(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(int64, *moving) (bool, error){
		"refused":  func(int64, *moving) (bool, error) { return false, fault.New(fault.FailedPrecondition, "no") },
		"same":     func(int64, *moving) (bool, error) { return false, nil },
		"panicked": func(int64, *moving) (bool, error) { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newTestRegistry(t, Options{})
				first, second := &moving{move: move}, &moving{}
				w.handlers(first)
				if _, err := w.Create(t.Context(), "duel", nil); err != nil {
					t.Fatal(err)
				}
				w.handlers(second)
				w.Swap(t.Context())
				pass(time.Second)
				if first.ticked() != 10 || first.shut != 0 || second.ticked() != 0 || second.shut != 1 {
					t.Errorf("old: %d ticks, closed %d times; new: %d, %d", first.ticked(), first.shut, second.ticked(), second.shut)
				}
				// A handler that no longer exists, and one whose factory fails.
				w.SetHandlers(func(string) (Factory, bool) { return nil, false })
				w.Swap(t.Context())
				w.SetHandlers(func(string) (Factory, bool) {
					return func(context.Context, Dispatcher) (Handler, error) { return nil, errors.New("no") }, true
				})
				w.Swap(t.Context())
				pass(time.Second)
				if first.ticked() != 20 {
					t.Errorf("%d ticks", first.ticked())
				}
			})
		})
	}
}

// A match that ends, or is busy, when it should move.
func TestSwapOfBusyMatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		gate := make(chan struct{})
		first, second := &moving{}, &moving{}
		first.loop = func(context.Context, int64, []*Data) (bool, error) { <-gate; return false, nil }
		w.handlers(first)
		if _, err := w.Create(t.Context(), "duel", nil); err != nil {
			t.Fatal(err)
		}
		pass(150 * time.Millisecond)
		w.handlers(second)
		w.Swap(t.Context()) // does not block
		close(gate)
		synctest.Wait()
		if first.shut != 1 || second.shut != 1 || w.Count() != 0 {
			t.Errorf("closed %d and %d times, %d matches", first.shut, second.shut, w.Count())
		}
	})
}

// A match that is created with a handler looked up before Swap, and registered
// after it.
func TestSwapFindsMatchesThatBegin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTestRegistry(t, Options{})
		gate := make(chan struct{})
		first, second := &moving{}, &moving{}
		first.init = func(context.Context, map[string]any) error { <-gate; return nil }
		w.handlers(first)
		go func() {
			if _, err := w.Create(context.Background(), "duel", nil); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		w.handlers(second)
		w.Swap(t.Context())
		close(gate)
		pass(time.Second)
		if second.ticked() == 0 || first.shut != 1 {
			t.Errorf("the match runs the old code: %d ticks, closed %d times", second.ticked(), first.shut)
		}
	})
}

func TestHandlersOfContext(t *testing.T) {
	t.Parallel()
	w := newTestRegistry(t, Options{})
	seen, hidden := &moving{}, &moving{}
	w.handlers(seen)
	ctx := WithHandlers(t.Context(), func(name string) (Factory, bool) {
		return func(context.Context, Dispatcher) (Handler, error) { return hidden, nil }, name == "new"
	})
	for name, want := range map[string]*moving{"new": hidden, "old": seen} {
		if _, err := w.Create(ctx, name, nil); err != nil || want.rate == 0 {
			t.Errorf("match %s: %v, its own handler began: %v", name, err, want.rate != 0)
		}
	}
}
