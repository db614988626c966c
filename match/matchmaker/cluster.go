package matchmaker

import (
	"context"

	"github.com/gofrs/uuid/v5"

	"kumi/presence"
)

// Network carries the matchmaker's calls between the nodes of a cluster. An
// implementation hands each call to the method of the same name, with Handle before it,
// of the other node's Desk. Calls may be lost, arrive late, or have an effect although
// they return an error; none is sent twice. The Desk never calls its own node. All
// methods may be called from any goroutine.
type Network interface {
	// Self is this node.
	Self() presence.NodeID
	// Eligible reports whether this node may lead: it is ready, and not draining.
	Eligible() bool
	// Places reports whether a node may run the matched hook for this one: it is ready and
	// has the same modules.
	Places(node presence.NodeID) bool

	Sync(ctx context.Context, to presence.NodeID, s *Sync) (*Synced, error)
	Propose(ctx context.Context, to presence.NodeID, p *Proposal) (*Accepted, error)
	Place(ctx context.Context, to presence.NodeID, p *Proposed) (place string, err error)
	Settle(ctx context.Context, to presence.NodeID, s []Settlement) error

	// Stats returns what all other nodes answer that can be reached.
	Stats(ctx context.Context) []Stats
	Tickets(ctx context.Context, to presence.NodeID, limit int, user uuid.UUID) ([]*Ticket, error)
	Explain(ctx context.Context, to presence.NodeID, ticket string) (*Explanation, error)
	Remove(ctx context.Context, to presence.NodeID, ticket string) error

	// Announce tells all other nodes, without a guarantee, that this one has begun to lead
	// a term, or with leads false that it has ended, so that they need not wait for their
	// next look at the lease.
	Announce(term int64, leads bool)
}

// Decider is what the nodes of a cluster have in common: the database. All methods may be
// called from any goroutine. A call that returns an error may have had its effect.
type Decider interface {
	// Lease reads the lease and, if campaign is set and it is free or this node's, takes or
	// renews it for LeaseTime. Each taking begins a new term.
	Lease(ctx context.Context, campaign bool) (Lease, error)
	// Release frees the lease if this node holds it for that term.
	Release(ctx context.Context, term int64) error
	// Decide settles matches with the places given, unless they are settled already or the
	// term is over, and returns what is settled of all these: place by match, "" for a
	// match that is not to be. A match that is missing may be settled or not.
	Decide(ctx context.Context, term int64, places map[string]string) (map[string]string, error)
	// Resolve settles matches as not to be, unless they are settled already, and returns how
	// each of them is settled.
	Resolve(ctx context.Context, matches []string) (map[string]string, error)
}

// Lease is who leads.
type Lease struct {
	Holder presence.NodeID
	Term   int64 // grows with each taking; 0: there was no leader yet
	Mine   bool  // held by this process, for LeaseTime from before the call
}

// Offer is a waiting ticket as its home offers it to the leader.
type Offer struct {
	Request
	ID        string
	CreatedAt int64 // Unix nanoseconds, by the home's clock
	Searches  int   // passes in which it has searched so far
}

// Sync tells the leader what has changed in a home's tickets. A home has one Sync under
// way at a time, and sends the same one again until it is answered.
type Sync struct {
	Term   int64
	Stream uint64 // begins anew, with another number, when Reset is set
	Seq    uint64 // counts from 1 within the stream
	Reset  bool   // the leader forgets the home's tickets first
	Add    []Offer
	Remove []string
}

// Synced is the leader's answer.
type Synced struct {
	Resync bool  // the leader does not know the stream, or misses a part: begin a new one
	Passes int64 // passes of this leader so far
}

// Proposed is a formed match with everything its homes need to tell their players.
type Proposed struct {
	ID      string // a UUID
	Term    int64
	Tickets []ProposedTicket
	// Players are the players in the match's order.
	Players []ProposedPlayer
}

// ProposedTicket is a ticket of a formed match, with its home.
type ProposedTicket struct {
	Offer
	Home presence.NodeID
}

// ProposedPlayer names a player by its positions in the match's tickets and in that
// ticket's presences.
type ProposedPlayer struct{ Ticket, Presence int }

// Proposal asks a home to lock its tickets for matches.
type Proposal struct {
	Term    int64
	Matches []Proposed
}

// Accepted is the answer: the matches whose tickets here are locked now, and the tickets
// that prevented others because they are not in the home's pool any more.
type Accepted struct {
	Matches []string
	Gone    []string
}

// Settlement tells how a match was settled: its place as Desk's Place made it, "" if it is
// not to be.
type Settlement struct{ Match, Place string }
