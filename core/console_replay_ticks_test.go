package core

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"kumi/core/consolepb"
	"kumi/store/fault"
	"kumi/store/storetest"
)

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
