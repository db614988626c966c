package vm_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kumi/store/fault"
	"kumi/vm"
)

// Calls that wait free their place in the pool, for callers that come before as well
// as after, and the pool shrinks back afterwards.
func TestWaitingCallsDoNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, &factory{}, 1, 1)
		waits, ctx := lease(t, p, t.Context())
		got := make(chan *vm.Lease)
		go func() {
			l, _, err := p.Lease(t.Context())
			if err != nil {
				t.Error(err)
			}
			got <- l
		}()
		synctest.Wait()
		over := vm.Waiting(ctx)
		second := <-got
		second.Release() // frees the only place
		second, inner := lease(t, p, t.Context())
		again := vm.Waiting(inner)
		third, _ := lease(t, p, t.Context())

		vm.Waiting(ctx)() // nested, so it counts once
		vm.Waiting(vm.Detach(ctx))()
		again()
		over()
		if _, _, err := p.Lease(withTimeout(t)); fault.CodeOf(err) != fault.DeadlineExceeded {
			t.Errorf("with three calls running, a fourth got %v", err)
		}
		for _, l := range []*vm.Lease{waits, second, third} {
			l.Release()
		}
		if s := p.Stats(); s.Allocated != 1 || s.Idle != 1 || s.InUse != 0 {
			t.Errorf("afterwards %+v", s)
		}
		p.Close()
	})
}

// The number of VMs is limited even if all calls wait.
func TestWaitingHasABound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, &factory{}, 1, 1)
		var all []*vm.Lease
		for {
			l, ctx, err := p.Lease(withTimeout(t))
			if err != nil {
				break
			}
			defer vm.Waiting(ctx)()
			all = append(all, l)
			if len(all) > 1000 {
				t.Fatal("there is no limit")
			}
		}
		if len(all) != 16 {
			t.Errorf("%d VMs for one place", len(all))
		}
		for _, l := range all {
			l.Release()
		}
		p.Close()
	})
}

// VMs that were made while other calls waited are closed when those stop waiting, even
// if there is a queue, and the queue is still served.
func TestLineAfterWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, &factory{}, 1, 2)
		var held []*vm.Lease
		var overs []func()
		for range 10 {
			l, ctx := lease(t, p, t.Context())
			held, overs = append(held, l), append(overs, vm.Waiting(ctx))
		}
		for range 2 {
			l, _ := lease(t, p, t.Context())
			held = append(held, l)
		}
		var running, peak, served atomic.Int64
		for range 30 {
			go func() {
				l, _, err := p.Lease(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				peak.Store(max(peak.Load(), running.Add(1)))
				time.Sleep(time.Millisecond)
				running.Add(-1)
				served.Add(1)
				l.Release()
			}()
			synctest.Wait()
		}
		for _, over := range overs {
			over()
		}
		for i, l := range held {
			l.Instance().(*machine).broken = i%3 == 0
			l.Release()
			synctest.Wait()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s := p.Stats(); peak.Load() > 2 || served.Load() != 30 || s.Allocated > 2 || s.InUse != 0 || s.Waiting != 0 {
			t.Errorf("%d calls at once in a pool of 2, %d of 30 served, %+v", peak.Load(), served.Load(), s)
		}
		p.Close()
	})
}

func withTimeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return ctx
}
