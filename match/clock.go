package match

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kumi/presence/actor"
)

// clock tells matches when to tick. Matches of one rate share a goroutine and
// a timer, which exist while there is such a match. They tick in slots of the
// period: those of one slot together, because waking the process up and putting
// it to sleep costs more than most ticks, as many as take no more than slotLoad.
type clock struct {
	pool  *actor.Pool
	mu    sync.Mutex
	beats map[int]*beat // by tick rate
}

const (
	// slotWidth is about how far two slots of a beat are apart.
	slotWidth = 8 * time.Millisecond
	// slotLoad is how long the ticks of one slot may take together, one after
	// the other, before matches move to another.
	slotLoad = 4 * time.Millisecond
	// slotMost is how many matches a slot gets while another has fewer.
	slotMost = 64
	// slowTick is what a tick of a match takes on average that shares its goroutine
	// with no other: likely it waits for something.
	slowTick = 2 * time.Millisecond
	// gatherEvery is how often a match may move to a slot before its own, after
	// the load has become less.
	gatherEvery = time.Second
)

type beat struct {
	period   time.Duration
	slots    []slot
	count    int
	gathered time.Time
	wake     chan struct{} // a match was added or removed: look again
}

type slot struct {
	matches []*Match
	load    time.Duration // of all, when they were last due
}

// average is about how long the last ticks of a match took. Its match adds to
// it, the clock reads it.
type average struct{ ns atomic.Int64 }

func (a *average) get() time.Duration { return time.Duration(a.ns.Load()) }

func (a *average) add(took time.Duration) {
	was := a.ns.Load()
	a.ns.Store(was + (int64(took)-was)/8)
}

func (c *clock) add(m *Match, rate int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.beats[rate]
	if b == nil {
		period := time.Second / time.Duration(rate)
		n := min(max(int(period/slotWidth), 1), 64)
		b = &beat{period: period, slots: make([]slot, n), wake: make(chan struct{}, 1)}
		if c.beats == nil {
			c.beats = map[int]*beat{}
		}
		c.beats[rate] = b
		go c.run(rate, b)
	}
	b.put(m, b.room(slotLoad, 0))
	b.count++
	notify(b.wake)
}

// room finds the slot for one more match: the first whose load stays within
// most, else the one with the least.
func (b *beat) room(most, took time.Duration) int {
	best, least := 0, time.Duration(math.MaxInt64)
	for i := range b.slots {
		s := &b.slots[i]
		if len(s.matches) < slotMost && (s.load+took <= most || len(s.matches) == 0) {
			return i
		}
		// Where all slots have many matches, these count as if they took time.
		if load := s.load + slotLoad/slotMost*time.Duration(len(s.matches)); load < least {
			best, least = i, load
		}
	}
	return best
}

func (b *beat) put(m *Match, i int) {
	s := &b.slots[i]
	m.slot = i
	s.matches = append(s.matches, m)
	s.load += m.took.get()
}

// take takes a match out of its slot.
func (b *beat) take(m *Match) bool {
	s := &b.slots[m.slot]
	for i, x := range s.matches {
		if x == m {
			last := len(s.matches) - 1
			s.matches[i] = s.matches[last]
			s.matches[last] = nil
			s.matches = s.matches[:last]
			s.load -= m.took.get()
			return true
		}
	}
	return false
}

func (c *clock) remove(m *Match, rate int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.beats[rate]
	if b == nil {
		return
	}
	if b.take(m) {
		b.count--
	}
	if b.count == 0 {
		delete(c.beats, rate)
		notify(b.wake)
	}
}

func notify(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// due lists the matches of a slot that tick now. Those that take longest go to
// other slots where all take too long together, and one comes from a later slot
// to an earlier one where there is room again.
func (b *beat) due(i int) (all []*Match) {
	s := &b.slots[i]
	all = make([]*Match, 0, len(s.matches))
	s.load = 0
	for _, m := range s.matches {
		s.load += m.took.get()
		if m.hold {
			m.hold = false
			continue
		}
		all = append(all, m)
	}
	if len(all) < len(s.matches) {
		return all // one has just moved
	}
	for s.load > slotLoad && len(s.matches) > 1 {
		m := slices.MaxFunc(s.matches, func(x, y *Match) int { return cmp.Compare(x.took.get(), y.took.get()) })
		took := m.took.get()
		to := b.room(slotLoad, took)
		if to == i || b.slots[to].load+took >= s.load {
			break
		}
		b.move(m, to)
	}
	if n := len(s.matches); i > 0 && n > 0 && s.load <= slotLoad {
		m := s.matches[n-1]
		if to := b.room(slotLoad/2, m.took.get()); to < i {
			if now := time.Now(); now.Sub(b.gathered) > gatherEvery {
				b.gathered = now
				b.move(m, to)
			}
		}
	}
	return all
}

// move puts a match that is due now into another slot. Its next tick comes half
// a period late or early, at most.
func (b *beat) move(m *Match, to int) {
	n := len(b.slots)
	m.hold = (to-m.slot+n)%n < n/2
	b.take(m)
	b.put(m, to)
}

// run wakes the matches of one rate. Slot k is due at start + k·period/slots,
// and then once per period.
func (c *clock) run(rate int, b *beat) {
	width := b.period / time.Duration(len(b.slots))
	start := time.Now()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for k := int64(len(b.slots)); ; {
		c.mu.Lock()
		if c.beats[rate] != b {
			c.mu.Unlock()
			return
		}
		// The next slot that has matches. There is one, as count is not zero.
		next := k
		for len(b.slots[next%int64(len(b.slots))].matches) == 0 {
			next++
		}
		c.mu.Unlock()

		at := start.Add(time.Duration(next) * width)
		if wait := time.Until(at); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-b.wake:
				// A new match may sit in a slot that comes before the one
				// awaited, which is not to be missed either.
				k = min(max(k, int64(time.Since(start)/width)+1), next)
				continue
			}
		} else if late := -wait; late > b.period {
			// The machine was asleep or far too busy: what was missed is gone.
			k = int64(time.Since(start)/width) + 1
			continue
		}
		i := int(next % int64(len(b.slots)))
		c.mu.Lock()
		due := b.due(i)
		c.mu.Unlock()
		c.tick(due)
		k = next + 1
	}
}

// tick runs the matches that are due and not busy. The quick ones share
// goroutines, up to slotLoad; no match waits for one that is slow.
func (c *clock) tick(due []*Match) {
	quick, load := due[:0], time.Duration(0)
	for _, m := range due {
		if !m.tickDue() {
			continue
		}
		if took := m.took.get(); took <= slowTick && load+took <= slotLoad {
			load += took
			quick = append(quick, m)
			continue
		}
		c.pool.Go(m)
	}
	if len(quick) > 0 {
		actor.Share(c.pool, quick, min(1+int(load/time.Millisecond), runtime.GOMAXPROCS(0)))
	}
}
