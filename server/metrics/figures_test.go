package metrics

import (
	"fmt"
	"math"
	"testing"
	"time"

	"kumi/config"
	"kumi/store/fault"
	"kumi/store/storetest"
)

func TestQuantiles(t *testing.T) {
	t.Parallel()
	m := New(config.Default(), nil)
	rpc := m.RPC("slow")
	for range 98 {
		rpc.HTTP.Record(fault.OK, 2*time.Millisecond, 0, 0)
	}
	rpc.HTTP.Record(fault.OK, 400*time.Millisecond, 0, 0)
	rpc.HTTP.Record(fault.Internal, time.Minute, 0, 0) // beyond the last bucket
	m.Method("ListFriends").Before.Record(time.Second, true)
	m.KeepCalls()
	for range keptMinutes - 1 {
		m.KeepCalls()
	}
	rpc.HTTP.Record(fault.OK, 40*time.Millisecond, 0, 0)

	found := map[string]Function{}
	for _, f := range m.Functions() {
		found[f.Kind+" "+f.Name] = f
	}
	f := found["rpc slow"]
	if f.Total.Count != 101 || f.Total.Errors != 1 || f.Last.Count != 1 || f.Last.Errors != 0 {
		t.Errorf("counted %+v", f)
	}
	near := func(what string, got, from, to time.Duration) {
		t.Helper()
		if got < from || got > to {
			t.Errorf("%s is %v, not within %v and %v", what, got, from, to)
		}
	}
	near("p50", f.Total.P50, time.Millisecond, 2500*time.Microsecond)
	near("p99", f.Total.P99, 250*time.Millisecond, 500*time.Millisecond)
	near("p50 of the last minutes", f.Last.P50, 25*time.Millisecond, 50*time.Millisecond)
	if hook := found["before ListFriends"]; hook.Total.Count != 1 || hook.Total.Errors != 1 || hook.Last.Count != 0 {
		t.Errorf("the hook is %+v", hook)
	}
	if _, ok := found["after ListFriends"]; ok {
		t.Error("a hook that never ran is listed")
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	m := New(config.Default(), nil)
	f := NewFigures(m, storetest.SQLite(t), func() Open { return Open{Sessions: 3} })
	began := f.before.at
	m.RPC("echo").HTTP.Record(fault.OK, 2*time.Millisecond, 10, 20)
	m.Messages.Out.Add(8)
	m.MatchTickSkipped("duel", 2)
	values := make([]float32, len(figures))
	f.Next(began.Add(2*time.Second), values)
	got := map[string]float64{}
	for i, s := range f.Series() {
		got[s.Name] = float64(values[i])
	}
	for name, want := range map[string]float64{
		"sessions": 3, "requests": 0.5, "bytes_in": 5, "bytes_out": 10, "messages_out": 4, "ticks_skipped": 1, "errors": 0,
	} {
		if math.Abs(got[name]-want) > 1e-6 {
			t.Errorf("%s is %v, not %v", name, got[name], want)
		}
	}
	if got["heap"] < 1<<16 || got["goroutines"] < 1 || got["request_p50"] <= 1 || got["request_p50"] > 2.5 {
		t.Errorf("got %v", got)
	}
}

func BenchmarkFigures(b *testing.B) {
	m := New(config.Default(), nil)
	f := NewFigures(m, storetest.SQLite(b), func() Open { return Open{} })
	values := make([]float32, len(figures))
	for b.Loop() {
		f.Next(time.Now(), values)
	}
}

func BenchmarkKeepCalls(b *testing.B) {
	m := New(config.Default(), nil)
	for i := range 200 {
		m.RPC(fmt.Sprint("function", i)).HTTP.Record(fault.OK, time.Millisecond, 0, 0)
	}
	for b.Loop() {
		m.KeepCalls()
	}
}
