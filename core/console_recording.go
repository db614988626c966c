package core

import (
	"context"
	"errors"
	"math"
	"os"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/consolepb"
	"kumi/match"
	"kumi/store/fault"
)

const (
	// defaultRecordings is how many recordings a page of the list has.
	defaultRecordings = 50
	// maxReadHeaders is how many files a page of the list reads. One that finds less than it
	// is asked for has a cursor as well.
	maxReadHeaders = 1000
	// defaultTicks and maxTicks are how many ticks a page of a time line has.
	defaultTicks = 200
	maxTicks     = 1000
)

var errNoRecorder = fault.New(fault.FailedPrecondition, "This server does not record matches.")

func (k *Console) recorder() (*match.Recorder, error) {
	if r := k.matches.Recorder(); r != nil {
		return r, nil
	}
	return nil, errNoRecorder
}

// ListRecordings lists the files in the folder of recordings of this server, the newest first,
// 1 to 100, by default 50. One that cannot be read is listed with the reason, unless there is a
// filter. A page may have fewer than limit and still a cursor.
//
// Errors: InvalidArgument for a bad limit or cursor.
func (k *Console) ListRecordings(_ context.Context, in *consolepb.ListRecordingsRequest) (*consolepb.RecordingList, error) {
	limit, err := pageSize(in.Limit, defaultRecordings)
	if err != nil {
		return nil, err
	}
	after := ""
	if in.Cursor != "" && decodeCursor(recordingCursor, in.Cursor, &after) != nil {
		return nil, errPageCursor
	}
	r, err := k.recorder()
	if err != nil {
		return nil, err
	}
	filtered := in.MatchId != "" || in.Handler != "" || in.Error != "" || in.Failed
	list, next, err := r.List(after, limit, maxReadHeaders, func(one *match.RecordingInfo) bool {
		h := one.Header
		if h == nil {
			return !filtered
		}
		return (in.MatchId == "" || h.Match == in.MatchId) && (in.Handler == "" || h.Handler == in.Handler) && (!in.Failed || h.Error != "") &&
			(in.Error == "" || strings.Contains(strings.ToLower(h.Error), strings.ToLower(in.Error)))
	})
	if err != nil {
		return nil, failed("list the recordings", err)
	}
	out := &consolepb.RecordingList{Mode: string(r.Mode())}
	for i := range list {
		out.Recordings = append(out.Recordings, describedRecording(&list[i]))
	}
	if next != "" {
		if out.NextCursor, err = encodeCursor(recordingCursor, next); err != nil {
			return nil, failed("list the recordings", err)
		}
	}
	return out, nil
}

func describedRecording(one *match.RecordingInfo) *consolepb.Recording {
	out := &consolepb.Recording{Name: valid(one.Name), Size: float64(one.Size), EndTime: timestamppb.New(one.Written)}
	h := one.Header
	if h == nil {
		out.Problem = valid(one.Name + ": " + one.Err.Error())
		return out
	}
	out.CreateTime = timestamppb.New(h.Created)
	if !h.Ended.IsZero() {
		out.EndTime = timestamppb.New(h.Ended)
	}
	out.MatchId, out.Node, out.Handler, out.Runtime = h.Match, h.Node, valid(h.Handler), h.Runtime
	out.ServerVersion, out.ModuleVersion, out.Label = h.Server, h.Modules, valid(h.Label)
	out.TickRate, out.FromStart, out.Incomplete = int32(h.TickRate), h.First, one.Incomplete
	out.FirstTick, out.LastTick = float64(one.FirstTick), float64(h.Tick)
	out.Error, out.ErrorIn = valid(h.Error), h.In
	return out
}

// GetRecording describes a recording, and says whether it can be replayed here.
//
// Errors: NotFound if there is no such file, FailedPrecondition with its name and the offset
// if it is damaged.
func (k *Console) GetRecording(_ context.Context, in *consolepb.RecordingName) (*consolepb.Recording, error) {
	r, err := k.recorder()
	if err != nil {
		return nil, err
	}
	one, err := r.Describe(in.Name)
	if err != nil {
		return nil, err
	}
	if one.Err != nil {
		return nil, damagedRecording(in.Name, one.Err)
	}
	out := describedRecording(&one)
	out.Stack = valid(one.Header.Stack)
	return out, k.readRecording(in.Name, func(f *match.RecordingFile) error {
		return k.checkReplay(f, out)
	})
}

// checkReplay says in out why a recording cannot be replayed.
func (k *Console) checkReplay(f *match.RecordingFile, out *consolepb.Recording) error {
	if problem := k.replayProblem(f, k.o.Handlers()); problem != nil {
		out.ReplayProblem = valid(fault.Text(problem))
		return nil
	}
	for i := range f.Segments() {
		if whole, err := f.Whole(i); whole || err != nil {
			return err
		}
	}
	out.ReplayProblem = errNoWholeState.Message
	return nil
}

// OpenRecording opens the file of a recording, which the caller closes. NotFound if there is no
// such file.
func (k *Console) OpenRecording(name string) (*os.File, error) {
	r, err := k.recorder()
	if err != nil {
		return nil, err
	}
	return r.Open(name)
}

// DeleteRecording removes the file of a recording. NotFound if there is no such file.
func (k *Console) DeleteRecording(_ context.Context, in *consolepb.RecordingName) error {
	r, err := k.recorder()
	if err != nil {
		return err
	}
	return r.Remove(in.Name)
}

// readRecording calls do with an open recording. Errors as in GetRecording.
func (k *Console) readRecording(name string, do func(*match.RecordingFile) error) error {
	r, err := k.recorder()
	if err != nil {
		return err
	}
	f, err := r.Read(name)
	if err != nil {
		return damagedRecording(name, err)
	}
	defer f.Close()
	return damagedRecording(name, do(f))
}

// damagedRecording gives an error of a file that cannot be read a text for operators.
func damagedRecording(name string, err error) error {
	var coded *fault.Error
	if err == nil || errors.As(err, &coded) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fault.Wrap(fault.FailedPrecondition, valid(name+": "+err.Error()), err)
}

// tickNumber reads a tick of a request.
func tickNumber(name string, tick float64) (int64, error) {
	if tick < 0 || tick >= 1<<53 || tick != math.Trunc(tick) {
		return 0, invalid("%s must be the number of a tick.", name)
	}
	return int64(tick), nil
}

// ListRecordedTicks returns a part of a recording's time line: the ticks with the numbers from
// on, 1 to 1000, by default 200. Ticks that the recording does not have are left out.
//
// Errors: InvalidArgument for a bad from or limit; those of GetRecording.
func (k *Console) ListRecordedTicks(_ context.Context, in *consolepb.RecordedTicksRequest) (*consolepb.RecordedTickList, error) {
	from, err := tickNumber("from", in.From)
	if err != nil {
		return nil, err
	}
	limit := int64(in.Limit)
	if limit == 0 {
		limit = defaultTicks
	}
	if limit > maxTicks {
		return nil, invalid("Invalid limit - limit must be between 1 and %d.", maxTicks)
	}
	out := &consolepb.RecordedTickList{Next: -1}
	return out, k.readRecording(in.Name, func(f *match.RecordingFile) error {
		if first, err := f.FirstTick(); err != nil {
			return err
		} else if from < first {
			from = first
		}
		ticks, err := f.Ticks(from, from+limit)
		for i := range ticks {
			t := &ticks[i]
			line := &consolepb.RecordedTickList_Tick{
				Number: float64(t.Number), Time: timestamppb.New(t.At), Inputs: uint32(t.Inputs), Broadcasts: uint32(t.Broadcasts), Size: uint32(t.Size), Error: valid(t.Error),
			}
			for _, e := range t.Events {
				line.Events = append(line.Events, valid(e))
			}
			out.Ticks = append(out.Ticks, line)
		}
		if from+limit <= f.Tick {
			out.Next = float64(from + limit)
		}
		return err
	})
}

// GetRecordedTick returns what happened in one tick: the first 64 inputs, broadcasts and
// events, and the first 512 bytes of each.
//
// Errors: InvalidArgument for a bad tick, NotFound for one that the recording does not have;
// those of GetRecording.
func (k *Console) GetRecordedTick(_ context.Context, in *consolepb.RecordedTickRequest) (*consolepb.RecordedTick, error) {
	number, err := tickNumber("tick", in.Tick)
	if err != nil {
		return nil, err
	}
	out := &consolepb.RecordedTick{}
	return out, k.readRecording(in.Name, func(f *match.RecordingFile) error {
		t, members, err := f.ReadTick(number)
		if err != nil {
			return err
		}
		if t == nil {
			return fault.Newf(fault.NotFound, "The recording has no tick %d.", number)
		}
		out.Tick = watchedTick(t)
		for _, p := range members {
			out.Presences = append(out.Presences, watchedPresence(p))
		}
		return nil
	})
}
