package actor

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type run func()

func (r run) Run() { r() }

func TestPool(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(3)
		var n atomic.Int32
		gate := make(chan struct{})
		// All run concurrently, as one may wait for another.
		for range 10 {
			p.Go(run(func() { n.Add(1); <-gate }))
		}
		synctest.Wait()
		if n.Load() != 10 {
			t.Errorf("%d of 10 run", n.Load())
		}
		close(gate)
		synctest.Wait()
		if got := len(p.idle); got != 3 {
			t.Errorf("%d goroutines wait, want 3", got)
		}
		for range 10 {
			p.Go(run(func() { n.Add(1) }))
			synctest.Wait()
		}
		if n.Load() != 20 || len(p.idle) != 3 {
			t.Errorf("%d ran, %d wait", n.Load(), len(p.idle))
		}
		p.Close()
		p.Close()
		p.Go(run(func() { n.Add(1) }))
		synctest.Wait()
		if n.Load() != 21 || len(p.idle) != 0 {
			t.Errorf("after closing %d ran, %d wait", n.Load(), len(p.idle))
		}
	})
}

func TestPoolConcurrently(t *testing.T) {
	t.Parallel()
	p := NewPool(4)
	var all, done sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				done.Add(1)
				p.Go(run(done.Done))
			}
		})
	}
	all.Wait()
	done.Wait()
	p.Close()
}

func BenchmarkPool(b *testing.B) {
	p := NewPool(4)
	defer p.Close()
	ran := make(chan struct{}, 1)
	r := run(func() { ran <- struct{}{} })
	b.ReportAllocs()
	for b.Loop() {
		p.Go(r)
		<-ran
	}
}
