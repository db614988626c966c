package vm

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// scale is the part of a Guard that says which VMs are weighed, and when.
//
// To weigh a VM is to walk over all it keeps, so it is done when there is reason
// to: a new round begins when the heap in use has grown by a quarter of the limit
// since the last one, or after a minute. In each round every VM is due once, after
// a call of its own. One is weighed at a time, and no more than a tenth of the
// time of one processor goes into those that may stay; VMs that are due meanwhile
// are later. A round goes on until none has come for a while, or those that are
// called most often would be weighed again and again before others are at all.
type scale struct {
	limit uint64 // bytes; 0: nothing is weighed
	round atomic.Uint32
	base  uint64 // heap in use when the round began; of the guard
	began time.Time

	busy    sync.Mutex
	next    atomic.Int64 // when to weigh again at the earliest, in nanoseconds since scaleStarted
	largest [2]atomic.Uint64
	retired [2][2]atomic.Uint64
}

const (
	leastGrowth = 4 << 20
	noneCame    = 200 * time.Millisecond
	roundLasts  = time.Minute
	weighShare  = 10 // of the time, one part is for weighing
)

var scaleStarted = time.Now()

// grow looks whether a new round begins. The guard is locked.
func (s *scale) grow(live uint64) {
	if s.limit == 0 {
		return
	}
	s.base = min(s.base, live)
	grown := live-s.base >= max(s.limit/4, leastGrowth)
	served := int64(time.Since(scaleStarted))-s.next.Load() >= int64(noneCame)
	if !(grown && served) && time.Since(s.began) < roundLasts {
		return
	}
	s.base, s.began = live, time.Now()
	s.round.Add(1)
	s.largest[0].Store(s.largest[1].Swap(0))
}

// Weighed is a VM that can say how much memory it keeps.
type Weighed interface {
	// Weigh adds up what the VM, and what only Go code has of its values, keeps,
	// and stops when it is more than most. It is for the VM's owner, between
	// calls, and does not run scripts.
	Weigh(most uint64, roots ...any) uint64
	// Watched is the VM as the guard knows it, nil without one.
	Watched() *Watched
}

// Due says whether a VM should be weighed now. It costs next to nothing.
func (w *Watched) Due() bool {
	return w != nil && w.g.scale.limit > 0 && w.weighed != w.g.round.Load() && int64(time.Since(scaleStarted)) >= w.g.next.Load()
}

// WeighDue weighs a VM if it is due. own is what a new one of its kind weighs; over
// says that it keeps more than that and the limit.
func WeighDue(v Weighed, own uint64, roots ...any) (bytes uint64, over bool) {
	w := v.Watched()
	if !w.Due() || !w.g.busy.TryLock() {
		return 0, false
	}
	defer w.g.busy.Unlock()
	began := time.Now()
	w.g.next.Store(math.MaxInt64)
	defer func() {
		next := time.Since(scaleStarted)
		if !over { // what is given up has cost more to fill than to weigh
			next += (weighShare - 1) * time.Since(began)
		}
		w.g.next.Store(int64(next))
	}()
	w.weighed = w.g.round.Load()
	bytes = v.Weigh(own+w.g.scale.limit, roots...)
	for now := &w.g.largest[1]; ; {
		if was := now.Load(); was >= bytes || now.CompareAndSwap(was, bytes) {
			break
		}
	}
	over = bytes > own+w.g.scale.limit
	return bytes, over
}

// KeepLimit is how much a VM may keep beyond what a new one has, in bytes; 0 is no
// limit.
func (g *Guard) KeepLimit() uint64 {
	if g == nil {
		return 0
	}
	return g.scale.limit
}

// Retired counts a VM that was given up because of what it kept.
func (g *Guard) Retired(l Lang, match bool) {
	if g == nil {
		return
	}
	kind := 0
	if match {
		kind = 1
	}
	g.retired[side(l)][kind].Add(1)
}

// Kept tells how many VMs and matches of each language were given up because of
// what they kept, and the size of the largest VM that was weighed lately.
func (g *Guard) Kept(visit func(l Lang, vms, matches uint64)) (largest uint64) {
	if g == nil {
		return 0
	}
	for _, l := range []Lang{JS, Lua} {
		visit(l, g.retired[side(l)][0].Load(), g.retired[side(l)][1].Load())
	}
	return max(g.largest[0].Load(), g.largest[1].Load())
}
