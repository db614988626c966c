package matchmaker

import "sync"

// delivery hands formed matches to OnMatched. Its goroutines come with work and
// go without.
type delivery struct {
	limit int

	mu      sync.Mutex
	queue   []*Match
	running int
	idle    sync.Cond // signalled when running falls to zero; its lock is mu
}

// deliver queues matches for OnMatched and starts who calls it.
func (m *Matchmaker) deliver(matches []*Match) {
	if m.o.OnMatched == nil || len(matches) == 0 {
		return
	}
	d := &m.out
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue = append(d.queue, matches...)
	for range min(len(matches), d.limit-d.running) {
		d.running++
		go m.deliverQueued()
	}
}

func (m *Matchmaker) deliverQueued() {
	for {
		match := m.out.next()
		if match == nil {
			return
		}
		m.matched(match)
	}
}

// next takes the oldest match; nil ends the goroutine that asks.
func (d *delivery) next() *Match {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 {
		d.queue = nil
		d.running--
		if d.running == 0 {
			d.idle.Broadcast()
		}
		return nil
	}
	match := d.queue[0]
	d.queue[0] = nil
	d.queue = d.queue[1:]
	return match
}

// matched calls OnMatched; a panic in it loses that match alone.
func (m *Matchmaker) matched(match *Match) {
	defer func() {
		if cause := recover(); cause != nil {
			m.log.Error().Interface("cause", cause).Int("players", len(match.Entries)).Msg("matchmaker matched callback failed")
		}
	}()
	m.o.OnMatched(match)
}

// wait returns when nothing is queued or running.
func (d *delivery) wait() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.running > 0 {
		d.idle.Wait()
	}
}
