package main

import (
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The requests that scenarios make, without a cid.

// matchCreate makes a relayed match; everybody who gives the same name gets
// the same match.
func matchCreate(name string) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_MatchCreate{MatchCreate: &rtapi.MatchCreate{Name: name}}}
}

func matchJoin(id string) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_MatchJoin{MatchJoin: &rtapi.MatchJoin{Id: &rtapi.MatchJoin_MatchId{MatchId: id}}}}
}

func matchLeave(id string) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_MatchLeave{MatchLeave: &rtapi.MatchLeave{MatchId: id}}}
}

func roomJoin(room string, persist bool) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_ChannelJoin{ChannelJoin: &rtapi.ChannelJoin{
		Target: room, Type: int32(rtapi.ChannelJoin_ROOM), Persistence: wrapperspb.Bool(persist),
	}}}
}

func channelLeave(id string) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_ChannelLeave{ChannelLeave: &rtapi.ChannelLeave{ChannelId: id}}}
}

func channelSend(id, content string) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_ChannelMessageSend{ChannelMessageSend: &rtapi.ChannelMessageSend{ChannelId: id, Content: content}}}
}

func statusFollow(userID string) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_StatusFollow{StatusFollow: &rtapi.StatusFollow{UserIds: []string{userID}}}}
}

func statusUpdate(status string) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_StatusUpdate{StatusUpdate: &rtapi.StatusUpdate{Status: wrapperspb.String(status)}}}
}

func matchmakerAdd(query string, text map[string]string, numbers map[string]float64) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_MatchmakerAdd{MatchmakerAdd: &rtapi.MatchmakerAdd{
		MinCount: 2, MaxCount: 2, Query: query, StringProperties: text, NumericProperties: numbers,
	}}}
}

func partyCreate(size int) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_PartyCreate{PartyCreate: &rtapi.PartyCreate{Open: true, MaxSize: int32(size)}}}
}

func partyJoin(id string) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_PartyJoin{PartyJoin: &rtapi.PartyJoin{PartyId: id}}}
}

func partyLeave(id string) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_PartyLeave{PartyLeave: &rtapi.PartyLeave{PartyId: id}}}
}

func partySend(id string, data []byte) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_PartyDataSend{PartyDataSend: &rtapi.PartyDataSend{PartyId: id, OpCode: 1, Data: data}}}
}

func partyMatchmakerAdd(id, query string, count int) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_PartyMatchmakerAdd{PartyMatchmakerAdd: &rtapi.PartyMatchmakerAdd{
		PartyId: id, MinCount: int32(count), MaxCount: int32(count), Query: query,
	}}}
}

func partyMatchmakerRemove(id, ticket string) *rtapi.Envelope {
	return &rtapi.Envelope{Message: &rtapi.Envelope_PartyMatchmakerRemove{PartyMatchmakerRemove: &rtapi.PartyMatchmakerRemove{PartyId: id, Ticket: ticket}}}
}
