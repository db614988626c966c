package matchmaker

import (
	"context"
	"slices"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
	"kumi/store/fault"
)

// What follows may be asked on every node and is answered by the leader, whose pool has all
// tickets. Errors are also fault.Unavailable while none is known.

var errNoLeader = fault.New(fault.Unavailable, "no node leads the matchmaker at the moment")

// askLeader calls here on the pool if this node has it, and otherwise there with the node
// that does.
func askLeader[T any](d *Desk, here func(pool *Matchmaker) (T, error), there func(leader presence.NodeID) (T, error)) (T, error) {
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
	return there(leader)
}

// Stats returns the statistics of all tickets.
func (d *Desk) Stats(ctx context.Context) (Stats, error) {
	return askLeader(d, func(pool *Matchmaker) (Stats, error) { return pool.Stats(), nil },
		func(leader presence.NodeID) (Stats, error) { return d.net.Stats(ctx, leader) })
}

// Tickets returns up to limit waiting tickets, oldest first, of all users or, if user is
// not nil, of that user and its parties. The tickets are not to be given to other methods.
func (d *Desk) Tickets(ctx context.Context, limit int, user uuid.UUID) ([]*Ticket, error) {
	of := func(t *Ticket) bool {
		return user == uuid.Nil || slices.ContainsFunc(t.Presences, func(p *presence.Presence) bool { return p.UserID == user })
	}
	return askLeader(d, func(pool *Matchmaker) ([]*Ticket, error) { return pool.Tickets(limit, of), nil },
		func(leader presence.NodeID) ([]*Ticket, error) { return d.net.Tickets(ctx, leader, limit, user) })
}

// Explain is Matchmaker.Explain over all tickets.
func (d *Desk) Explain(ctx context.Context, ticket string) (*Explanation, error) {
	return askLeader(d, func(pool *Matchmaker) (*Explanation, error) { return pool.Explain(ticket) },
		func(leader presence.NodeID) (*Explanation, error) { return d.net.Explain(ctx, leader, ticket) })
}

// Remove is Matchmaker.Remove for a ticket of any node.
func (d *Desk) Remove(ctx context.Context, ticket string) error {
	err := d.HandleRemove(ctx, ticket)
	if d.net == nil || fault.CodeOf(err) != fault.NotFound || d.leading() != nil {
		return err
	}
	leader, _, ok := d.leaderNow()
	if !ok || leader == d.self {
		return errNoLeader
	}
	return d.net.Remove(ctx, leader, ticket)
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
