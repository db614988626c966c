package js_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"kumi/store/fault"
	"kumi/vm"
	"kumi/vm/js"
)

// VMs whose calls do not return are abandoned: the pool replaces them, and closes them
// when their calls return after all.
func TestCallsThatNeverEnd(t *testing.T) {
	t.Parallel()
	const size = 3
	hold := make(chan struct{})
	lib := vm.Bind(vm.JS, hold, []vm.Func[chan struct{}]{{Name: vm.N("hang"), Body: func(hold chan struct{}, _ *vm.Call) error { <-hold; return nil }}})
	var pool *vm.Pool
	var err error
	pool, err = vm.NewPool(t.Context(), vm.PoolOptions{Name: "test", Max: size, Wait: 10 * time.Second, New: func(context.Context) (vm.Instance, error) {
		return load(t, `function hang(nk) { nk.hang() } function answer() { return 42 }`, js.Options{
			Limits: vm.Limits{Timeout: 50 * time.Millisecond}, Grace: 50 * time.Millisecond, Stuck: func(v *js.VM) { pool.Abandon(v) },
		}), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	call := func(name string, args func(vm.Instance) []vm.Ref) ([]vm.Ref, error) {
		l, ctx, err := pool.Lease(t.Context())
		if err != nil {
			return nil, err
		}
		defer l.Release()
		v := l.Instance()
		var refs []vm.Ref
		if args != nil {
			refs = args(v)
		}
		return v.Invoke(ctx, v.Global(name), refs...)
	}
	var hung sync.WaitGroup
	for range size {
		hung.Go(func() {
			_, err := call("hang", func(v vm.Instance) []vm.Ref { return []vm.Ref{v.Functions(lib)} })
			if fault.CodeOf(err) != fault.DeadlineExceeded {
				t.Errorf("a call that hung: %v", err)
			}
		})
	}
	for pool.Stats().Abandoned < size {
		time.Sleep(time.Millisecond)
	}
	for range size {
		if _, err := call("answer", nil); err != nil {
			t.Error(err)
		}
	}
	close(hold)
	hung.Wait()
	if s := pool.Stats(); s.InUse != 0 || s.Allocated != s.Idle || s.Idle == 0 {
		t.Errorf("afterwards %+v", s)
	}
}
