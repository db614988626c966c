package hooks

import (
	"strings"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// RealtimeNames lists the realtime messages with hooks: all that a client may
// send except rpc.
var RealtimeNames = []string{
	"ChannelJoin", "ChannelLeave", "ChannelMessageSend", "ChannelMessageUpdate", "ChannelMessageRemove",
	"MatchCreate", "MatchDataSend", "MatchJoin", "MatchLeave",
	"MatchmakerAdd", "MatchmakerRemove",
	"PartyCreate", "PartyJoin", "PartyLeave", "PartyPromote", "PartyAccept", "PartyRemove", "PartyClose",
	"PartyJoinRequestList", "PartyMatchmakerAdd", "PartyMatchmakerRemove", "PartyDataSend", "PartyUpdate",
	"StatusFollow", "StatusUnfollow", "StatusUpdate",
	"Ping", "Pong",
}

var realtimeNames = func() map[string]string {
	byName := make(map[string]string, len(RealtimeNames))
	for _, n := range RealtimeNames {
		byName[strings.ToLower(n)] = n
	}
	return byName
}()

// replies are the fields of the envelopes that messages are answered with. All others have
// an envelope without a message as their answer, or none, which are the silent ones.
var replies = map[string]protoreflect.Name{
	"ChannelJoin": "channel", "ChannelMessageSend": "channel_message_ack",
	"ChannelMessageUpdate": "channel_message_ack", "ChannelMessageRemove": "channel_message_ack",
	"MatchCreate": "match", "MatchJoin": "match", "MatchmakerAdd": "matchmaker_ticket",
	"PartyCreate": "party", "PartyJoinRequestList": "party_join_request", "PartyMatchmakerAdd": "party_matchmaker_ticket",
	"StatusFollow": "status", "Ping": "pong",
}

var silent = map[string]bool{"MatchDataSend": true, "Pong": true}

// Message returns an empty realtime message of an exact name (as in RealtimeNames), which
// is what its hooks get.
func Message(name string) *rtapi.Envelope {
	fields := (*rtapi.Envelope)(nil).ProtoReflect().Descriptor().Fields()
	return envelope(fields.ByJSONName(strings.ToLower(name[:1]) + name[1:]))
}

// Reply returns an empty answer to a realtime message of an exact name, which after hooks
// get beside it; nil: it has none.
func Reply(name string) *rtapi.Envelope {
	field, ok := replies[name]
	switch {
	case silent[name]:
		return nil
	case !ok:
		return &rtapi.Envelope{}
	}
	return envelope((*rtapi.Envelope)(nil).ProtoReflect().Descriptor().Fields().ByName(field))
}

func envelope(of protoreflect.FieldDescriptor) *rtapi.Envelope {
	e := &rtapi.Envelope{}
	e.ProtoReflect().Mutable(of)
	return e
}
