package matchmaker

import (
	"sync"
	"time"
)

// loop is the goroutine that runs passes.
type loop struct {
	once sync.Once
	stop chan struct{}
	done chan struct{}
}

// Start runs a pass every Interval, and removes tickets as they time out,
// until Stop. It may be called once.
func (m *Matchmaker) Start() { m.start(true) }

// startExpiry is Start without passes, for tickets that a leader matches.
func (m *Matchmaker) startExpiry() { m.start(false) }

func (m *Matchmaker) start(passes bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped || m.loop.stop != nil {
		return
	}
	m.loop.stop, m.loop.done = make(chan struct{}), make(chan struct{})
	go m.run(passes, m.loop.stop, m.loop.done)
}

// Stop refuses further tickets, ends the loop after the current pass, and
// waits for OnMatched calls, queued and running. It may be called more than
// once, but not from a callback.
func (m *Matchmaker) Stop() {
	m.mu.Lock()
	m.stopped = true
	stop, done := m.loop.stop, m.loop.done
	m.mu.Unlock()
	if stop != nil {
		m.loop.once.Do(func() { close(stop) })
		<-done
	}
	m.out.wait()
}

func (m *Matchmaker) run(passes bool, stop <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	tick := time.NewTicker(m.o.Interval)
	defer tick.Stop()
	if !passes {
		tick.Stop()
	}
	var expiry *time.Timer
	var due <-chan time.Time
	if m.o.TicketTimeout > 0 {
		expiry = time.NewTimer(m.o.TicketTimeout)
		due = expiry.C
		defer expiry.Stop()
	}
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			m.Process()
		case <-due:
			m.expire()
			expiry.Reset(m.untilExpiry())
		}
	}
}

// untilExpiry returns the time until the next ticket can time out. Tickets
// added in the meantime time out later.
func (m *Matchmaker) untilExpiry() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.order.oldest()
	if t == nil {
		return m.o.TicketTimeout
	}
	least := time.Millisecond
	if t.held != nil {
		least = time.Second // it may be over already, and cannot be removed now
	}
	left := t.CreatedAt + int64(m.o.TicketTimeout) - m.o.Now().UnixNano()
	return max(least, time.Duration(left))
}

// expire removes the tickets that have timed out.
func (m *Matchmaker) expire() {
	if m.o.TicketTimeout <= 0 {
		return
	}
	limit := m.o.Now().Add(-m.o.TicketTimeout).UnixNano()
	var late []*Ticket
	m.mu.Lock()
	for _, t := range m.order.all() {
		if t.CreatedAt > limit {
			break
		}
		if !t.removed.Load() && t.held == nil {
			late = append(late, t)
		}
	}
	for _, t := range late {
		m.removeLocked(t)
	}
	m.mu.Unlock()
	if len(late) == 0 {
		return
	}
	m.metrics.MatchmakerTimedOut(len(late))
	if m.o.OnTimeout != nil {
		m.o.OnTimeout(late)
	}
}
