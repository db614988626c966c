package cluster

import (
	"context"

	"github.com/gofrs/uuid/v5"
	"google.golang.org/protobuf/proto"

	"kumi/cluster/wire"
	"kumi/match/matchmaker"
	"kumi/presence"
)

// Serve lets other nodes at a desk, which was made with m.
func (m *Matchmaking) Serve(d *matchmaker.Desk) {
	HandleCall(m.n, wire.Method_METHOD_TICKET_SYNC, func(ctx context.Context, from presence.NodeID, in *wire.TicketSync) (*wire.TicketSynced, error) {
		s, err := readSync(in)
		if err != nil {
			return nil, err
		}
		out, err := d.HandleSync(ctx, from, s)
		if err != nil {
			return nil, err
		}
		return &wire.TicketSynced{Resync: out.Resync, Passes: out.Passes}, nil
	})
	HandleCall(m.n, wire.Method_METHOD_MATCH_PROPOSE, func(ctx context.Context, from presence.NodeID, in *wire.MatchProposal) (*wire.MatchAccepted, error) {
		p := &matchmaker.Proposal{Term: in.Term, Matches: make([]matchmaker.Proposed, len(in.Matches))}
		for i, match := range in.Matches {
			f, err := readFormed(match)
			if err != nil {
				return nil, err
			}
			p.Matches[i] = *f
		}
		out, err := d.HandlePropose(ctx, from, p)
		if err != nil {
			return nil, err
		}
		return &wire.MatchAccepted{Matches: out.Matches, Gone: out.Gone}, nil
	})
	HandleCall(m.n, wire.Method_METHOD_MATCH_PLACE, func(ctx context.Context, _ presence.NodeID, in *wire.FormedMatch) (*wire.MatchPlaced, error) {
		p, err := readFormed(in)
		if err != nil {
			return nil, err
		}
		place, err := d.HandlePlace(ctx, p)
		return &wire.MatchPlaced{Place: []byte(place)}, err
	})
	HandleCall(m.n, wire.Method_METHOD_MATCH_SETTLE, func(ctx context.Context, _ presence.NodeID, in *wire.MatchSettle) (*wire.MatchSettled, error) {
		list := make([]matchmaker.Settlement, len(in.Settlements))
		for i, s := range in.Settlements {
			list[i] = matchmaker.Settlement{Match: s.Match, Place: string(s.Place)}
		}
		d.HandleSettle(ctx, list)
		return &wire.MatchSettled{}, nil
	})
	HandleCall(m.n, wire.Method_METHOD_TICKET_STATS, func(context.Context, presence.NodeID, *wire.TicketStatsCall) (*wire.TicketStats, error) {
		s := d.HandleStats()
		return writeStats(&s), nil
	})
	HandleCall(m.n, wire.Method_METHOD_TICKET_LIST, func(_ context.Context, _ presence.NodeID, in *wire.TicketList) (*wire.TicketListed, error) {
		return listTickets(d, in, m.n.bus.MaxPayload()/2)
	})
	HandleCall(m.n, wire.Method_METHOD_TICKET_EXPLAIN, func(_ context.Context, _ presence.NodeID, in *wire.TicketCall) (*wire.TicketExplanation, error) {
		x, err := d.HandleExplain(in.Ticket)
		if err != nil {
			return nil, err
		}
		return writeExplanation(x), nil
	})
	HandleCall(m.n, wire.Method_METHOD_TICKET_REMOVE, func(ctx context.Context, _ presence.NodeID, in *wire.TicketCall) (*wire.TicketRemoved, error) {
		return &wire.TicketRemoved{}, d.HandleRemove(ctx, in.Ticket)
	})
	HandleItem(m.n, wire.Kind_KIND_LEADS, func(from presence.NodeID, in *wire.Leads) {
		d.HandleAnnounce(from, in.Term, in.Leads)
	})
	m.n.OnPeer(func(p Peer, _ State) {
		if !p.State.Alive() {
			d.PeerDown(p.ID)
		}
	})
}

// listTickets answers with as many tickets as fit.
func listTickets(d *matchmaker.Desk, in *wire.TicketList, bytes int) (*wire.TicketListed, error) {
	user, err := uuid.FromBytes(in.User)
	if err != nil {
		return nil, errMalformed
	}
	list, err := d.HandleTickets(int(in.Limit), user)
	if err != nil {
		return nil, err
	}
	out := &wire.TicketListed{}
	for i := max(0, int(in.Skip)); i < len(list); i++ {
		o := list[i].Offer()
		t := writeTicket(&o)
		if bytes -= proto.Size(t); bytes < 0 && len(out.Tickets) > 0 {
			out.More = true
			break
		}
		out.Tickets = append(out.Tickets, t)
	}
	return out, nil
}
