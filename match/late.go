package match

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// lateTicks counts the ticks of a match that took longer than the time until the next one.
type lateTicks struct {
	count atomic.Uint64
	last  atomic.Int64 // Unix nanoseconds
}

func (l *lateTicks) add(now time.Time) {
	l.count.Add(1)
	l.last.Store(now.UnixNano())
}

// Slow describes a match whose ticks take too long.
type Slow struct {
	ID, Handler    string
	TickRate, Size int
	// Took is the average time of its last ticks, Budget what they may take.
	Took, Budget time.Duration
	// Late is how many ticks took longer, since the match began.
	Late uint64
}

// lateFor is how long a match is slow after its last late tick.
const lateFor = time.Minute

// Slow returns the matches whose ticks take longer than they may, or did in the last
// minute: the slowest for their budget first, at most max.
func (r *Registry) Slow(max int) []Slow {
	recently := time.Now().Add(-lateFor).UnixNano()
	var slow []Slow
	r.mu.RLock()
	for _, m := range r.matches {
		if m.late.last.Load() > recently {
			rate := int(m.rate.Load())
			slow = append(slow, Slow{
				ID: m.text, Handler: m.name, TickRate: rate, Size: int(m.size.Load()),
				Took: m.took.get(), Budget: time.Second / time.Duration(rate), Late: m.late.count.Load(),
			})
		}
	}
	r.mu.RUnlock()
	share := func(s Slow) float64 { return float64(s.Took) / float64(s.Budget) }
	slices.SortFunc(slow, func(a, b Slow) int {
		return cmp.Or(cmp.Compare(share(b), share(a)), cmp.Compare(a.ID, b.ID))
	})
	return slow[:min(len(slow), max)]
}

// tickLoad measures how many of a node's ticks are late.
type tickLoad struct {
	late atomic.Uint64 // ticks, since the start

	mu      sync.Mutex
	at      time.Time // of the last measurement
	before  uint64    // late at that time
	percent int64
}

// loadInterval is the time between two measurements.
const loadInterval = time.Second

// Load returns how many matches run on this node, and how many percent of their ticks were
// late between the last two of its measurements, which are at least a second apart.
func (r *Registry) Load() (matches int, latePercent int64) {
	l := &r.load
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	passed := now.Sub(l.at)
	if passed < loadInterval {
		return r.Count(), l.percent
	}
	rates := 0
	r.mu.RLock()
	matches = len(r.matches)
	for _, m := range r.matches {
		rates += int(m.rate.Load())
	}
	r.mu.RUnlock()
	late := l.late.Load()
	l.percent = 0
	if ticks := float64(rates) * passed.Seconds(); ticks >= 1 && !l.at.IsZero() {
		l.percent = min(int64(100*float64(late-l.before)/ticks), 100)
	}
	l.at, l.before = now, late
	return matches, l.percent
}
