package core

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"kumi/core/consolepb"
	"kumi/match"
	"kumi/store/fault"
)

const (
	// replaySlice is how long a request replays. One that needs longer goes on with the next
	// request.
	replaySlice = 2 * time.Second
	// replayWait is how long a request waits for its turn.
	replayWait = 10 * time.Second
	// maxReplays is how many replays are kept for further requests, replayIdle for how long.
	maxReplays = 4
	replayIdle = time.Minute
	// maxReplayLog is how many lines of a tick's log are returned, and maxReplayDifferences how
	// many differences.
	maxReplayLog         = 100
	maxReplayDifferences = 50
)

var (
	errNoWholeState = fault.New(fault.FailedPrecondition, "The recording cannot be replayed: it begins later than the match, and the state of the match could not be recorded as a whole.")
	errGoReplay     = fault.New(fault.FailedPrecondition, "A match in Go is replayed here only under kumi dev, since its code may change variables that other matches use, and call other services. Use kumi replay.")
)

// replayProblem returns why a recording cannot be replayed by the modules of this server.
func (k *Console) replayProblem(f *match.RecordingFile, find func(string) (match.Factory, bool)) error {
	if f.Runtime == "go" && !k.o.Dev {
		return errGoReplay
	}
	if _, ok := find(f.Handler); !ok {
		return fault.Newf(fault.FailedPrecondition, "The modules have no match handler %q.", f.Handler)
	}
	return nil
}

// replays are the replays that operators look at. One of them runs at a time, so that they
// take no more than one CPU from the matches that are played.
type replays struct {
	slice  time.Duration // replaySlice, but in tests
	turn   chan struct{} // holds a token while one runs; guards what follows
	list   []*replayView // the one used last is the last
	closed bool
}

func newReplays() *replays { return &replays{slice: replaySlice, turn: make(chan struct{}, 1)} }

// take waits for the turn. release ends it.
func (r *replays) take(ctx context.Context) error {
	wait := time.NewTimer(replayWait)
	defer wait.Stop()
	select {
	case r.turn <- struct{}{}:
		if r.closed {
			r.release()
			return fault.New(fault.Unavailable, "The server stops.")
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-wait.C:
		return fault.New(fault.Unavailable, "Other operators' replays are running. Try again in a moment.")
	}
}

func (r *replays) release() { <-r.turn }

// close ends all replays, and refuses further ones.
func (r *replays) close() {
	r.turn <- struct{}{}
	defer r.release()
	r.closed = true
	for len(r.list) > 0 {
		r.drop(r.list[0])
	}
}

// drop ends a replay; the turn must be held.
func (r *replays) drop(v *replayView) {
	r.list = slices.DeleteFunc(r.list, func(other *replayView) bool { return other == v })
	v.idle.Stop()
	v.replay.Close()
	_ = v.file.Close()
}

// view returns the replay of a viewer, made anew if the one that there is cannot go on to tick.
func (r *replays) view(k *Console, key replayKey, tick int64) (*replayView, error) {
	i := slices.IndexFunc(r.list, func(v *replayView) bool { return v.key == key })
	if i >= 0 && (r.list[i].broken || r.list[i].tick > tick || r.list[i].tick == tick && r.list[i].wanted != tick) {
		r.drop(r.list[i])
		i = -1
	}
	if i >= 0 {
		v := r.list[i]
		if start, err := v.start(tick); err == nil {
			if starts, err := v.file.Starts(start); err != nil || starts <= v.tick || start <= v.segment {
				r.list = append(slices.Delete(r.list, i, i+1), v)
				v.idle.Reset(replayIdle)
				return v, nil
			}
		}
		r.drop(v)
	}
	recorder, err := k.recorder()
	if err != nil {
		return nil, err
	}
	v, err := openReplay(k, recorder, key, tick)
	if err != nil {
		return nil, err
	}
	v.idle = time.AfterFunc(replayIdle, func() {
		r.turn <- struct{}{}
		defer r.release()
		if slices.Contains(r.list, v) && time.Since(v.used) >= replayIdle {
			r.drop(v)
		}
	})
	if r.list = append(r.list, v); len(r.list) > maxReplays {
		r.drop(r.list[0])
	}
	return v, nil
}

// replayKey identifies the replay of an operator. That of other modules is another one.
type replayKey struct{ operator, file, modules string }

// replayView is a replay that an operator looks at, with what is known of its last tick.
type replayView struct {
	key     replayKey
	file    *match.RecordingFile
	replay  *match.Replay
	log     *match.ReplayLog
	segment int   // with which it began
	from    int64 // the tick of that
	tick    int64 // of the last call; below from: none yet
	idle    *time.Timer
	used    time.Time

	wanted      int64 // the tick that the states are of
	now, before *match.State
	differences []match.Difference
	lines       []match.LogLine
	first       int64 // tick of the first difference; -1: there is none
	ended       bool  // the match ended in the replay before it did in the recording
	broken      bool  // an error ended the replay
}

func openReplay(k *Console, recorder *match.Recorder, key replayKey, tick int64) (*replayView, error) {
	_, find := k.o.Handlers()
	file, err := recorder.Read(key.file)
	if err != nil {
		return nil, err
	}
	v := &replayView{key: key, file: file, log: &match.ReplayLog{}, first: -1, wanted: -1}
	err = k.replayProblem(file, find)
	if err == nil {
		v.segment, err = v.start(tick)
	}
	if err == nil && (v.segment > 0 || !file.First) {
		v.from, err = file.Starts(v.segment)
	}
	if err == nil {
		v.tick = v.from - 1
		v.replay, err = recorder.Replay(file, v.segment, match.ReplayOptions{Find: find, Logger: zerolog.New(v.log)})
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return v, nil
}

// start returns the segment with which a replay up to a tick begins: the last one that has the
// whole state and the tick before.
func (v *replayView) start(tick int64) (int, error) {
	i, err := v.file.Find(max(tick-1, 0))
	if err != nil {
		return 0, err
	}
	for ; i >= 0; i-- {
		if whole, err := v.file.Whole(i); whole || err != nil {
			return i, err
		}
	}
	return 0, errNoWholeState
}

// run replays up to the end of a tick, and returns false if the time is over before. It makes
// at least one call.
func (v *replayView) run(ctx context.Context, tick int64, slice time.Duration) (done bool, err error) {
	if v.wanted != tick {
		v.wanted, v.now, v.before = tick, nil, nil
	}
	began := time.Now()
	for calls := 0; ; calls++ {
		next, more := v.replay.Tick()
		if !more || next > tick || v.ended {
			break
		}
		if calls > 0 && time.Since(began) >= slice {
			return false, nil
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if next > v.tick {
			if next == tick {
				v.before = v.state()
			}
			v.differences, v.lines = nil, nil
		}
		v.tick = next
		want, got, err := v.replay.Next(ctx)
		lines := v.log.Take()
		v.lines = append(v.lines, lines[:min(len(lines), maxReplayLog-len(v.lines))]...)
		if err != nil || want == nil {
			v.broken = true
			return false, err
		}
		v.tick = want.Tick
		if tick == want.Tick && want.Init() {
			v.before = v.state()
		}
		if got == nil {
			v.ended = true
		}
		v.compare(want, got)
	}
	if v.now == nil {
		v.now = v.state()
	}
	return true, nil
}

// state describes the state now; nil before the first call.
func (v *replayView) state() *match.State {
	if v.tick < v.from {
		return nil
	}
	text, err := v.replay.State()
	return &match.State{Tick: v.tick, Text: text, Err: err}
}

// compare notes how a call differs from the recorded one, and, if the whole state was recorded,
// in which parts of it.
func (v *replayView) compare(want, got *match.Step) {
	all := match.Compare(want, got)
	if len(all) > 0 && got != nil && want.State != nil {
		was, err := v.replay.Describe(want.State)
		if now := v.state(); err == nil && now != nil && now.Err == nil {
			all = append(all, match.CompareStates(was, now.Text, maxReplayDifferences)...)
		}
	}
	if len(all) > 0 && v.first < 0 {
		v.first = want.Tick
	}
	if room := maxReplayDifferences - len(v.differences); len(all) > room {
		all = all[:room]
	}
	v.differences = append(v.differences, all...)
}

// GetRecordedState replays a recording up to the end of a tick, in a match of its own on the
// modules that are loaded now. Nothing is sent, and what the code calls is answered from the
// recording. A request ends after some seconds; if it is not done then, the next one goes on.
// The state of a match in Go is the last one that was recorded, unless it can be replayed: under
// kumi dev, if the recording begins with the match.
//
// Errors: InvalidArgument for a bad tick, OutOfRange for one that the recording does not have,
// FailedPrecondition if it cannot be replayed, Unavailable if others' replays take too long;
// those of GetRecording.
func (k *Console) GetRecordedState(ctx context.Context, op *Operator, in *consolepb.RecordedTickRequest) (*consolepb.RecordedState, error) {
	tick, err := tickNumber("tick", in.Tick)
	if err != nil {
		return nil, err
	}
	var out *consolepb.RecordedState
	err = k.readRecording(in.Name, func(f *match.RecordingFile) error {
		first, err := f.FirstTick()
		if err != nil {
			return err
		}
		if tick < first || tick > f.Tick {
			return fault.Newf(fault.OutOfRange, "The recording has the ticks %d to %d.", first, f.Tick)
		}
		if f.Runtime == "go" && (!k.o.Dev || !f.First) {
			out, err = stateInFile(f, tick)
		}
		return err
	})
	if out != nil || err != nil {
		return out, err
	}
	if err := k.replays.take(ctx); err != nil {
		return nil, err
	}
	defer k.replays.release()
	modules, _ := k.o.Handlers()
	v, err := k.replays.view(k, replayKey{op.Username, in.Name, modules}, tick)
	if err != nil {
		return nil, damagedRecording(in.Name, err)
	}
	defer func() { v.used = time.Now() }()
	done, err := v.run(ctx, tick, k.replays.slice)
	if err != nil {
		return nil, damagedRecording(in.Name, err)
	}
	out = &consolepb.RecordedState{Done: done, Reached: float64(max(v.tick, v.from)), From: float64(v.from), FirstDifference: float64(v.first)}
	if !done {
		return out, nil
	}
	out.Ended = v.ended
	if v.now != nil {
		out.State = watchedState(v.now)
	}
	if v.before != nil {
		out.Before = watchedState(v.before)
	}
	if v.tick < tick { // nothing happened in it
		return out, nil
	}
	for _, d := range v.differences {
		out.Differences = append(out.Differences, &consolepb.RecordedState_Difference{What: valid(d.What), Recorded: valid(d.Want), Replayed: valid(d.Got)})
	}
	for _, l := range v.lines {
		out.Log = append(out.Log, &consolepb.RecordedState_Line{Level: l.Level, Message: valid(l.Message)})
	}
	return out, nil
}

// stateInFile returns the last state that was recorded up to a tick, and the one before. It
// must be a description.
func stateInFile(f *match.RecordingFile, tick int64) (*consolepb.RecordedState, error) {
	now, before, err := f.States(tick)
	if err != nil {
		return nil, err
	}
	out := &consolepb.RecordedState{Done: true, Recorded: true, Reached: float64(tick), FirstDifference: -1}
	if now != nil {
		out.State = watchedState(now)
	}
	if before != nil {
		out.Before = watchedState(before)
	}
	return out, nil
}
