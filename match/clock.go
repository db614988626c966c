package match

import (
	"sync"
	"time"
)

// clock tells matches when to tick. Matches of one rate share a goroutine and
// a timer, which exist while there is such a match; they are spread over slots
// of the period, so that they do not all run at the same moment.
type clock struct {
	mu    sync.Mutex
	beats map[int]*beat // by tick rate
}

// slotWidth is about how far two slots of a beat are apart.
const slotWidth = 8 * time.Millisecond

type beat struct {
	period time.Duration
	slots  [][]*Match
	count  int
	wake   chan struct{} // a match was added or removed: look again
}

func (c *clock) add(m *Match, rate int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.beats[rate]
	if b == nil {
		period := time.Second / time.Duration(rate)
		n := min(max(int(period/slotWidth), 1), 64)
		b = &beat{period: period, slots: make([][]*Match, n), wake: make(chan struct{}, 1)}
		if c.beats == nil {
			c.beats = map[int]*beat{}
		}
		c.beats[rate] = b
		go c.run(rate, b)
	}
	// The emptiest slot; among equals the first, so that few matches of a rate
	// also cause few wake-ups.
	best := 0
	for i := range b.slots {
		if len(b.slots[i]) < len(b.slots[best]) {
			best = i
		}
	}
	b.slots[best] = append(b.slots[best], m)
	b.count++
	m.slot = best
	notify(b.wake)
}

func (c *clock) remove(m *Match, rate int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.beats[rate]
	if b == nil {
		return
	}
	slot := b.slots[m.slot]
	for i := range slot {
		if slot[i] == m {
			slot[i] = slot[len(slot)-1]
			slot[len(slot)-1] = nil
			b.slots[m.slot] = slot[:len(slot)-1]
			b.count--
			break
		}
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

// run wakes the matches of one rate. Slot k is due at start + k·period/slots,
// and then once per period.
func (c *clock) run(rate int, b *beat) {
	width := b.period / time.Duration(len(b.slots))
	start := time.Now()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var due []*Match
	for k := int64(len(b.slots)); ; {
		c.mu.Lock()
		if c.beats[rate] != b {
			c.mu.Unlock()
			return
		}
		// The next slot that has matches. There is one, as count is not zero.
		next := k
		for len(b.slots[next%int64(len(b.slots))]) == 0 {
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
		c.mu.Lock()
		due = append(due[:0], b.slots[next%int64(len(b.slots))]...)
		c.mu.Unlock()
		for _, m := range due {
			m.tickDue()
		}
		clear(due)
		k = next + 1
	}
}
