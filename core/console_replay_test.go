package core

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"

	"kumi/core/consolepb"
	"kumi/match"
	"kumi/presence"
	"kumi/store/fault"
	"kumi/store/storetest"
)

// counter is a match whose state is the number of its ticks. It fails in the last one.
type counter struct {
	counting
	d     match.Dispatcher
	ticks int64
}

type counting struct {
	last       int64
	broadcasts int              // of 1 KB, in each tick
	whole      bool             // the state can be set
	restored   int64            // the tick of the snapshot that the match is restored from; 0: it is new
	loop       func(tick int64) // is called in each tick of a replay
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
	for i := range c.broadcasts {
		data := make([]byte, 1<<10)
		_, _ = rand.NewChaCha8([32]byte{byte(tick), byte(i)}).Read(data) // which cannot be compressed
		_ = c.d.BroadcastMessage(1, data, nil, nil, true)
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
	return fmt.Append(dst, c.ticks), c.whole, nil
}
func (c *counter) SetState(_ context.Context, state []byte) error {
	_, err := fmt.Sscan(string(state), &c.ticks)
	return err
}

func (c *counter) Snapshot(context.Context, int64) ([]byte, error) {
	return fmt.Append(nil, c.ticks), nil
}
func (c *counter) Restore(ctx context.Context, _ int64, state []byte, _ []*presence.Presence) (bool, error) {
	return true, c.SetState(ctx, state)
}

// oneSnapshot is a store with the snapshot of one match.
type oneSnapshot struct {
	match.SnapshotStore
	*match.Snapshot
}

func (s oneSnapshot) ReadSnapshots(_ context.Context, _ string, each func(*match.Snapshot, error)) error {
	each(s.Snapshot, nil)
	return nil
}

func (oneSnapshot) WriteSnapshots(context.Context, string, []*match.Snapshot, []uuid.UUID) error {
	return nil
}

// replayConsole is a console with the recording of a counter, of at most max bytes.
func replayConsole(ctx context.Context, t *testing.T, c *testCore, of counting, max int) (k *Console, name string) {
	t.Helper()
	recorder := match.NewRecorder(match.RecorderOptions{
		Mode: match.RecordError, MaxMatch: max, MaxAll: 64 << 20, Folder: t.TempDir(), Logger: zerolog.Nop(),
		EncodeParams: func(map[string]any) ([]byte, error) { return nil, nil },
		DecodeParams: func([]byte) (map[string]any, error) { return map[string]any{}, nil },
	})
	o := match.Options{Node: testNode, Tracker: c.tracker, Router: presence.NewRouter(c.tracker), Recorder: recorder}
	if of.restored > 0 {
		o.Snapshots = oneSnapshot{Snapshot: &match.Snapshot{
			ID: uuid.Must(uuid.NewV4()), Home: testNode, Node: testNode, Handler: "counter", Tick: of.restored, Rate: 60, State: fmt.Append(nil, of.restored),
		}}
	}
	c.matches = match.NewRegistry(o)
	handlers := func(of counting) func(string) (match.Factory, bool) {
		return func(string) (match.Factory, bool) {
			return func(_ context.Context, d match.Dispatcher) (match.Handler, error) {
				return &counter{counting: of, d: d}, nil
			}, true
		}
	}
	played := of
	played.loop = nil
	c.matches.SetHandlers(handlers(played))
	k, err := c.NewConsole(ctx, ConsoleOptions{Handlers: func() MatchHandlers {
		return MatchHandlers{Version: "1", Find: handlers(of), Go: func(string) bool { return false }}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	if of.restored > 0 {
		err = c.matches.Restore(ctx)
	} else {
		_, err = c.matches.Create(ctx, "counter", nil)
	}
	if err != nil {
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

// A recording of several segments, in any order of its ticks: from its beginning, from whole
// states, and one whose beginning is lost.
func TestReplayOfSegments(t *testing.T) {
	t.Parallel()
	const last = 29
	for name, c := range map[string]struct {
		whole bool
		max   int
		lost  bool
	}{"whole": {true, 64 << 20, false}, "from the beginning": {false, 64 << 20, false}, "without beginning": {true, 1 << 20, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			k, name := replayConsole(ctx, t, newTestCore(t, storetest.SQLite(t)), counting{last: last, broadcasts: 80, whole: c.whole}, c.max)
			k.replays.slice = time.Hour
			head, err := k.GetRecording(ctx, &consolepb.RecordingName{Name: name})
			if err != nil || head.FromStart == c.lost || (head.FirstTick > 0) != c.lost || head.LastTick != last || head.ReplayProblem != "" {
				t.Fatalf("the head is %v, %v", head, err)
			}
			first := int64(head.FirstTick)
			if c.lost {
				first++ // the tick in which a segment begins has ended
			}
			begins := map[float64]bool{}
			for range 30 {
				tick := first + rand.Int64N(last-first+1)
				s, err := k.GetRecordedState(ctx, &Operator{}, &consolepb.RecordedStateRequest{Name: name, Tick: float64(tick)})
				if err != nil {
					t.Fatal(err)
				}
				begins[s.From] = true
				if s.State == nil || s.State.Json != fmt.Sprint(tick+1) || s.FirstDifference != -1 {
					t.Fatalf("tick %d, replayed from %v: %v, the first difference is %v", tick, s.From, s.State, s.FirstDifference)
				}
				if (tick > first || !c.lost) && (s.Before == nil || s.Before.Json != fmt.Sprint(tick)) {
					t.Fatalf("before tick %d, replayed from %v: %v", tick, s.From, s.Before)
				}
				one, err := k.GetRecordedTick(ctx, &consolepb.RecordedTickRequest{Name: name, Tick: float64(tick)})
				if err != nil || one.Tick.AllBroadcasts != 80 || len(one.Tick.Broadcasts) != 64 || one.Tick.Number != float64(tick) {
					t.Fatalf("tick %d: %v, %v", tick, one, err)
				}
			}
			if several := len(begins) > 1; several != c.whole {
				t.Errorf("the replays began with the ticks %v", begins)
			}
			for from := first; from <= last; from += 7 {
				page, err := k.ListRecordedTicks(ctx, &consolepb.RecordedTicksRequest{Name: name, From: float64(from), Limit: 7})
				if err != nil || len(page.Ticks) != int(min(7, last-from+1)) || (page.Next < 0) != (from+7 > last) {
					t.Fatalf("the ticks from %d on are %v, %v", from, page, err)
				}
				for i, tick := range page.Ticks {
					if tick.Number != float64(from+int64(i)) || tick.Broadcasts != 80 || tick.Size != 80<<10 {
						t.Errorf("line %d from %d on is %v", i, from, tick)
					}
				}
			}
		})
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

// The recording of a match that was restored begins with the tick of its snapshot.
func TestReplayOfRestoredMatch(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), newTestCore(t, storetest.SQLite(t))
	const first, last = 40, 43
	k, name := replayConsole(ctx, t, c, counting{last: last, restored: first}, 1<<20)
	k.replays.slice = time.Hour
	head, err := k.GetRecording(ctx, &consolepb.RecordingName{Name: name})
	if err != nil || !head.FromStart || head.FirstTick != first || head.LastTick != last || head.ReplayProblem != "" {
		t.Fatalf("the head is %v, %v", head, err)
	}
	if list, err := k.ListRecordings(ctx, &consolepb.ListRecordingsRequest{}); err != nil || list.Recordings[0].FirstTick != first || list.Recordings[0].LastTick != last {
		t.Errorf("it is listed as %v, %v", list, err)
	}
	state := func(tick float64) (*consolepb.RecordedState, error) {
		return k.GetRecordedState(ctx, &Operator{}, &consolepb.RecordedStateRequest{Name: name, Tick: tick})
	}
	for _, tick := range []float64{0, first - 1} {
		if _, err := state(tick); fault.CodeOf(err) != fault.OutOfRange {
			t.Errorf("the state after tick %v: %v", tick, err)
		}
	}
	page, err := k.ListRecordedTicks(ctx, &consolepb.RecordedTicksRequest{Name: name})
	if err != nil || len(page.Ticks) != last-first+1 || page.Ticks[0].Number != first || page.Next != -1 {
		t.Errorf("the time line is %v, %v", page, err)
	}
	for _, tick := range []float64{first, last, first + 1} {
		s, err := state(tick)
		if err != nil || s.From != first || s.FirstDifference != -1 || s.State == nil || s.State.Json != fmt.Sprint(tick+1) || s.Before == nil || s.Before.Json != fmt.Sprint(tick) {
			t.Errorf("the state after tick %v is %v, %v", tick, s, err)
		}
		if one, err := k.GetRecordedTick(ctx, &consolepb.RecordedTickRequest{Name: name, Tick: tick}); err != nil || one.Tick.Number != tick {
			t.Errorf("tick %v is %v, %v", tick, one, err)
		}
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
