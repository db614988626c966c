package actor

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(8)
		defer p.Close()
		var ran, at, most atomic.Int32
		list := make([]run, 100)
		for i := range list {
			list[i] = func() {
				most.Store(max(most.Load(), at.Add(1)))
				ran.Add(1)
				at.Add(-1)
			}
		}
		Share(p, list, 3)
		synctest.Wait()
		if ran.Load() != 100 || most.Load() > 3 {
			t.Errorf("%d of 100 ran, %d at once, want 3 at most", ran.Load(), most.Load())
		}
		Share(p, list[:1], 3)
		synctest.Wait()
		if ran.Load() != 101 {
			t.Errorf("one alone did not run")
		}
		Share(p, list[:0], 3)
	})
}

// Runners that block do not hold up those behind them.
func TestShareStalled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(2)
		defer p.Close()
		gate, all := make(chan struct{}), make(chan struct{})
		var ran atomic.Int32
		list := make([]run, 40)
		for i := range list {
			list[i] = func() {
				if ran.Add(1) == int32(len(list)) {
					close(all)
				}
				if i%2 == 0 {
					<-gate
				}
			}
		}
		Share(p, list, 2)
		<-all // otherwise synctest reports a deadlock
		close(gate)
	})
}

// Nor do those that block in turn.
func TestShareRotates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(2)
		defer p.Close()
		var all sync.WaitGroup
		list := make([]run, 40)
		for i := range list {
			all.Add(1)
			list[i] = func() { time.Sleep(20 * time.Millisecond); all.Done() }
		}
		began := time.Now()
		Share(p, list, 2)
		all.Wait()
		if took := time.Since(began); took > 30*time.Millisecond {
			t.Errorf("40 that wait 20 ms each took %v", took)
		}
	})
}

func BenchmarkShare(b *testing.B) {
	p := NewPool(8)
	defer p.Close()
	const n = 32
	done := make(chan struct{})
	var left atomic.Int32
	list := make([]run, n)
	for i := range list {
		list[i] = func() {
			if left.Add(-1) == 0 {
				done <- struct{}{}
			}
		}
	}
	b.Run("each", func(b *testing.B) {
		for b.Loop() {
			left.Store(n)
			for _, r := range list {
				p.Go(r)
			}
			<-done
		}
	})
	b.Run("shared", func(b *testing.B) {
		for b.Loop() {
			left.Store(n)
			Share(p, list, 2)
			<-done
		}
	})
}
