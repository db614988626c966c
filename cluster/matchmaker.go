package cluster

import (
	"context"
	"time"

	"github.com/gofrs/uuid/v5"

	"kumi/cluster/wire"
	"kumi/match/matchmaker"
	"kumi/presence"
)

// Matchmaking carries the calls of the matchmaker between nodes. It is the
// matchmaker.Network of this node's desk. Its methods may be called from any goroutine,
// Serve before the node starts.
type Matchmaking struct {
	n      *Node
	digest func() string
}

var _ matchmaker.Network = (*Matchmaking)(nil)

// NewMatchmaking makes the network of a desk that is made with it, and then served. digest
// returns that of this node's modules: only nodes with the same run a matched hook for it.
func NewMatchmaking(n *Node, digest func() string) *Matchmaking {
	return &Matchmaking{n: n, digest: digest}
}

// Self implements matchmaker.Network.
func (m *Matchmaking) Self() presence.NodeID { return m.n.Self() }

// Eligible implements matchmaker.Network.
func (m *Matchmaking) Eligible() bool { return m.n.State() == Ready }

// Places implements matchmaker.Network.
func (m *Matchmaking) Places(node presence.NodeID) bool {
	p, ok := m.n.Peer(node)
	return ok && p.State == Ready && p.Digest == m.digest()
}

// Sync implements matchmaker.Network.
func (m *Matchmaking) Sync(ctx context.Context, to presence.NodeID, s *matchmaker.Sync) (*matchmaker.Synced, error) {
	out := &wire.TicketSynced{}
	if err := Call(ctx, m.n, to, wire.Method_METHOD_TICKET_SYNC, writeSync(s), out); err != nil {
		return nil, err
	}
	return &matchmaker.Synced{Resync: out.Resync, Passes: out.Passes}, nil
}

// Propose implements matchmaker.Network.
func (m *Matchmaking) Propose(ctx context.Context, to presence.NodeID, p *matchmaker.Proposal) (*matchmaker.Accepted, error) {
	in := &wire.MatchProposal{Term: p.Term, Matches: make([]*wire.FormedMatch, len(p.Matches))}
	for i := range p.Matches {
		in.Matches[i] = writeFormed(&p.Matches[i])
	}
	out := &wire.MatchAccepted{}
	if err := Call(ctx, m.n, to, wire.Method_METHOD_MATCH_PROPOSE, in, out); err != nil {
		return nil, err
	}
	return &matchmaker.Accepted{Matches: out.Matches, Gone: out.Gone}, nil
}

// Place implements matchmaker.Network.
func (m *Matchmaking) Place(ctx context.Context, to presence.NodeID, p *matchmaker.Proposed) (string, error) {
	out := &wire.MatchPlaced{}
	if err := Call(ctx, m.n, to, wire.Method_METHOD_MATCH_PLACE, writeFormed(p), out); err != nil {
		return "", err
	}
	return string(out.Place), nil
}

// Settle implements matchmaker.Network.
func (m *Matchmaking) Settle(ctx context.Context, to presence.NodeID, list []matchmaker.Settlement) error {
	in := &wire.MatchSettle{Settlements: make([]*wire.MatchSettle_Settlement, len(list))}
	for i, s := range list {
		in.Settlements[i] = &wire.MatchSettle_Settlement{Match: s.Match, Place: []byte(s.Place)}
	}
	return Call(ctx, m.n, to, wire.Method_METHOD_MATCH_SETTLE, in, &wire.MatchSettled{})
}

// statsWait is how long statistics wait for a node.
const statsWait = 500 * time.Millisecond

// Stats implements matchmaker.Network.
func (m *Matchmaking) Stats(ctx context.Context) (all []matchmaker.Stats) {
	ctx, cancel := context.WithTimeout(ctx, statsWait)
	defer cancel()
	for _, a := range CallAll[*wire.TicketStats](ctx, m.n, wire.Method_METHOD_TICKET_STATS, &wire.TicketStatsCall{}) {
		if a.Err == nil {
			all = append(all, readStats(a.Out))
		}
	}
	return all
}

// Tickets implements matchmaker.Network. A long list takes several calls, as an answer is
// limited.
func (m *Matchmaking) Tickets(ctx context.Context, to presence.NodeID, limit int, user uuid.UUID) ([]*matchmaker.Ticket, error) {
	var list []*matchmaker.Ticket
	for {
		out := &wire.TicketListed{}
		in := &wire.TicketList{Limit: int64(limit), Skip: int64(len(list)), User: user[:]}
		if err := Call(ctx, m.n, to, wire.Method_METHOD_TICKET_LIST, in, out); err != nil {
			return nil, err
		}
		for _, t := range out.Tickets {
			o, err := readTicket(t)
			if err != nil {
				return nil, err
			}
			list = append(list, o.Ticket())
		}
		if !out.More || len(out.Tickets) == 0 {
			return list, nil
		}
	}
}

// Explain implements matchmaker.Network.
func (m *Matchmaking) Explain(ctx context.Context, to presence.NodeID, ticket string) (*matchmaker.Explanation, error) {
	out := &wire.TicketExplanation{}
	if err := Call(ctx, m.n, to, wire.Method_METHOD_TICKET_EXPLAIN, &wire.TicketCall{Ticket: ticket}, out); err != nil {
		return nil, err
	}
	return readExplanation(out), nil
}

// Remove implements matchmaker.Network.
func (m *Matchmaking) Remove(ctx context.Context, to presence.NodeID, ticket string) error {
	return Call(ctx, m.n, to, wire.Method_METHOD_TICKET_REMOVE, &wire.TicketCall{Ticket: ticket}, &wire.TicketRemoved{})
}

// Announce implements matchmaker.Network.
func (m *Matchmaking) Announce(term int64, leads bool) {
	for _, p := range m.n.Peers() {
		m.n.Send(p.ID, wire.Kind_KIND_LEADS, &wire.Leads{Term: term, Leads: leads}, true)
	}
}
