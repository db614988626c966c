package vm

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestLazyDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, asks := range []bool{false, true} {
			d := NewLazyDeadline(context.Background(), time.Now().Add(time.Second))
			child, cancel := context.WithCancel(d)
			defer cancel()
			if asks {
				<-d.Done()
			} else {
				time.Sleep(time.Second)
				synctest.Wait() // for the timer that fires now
			}
			if err := d.Err(); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("with Done called %v: error %v after the deadline", asks, err)
			}
			<-child.Done()
			if err := child.Err(); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("a derived context ended with %v", err)
			}
			d.End()
		}
		d := NewLazyDeadline(context.Background(), time.Now().Add(time.Second))
		if err := d.Err(); err != nil {
			t.Fatal(err)
		}
		d.End()
		if err := d.Err(); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v after End", err)
		}
		<-d.Done()
		parent, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		d = NewLazyDeadline(parent, time.Now().Add(time.Minute))
		if at, _ := d.Deadline(); time.Until(at) > time.Second {
			t.Fatalf("the earlier deadline of the parent is ignored: %v left", time.Until(at))
		}
		cancel()
		if err := d.Err(); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v after the parent was cancelled", err)
		}
	})
}

// Unless Done is called no timer is made.
func TestLazyDeadlineIsCheap(t *testing.T) {
	at := time.Now().Add(time.Hour)
	if n := testing.AllocsPerRun(100, func() {
		d := NewLazyDeadline(context.Background(), at)
		if d.Err() != nil {
			t.Fatal("ended")
		}
		d.End()
	}); n > 1 {
		t.Errorf("%v allocations, want 1 at most", n)
	}
}

// A TimeLimit ends during a call that takes too long, but not after one that returned
// in time.
func TestTimeLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, asks := range []bool{false, true} {
			d := NewTimeLimit(context.Background(), time.Now().Add(time.Second))
			if asks {
				<-d.Done()
			} else {
				time.Sleep(time.Second)
			}
			if err := d.Err(); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("with Done called %v: error %v during a call that takes too long", asks, err)
			}
			d.End()
			<-d.Done()
			if err := d.Err(); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("with Done called %v: error %v after a call that took too long", asks, err)
			}
		}

		parent, cancel := context.WithCancel(context.Background())
		d := NewTimeLimit(parent, time.Now().Add(time.Second))
		long, stop := context.WithTimeout(d, time.Minute)
		defer stop()
		d.End()
		time.Sleep(2 * time.Second)
		if err := errors.Join(d.Err(), long.Err()); err != nil {
			t.Fatalf("the context ended after its call had returned: %v", err)
		}
		<-long.Done()
		if err := long.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a derived context with a deadline ended with %v", err)
		}
		cancel()
		<-d.Done()
		if err := d.Err(); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v after the parent ended", err)
		}
	})
}

// The parent does not keep a TimeLimit alive whose Done was called.
func TestTimeLimitIsCollected(t *testing.T) {
	parent, cancel := context.WithCancel(context.Background())
	defer cancel()
	gone := make(chan struct{})
	func() {
		d := NewTimeLimit(parent, time.Now().Add(time.Hour))
		_ = d.Done()
		d.End()
		runtime.AddCleanup(d, func(gone chan struct{}) { close(gone) }, gone)
	}()
	for {
		runtime.GC()
		select {
		case <-gone:
			return
		case <-time.After(time.Millisecond):
		}
	}
}
