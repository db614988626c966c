package core

import (
	"context"

	"kumi/core/consolepb"
	"kumi/match"
	"kumi/store/fault"
)

// maxViewer is how many bytes the name has that a client gives a viewer.
const maxViewer = 64

var (
	errNoWholeState = fault.New(fault.FailedPrecondition, "The recording cannot be replayed: it begins later than the match, and the state of the match could not be recorded as a whole.")
	errGoReplay     = fault.New(fault.FailedPrecondition, "A match in Go is replayed here only under kumi dev, since its code may change variables that other matches use, and call other services. Use kumi replay.")
)

// replayProblem returns why a recording cannot be replayed by the modules of this server. The
// handler of today may be one in Go although that of the recording was not.
func (k *Console) replayProblem(f *match.RecordingFile, handlers MatchHandlers) error {
	if !k.o.Dev && (f.Runtime == "go" || handlers.Go(f.Handler)) {
		return errGoReplay
	}
	if _, ok := handlers.Find(f.Handler); !ok {
		return fault.Newf(fault.FailedPrecondition, "The modules have no match handler %q.", f.Handler)
	}
	return nil
}

// GetRecordedState replays a recording up to the end of a tick, in a match of its own on the
// modules that are loaded now. Nothing is sent, and what the code calls is answered from the
// recording. A request ends after some seconds; if it is not done then, the next one goes on.
// The state of a match in Go is the last one that was recorded, unless it can be replayed: under
// kumi dev, if the recording begins with the match.
//
// Errors: InvalidArgument for a bad tick or viewer, OutOfRange for one that the recording does not have,
// FailedPrecondition if it cannot be replayed, Unavailable if others' replays take too long;
// those of GetRecording.
func (k *Console) GetRecordedState(ctx context.Context, op *Operator, in *consolepb.RecordedStateRequest) (*consolepb.RecordedState, error) {
	tick, err := tickNumber("tick", in.Tick)
	if err != nil {
		return nil, err
	}
	if len(in.Viewer) > maxViewer {
		return nil, invalid("Invalid viewer - viewer must have at most %d bytes.", maxViewer)
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
	handlers := k.o.Handlers()
	v, err := k.replays.view(k, replayKey{op.Username, in.Viewer, in.Name, handlers.Version}, handlers, tick)
	if err != nil {
		return nil, damagedRecording(in.Name, err)
	}
	defer k.replays.keep(v)
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
