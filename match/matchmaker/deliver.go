package matchmaker

import "sync"

// delivery passes formed matches to OnMatched, on goroutines that exist only
// while there are any.
type delivery struct {
	limit int

	mu      sync.Mutex
	queue   []*Match
	running int
	idle    sync.Cond // signalled when running becomes zero; its lock is mu
}

// deliver queues matches for OnMatched and starts goroutines as needed.
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

// next returns the oldest match; nil ends the calling goroutine.
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

// matched calls OnMatched; a panic affects only that match.
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
