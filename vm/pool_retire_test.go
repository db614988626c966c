package vm_test

import (
	"testing"
	"testing/synctest"
)

// A retired pool still serves calls, and keeps no VM.
func TestPoolRetires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &factory{}
		p := newPool(t, f, 3, 3)
		synctest.Wait()
		held, _ := lease(t, p, t.Context())
		p.Retire()
		p.Retire()
		if s := p.Stats(); s.Allocated != 1 || s.Idle != 0 || s.InUse != 1 {
			t.Errorf("retired: %+v", s)
		}
		// More calls than the maximum of VMs: they wait for each other as usual.
		done := make(chan struct{})
		for range 8 {
			go func() {
				l, _, err := p.Lease(t.Context())
				if err != nil {
					t.Error(err)
				} else {
					l.Release()
				}
				done <- struct{}{}
			}()
		}
		for range 8 {
			<-done
		}
		own, err := p.New(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held.Release()
		synctest.Wait()
		if s := p.Stats(); s.Allocated != 0 || s.Idle != 0 || s.InUse != 0 || s.Waiting != 0 {
			t.Errorf("at the end: %+v", s)
		}
		for _, m := range f.all {
			if m.closed.Load() == (m == own) {
				t.Errorf("VM %d: closed %v", m.id, m.closed.Load())
			}
		}
	})
}

func TestPoolRetiresWhileItFills(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &factory{block: make(chan struct{})}
		p := newPool(t, f, 4, 4)
		synctest.Wait()
		p.Retire()
		close(f.block)
		synctest.Wait()
		if s := p.Stats(); s.Allocated != 0 {
			t.Errorf("%+v", s)
		}
		for _, m := range f.all {
			if !m.closed.Load() {
				t.Errorf("VM %d is left", m.id)
			}
		}
	})
}
