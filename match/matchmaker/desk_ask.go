package matchmaker

import (
	"context"
	"slices"

	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/presence"
	"kumi/store/fault"
)

// What follows may be asked on every node and is answered by the leader, whose pool has all
// tickets. Errors are also fault.Unavailable while none is known.

var errNoLeader = fault.New(fault.Unavailable, "no node leads the matchmaker at the moment")

// ask calls here on the pool of all tickets if this node has it, and otherwise there with
// the node that does.
func ask[T any](d *Desk, here func(pool *Matchmaker) (T, error), there func(leader presence.NodeID) (T, error)) (T, error) {
	if d.net == nil {
		return here(d.home)
	}
	if l := d.leading(); l != nil {
		return here(l.pool)
	}
	leader, _, ok := d.leaderNow()
	if !ok || leader == d.self {
		var none T
		return none, errNoLeader
	}
	answer, err := there(leader)
	if fault.CodeOf(err) == fault.NotFound && fault.MessageOf(err, "") == runtime.ErrMatchmakerTicketNotFound.Error() {
		err = sentinel(fault.NotFound, runtime.ErrMatchmakerTicketNotFound)
	}
	return answer, err
}

// answer calls here if this node leads, for another node that believes so.
func answer[T any](d *Desk, here func(pool *Matchmaker) (T, error)) (T, error) {
	return ask(d, here, func(presence.NodeID) (none T, err error) { return none, errTermOver })
}

// Stats returns the statistics of all tickets, from their homes: what was added a moment
// ago counts. Those of nodes that cannot be reached do not.
func (d *Desk) Stats(ctx context.Context) Stats {
	all := d.HandleStats()
	if d.net == nil {
		return all
	}
	for _, s := range d.net.Stats(ctx) {
		all.Tickets += s.Tickets
		if all.OldestAt == 0 || s.OldestAt != 0 && s.OldestAt < all.OldestAt {
			all.OldestAt = s.OldestAt
		}
		if len(s.Completions) > len(all.Completions) { // the leader's
			all.Completions = s.Completions
		}
	}
	return all
}

// HandleStats answers Stats for another node: with the tickets whose home is here and, at
// the leader, the matches that it has formed.
func (d *Desk) HandleStats() Stats {
	s := d.home.Stats()
	if l := d.leading(); l != nil {
		s.Completions = l.pool.Stats().Completions
	}
	return s
}

// Tickets returns up to limit waiting tickets, oldest first, of all users or, if user is
// not nil, of that user and its parties. The tickets are not to be given to other methods.
func (d *Desk) Tickets(ctx context.Context, limit int, user uuid.UUID) ([]*Ticket, error) {
	return ask(d, ticketsOf(limit, user), func(leader presence.NodeID) ([]*Ticket, error) { return d.net.Tickets(ctx, leader, limit, user) })
}

// HandleTickets answers Tickets for another node.
func (d *Desk) HandleTickets(limit int, user uuid.UUID) ([]*Ticket, error) {
	return answer(d, ticketsOf(limit, user))
}

func ticketsOf(limit int, user uuid.UUID) func(pool *Matchmaker) ([]*Ticket, error) {
	return func(pool *Matchmaker) ([]*Ticket, error) {
		return pool.Tickets(limit, func(t *Ticket) bool {
			return user == uuid.Nil || slices.ContainsFunc(t.Presences, func(p *presence.Presence) bool { return p.UserID == user })
		}), nil
	}
}

// Explain is Matchmaker.Explain over all tickets.
func (d *Desk) Explain(ctx context.Context, ticket string) (*Explanation, error) {
	return ask(d, explanationOf(ticket), func(leader presence.NodeID) (*Explanation, error) { return d.net.Explain(ctx, leader, ticket) })
}

// HandleExplain answers Explain for another node.
func (d *Desk) HandleExplain(ticket string) (*Explanation, error) {
	return answer(d, explanationOf(ticket))
}

func explanationOf(ticket string) func(pool *Matchmaker) (*Explanation, error) {
	return func(pool *Matchmaker) (*Explanation, error) { return pool.Explain(ticket) }
}

// Remove is Matchmaker.Remove for a ticket of any node.
func (d *Desk) Remove(ctx context.Context, ticket string) error {
	err := d.HandleRemove(ctx, ticket)
	if d.net == nil || fault.CodeOf(err) != fault.NotFound || d.leading() != nil {
		return err
	}
	_, err = ask(d, func(*Matchmaker) (struct{}, error) { return struct{}{}, err },
		func(leader presence.NodeID) (struct{}, error) { return struct{}{}, d.net.Remove(ctx, leader, ticket) })
	return err
}

// HandleRemove removes a ticket whose home is here or, at the leader, which knows all homes,
// elsewhere.
func (d *Desk) HandleRemove(ctx context.Context, ticket string) error {
	err := d.home.Remove(ticket)
	l := d.leading()
	if l == nil || fault.CodeOf(err) != fault.NotFound {
		return err
	}
	if t, ok := l.pool.Ticket(ticket); ok && t.home != d.self {
		return d.net.Remove(ctx, t.home, ticket)
	}
	return err
}
