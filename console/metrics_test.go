package console

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"kumi/core/consolepb"
	"kumi/server/history"
)

// A page that watches steps of five minutes gets each of them once, made of all its
// minutes.
func TestWatchedStepsAreWhole(t *testing.T) {
	t.Parallel()
	h := history.New([]history.Series{{Name: "mean"}, {Name: "max", Max: true}})
	s := &Server{Options: Options{History: h}}
	start := time.Unix(1_800_000_000, 0)
	in := &consolepb.MetricsRequest{From: timestamppb.New(start), Step: 300}
	feed, err := watchMetrics(&watch{s, t.Context(), func() {}}, in)
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	for at := time.Duration(0); at < 2*time.Hour; at += history.Fine {
		minute := float32(int(at.Minutes()))
		h.Add(start.Add(at), []float32{minute, minute})
		message, err := feed(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, _ := message.(*consolepb.Metrics)
		for i, time := range got.GetTimes() {
			first := float32(steps * 5)
			if int64(time) != start.Unix()+int64(first*60) || got.Series[0].Values[i] != first+2 || got.Series[1].Values[i] != first+4 {
				t.Fatalf("step %d: at %d s mean %v, max %v", steps, int64(time)-start.Unix(), got.Series[0].Values[i], got.Series[1].Values[i])
			}
			steps++
		}
	}
	if steps != 23 {
		t.Errorf("%d steps of 23 that are over", steps)
	}
}
