package matchmaker

// Completion tells how long one player of a formed match had waited.
type Completion struct {
	CreatedAt, CompletedAt int64 // Unix nanoseconds
}

// Stats describe the pool as it is.
type Stats struct {
	Tickets     int
	OldestAt    int64        // when the oldest ticket was added, Unix nanoseconds; 0 without tickets
	Completions []Completion // of the last ten players matched, oldest first
}

// keptCompletions is how many the protocol shows.
const keptCompletions = 10

// completions is a ring of the last ones.
type completions struct {
	ring [keptCompletions]Completion
	n    int // ever added
}

func (c *completions) add(done Completion) {
	c.ring[c.n%keptCompletions] = done
	c.n++
}

func (c *completions) list() []Completion {
	list := make([]Completion, 0, keptCompletions)
	for i := max(0, c.n-keptCompletions); i < c.n; i++ {
		list = append(list, c.ring[i%keptCompletions])
	}
	return list
}

// Stats are taken at the moment of the call.
func (m *Matchmaker) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Stats{Tickets: len(m.tickets), Completions: m.done.list()}
	if t := m.order.oldest(); t != nil {
		s.OldestAt = t.CreatedAt
	}
	return s
}

// Tickets lists tickets that are in the pool and accepted, the oldest first, at
// most so many. accept is called with a lock held and must not call m.
func (m *Matchmaker) Tickets(limit int, accept func(*Ticket) bool) []*Ticket {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*Ticket
	for _, t := range m.order.tickets {
		if len(list) >= limit {
			break
		}
		if t != nil && !t.gone.Load() && accept(t) {
			list = append(list, t)
		}
	}
	return list
}

// Ticket returns a ticket that is in the pool, and whether it is.
func (m *Matchmaker) Ticket(id string) (*Ticket, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tickets[id]
	return t, ok
}
