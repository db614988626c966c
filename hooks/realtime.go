package hooks

import "strings"

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
