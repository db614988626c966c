package cluster

import (
	"time"

	"kumi/cluster/wire"
	"kumi/match/matchmaker"
	"kumi/presence"
)

// How calls of the matchmaker are written. The readers check what they get.

func writeTicket(o *matchmaker.Offer) *wire.Ticket {
	return &wire.Ticket{
		Id: o.ID, Created: o.CreatedAt, Searches: uint32(o.Searches), Party: o.PartyID, Presences: writeMembers(o.Presences),
		Request: writeTicketRequest(&o.Request),
	}
}

func readTicket(in *wire.Ticket) (o matchmaker.Offer, err error) {
	o = matchmaker.Offer{Request: *readTicketRequest(in.Request), ID: in.Id, CreatedAt: in.Created, Searches: int(in.Searches)}
	o.PartyID = in.Party
	o.Presences, err = readMembers(in.Presences, presence.Stream{})
	return o, err
}

func writeTicketRequest(r *matchmaker.Request) *wire.TicketRequest {
	return &wire.TicketRequest{
		Query: r.Query, MinCount: int64(r.MinCount), MaxCount: int64(r.MaxCount), CountMultiple: int64(r.CountMultiple),
		StringProperties: r.StringProperties, NumericProperties: r.NumericProperties,
	}
}

func readTicketRequest(in *wire.TicketRequest) *matchmaker.Request {
	return &matchmaker.Request{
		Query: in.GetQuery(), MinCount: int(in.GetMinCount()), MaxCount: int(in.GetMaxCount()),
		CountMultiple:    int(in.GetCountMultiple()),
		StringProperties: in.GetStringProperties(), NumericProperties: in.GetNumericProperties(),
	}
}

func writeSync(s *matchmaker.Sync) *wire.TicketSync {
	out := &wire.TicketSync{Term: s.Term, Stream: s.Stream, Seq: s.Seq, Reset_: s.Reset, Remove: s.Remove}
	for i := range s.Add {
		out.Add = append(out.Add, writeTicket(&s.Add[i]))
	}
	return out
}

func readSync(in *wire.TicketSync) (*matchmaker.Sync, error) {
	s := &matchmaker.Sync{Term: in.Term, Stream: in.Stream, Seq: in.Seq, Reset: in.Reset_, Remove: in.Remove}
	for _, t := range in.Add {
		o, err := readTicket(t)
		if err != nil {
			return nil, err
		}
		s.Add = append(s.Add, o)
	}
	return s, nil
}

func writeFormed(p *matchmaker.Proposed) *wire.FormedMatch {
	out := &wire.FormedMatch{Id: p.ID, Term: p.Term}
	for i := range p.Tickets {
		t := writeTicket(&p.Tickets[i].Offer)
		t.Home = p.Tickets[i].Home[:]
		out.Tickets = append(out.Tickets, t)
	}
	for _, player := range p.Players {
		out.PlayerTickets = append(out.PlayerTickets, uint32(player.Ticket))
		out.PlayerPresences = append(out.PlayerPresences, uint32(player.Presence))
	}
	return out
}

func readFormed(in *wire.FormedMatch) (*matchmaker.Proposed, error) {
	p := &matchmaker.Proposed{ID: in.Id, Term: in.Term}
	for _, t := range in.Tickets {
		home, ok := idOf(t.Home)
		if !ok {
			return nil, errMalformed
		}
		o, err := readTicket(t)
		if err != nil {
			return nil, err
		}
		p.Tickets = append(p.Tickets, matchmaker.ProposedTicket{Offer: o, Home: home})
	}
	if len(in.PlayerTickets) != len(in.PlayerPresences) {
		return nil, errMalformed
	}
	for i, ticket := range in.PlayerTickets {
		at := in.PlayerPresences[i]
		if int(ticket) >= len(p.Tickets) || int(at) >= len(p.Tickets[ticket].Presences) {
			return nil, errMalformed
		}
		p.Players = append(p.Players, matchmaker.ProposedPlayer{Ticket: int(ticket), Presence: int(at)})
	}
	return p, nil
}

func writeStats(s *matchmaker.Stats) *wire.TicketStats {
	out := &wire.TicketStats{Tickets: int64(s.Tickets), Oldest: s.OldestAt}
	for _, done := range s.Completions {
		out.Created, out.Completed = append(out.Created, done.CreatedAt), append(out.Completed, done.CompletedAt)
	}
	return out
}

func readStats(in *wire.TicketStats) matchmaker.Stats {
	s := matchmaker.Stats{Tickets: int(in.Tickets), OldestAt: in.Oldest}
	for i := range min(len(in.Created), len(in.Completed)) {
		s.Completions = append(s.Completions, matchmaker.Completion{CreatedAt: in.Created[i], CompletedAt: in.Completed[i]})
	}
	return s
}

func writeExplanation(x *matchmaker.Explanation) *wire.TicketExplanation {
	classes := func(list []matchmaker.Class) (out []*wire.TicketExplanation_Class) {
		for _, c := range list {
			out = append(out, &wire.TicketExplanation_Class{
				Reason: string(c.Reason), Clauses: c.Clauses, Counts: c.Counts, Tickets: int64(c.Tickets), Players: int64(c.Players), Example: c.Example,
			})
		}
		return out
	}
	return &wire.TicketExplanation{
		Ticket: x.Ticket.ID, WaitedNs: int64(x.Waited), Searches: int64(x.Searches), Active: x.Active, Others: int64(x.Others),
		OverBudget: x.OverBudget, Finds: classes(x.Finds), FoundBy: classes(x.FoundBy), Summary: x.Summary,
	}
}

func readExplanation(in *wire.TicketExplanation) *matchmaker.Explanation {
	classes := func(list []*wire.TicketExplanation_Class) []matchmaker.Class {
		out := make([]matchmaker.Class, 0, len(list))
		for _, c := range list {
			out = append(out, matchmaker.Class{
				Reason: matchmaker.Reason(c.Reason), Clauses: c.Clauses, Counts: c.Counts, Tickets: int(c.Tickets), Players: int(c.Players), Example: c.Example,
			})
		}
		return out
	}
	return &matchmaker.Explanation{
		Ticket: (&matchmaker.Offer{ID: in.Ticket}).Ticket(), Waited: time.Duration(in.WaitedNs), Searches: int(in.Searches), Active: in.Active,
		Others: int(in.Others), OverBudget: in.OverBudget, Finds: classes(in.Finds), FoundBy: classes(in.FoundBy), Summary: in.Summary,
	}
}
