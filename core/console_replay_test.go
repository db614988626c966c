package core

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"kumi/core/consolepb"
	"kumi/match"
	"kumi/presence"
	"kumi/store/storetest"
)

// counter is a match whose state is the number of its ticks. It ends with the last one.
type counter struct {
	ticks, last int64
	loop        func(tick int64) // is called in each tick
}

func (c *counter) Init(context.Context, map[string]any) (int, string, error) { return 60, "", nil }
func (c *counter) JoinAttempt(context.Context, int64, *match.Joiner, map[string]string) (match.Verdict, error) {
	return match.Verdict{Alive: true}, nil
}
func (c *counter) Join(context.Context, int64, []*presence.Presence) (bool, error)  { return true, nil }
func (c *counter) Leave(context.Context, int64, []*presence.Presence) (bool, error) { return true, nil }
func (c *counter) Loop(_ context.Context, tick int64, _ []*match.Data) (bool, error) {
	if c.loop != nil {
		c.loop(tick)
	}
	c.ticks++
	if tick == c.last {
		return false, errors.New("as planned")
	}
	return true, nil
}
func (c *counter) Terminate(context.Context, int64, int) (bool, error) { return true, nil }
func (c *counter) Signal(context.Context, int64, string) (bool, string, error) {
	return true, "", nil
}
func (c *counter) State(context.Context) (string, error) { return fmt.Sprint(c.ticks), nil }
func (c *counter) Close()                                {}
func (c *counter) AppendState(_ context.Context, dst []byte) ([]byte, bool, error) {
	return fmt.Append(dst, c.ticks), false, nil
}
func (c *counter) SetState(context.Context, []byte) error { return errors.New("not here") }

// replayConsole is a console with the recording of a counter of some ticks, whose replay calls
// loop in each tick.
func replayConsole(ctx context.Context, t *testing.T, c *testCore, last int64, loop func(tick int64)) (k *Console, name string) {
	t.Helper()
	recorder := match.NewRecorder(match.RecorderOptions{
		Mode: match.RecordError, MaxMatch: 1 << 20, MaxAll: 1 << 20, Folder: t.TempDir(), Logger: zerolog.Nop(),
		EncodeParams: func(map[string]any) ([]byte, error) { return nil, nil },
		DecodeParams: func([]byte) (map[string]any, error) { return map[string]any{}, nil },
	})
	c.matches = match.NewRegistry(match.Options{Node: testNode, Tracker: c.tracker, Router: presence.NewRouter(c.tracker), Recorder: recorder})
	handlers := func(loop func(int64)) func(string) (match.Factory, bool) {
		return func(string) (match.Factory, bool) {
			return func(context.Context, match.Dispatcher) (match.Handler, error) {
				return &counter{last: last, loop: loop}, nil
			}, true
		}
	}
	c.matches.SetHandlers(handlers(nil))
	k, err := c.NewConsole(ctx, ConsoleOptions{Handlers: func() (string, func(string) (match.Factory, bool)) { return "1", handlers(loop) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	if _, err := c.matches.Create(ctx, "counter", nil); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		list, err := k.ListRecordings(ctx, &consolepb.ListRecordingsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Recordings) == 1 {
			return k, list.Recordings[0].Name
		}
		if time.Now().After(deadline) {
			t.Fatal("there is no recording")
		}
		time.Sleep(time.Millisecond)
	}
}

// A request replays for a time only, and the next one goes on where it ended. One at a time
// runs, and a client that has gone ends its own.
func TestReplaysAreBounded(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), newTestCore(t, storetest.SQLite(t))
	const last = 9
	calls, entered, goOn := 0, make(chan int64, 1), make(chan struct{})
	blocks := int64(-1)
	k, name := replayConsole(ctx, t, c, last, func(tick int64) {
		calls++
		if tick == blocks {
			entered <- tick
			<-goOn
		}
	})
	ann, bob := &Operator{Username: "ann"}, &Operator{Username: "bob"}
	state := func(ctx context.Context, op *Operator, tick int64) (*consolepb.RecordedState, error) {
		return k.GetRecordedState(ctx, op, &consolepb.RecordedTickRequest{Name: name, Tick: float64(tick)})
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
