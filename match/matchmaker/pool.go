package matchmaker

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// Add puts a ticket into the pool, which searches from the next pass on, and
// returns it. Errors: fault.InvalidArgument for counts (with a text for the
// client, see CheckCounts), for a query that does not parse
// (runtime.ErrMatchmakerQueryInvalid) and for a session that is in it twice
// (runtime.ErrMatchmakerDuplicateSession); fault.ResourceExhausted if a member
// or the party has MaxTickets already (runtime.ErrMatchmakerTooManyTickets);
// fault.Unavailable after Stop (runtime.ErrMatchmakerNotAvailable).
func (m *Matchmaker) Add(r Request) (*Ticket, error) {
	t, err := newTicket(r)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV4()
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, runtime.ErrMatchmakerNotAvailable.Error(), err)
	}
	t.ID, t.CreatedAt = id.String(), m.o.Now().UnixNano()
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
	// The pool is in order of age, but another ticket may have been added since the
	// clock was read, or the clock went back. Queries see the time that was read.
	t.CreatedAt = max(t.CreatedAt, m.created)
	m.created = t.CreatedAt
	m.insertLocked(t)
	return t, nil
}

// insertLocked puts a ticket into the pool. The caller holds mu.
func (m *Matchmaker) insertLocked(t *Ticket) {
	m.tickets[t.ID] = t
	if t.PartyID != "" {
		m.parties[t.PartyID] = append(m.parties[t.PartyID], t)
	}
	for _, p := range t.Presences {
		m.sessions[p.Session] = append(m.sessions[p.Session], t)
	}
	m.order.push(t)
	m.added = append(m.added, t)
}

func sentinel(code fault.Code, err error) error { return fault.Wrap(code, err.Error(), err) }

// ClientError returns the realtime error code and text for a client whose Add
// failed.
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

// Remove removes a ticket, regardless of its owner. This and the other
// removals by ticket id fail with fault.NotFound
// (runtime.ErrMatchmakerTicketNotFound). In a cluster a ticket may be locked for a
// match; then they wait until that is settled, and fail with fault.Unavailable if it takes
// longer than two seconds.
func (m *Matchmaker) Remove(ticket string) error {
	return m.remove(ticket, func(*Ticket) bool { return true })
}

// RemoveSessionTicket removes a ticket that the session added for itself, not
// one of its party.
func (m *Matchmaker) RemoveSessionTicket(session uuid.UUID, ticket string) error {
	return m.remove(ticket, func(t *Ticket) bool {
		return t.PartyID == "" && t.entries[0].Presence.Session == session
	})
}

// RemovePartyTicket removes a ticket of the party.
func (m *Matchmaker) RemovePartyTicket(party, ticket string) error {
	return m.remove(ticket, func(t *Ticket) bool { return party != "" && t.PartyID == party })
}

func (m *Matchmaker) remove(ticket string, owned func(*Ticket) bool) error {
	for deadline := (<-chan time.Time)(nil); ; {
		m.mu.Lock()
		t := m.tickets[ticket]
		if t == nil || !owned(t) {
			m.mu.Unlock()
			return sentinel(fault.NotFound, runtime.ErrMatchmakerTicketNotFound)
		}
		h := t.held
		if h == nil {
			m.removeLocked(t)
			m.mu.Unlock()
			return nil
		}
		h.hurry()
		m.mu.Unlock()
		if deadline == nil {
			deadline = time.After(callWait)
		}
		select {
		case <-h.done:
		case <-deadline:
			return fault.New(fault.Unavailable, "the ticket is locked for a match that is not settled yet")
		}
	}
}

// RemoveSession removes every ticket the session is part of, including those
// of its parties, and returns their number. It is called when the session
// ends.
func (m *Matchmaker) RemoveSession(session uuid.UUID) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.removeAllLocked(m.sessions[session])
}

// RemoveParty removes every ticket of the party and returns their number. It
// is called when the party's members change or it closes.
func (m *Matchmaker) RemoveParty(party string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.removeAllLocked(m.parties[party])
}

func (m *Matchmaker) removeAllLocked(tickets []*Ticket) int {
	tickets = slices.Clone(tickets) // removeLocked changes the list
	for _, t := range tickets {
		if t.held != nil {
			t.held.hurry() // perhaps its match can still be prevented
		}
		m.removeLocked(t)
	}
	return len(tickets)
}

// dropChanges forgets which tickets were added and removed since that was last taken, if
// these are more than maxChanges, and reports whether it did.
func (m *Matchmaker) dropChanges() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.added)+len(m.removed) <= maxChanges {
		return false
	}
	m.added, m.removed = nil, nil
	return true
}

// removeLocked removes a ticket that is in the pool. The caller holds mu.
func (m *Matchmaker) removeLocked(t *Ticket) {
	t.removed.Store(true)
	delete(m.tickets, t.ID)
	if t.PartyID != "" {
		removeFrom(m.parties, t.PartyID, t)
	}
	for i := range t.entries {
		removeFrom(m.sessions, t.entries[i].Presence.Session, t)
	}
	m.order.noteRemoved()
	m.removed = append(m.removed, t)
}

func removeFrom[K comparable](lists map[K][]*Ticket, key K, t *Ticket) {
	list := lists[key]
	if len(list) == 1 {
		delete(lists, key)
		return
	}
	i := slices.Index(list, t)
	lists[key] = slices.Delete(list, i, i+1)
}

// queue is the pool in order of age. Removed tickets stay in it until they
// make up half of it, or become the oldest.
type queue struct {
	tickets  []*Ticket
	gone     int
	unsorted bool // tickets of other nodes came out of order
}

func (q *queue) push(t *Ticket) {
	if n := len(q.tickets); n > 0 && q.tickets[n-1].CreatedAt > t.CreatedAt {
		q.unsorted = true
	}
	q.tickets = append(q.tickets, t)
}

// all returns all tickets, also removed ones. The caller must not keep it.
func (q *queue) all() []*Ticket {
	if q.unsorted {
		slices.SortStableFunc(q.tickets, byAge)
		q.unsorted = false
	}
	return q.tickets
}

func byAge(a, b *Ticket) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) }

// noteRemoved counts a ticket that was marked as removed.
func (q *queue) noteRemoved() {
	q.gone++
	if q.gone > 64 && q.gone > len(q.tickets)/2 {
		q.tickets = slices.DeleteFunc(q.tickets, func(t *Ticket) bool { return t.removed.Load() })
		q.gone = 0
	}
}

// oldest returns the ticket that has waited longest; nil if there is none.
func (q *queue) oldest() *Ticket {
	for len(q.all()) > 0 {
		if t := q.tickets[0]; !t.removed.Load() {
			return t
		}
		q.tickets[0] = nil
		q.tickets = q.tickets[1:]
		q.gone--
	}
	return nil
}
