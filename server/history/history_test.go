package history_test

import (
	"slices"
	"testing"
	"time"

	"kumi/server/history"
)

var series = []history.Series{{Name: "sessions"}, {Name: "latency", Max: true}}

// start is the beginning of a minute.
var start = time.Unix(1_800_000_000, 0)

// fill adds a point every five seconds, whose values are the seconds since the start.
func fill(h *history.History, length time.Duration) {
	for at := time.Duration(0); at < length; at += history.Fine {
		h.Add(start.Add(at), []float32{float32(at.Seconds()), float32(at.Seconds())})
	}
}

func TestFinePointsReplaceTheirMinutes(t *testing.T) {
	t.Parallel()
	h := history.New(series)
	fill(h, 12*time.Minute)
	got := h.Read(time.Time{}, time.Time{}, 0, nil)
	// Two minutes are left of the coarse points, and ten minutes of fine ones.
	if want := 2 + 120; len(got.Times) != want || len(got.Values[1]) != want {
		t.Fatalf("%d points instead of %d", len(got.Times), want)
	}
	if got.Times[0] != start.Unix() || got.Values[0][0] != 27.5 || got.Values[1][0] != 55 {
		t.Errorf("the first minute is %d: %v, %v", got.Times[0], got.Values[0][0], got.Values[1][0])
	}
	if got.Times[2] != start.Add(2*time.Minute).Unix() || got.Values[0][2] != 120 || !slices.IsSorted(got.Times) {
		t.Errorf("the first fine point is %d: %v", got.Times[2], got.Values[0][2])
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	h := history.New(series)
	fill(h, 30*time.Minute)
	got := h.Read(start.Add(5*time.Minute), start.Add(14*time.Minute), 5*time.Minute, []string{"latency"})
	if len(got.Series) != 1 || got.Series[0].Name != "latency" || len(got.Values) != 1 {
		t.Fatalf("the series are %v", got.Series)
	}
	if !slices.Equal(got.Times, []int64{start.Add(5 * time.Minute).Unix(), start.Add(10 * time.Minute).Unix()}) || !slices.Equal(got.Values[0], []float32{595, 895}) {
		t.Errorf("got %v, %v", got.Times, got.Values)
	}
}

func TestADayIsKept(t *testing.T) {
	t.Parallel()
	h := history.New(series)
	fill(h, 25*time.Hour)
	got := h.Read(time.Time{}, time.Time{}, time.Minute, nil)
	if len(got.Times) != 24*60 || got.Times[0] < start.Add(59*time.Minute).Unix() {
		t.Errorf("%d points from %d", len(got.Times), got.Times[0]-start.Unix())
	}
	other := history.New(series)
	other.Restore([]history.Point{{At: start.Unix() - 60, Values: []float32{7, 8}}})
	fill(other, history.Fine)
	if got := other.Read(time.Time{}, time.Time{}, 0, nil); !slices.Equal(got.Values[0], []float32{7, 0}) {
		t.Errorf("restored: %v", got.Values)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	h := history.New(series)
	n := 0
	stop := h.Follow(func() { n++ })
	fill(h, 2*history.Fine)
	stop()
	fill(h, history.Fine)
	if n != 2 {
		t.Errorf("woken %d times", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	all := make([]history.Series, 25)
	h := history.New(all)
	values := make([]float32, len(all))
	at := start
	for b.Loop() {
		at = at.Add(history.Fine)
		h.Add(at, values)
	}
}
