package socket

import (
	"fmt"

	"github.com/heroiclabs/nakama-common/rtapi"

	"kumi/match/party"
	"kumi/presence"
	"kumi/store/fault"
)

var errPresence = &refusal{rtapi.Error_BAD_INPUT, "Invalid presence"}

// presence is the session as matches, parties and the matchmaker see it.
func (s *session) presence() *presence.Presence {
	return &presence.Presence{
		ID: presence.ID{Node: s.Config.Name, Session: s.id}, UserID: s.user, Meta: presence.Meta{Username: s.username},
	}
}

// partyFailed says what a client wanted when a party refused it. A bad id stands
// for itself.
func partyFailed(doing string, err error) error {
	if err == nil || err == party.ErrIDInvalid || err == party.ErrSize || fault.CodeOf(err) == fault.Internal {
		return err
	}
	return fmt.Errorf("%w: %w", &refusal{rtapi.Error_BAD_INPUT, "Error " + doing + ": " + fault.MessageOf(err, "")}, err)
}

// acked answers a message that has no other answer.
func acked(err error) (*rtapi.Envelope, error) {
	if err != nil {
		return nil, err
	}
	return &rtapi.Envelope{}, nil
}

// named refuses a presence that does not say whom it means.
func named(p *rtapi.UserPresence) (*rtapi.UserPresence, error) {
	if p.GetUserId() == "" || p.GetSessionId() == "" || p.GetUsername() == "" {
		return nil, errPresence
	}
	return p, nil
}

func handlePartyCreate(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	made, err := s.parties.Create(s.ctx, s.presence(), in.GetPartyCreate(), s.limits.singleParty)
	if err != nil {
		return nil, partyFailed("creating party", err)
	}
	return &rtapi.Envelope{Message: &rtapi.Envelope_Party{Party: made}}, nil
}

func handlePartyJoin(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	return acked(partyFailed("joining party", s.parties.Join(s.ctx, s.presence(), in.GetPartyJoin().GetPartyId(), s.limits.singleParty)))
}

func handlePartyLeave(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	return acked(s.parties.Leave(s.id, in.GetPartyLeave().GetPartyId()))
}

func handlePartyPromote(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	target, err := named(in.GetPartyPromote().GetPresence())
	if err != nil {
		return nil, err
	}
	return acked(partyFailed("promoting new party leader", s.parties.Promote(s.ctx, s.id, in.GetPartyPromote().GetPartyId(), target)))
}

func handlePartyAccept(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	target, err := named(in.GetPartyAccept().GetPresence())
	if err != nil {
		return nil, err
	}
	return acked(partyFailed("accepting party join request",
		s.parties.Accept(s.ctx, s.id, in.GetPartyAccept().GetPartyId(), target, s.limits.singleParty)))
}

func handlePartyRemove(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	target, err := named(in.GetPartyRemove().GetPresence())
	if err != nil {
		return nil, err
	}
	return acked(partyFailed("removing party member or join request", s.parties.Remove(s.ctx, s.id, in.GetPartyRemove().GetPartyId(), target)))
}

func handlePartyClose(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	return acked(partyFailed("closing party", s.parties.Close(s.ctx, s.id, in.GetPartyClose().GetPartyId())))
}

func handlePartyJoinRequestList(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	list, err := s.parties.Requests(s.ctx, s.id, in.GetPartyJoinRequestList().GetPartyId())
	if err != nil {
		return nil, partyFailed("listing party join requests", err)
	}
	return &rtapi.Envelope{Message: &rtapi.Envelope_PartyJoinRequest{PartyJoinRequest: list}}, nil
}

func handlePartyUpdate(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	return acked(partyFailed("updating party", s.parties.Update(s.ctx, s.id, in.GetPartyUpdate())))
}

func handlePartyData(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	return acked(partyFailed("sending party data", s.parties.Data(s.id, in.GetPartyDataSend())))
}

func handlePartyMatchmakerAdd(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	asked := in.GetPartyMatchmakerAdd()
	request, err := ticketRequest(asked)
	if err != nil {
		return nil, err
	}
	ticket, err := s.parties.AddTicket(s.ctx, s.id, asked.GetPartyId(), request)
	if err != nil {
		return nil, partyFailed("adding party to matchmaker", err)
	}
	return &rtapi.Envelope{Message: &rtapi.Envelope_PartyMatchmakerTicket{PartyMatchmakerTicket: ticket}}, nil
}

func handlePartyMatchmakerRemove(s *session, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	asked := in.GetPartyMatchmakerRemove()
	if asked.GetTicket() == "" {
		return nil, errTicket
	}
	err := s.parties.RemoveTicket(s.ctx, s.id, asked.GetPartyId(), asked.GetTicket())
	return acked(partyFailed("closing party", err)) // the protocol's word for it
}
