package core

import (
	"sync"
	"time"

	"github.com/hashicorp/cronexpr"
)

// period is the period of a board that contains a time. Times are Unix seconds.
type period struct {
	// startActive and endActive are the window of a tournament in which scores are
	// accepted: from the first until before the second.
	startActive, endActive int64
	// nextReset is when the period ends, and the expiry_time of its records; 0 if
	// it does not.
	nextReset int64
	prevReset int64 // 0 if there was none
}

// active reports whether a tournament accepts scores.
func (p period) active(now int64) bool { return p.startActive <= now && now < p.endActive }

// expiry is the expiry_time of the records of the period.
func (p period) expiry() time.Time { return time.Unix(p.nextReset, 0).UTC() }

// periodOf returns the period of a board to which now belongs. All times are UTC.
func (c *Core) periodOf(b *board, now int64) period {
	if b.schedule == "" {
		if !b.tournament() {
			return period{}
		}
		p := period{startActive: b.start, endActive: b.start + b.duration, nextReset: b.end}
		if b.end > 0 {
			p.endActive = min(p.endActive, b.end)
		}
		return p
	}
	ticks := c.schedules.get(b.schedule)
	if ticks == nil { // an expression that cannot be parsed, not from this server: no ticks
		return period{startActive: b.start, endActive: b.start + b.duration, nextReset: b.end}
	}
	last, next := ticks.around(now)
	if !b.tournament() {
		p := period{nextReset: next, prevReset: last}
		if last < b.created {
			p.prevReset = 0
		}
		return p
	}
	p := b.window(ticks, now, last, next)
	if p.prevReset = last; last < b.start {
		p.prevReset = 0
	}
	if b.end > 0 && (p.nextReset == 0 || p.nextReset > b.end) {
		p.nextReset = b.end
	}
	if b.end > 0 {
		p.endActive = min(p.endActive, b.end)
	}
	return p
}

// window returns the window of a tournament with a schedule, whose ticks around
// now are last and next, without regard to the tournament's end.
func (b *board) window(ticks *ticks, now, last, next int64) period {
	from := func(start int64) period {
		p := period{startActive: start, nextReset: ticks.after(start)}
		p.endActive = start + b.duration
		if p.nextReset > 0 {
			p.endActive = min(p.endActive, p.nextReset)
		}
		return p
	}
	if now < b.start || last == 0 {
		return from(ticks.after(b.start))
	}
	p := period{startActive: last, endActive: last + b.duration, nextReset: next}
	if next > 0 {
		p.endActive = min(p.endActive, next)
	}
	switch {
	case b.start <= last:
		return p
	case b.start < p.endActive: // the tournament starts in the middle of a window
		p.startActive = b.start
		return p
	}
	return from(ticks.after(b.start))
}

// ticks are the times of a cron expression. It may be used from any goroutine.
type ticks struct {
	cron *cronexpr.Expression

	mu         sync.Mutex
	known      bool
	last, next int64 // of the latest call of around
}

// around returns the last tick at or before t and the first one after t; 0 if
// there is none. It is cheap as long as t stays between two ticks.
func (s *ticks) around(t int64) (last, next int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known || t < s.last || s.next > 0 && t >= s.next {
		s.known = true
		s.next = s.after(t)
		s.last = 0
		if before := cronBefore(s.cron, time.Unix(t+1, 0).UTC()); !before.IsZero() {
			s.last = before.Unix()
		}
	}
	return s.last, s.next
}

// after returns the first tick after t, 0 if there is none.
func (s *ticks) after(t int64) int64 {
	next := s.cron.Next(time.Unix(t, 0).UTC())
	if next.IsZero() {
		return 0
	}
	return next.Unix()
}

// schedules are the cron expressions of boards, parsed once.
type schedules struct {
	mu     sync.Mutex
	parsed map[string]*ticks
}

// maxSchedules is the maximum number of cached expressions.
const maxSchedules = 4096

// get returns the ticks of an expression, or nil if it is not one.
func (s *schedules) get(expression string) *ticks {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.parsed[expression]; ok {
		return t
	}
	cron, err := parseCron(expression)
	if err != nil {
		return nil
	}
	if s.parsed == nil || len(s.parsed) >= maxSchedules {
		s.parsed = map[string]*ticks{}
	}
	t := &ticks{cron: cron}
	s.parsed[expression] = t
	return t
}
