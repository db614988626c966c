package main

import (
	"strings"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// handleGroups handles chat, status, parties and the matchmaker.
func (f *fakeServer) handleGroups(s *fakeSession, in *rtapi.Envelope) {
	reply := &rtapi.Envelope{Cid: in.Cid}
	switch m := in.Message.(type) {
	case *rtapi.Envelope_ChannelJoin:
		id := "2..." + m.ChannelJoin.Target
		f.join(s, id)
		if m.ChannelJoin.Persistence.GetValue() {
			f.count("persistent", 1)
		}
		reply.Message = &rtapi.Envelope_Channel{Channel: &rtapi.Channel{Id: id}}
	case *rtapi.Envelope_ChannelLeave:
		f.leave(s, m.ChannelLeave.ChannelId)
	case *rtapi.Envelope_MatchLeave:
		f.leave(s, m.MatchLeave.MatchId)
	case *rtapi.Envelope_ChannelMessageSend:
		id, content := m.ChannelMessageSend.ChannelId, m.ChannelMessageSend.Content
		if f.filter {
			content = strings.ReplaceAll(content, rude, polite)
		}
		f.sendTo(id, nil, &rtapi.Envelope{Message: &rtapi.Envelope_ChannelMessage{ChannelMessage: &api.ChannelMessage{ChannelId: id, Content: content}}})
		reply.Message = &rtapi.Envelope_ChannelMessageAck{ChannelMessageAck: &rtapi.ChannelMessageAck{ChannelId: id}}
	case *rtapi.Envelope_StatusFollow:
		f.join(s, "status of h."+fakeClaims(m.StatusFollow.UserIds[0]))
		reply.Message = &rtapi.Envelope_Status{Status: &rtapi.Status{}}
	case *rtapi.Envelope_StatusUpdate:
		p := []*rtapi.UserPresence{{UserId: "u", Status: m.StatusUpdate.Status}}
		old := []*rtapi.UserPresence{{UserId: "u", Status: wrapperspb.String("sent@old")}}
		event := &rtapi.Envelope{Message: &rtapi.Envelope_StatusPresenceEvent{StatusPresenceEvent: &rtapi.StatusPresenceEvent{Joins: p, Leaves: old}}}
		f.sendTo("status of "+strings.TrimSuffix(s.token, ".s"), nil, event)
		s.send(event) // users receive their own status too
	case *rtapi.Envelope_PartyCreate:
		f.join(s, "party of "+s.token)
		reply.Message = &rtapi.Envelope_Party{Party: &rtapi.Party{PartyId: "party of " + s.token}}
	case *rtapi.Envelope_PartyJoin:
		f.join(s, m.PartyJoin.PartyId)
	case *rtapi.Envelope_PartyLeave:
		f.leave(s, m.PartyLeave.PartyId)
	case *rtapi.Envelope_PartyDataSend:
		f.sendTo(m.PartyDataSend.PartyId, s, &rtapi.Envelope{Message: &rtapi.Envelope_PartyData{PartyData: &rtapi.PartyData{PartyId: m.PartyDataSend.PartyId}}})
		return // has no reply
	case *rtapi.Envelope_PartyMatchmakerAdd:
		reply.Message = &rtapi.Envelope_PartyMatchmakerTicket{PartyMatchmakerTicket: &rtapi.PartyMatchmakerTicket{Ticket: "party ticket"}}
	case *rtapi.Envelope_PartyMatchmakerRemove:
		f.count("removed "+m.PartyMatchmakerRemove.Ticket, 1)
	case *rtapi.Envelope_MatchmakerAdd:
		s.send(&rtapi.Envelope{Cid: in.Cid, Message: &rtapi.Envelope_MatchmakerTicket{MatchmakerTicket: &rtapi.MatchmakerTicket{Ticket: "ticket"}}})
		if m.MatchmakerAdd.StringProperties["region"] == "nowhere" {
			f.count("waiting", 1)
			return
		}
		f.matchTicket(s)
		return
	}
	s.send(reply)
}

// matchTicket matches any two sessions in order of arrival. Each has one
// ticket at a time.
func (f *fakeServer) matchTicket(s *fakeSession) {
	f.mu.Lock()
	other := f.ticket
	f.ticket = nil
	if other == nil {
		f.ticket = s
	}
	f.mu.Unlock()
	if other == nil {
		return
	}
	for _, s := range []*fakeSession{s, other} {
		s.send(&rtapi.Envelope{Message: &rtapi.Envelope_MatchmakerMatched{MatchmakerMatched: &rtapi.MatchmakerMatched{Ticket: "ticket"}}})
	}
}

func (f *fakeServer) leave(s *fakeSession, group string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.matches[group], s)
}
