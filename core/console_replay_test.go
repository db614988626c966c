package core

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kumi/core/consolepb"
	"kumi/match"
	"kumi/store/fault"
	"kumi/store/storetest"
)

// A request replays for a time only, and the next one goes on where it ended. One at a time
// runs, and a client that has gone ends its own.
func TestReplaysAreBounded(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), newTestCore(t, storetest.SQLite(t))
	const last = 9
	calls, entered, goOn := 0, make(chan int64, 1), make(chan struct{})
	blocks := int64(-1)
	k, name := replayConsole(ctx, t, c, counting{last: last, loop: func(tick int64) {
		calls++
		if tick == blocks {
			entered <- tick
			<-goOn
		}
	}}, 1<<20)
	ann, bob := &Operator{Username: "ann"}, &Operator{Username: "bob"}
	state := func(ctx context.Context, op *Operator, tick int64) (*consolepb.RecordedState, error) {
		return k.GetRecordedState(ctx, op, &consolepb.RecordedStateRequest{Name: name, Tick: float64(tick)})
	}

	// With no time at all each request makes one call.
	k.replays.slice = 0
	for i := 0; ; i++ {
		s, err := state(ctx, ann, last)
		if err != nil {
			t.Fatal(err)
		}
		if s.Done != (i == last+1) { // the match's beginning, and the ticks but for the last one
			t.Fatalf("request %d: done %v, reached %v", i+1, s.Done, s.Reached)
		}
		if s.Done {
			if s.State.Json != "10" || s.Before.Json != "9" || calls != last+1 || s.FirstDifference != -1 {
				t.Errorf("the state is %v, %d ticks were replayed", s, calls)
			}
			break
		}
	}
	k.replays.slice = time.Hour
	if _, err := state(ctx, ann, last); err != nil || calls != last+1 {
		t.Errorf("the same tick again: %v, %d ticks were replayed", err, calls)
	}

	// Bob waits while ann's runs, and gives up. Ann's ends when she goes.
	blocks = 4
	gone, leave := context.WithCancel(ctx)
	ended := make(chan error)
	go func() {
		_, err := state(gone, ann, 8)
		ended <- err
	}()
	<-entered
	impatient, giveUp := context.WithCancel(ctx)
	giveUp()
	before := calls
	if _, err := state(impatient, bob, 0); !errors.Is(err, context.Canceled) || calls != before {
		t.Errorf("beside a replay that runs: %v", err)
	}
	leave()
	close(goOn)
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("a replay whose client has gone: %v", err)
	}
	if calls != before {
		t.Errorf("%d more ticks were replayed for a client that has gone", calls-before)
	}

	// It goes on with what was replayed, and few are kept.
	blocks = -1
	if s, err := state(ctx, ann, 8); err != nil || !s.Done || s.State.Json != "9" || calls != before+4 {
		t.Errorf("going on: %v, %v, %d more ticks were replayed", s, err, calls-before)
	}
	for i := range 2 * maxReplays {
		if _, err := state(ctx, &Operator{Username: fmt.Sprint(i)}, 1); err != nil {
			t.Fatal(err)
		}
	}
	if len(k.replays.list) != maxReplays {
		t.Errorf("%d replays are kept, not %d", len(k.replays.list), maxReplays)
	}
	k.Close()
	if _, err := state(ctx, ann, 1); err == nil || len(k.replays.list) != 0 {
		t.Errorf("after the end: %v, %d replays are kept", err, len(k.replays.list))
	}
}

// A replay is dropped when no request has used it for a time, counted from the end of the last
// one, however long that took.
func TestIdleReplaysAreDropped(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), newTestCore(t, storetest.SQLite(t))
	const idle = 5 * time.Millisecond
	k, name := replayConsole(ctx, t, c, counting{last: 3, loop: func(int64) { <-time.After(4 * idle) }}, 1<<20)
	k.replays.idle = idle
	if _, err := k.GetRecordedState(ctx, &Operator{Username: "ann"}, &consolepb.RecordedStateRequest{Name: name}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if err := k.replays.take(ctx); err != nil {
			t.Fatal(err)
		}
		kept := len(k.replays.list)
		k.replays.release()
		if kept == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the replay is kept although nobody uses it")
		}
	}
}

// The console closes although a replay does not end, and that replay is dropped when it does.
func TestCloseWithBlockedReplay(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), newTestCore(t, storetest.SQLite(t))
	entered, goOn := make(chan struct{}, 4), make(chan struct{})
	k, name := replayConsole(ctx, t, c, counting{last: 3, loop: func(int64) { entered <- struct{}{}; <-goOn }}, 1<<20)
	k.replays.stop = time.Millisecond
	state := func() error {
		_, err := k.GetRecordedState(ctx, &Operator{Username: "ann"}, &consolepb.RecordedStateRequest{Name: name})
		return err
	}
	ended := make(chan error)
	go func() { ended <- state() }()
	<-entered
	k.Close()
	if err := state(); !errors.Is(err, errStopping) {
		t.Errorf("after the end: %v", err)
	}
	close(goOn)
	<-ended
	if len(k.replays.list) != 0 {
		t.Errorf("%d replays are kept", len(k.replays.list))
	}
}

// What decides is the handler that would run: one in Go is not called, whatever was recorded.
func TestReplayRefusesGo(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), newTestCore(t, storetest.SQLite(t))
	k, name := replayConsole(ctx, t, c, counting{last: 3}, 1<<20)
	k.o.Handlers = func() MatchHandlers {
		return MatchHandlers{Version: "2", Go: func(name string) bool { return name == "counter" }, Find: func(string) (match.Factory, bool) {
			return func(context.Context, match.Dispatcher) (match.Handler, error) {
				t.Error("the handler in Go was made")
				return nil, errors.New("not this one")
			}, true
		}}
	}
	if _, err := k.GetRecordedState(ctx, &Operator{Username: "ann"}, &consolepb.RecordedStateRequest{Name: name}); !errors.Is(err, errGoReplay) {
		t.Errorf("the state: %v", err)
	}
	if r, err := k.GetRecording(ctx, &consolepb.RecordingName{Name: name}); err != nil || r.ReplayProblem != errGoReplay.Message {
		t.Errorf("the recording: %v, %q", err, r.GetReplayProblem())
	}
}

// Two viewers of one operator, such as pages in a browser, do not take the replay from each
// other: both come to their ticks.
func TestReplaysOfViewers(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), newTestCore(t, storetest.SQLite(t))
	const last = 9
	calls := 0
	k, name := replayConsole(ctx, t, c, counting{last: last, loop: func(int64) { calls++ }}, 1<<20)
	k.replays.slice = 0
	ticks := map[string]float64{"one": 4, "two": last}
	for requests := 0; len(ticks) > 0; requests++ {
		if requests > 2*(last+2) {
			t.Fatalf("after %d requests each, %v are not done", requests, ticks)
		}
		for viewer, tick := range ticks {
			s, err := k.GetRecordedState(ctx, &Operator{Username: "admin"}, &consolepb.RecordedStateRequest{Name: name, Tick: tick, Viewer: viewer})
			if err != nil {
				t.Fatal(err)
			}
			if s.Done {
				delete(ticks, viewer)
			}
		}
	}
	if calls != 5+last+1 {
		t.Errorf("%d ticks were replayed, want %d", calls, 5+last+1)
	}
	if _, err := k.GetRecordedState(ctx, &Operator{}, &consolepb.RecordedStateRequest{Name: name, Viewer: strings.Repeat("x", maxViewer+1)}); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a long viewer: %v", err)
	}
}
