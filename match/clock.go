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

// clock ticks the matches. All matches of one tick rate share a goroutine and
// a timer, which exist as long as there is such a match. The period is divided
// into slots, and the matches of a slot tick together as long as that takes no
// more than maxSlotLoad: waking the process up and putting it to sleep costs
// more than most ticks.
type clock struct {
	pool   *actor.Pool
	mu     sync.Mutex
	groups map[int]*rateGroup // by tick rate
}

const (
	// slotWidth is about the time between two slots of a group.
	slotWidth = 8 * time.Millisecond
	// maxSlotLoad is how long the ticks of one slot may take together, run one after
	// the other, before matches move to another slot.
	maxSlotLoad = 4 * time.Millisecond
	// maxPerSlot is how many matches a slot gets while others have fewer.
	maxPerSlot = 64
	// slowTickTime is the average tick time from which on a match gets a goroutine of
	// its own: it probably waits for something.
	slowTickTime = 2 * time.Millisecond
	// rebalanceInterval is how often a group may move a match to an earlier slot after
	// the load has dropped.
	rebalanceInterval = time.Second
)

type rateGroup struct {
	period       time.Duration
	slots        []slot
	count        int
	rebalancedAt time.Time
	wake         chan struct{} // a match was added or removed: look again
}

type slot struct {
	matches []*Match
	load    time.Duration // of all its matches, when the slot was last due
}

// average is a moving average of how long a match's ticks take. The match adds
// to it, the clock reads it.
type average struct{ ns atomic.Int64 }

func (a *average) get() time.Duration { return time.Duration(a.ns.Load()) }

func (a *average) add(took time.Duration) {
	was := a.ns.Load()
	a.ns.Store(was + (int64(took)-was)/8)
}

func (c *clock) add(m *Match, rate int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.groups[rate]
	if g == nil {
		period := time.Second / time.Duration(rate)
		n := min(max(int(period/slotWidth), 1), 64)
		g = &rateGroup{period: period, slots: make([]slot, n), wake: make(chan struct{}, 1)}
		if c.groups == nil {
			c.groups = map[int]*rateGroup{}
		}
		c.groups[rate] = g
		go c.run(rate, g)
	}
	g.insert(m, g.findSlot(maxSlotLoad, 0))
	g.count++
	notify(g.wake)
}

// findSlot returns the slot for one more match: the first whose load stays
// within max, otherwise the one with the least load.
func (g *rateGroup) findSlot(max, took time.Duration) int {
	best, least := 0, time.Duration(math.MaxInt64)
	for i := range g.slots {
		s := &g.slots[i]
		if len(s.matches) < maxPerSlot && (s.load+took <= max || len(s.matches) == 0) {
			return i
		}
		// If all slots have many matches, count each match as if it took time.
		if load := s.load + maxSlotLoad/maxPerSlot*time.Duration(len(s.matches)); load < least {
			best, least = i, load
		}
	}
	return best
}

func (g *rateGroup) insert(m *Match, i int) {
	s := &g.slots[i]
	m.slot = i
	s.matches = append(s.matches, m)
	s.load += m.took.get()
}

// remove takes a match out of its slot and reports whether it was there.
func (g *rateGroup) remove(m *Match) bool {
	s := &g.slots[m.slot]
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
	g := c.groups[rate]
	if g == nil {
		return
	}
	if g.remove(m) {
		g.count--
	}
	if g.count == 0 {
		delete(c.groups, rate)
		notify(g.wake)
	}
}

func notify(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// due returns the matches of a slot that tick now. If they take too long
// together, the slowest move to other slots; if an earlier slot has room, one
// match moves there.
func (g *rateGroup) due(i int) (all []*Match) {
	s := &g.slots[i]
	all = make([]*Match, 0, len(s.matches))
	s.load = 0
	for _, m := range s.matches {
		s.load += m.took.get()
		if m.skipNext {
			m.skipNext = false
			continue
		}
		all = append(all, m)
	}
	if len(all) < len(s.matches) {
		return all // a match has just moved here
	}
	for s.load > maxSlotLoad && len(s.matches) > 1 {
		m := slices.MaxFunc(s.matches, func(x, y *Match) int { return cmp.Compare(x.took.get(), y.took.get()) })
		took := m.took.get()
		to := g.findSlot(maxSlotLoad, took)
		if to == i || g.slots[to].load+took >= s.load {
			break
		}
		g.move(m, to)
	}
	if n := len(s.matches); i > 0 && n > 0 && s.load <= maxSlotLoad {
		m := s.matches[n-1]
		if to := g.findSlot(maxSlotLoad/2, m.took.get()); to < i {
			if now := time.Now(); now.Sub(g.rebalancedAt) > rebalanceInterval {
				g.rebalancedAt = now
				g.move(m, to)
			}
		}
	}
	return all
}

// move puts a match that is due now into another slot. Its next tick is at
// most half a period late or early.
func (g *rateGroup) move(m *Match, to int) {
	n := len(g.slots)
	m.skipNext = (to-m.slot+n)%n < n/2
	g.remove(m)
	g.insert(m, to)
}

// run ticks the matches of one rate. Slot k is due at start + k·period/slots,
// and then once per period.
func (c *clock) run(rate int, g *rateGroup) {
	width := g.period / time.Duration(len(g.slots))
	start := time.Now()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for k := int64(len(g.slots)); ; {
		c.mu.Lock()
		if c.groups[rate] != g {
			c.mu.Unlock()
			return
		}
		// The next slot that has matches. There is one, since count is not zero.
		next := k
		for len(g.slots[next%int64(len(g.slots))].matches) == 0 {
			next++
		}
		c.mu.Unlock()

		at := start.Add(time.Duration(next) * width)
		if wait := time.Until(at); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-g.wake:
				// A new match may be in a slot before the awaited one. Do not skip
				// that one either.
				k = min(max(k, int64(time.Since(start)/width)+1), next)
				continue
			}
		} else if late := -wait; late > g.period {
			// The machine was suspended or overloaded: skip the missed ticks.
			k = int64(time.Since(start)/width) + 1
			continue
		}
		i := int(next % int64(len(g.slots)))
		c.mu.Lock()
		due := g.due(i)
		c.mu.Unlock()
		c.tick(due)
		k = next + 1
	}
}

// tick runs the matches that are due and not busy. The quick ones share
// goroutines, up to maxSlotLoad; no match waits for a slow one.
func (c *clock) tick(due []*Match) {
	quick, load := due[:0], time.Duration(0)
	for _, m := range due {
		if !m.tickDue() {
			continue
		}
		if took := m.took.get(); took <= slowTickTime && load+took <= maxSlotLoad {
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
