package trace_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kumi/internal/trace"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, tr := trace.Begin(t.Context(), "id")
		if trace.Of(ctx) != tr || trace.Of(t.Context()) != nil {
			t.Error("the trace is not that of its context alone")
		}
		wait := func(d time.Duration) time.Time {
			began := time.Now()
			time.Sleep(d)
			return began
		}
		tr.Queued(wait(time.Second))
		wait(2 * time.Second) // the script
		_ = tr.Function("storage_write", func() error {
			wait(3 * time.Second)
			began := time.Now()
			tr.Statement("INSERT", wait(4*time.Second), true)
			wait(5 * time.Second) // for the commit
			tr.Transaction(began)
			return tr.Function("inner", func() error { wait(6 * time.Second); return nil })
		})
		tr.Statement("SELECT", wait(7*time.Second), false)
		s := tr.End()
		if s.Total != 28*time.Second || s.Queue != time.Second || s.Script != 2*time.Second || s.NK != 9*time.Second || s.SQL != 16*time.Second {
			t.Errorf("split into %+v", s)
		}
		if len(s.Functions) != 2 || s.Functions[0] != (trace.Part{Name: "storage_write", Count: 1, Took: 18 * time.Second}) {
			t.Errorf("the functions are %+v", s.Functions)
		}
		if len(s.Statements) != 2 || s.Statements[0].Name != "SELECT" {
			t.Errorf("the statements are %+v", s.Statements)
		}
	})
}

func BenchmarkUntraced(b *testing.B) {
	type key struct{}
	ctx := context.WithValue(b.Context(), key{}, 1)
	for b.Loop() {
		if trace.Of(ctx) != nil {
			b.Fatal("traced")
		}
	}
}
