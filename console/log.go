package console

import (
	"context"
	"math"
	"slices"

	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/consolepb"
	"kumi/server/logs"
	"kumi/store/fault"
)

const (
	shownLines = 200  // of the log, unless a request says how many
	maxLines   = 2000 // of one response
	sentLines  = 500  // of one message to a page
)

// listLog returns the latest lines of the log that a filter takes. InvalidArgument for a
// level that is none and for a limit above 2000.
func listLog(_ context.Context, v *visit, in *consolepb.LogRequest) (*consolepb.LogList, error) {
	f, limit, err := logFilter(in)
	if err != nil {
		return nil, err
	}
	out, _ := v.lastLines(f, limit)
	return out, nil
}

func logFilter(in *consolepb.LogRequest) (f logs.Filter, limit int, err error) {
	f = logs.Filter{
		Level: zerolog.TraceLevel, Runtime: in.Runtime, Module: in.Module, UserID: in.UserId, MatchID: in.MatchId, Trace: in.TraceId, Text: in.Text,
	}
	if in.Level != "" {
		if f.Level, err = zerolog.ParseLevel(in.Level); err != nil {
			return f, 0, fault.Newf(fault.InvalidArgument, "The level %q is none of debug, info, warn and error.", in.Level)
		}
	}
	switch {
	case in.Limit > maxLines:
		return f, 0, fault.Newf(fault.InvalidArgument, "The limit must be at most %d.", maxLines)
	case in.Limit == 0:
		return f, shownLines, nil
	}
	return f, int(in.Limit), nil
}

// lastLines returns the latest lines that a filter takes, and the number of the line to go
// on with.
func (s *Server) lastLines(f logs.Filter, limit int) (out *consolepb.LogList, next uint64) {
	out = &consolepb.LogList{}
	lines, next := s.Lines.Last(math.MaxInt32)
	for i := len(lines) - 1; i >= 0 && len(out.Entries) < limit; i-- {
		if e, ok := f.Takes(lines[i]); ok {
			out.Entries = append(out.Entries, logEntry(e))
		}
	}
	slices.Reverse(out.Entries)
	return out, next
}

func logEntry(e logs.Entry) *consolepb.LogEntry {
	return &consolepb.LogEntry{
		Time: timestamppb.New(e.At), Level: e.Level.String(), Message: e.Message, Error: e.Error, Stack: e.Stack,
		Runtime: e.Runtime, Module: e.Module, Function: e.Function,
		UserId: e.UserID, SessionId: e.SessionID, MatchId: e.MatchID, TraceId: e.Trace, Fields: e.Fields,
	}
}

// watchLog sends the latest lines that a filter takes, and then each new one.
func watchLog(w *watch, in *consolepb.LogRequest) (feed, error) {
	f, limit, err := logFilter(in)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(w.ctx, w.Lines.Follow(w.wake))
	var next uint64
	first := true
	return func(context.Context) (proto.Message, error) {
		if first {
			first = false
			var out *consolepb.LogList
			out, next = w.lastLines(f, limit)
			return out, nil
		}
		lines, to, missed := w.Lines.Since(next, sentLines)
		if next = to; len(lines) == sentLines {
			w.wake() // there may be more
		}
		out := &consolepb.LogList{Missed: uint32(missed)}
		for _, line := range lines {
			if e, ok := f.Takes(line); ok {
				out.Entries = append(out.Entries, logEntry(e))
			}
		}
		if len(out.Entries) == 0 && missed == 0 {
			return nil, nil
		}
		return out, nil
	}, nil
}
