package vm_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"kumi/store/fault"
	"kumi/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// machine is a VM that only tracks how it is used.
type machine struct {
	vm.Instance
	id     int64
	owned  atomic.Bool
	broken bool
	closed atomic.Bool
}

func (m *machine) Broken() bool { return m.broken }
func (m *machine) Close()       { m.closed.Store(true) }

// factory makes machines and counts them.
type factory struct {
	made  atomic.Int64
	fail  atomic.Bool
	mu    sync.Mutex
	all   []*machine
	block chan struct{} // if not nil, all but the first New wait for it
}

func (f *factory) New(ctx context.Context) (vm.Instance, error) {
	if f.block != nil && f.made.Load() > 0 {
		select {
		case <-f.block:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if f.fail.Load() {
		return nil, errors.New("cannot make a VM")
	}
	m := &machine{id: f.made.Add(1)}
	f.mu.Lock()
	f.all = append(f.all, m)
	f.mu.Unlock()
	return m, nil
}

func newPool(t *testing.T, f *factory, minVMs, maxVMs int) *vm.Pool {
	t.Helper()
	p, err := vm.NewPool(t.Context(), vm.PoolOptions{Name: "test", Min: minVMs, Max: maxVMs, New: f.New})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func lease(t *testing.T, p *vm.Pool, ctx context.Context) (*vm.Lease, context.Context) {
	t.Helper()
	l, ctx, err := p.Lease(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return l, ctx
}

func TestPoolLendsAndTakesBack(t *testing.T) {
	t.Parallel()
	p := newPool(t, &factory{}, 1, 2)
	defer p.Close()
	a, _ := lease(t, p, t.Context())
	b, _ := lease(t, p, t.Context())
	if a.Instance() == b.Instance() {
		t.Fatal("one VM was leased twice")
	}
	if s := p.Stats(); s.Allocated != 2 || s.InUse != 2 || s.Idle != 0 {
		t.Errorf("stats %+v", s)
	}
	b.Release()
	b.Release()
	if s := p.Stats(); s.InUse != 1 || s.Idle != 1 {
		t.Errorf("after releasing twice: %+v", s)
	}
	again, _ := lease(t, p, t.Context())
	if again.Instance() != b.Instance() {
		t.Error("a new VM was made while one was idle")
	}
	again.Release()
	a.Release()
}

func TestPoolFillsInTheBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &factory{block: make(chan struct{})}
		p := newPool(t, f, 4, 8) // returns before the others are made
		if n := f.made.Load(); n != 1 {
			t.Errorf("%d VMs made before NewPool returned", n)
		}
		close(f.block)
		synctest.Wait()
		if s := p.Stats(); s.Allocated != 4 || s.Idle != 4 || s.InUse != 0 {
			t.Errorf("stats %+v", s)
		}
		p.Close()
	})
}

func TestPoolUsesFirst(t *testing.T) {
	t.Parallel()
	f, first := &factory{}, &machine{}
	p, err := vm.NewPool(t.Context(), vm.PoolOptions{Max: 1, First: first, New: f.New})
	if err != nil {
		t.Fatal(err)
	}
	l, _ := lease(t, p, t.Context())
	if l.Instance() != vm.Instance(first) {
		t.Error("the first lease is not of Options.First")
	}
	l.Release()
	p.Close()
	if !first.closed.Load() {
		t.Error("Options.First was not closed with the pool")
	}
}

func TestNestedLeaseIsTheSameVM(t *testing.T) {
	t.Parallel()
	p := newPool(t, &factory{}, 1, 1)
	defer p.Close()
	outer, ctx := lease(t, p, t.Context())
	type key struct{}
	inner, deeper := lease(t, p, context.WithValue(ctx, key{}, 1))
	if inner.Instance() != outer.Instance() {
		t.Fatal("the nested lease has another VM")
	}
	if deeper.Value(key{}) != 1 {
		t.Error("the context lost its values")
	}
	inner.Release()
	if s := p.Stats(); s.InUse != 1 {
		t.Errorf("the inner release returned the VM to the pool: %+v", s)
	}
	other := newPool(t, &factory{}, 1, 1)
	defer other.Close()
	l, _ := lease(t, other, ctx)
	if l.Instance() == outer.Instance() {
		t.Error("a lease of one pool was used for another pool")
	}
	l.Release()
	outer.Release()

	// A context that outlives its lease must not grant access to the VM.
	l, _ = lease(t, p, t.Context())
	expired, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if _, _, err := p.Lease(expired); fault.CodeOf(err) != fault.DeadlineExceeded {
		t.Errorf("a lease under the context of a lease that has ended: %v", err)
	}
	l.Release()
}

func TestDetachHidesTheLease(t *testing.T) {
	t.Parallel()
	p := newPool(t, &factory{}, 1, 2)
	defer p.Close()
	a, ctx := lease(t, p, t.Context())
	b, _ := lease(t, p, vm.Detach(ctx))
	if a.Instance() == b.Instance() {
		t.Error("the detached context still has the lease")
	}
	a.Release()
	b.Release()
}

func TestFullPoolWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, &factory{}, 1, 1)
		held, _ := lease(t, p, t.Context())

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := p.Lease(ctx); fault.CodeOf(err) != fault.DeadlineExceeded {
			t.Errorf("after its deadline: %v", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if _, _, err := p.Lease(ctx); fault.CodeOf(err) != fault.Canceled {
			t.Errorf("cancelled: %v", err)
		}

		var order []int
		done := make(chan struct{})
		for i := range 3 {
			go func() {
				l, _, err := p.Lease(t.Context())
				if err != nil {
					t.Error(err)
				} else {
					order = append(order, i) // only the holder of the VM writes
					l.Release()
				}
				done <- struct{}{}
			}()
			synctest.Wait()
		}
		if s := p.Stats(); s.Waiting != 3 || s.Waits != 4 {
			t.Errorf("stats %+v", s)
		}
		held.Release()
		for range 3 {
			<-done
		}
		if order[0] != 0 || order[1] != 1 || order[2] != 2 {
			t.Errorf("not in order of arrival: %v", order)
		}
		p.Close()
	})
}

func TestWaitHasALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, err := vm.NewPool(t.Context(), vm.PoolOptions{Name: "test", Max: 1, Wait: time.Second, New: (&factory{}).New})
		if err != nil {
			t.Fatal(err)
		}
		held, _ := lease(t, p, t.Context())
		start := time.Now()
		_, _, err = p.Lease(t.Context())
		if fault.CodeOf(err) != fault.ResourceExhausted || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		held.Release()
		p.Close()
	})
}

func TestBrokenVMIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, &factory{}, 1, 1)
		l, _ := lease(t, p, t.Context())
		broken := l.Instance().(*machine)
		got := make(chan vm.Instance)
		go func() {
			l, _, err := p.Lease(t.Context())
			if err != nil {
				t.Error(err)
				close(got)
				return
			}
			got <- l.Instance()
			l.Release()
		}()
		synctest.Wait()
		broken.broken = true
		l.Release()
		if next := <-got; next == vm.Instance(broken) {
			t.Error("the waiter got the broken VM")
		}
		synctest.Wait()
		if !broken.closed.Load() {
			t.Error("the broken VM was not closed")
		}
		l, _ = lease(t, p, t.Context())
		l.Instance().(*machine).broken = true
		l.Release()
		synctest.Wait()
		if s := p.Stats(); s.Retired != 2 || s.Allocated != 1 || s.Idle != 1 {
			t.Errorf("stats %+v", s)
		}
		p.Close()
	})
}

func TestVMThatCannotBeMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &factory{}
		f.fail.Store(true)
		if _, err := vm.NewPool(t.Context(), vm.PoolOptions{New: f.New}); err == nil {
			t.Fatal("a pool was made although its first VM could not be")
		}
		f.fail.Store(false)
		failed := 0
		p, err := vm.NewPool(t.Context(), vm.PoolOptions{Min: 2, Max: 2, First: &machine{}, Failed: func(error) { failed++ },
			New: func(ctx context.Context) (vm.Instance, error) { f.fail.Store(true); return f.New(ctx) }})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if failed != 1 {
			t.Errorf("%d failures reported", failed)
		}
		l, _ := lease(t, p, t.Context())
		if _, _, err := p.Lease(t.Context()); err == nil {
			t.Error("leased a VM that cannot be made")
		}
		l.Release()
		if s := p.Stats(); s.Allocated != 1 || s.Idle != 1 {
			t.Errorf("stats %+v", s)
		}
		p.Close()
	})
}

func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &factory{}
		p := newPool(t, f, 1, 1)
		l, _ := lease(t, p, t.Context())
		failed := make(chan error)
		go func() {
			_, _, err := p.Lease(t.Context())
			failed <- err
		}()
		synctest.Wait()
		p.Close()
		p.Close()
		if err := <-failed; fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("the waiter got %v", err)
		}
		if l.Instance().(*machine).closed.Load() {
			t.Error("a leased VM was closed under its owner")
		}
		l.Release()
		if !l.Instance().(*machine).closed.Load() {
			t.Error("it was not closed when it came back")
		}
		if _, err := p.New(t.Context()); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("New of a closed pool: %v", err)
		}
	})
}

func TestPrivateVMs(t *testing.T) {
	t.Parallel()
	f, own := &factory{}, &machine{}
	p, err := vm.NewPool(t.Context(), vm.PoolOptions{Max: 1, New: f.New, Private: func(context.Context) (vm.Instance, error) { return own, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got, err := p.New(t.Context()); err != nil || got != vm.Instance(own) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestPoolUnderLoad(t *testing.T) {
	t.Parallel()
	f := &factory{}
	p := newPool(t, f, 2, 4)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 200 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(50+g*i%40)*time.Microsecond)
				l, lctx, err := p.Lease(ctx)
				if err == nil {
					m := l.Instance().(*machine)
					if m.owned.Swap(true) {
						t.Error("two owners of one VM")
					}
					if n, _, err := p.Lease(lctx); err == nil {
						n.Release()
					}
					m.broken = i%37 == 0
					m.owned.Store(false)
					l.Release()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	s := p.Stats()
	if s.InUse > 1 || s.Waiting != 0 || s.Allocated > 4 { // the filler may be making one
		t.Errorf("stats %+v", s)
	}
	p.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.all {
		if !m.closed.Load() {
			t.Errorf("VM %d was never closed", m.id)
		}
	}
}
