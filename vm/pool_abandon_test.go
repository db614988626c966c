package vm_test

import (
	"testing"
	"testing/synctest"

	"kumi/store/fault"
	"kumi/vm"
)

// An abandoned VM makes room for exactly one other, whether its call was waiting, and
// whether it still begins or ends to wait afterwards.
func TestAbandonedVMsAreNotCounted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, after, ends bool }{
		"running":                             {},
		"running, waits later":                {after: true},
		"running, waits later and goes on":    {after: true, ends: true},
		"waiting":                             {before: true},
		"waiting, goes on":                    {before: true, ends: true},
		"waiting, waits again, then goes on":  {before: true, after: true, ends: true},
		"waiting, waits again, never goes on": {before: true, after: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const size = 2
				f := &factory{}
				p := newPool(t, f, 1, size)
				defer p.Close()
				stuck, ctx := lease(t, p, t.Context())
				var overs []func()
				wait := func() { overs = append(overs, vm.Waiting(ctx)) }
				if c.before {
					wait()
				}
				p.Abandon(stuck.Instance())
				p.Abandon(stuck.Instance())
				if c.after {
					wait()
				}
				if c.ends {
					for _, over := range overs {
						over()
					}
				}
				var held []*vm.Lease
				for range size {
					l, _ := lease(t, p, t.Context())
					held = append(held, l)
				}
				if s := p.Stats(); s.Allocated != size || s.InUse != size || s.Abandoned != 1 {
					t.Errorf("with all places taken: %+v", s)
				}
				if _, _, err := p.Lease(withTimeout(t)); fault.CodeOf(err) != fault.DeadlineExceeded {
					t.Errorf("a pool of %d lends one more VM: %v", size, err)
				}
				for _, l := range append(held, stuck) {
					l.Release()
				}
				synctest.Wait()
				if s := p.Stats(); s.Allocated != size || s.Idle != size || s.InUse != 0 {
					t.Errorf("afterwards: %+v", s)
				}
				if !stuck.Instance().(*machine).closed.Load() {
					t.Error("the abandoned VM was not closed when its call ended")
				}
			})
		})
	}
}

// A VM that has just come back is not abandoned.
func TestIdleVMsAreNotAbandoned(t *testing.T) {
	t.Parallel()
	p := newPool(t, &factory{}, 1, 1)
	defer p.Close()
	l, _ := lease(t, p, t.Context())
	l.Release()
	p.Abandon(l.Instance())
	if s := p.Stats(); s.Allocated != 1 || s.Idle != 1 || s.InUse != 0 || s.Abandoned != 0 {
		t.Errorf("%+v", s)
	}
}
