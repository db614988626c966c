package server

import (
	"kumi/presence"
)

var _ presence.Queuer = (*session)(nil)

// Queue implements presence.Queuer.
func (s *session) Queue(m *presence.Message) { s.enqueue(m, false) }

// Flush implements presence.Queuer: it writes on the caller's goroutine what the
// kernel takes at once, and leaves the rest to a writer. For a match with a
// handful of players that saves waking a goroutine per player and tick.
func (s *session) Flush() {
	o := &s.out
	o.mu.Lock()
	if o.writing || len(o.queue) == 0 {
		o.mu.Unlock()
		return
	}
	o.writing = true
	if o.close || o.ended || len(o.queue) > keptQueue || !s.wire.direct() {
		o.mu.Unlock()
		s.pool.Go((*writer)(s))
		return
	}
	var room [keptQueue]*presence.Message
	batch := room[:copy(room[:], o.queue)]
	clear(o.queue)
	o.queue = o.queue[:0]
	o.mu.Unlock()

	buffer := buffers.Get().(*[]byte)
	b := (*buffer)[:0]
	for _, m := range batch {
		if payload, err := m.Bytes(s.format); err == nil { // enqueue has seen to errors
			b = appendFrame(b, s.frames, payload)
		}
	}
	n := s.wire.tryWrite(b)
	s.metrics.messages.sent.Add(uint64(n))
	if n < len(b) {
		s.rest = append([]byte(nil), b[n:]...)
	}
	*buffer = b
	putBuffer(buffer)

	o.mu.Lock()
	done := n == len(b) && len(o.queue) == 0 && !o.close
	if done {
		o.writing = false
	}
	o.mu.Unlock()
	if !done {
		s.pool.Go((*writer)(s))
	}
}
