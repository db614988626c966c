package command

import "testing"

func TestIdleHeap(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	h := newIdleHeap()
	var allocated, cycles uint64
	// run looks for as many periods at a heap that grows by each, and gives when
	// memory was given back.
	run := func(live, held, each uint64, periods int) (given []int) {
		for i := range periods {
			allocated += each
			held += each
			if h.look(live, held, allocated, cycles) {
				given = append(given, i+1)
				cycles++
				held = live
			}
		}
		return given
	}
	first := func(given []int) int {
		if len(given) == 0 {
			return 0
		}
		return given[0]
	}
	if given := run(10*mb, 50*mb, 4*mb, 20); given != nil {
		t.Errorf("under load memory is given back in periods %v", given)
	}
	if given := run(10*mb, 50*mb, 0, 20); len(given) != 1 || given[0] != heapIdle {
		t.Errorf("after the load memory is given back in periods %v, want %d only", given, heapIdle)
	}
	run(10*mb, 10*mb, 3*mb, 1)
	if at := first(run(10*mb, 14*mb, 0, 60)); at <= heapIdle || at > 3*heapIdle {
		t.Errorf("a little waste is given back in period %d", at)
	}
	// A server that makes garbage at rest is not collected all the time.
	run(10*mb, 10*mb, 3*mb, 1)
	given := run(10*mb, 10*mb, 3*mb/2, 300)
	if len(given) < 5 || len(given) > 300/12 {
		t.Errorf("with 3 MB of garbage a second memory is given back in periods %v", given)
	}
	if h.look(10*mb, 9*mb, allocated, cycles) {
		t.Error("memory is given back where there is none")
	}
}
