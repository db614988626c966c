package console

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/consolepb"
	"kumi/server/history"
	"kumi/store/fault"
)

// getMetrics returns the figures between two times. InvalidArgument for a name that no
// series has and for times that are none.
func getMetrics(_ context.Context, v *visit, in *consolepb.MetricsRequest) (*consolepb.Metrics, error) {
	return v.metrics(in)
}

func (s *Server) metrics(in *consolepb.MetricsRequest) (*consolepb.Metrics, error) {
	for _, name := range in.Names {
		if !slices.ContainsFunc(s.History.Series(), func(h history.Series) bool { return h.Name == name }) {
			return nil, fault.Newf(fault.InvalidArgument, "There are no metrics %q.", name)
		}
	}
	for _, t := range []*timestamppb.Timestamp{in.From, in.To} {
		if t != nil && !t.IsValid() {
			return nil, fault.New(fault.InvalidArgument, "from and to must be times.")
		}
	}
	var from, to time.Time
	if in.From != nil {
		from = in.From.AsTime()
	}
	if in.To != nil {
		to = in.To.AsTime()
	}
	table := s.History.Read(from, to, time.Duration(in.Step)*time.Second, in.Names)
	out := &consolepb.Metrics{Times: make([]uint32, len(table.Times))}
	for i, at := range table.Times {
		out.Times[i] = uint32(at)
	}
	for i, series := range table.Series {
		out.Series = append(out.Series, &consolepb.Metrics_Series{Name: series.Name, Unit: series.Unit, Values: table.Values[i]})
	}
	return out, nil
}

// watchMetrics sends the figures since a time, and then new points as they are made, every
// five seconds. With a step of a minute or more a point is sent when its step is over.
func watchMetrics(w *watch, in *consolepb.MetricsRequest) (feed, error) {
	in.To = nil
	if _, err := w.metrics(in); err != nil {
		return nil, err
	}
	context.AfterFunc(w.ctx, w.History.Follow(w.wake))
	first := true
	step := time.Duration(in.Step) * time.Second
	return func(context.Context) (proto.Message, error) {
		if step >= history.Coarse {
			// Only steps that are over: the point of another would change. To is inclusive.
			in.To = timestamppb.New(w.History.Complete(step).Add(-time.Second))
		}
		out, err := w.metrics(in)
		if err != nil || len(out.Times) == 0 && !first {
			return nil, err
		}
		if n := len(out.Times); n > 0 {
			in.From = timestamppb.New(time.Unix(int64(out.Times[n-1]+max(in.Step, 1)), 0))
		}
		first = false
		return out, nil
	}, nil
}
