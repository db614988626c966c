package matchmaker

// Completion records how long one player of a formed match waited.
type Completion struct {
	CreatedAt, CompletedAt int64 // Unix nanoseconds
}

// Stats describe the current pool.
type Stats struct {
	Tickets     int
	OldestAt    int64        // Unix nanoseconds; 0 without tickets
	Completions []Completion // of the last ten players matched, oldest first
}

// maxCompletions is how many the protocol shows.
const maxCompletions = 10

// completions is a ring buffer.
type completions struct {
	ring [maxCompletions]Completion
	n    int // ever added
}

func (c *completions) add(done Completion) {
	c.ring[c.n%maxCompletions] = done
	c.n++
}

func (c *completions) list() []Completion {
	list := make([]Completion, 0, maxCompletions)
	for i := max(0, c.n-maxCompletions); i < c.n; i++ {
		list = append(list, c.ring[i%maxCompletions])
	}
	return list
}

// Stats returns the current statistics.
func (m *Matchmaker) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Stats{Tickets: len(m.tickets), Completions: m.done.list()}
	if t := m.order.oldest(); t != nil {
		s.OldestAt = t.CreatedAt
	}
	return s
}

// Tickets returns up to limit tickets that accept accepts, oldest first.
// accept is called with a lock held and must not call m.
func (m *Matchmaker) Tickets(limit int, accept func(*Ticket) bool) []*Ticket {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*Ticket
	for _, t := range m.order.all() {
		if len(list) >= limit {
			break
		}
		if !t.removed.Load() && accept(t) {
			list = append(list, t)
		}
	}
	return list
}

// Ticket returns a ticket by id, and whether it is in the pool.
func (m *Matchmaker) Ticket(id string) (*Ticket, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tickets[id]
	return t, ok
}
