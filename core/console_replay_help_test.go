package core

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/rs/zerolog"

	"kumi/core/consolepb"
	"kumi/match"
	"kumi/presence"
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
