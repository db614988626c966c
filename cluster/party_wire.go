package cluster

import (
	"github.com/gofrs/uuid/v5"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/cluster/wire"
	"kumi/match/party"
	"kumi/presence"
)

// How calls of parties are written.

func writePartyCall(c *party.Call) *wire.PartyCall {
	out := &wire.PartyCall{
		Op: uint32(c.Op), Party: c.Party[:], Session: c.Session[:], Single: c.Single, OnStream: c.OnStream, Ticket: c.Ticket,
	}
	if c.Joiner != nil {
		out.Joiner = writeMember(c.Joiner)
	}
	if t := c.Target; t != nil {
		out.Target = &wire.PartyCall_Target{User: t.UserId, Session: t.SessionId, Username: t.Username}
	}
	if u := c.Update; u != nil {
		out.Update = &wire.PartyUpdate{Label: u.Label, Open: u.Open, Hidden: u.Hidden}
	}
	if q := c.Request; q != nil {
		out.Request = writeTicketRequest(q)
	}
	return out
}

func readPartyCall(in *wire.PartyCall) (*party.Call, error) {
	id, err := uuid.FromBytes(in.Party)
	if err != nil || in.Op > 255 {
		return nil, errMalformed
	}
	session, err := uuid.FromBytes(in.Session)
	if err != nil {
		return nil, errMalformed
	}
	c := &party.Call{
		Op: party.Op(in.Op), Party: id, Session: session, Single: in.Single, OnStream: in.OnStream, Ticket: in.Ticket,
		Update:  &rtapi.PartyUpdate{Label: in.Update.GetLabel(), Open: in.Update.GetOpen(), Hidden: in.Update.GetHidden()},
		Target:  &rtapi.UserPresence{UserId: in.Target.GetUser(), SessionId: in.Target.GetSession(), Username: in.Target.GetUsername()},
		Request: readTicketRequest(in.Request),
	}
	if c.Op == party.OpJoin {
		if c.Joiner, err = readMember(in.Joiner, presence.Stream{}); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func writePartyAnswer(a *party.Answer) *wire.PartyAnswer {
	out := &wire.PartyAnswer{Ticket: a.Ticket.GetTicket()}
	for _, p := range a.Requests.GetPresences() {
		user, _ := uuid.FromString(p.UserId) // the registry wrote both
		session, _ := uuid.FromString(p.SessionId)
		out.Requests = append(out.Requests, &wire.Member{User: user[:], Session: session[:], Username: []byte(p.Username)})
	}
	return out
}

func readPartyAnswer(in *wire.PartyAnswer, c *party.Call, node string) (*party.Answer, error) {
	stream := presence.Stream{Mode: presence.ModeParty, Subject: c.Party, Label: node}
	a := &party.Answer{}
	switch c.Op {
	case party.OpAddTicket:
		a.Ticket = &rtapi.PartyMatchmakerTicket{PartyId: stream.MatchID(), Ticket: in.Ticket}
	case party.OpRequests:
		list, err := readMembers(in.Requests, stream)
		if err != nil {
			return nil, err
		}
		a.Requests = &rtapi.PartyJoinRequest{PartyId: stream.MatchID(), Presences: presence.UserPresences(list)}
	}
	return a, nil
}

func readPartyEntry(in *wire.PartyEntry) (*party.Entry, error) {
	id, err := uuid.FromBytes(in.Party)
	if err != nil {
		return nil, errMalformed
	}
	session, err := uuid.FromBytes(in.Session)
	if err != nil {
		return nil, errMalformed
	}
	return &party.Entry{
		Party: id, Node: in.Node, Session: session, Username: string(in.Username), Admission: in.Admission, Single: in.Single,
	}, nil
}

func writePartyFilter(f *party.ListFilter) *wire.PartyList {
	out := &wire.PartyList{Limit: int64(f.Limit), Open: f.Open, Hidden: f.Hidden, Query: []byte(f.Query)}
	if f.After != nil {
		out.After = writePosition(*f.After)
	}
	return out
}

func readPartyFilter(in *wire.PartyList) (party.ListFilter, error) {
	f := party.ListFilter{Limit: int(in.Limit), Open: in.Open, Hidden: in.Hidden, Query: string(in.Query)}
	if in.After != nil {
		at, err := readPosition(in.After)
		if err != nil {
			return f, err
		}
		f.After = &at
	}
	return f, nil
}

func writePosition(at party.Position) *wire.PartyList_Position {
	return &wire.PartyList_Position{Score: at.Score, Created: at.Created, Party: at.ID[:]}
}

func readPosition(in *wire.PartyList_Position) (party.Position, error) {
	id, err := uuid.FromBytes(in.GetParty())
	if err != nil {
		return party.Position{}, errMalformed
	}
	return party.Position{Score: in.Score, Created: in.Created, ID: id}, nil
}

func writeListedParty(l *party.Listed) *wire.PartyListed_Party {
	return &wire.PartyListed_Party{
		At: writePosition(l.At), Open: l.Party.Open, Hidden: l.Party.Hidden, MaxSize: l.Party.MaxSize, Label: l.Party.Label,
	}
}

func readListedParty(in *wire.PartyListed_Party, node string) (party.Listed, bool) {
	at, err := readPosition(in.At)
	if err != nil {
		return party.Listed{}, false
	}
	stream := presence.Stream{Mode: presence.ModeParty, Subject: at.ID, Label: node}
	return party.Listed{At: at, Party: &api.Party{
		PartyId: stream.MatchID(), Open: in.Open, Hidden: in.Hidden, MaxSize: in.MaxSize, Label: in.Label,
	}}, true
}
