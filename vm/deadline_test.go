package vm

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, asks := range []bool{false, true} {
			d := NewDeadline(context.Background(), time.Now().Add(time.Second))
			child, cancel := context.WithCancel(d)
			defer cancel()
			if asks {
				<-d.Done()
			} else {
				time.Sleep(time.Second)
				synctest.Wait() // for the timer of the same moment
			}
			if err := d.Err(); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("asked for Done: %v: after the deadline the error is %v", asks, err)
			}
			<-child.Done()
			if err := child.Err(); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("a context made of it ended with %v", err)
			}
			d.End()
		}
		d := NewDeadline(context.Background(), time.Now().Add(time.Second))
		if err := d.Err(); err != nil {
			t.Fatal(err)
		}
		d.End()
		if err := d.Err(); !errors.Is(err, context.Canceled) {
			t.Fatalf("after its end the error is %v", err)
		}
		<-d.Done()
		parent, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		d = NewDeadline(parent, time.Now().Add(time.Minute))
		if at, _ := d.Deadline(); time.Until(at) > time.Second {
			t.Fatalf("the sooner deadline of the context around it is not kept: %v left", time.Until(at))
		}
		cancel()
		if err := d.Err(); !errors.Is(err, context.Canceled) {
			t.Fatalf("with the context around it cancelled the error is %v", err)
		}
	})
}

// A call whose functions do not ask for Done takes no timer.
func TestDeadlineIsCheap(t *testing.T) {
	at := time.Now().Add(time.Hour)
	if n := testing.AllocsPerRun(100, func() {
		d := NewDeadline(context.Background(), at)
		if d.Err() != nil {
			t.Fatal("ended")
		}
		d.End()
	}); n > 1 {
		t.Errorf("%v allocations, want 1 at most", n)
	}
}
