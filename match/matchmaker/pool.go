package matchmaker

import (
	"errors"
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// Add puts a request into the pool, to search from the next pass on, and
// returns its ticket. Errors carry fault.InvalidArgument for counts (with a text
// for the client, see CheckCounts), for a query that does not parse
// (runtime.ErrMatchmakerQueryInvalid) and for a session that is in it twice
// (runtime.ErrMatchmakerDuplicateSession); fault.ResourceExhausted when a member
// or the party has its limit of tickets (runtime.ErrMatchmakerTooManyTickets);
// fault.Unavailable once stopped (runtime.ErrMatchmakerNotAvailable).
func (m *Matchmaker) Add(r Request) (*Ticket, error) {
	t, err := newTicket(r)
	if err != nil {
		return nil, err
	}
	t.CreatedAt = m.o.Now().UnixNano()
	t.describe()

	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return nil, sentinel(fault.Unavailable, runtime.ErrMatchmakerNotAvailable)
	}
	full := r.PartyID != "" && len(m.parties[r.PartyID]) >= m.o.MaxTickets
	for _, p := range r.Presences {
		full = full || len(m.sessions[p.Session]) >= m.o.MaxTickets
	}
	if full {
		return nil, sentinel(fault.ResourceExhausted, runtime.ErrMatchmakerTooManyTickets)
	}
	// Another may have come in since the clock was read, or the clock went back;
	// the pool is in order of age. Queries go on seeing the time that was read.
	t.CreatedAt = max(t.CreatedAt, m.created)
	m.created = t.CreatedAt
	m.tickets[t.ID] = t
	if r.PartyID != "" {
		m.parties[r.PartyID] = append(m.parties[r.PartyID], t)
	}
	for _, p := range r.Presences {
		m.sessions[p.Session] = append(m.sessions[p.Session], t)
	}
	m.order.push(t)
	m.added = append(m.added, t)
	return t, nil
}

func sentinel(code fault.Code, err error) error { return fault.Wrap(code, err.Error(), err) }

// ClientError is what a client reads when Add failed for a single session: a
// realtime error code and its text.
func ClientError(err error) (rtapi.Error_Code, string) {
	const failed = "Error adding to matchmaker"
	switch {
	case errors.Is(err, runtime.ErrMatchmakerQueryInvalid):
		return rtapi.Error_RUNTIME_EXCEPTION, failed + ": " + fault.MessageOf(err, "")
	case errors.Is(err, runtime.ErrMatchmakerDuplicateSession):
	case fault.CodeOf(err) == fault.InvalidArgument:
		return rtapi.Error_BAD_INPUT, fault.MessageOf(err, "Invalid matchmaker request")
	}
	return rtapi.Error_RUNTIME_EXCEPTION, failed + ": " + fault.MessageOf(err, "")
}

// Remove takes a ticket out of the pool, whoever owns it. This and the other
// removals by ticket fail with fault.NotFound
// (runtime.ErrMatchmakerTicketNotFound).
func (m *Matchmaker) Remove(ticket string) error {
	return m.remove(ticket, func(*Ticket) bool { return true })
}

// RemoveSessionTicket takes out a ticket that the session added for itself. A
// ticket of its party is not found.
func (m *Matchmaker) RemoveSessionTicket(session uuid.UUID, ticket string) error {
	return m.remove(ticket, func(t *Ticket) bool {
		return t.PartyID == "" && t.entries[0].Presence.Session == session
	})
}

// RemovePartyTicket takes out a ticket of that party.
func (m *Matchmaker) RemovePartyTicket(party, ticket string) error {
	return m.remove(ticket, func(t *Ticket) bool { return party != "" && t.PartyID == party })
}

func (m *Matchmaker) remove(ticket string, owned func(*Ticket) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tickets[ticket]
	if t == nil || !owned(t) {
		return sentinel(fault.NotFound, runtime.ErrMatchmakerTicketNotFound)
	}
	m.take(t)
	return nil
}

// RemoveSession takes out every ticket the session is part of, its parties' too,
// and tells how many: the session has ended.
func (m *Matchmaker) RemoveSession(session uuid.UUID) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.takeAll(m.sessions[session])
}

// RemoveParty takes out every ticket of the party and tells how many: its
// members changed, or it closed.
func (m *Matchmaker) RemoveParty(party string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.takeAll(m.parties[party])
}

func (m *Matchmaker) takeAll(tickets []*Ticket) int {
	tickets = slices.Clone(tickets) // take changes the list
	for _, t := range tickets {
		m.take(t)
	}
	return len(tickets)
}

// take removes a ticket that is in the pool. The caller holds mu.
func (m *Matchmaker) take(t *Ticket) {
	t.gone.Store(true)
	delete(m.tickets, t.ID)
	if t.PartyID != "" {
		drop(m.parties, t.PartyID, t)
	}
	for i := range t.entries {
		drop(m.sessions, t.entries[i].Presence.Session, t)
	}
	m.order.left()
	m.removed = append(m.removed, t)
}

func drop[K comparable](lists map[K][]*Ticket, key K, t *Ticket) {
	list := lists[key]
	if len(list) == 1 {
		delete(lists, key)
		return
	}
	i := slices.Index(list, t)
	lists[key] = slices.Delete(list, i, i+1)
}

// queue is the pool in order of age. Tickets that left stay in it until they are
// half of it, or the oldest.
type queue struct {
	tickets []*Ticket
	gone    int
}

func (q *queue) push(t *Ticket) { q.tickets = append(q.tickets, t) }

// left notes that a ticket, already marked as gone, left the pool.
func (q *queue) left() {
	q.gone++
	if q.gone > 64 && q.gone > len(q.tickets)/2 {
		q.tickets = slices.DeleteFunc(q.tickets, func(t *Ticket) bool { return t.gone.Load() })
		q.gone = 0
	}
}

// oldest is the ticket that waits longest; nil when there is none.
func (q *queue) oldest() *Ticket {
	for len(q.tickets) > 0 {
		if t := q.tickets[0]; !t.gone.Load() {
			return t
		}
		q.tickets[0] = nil
		q.tickets = q.tickets[1:]
		q.gone--
	}
	return nil
}
