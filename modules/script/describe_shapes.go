package script

import "kumi/vm"

// described is a shape without the type of its values.
type described interface{ Fields() []vm.Field }

// shapeNames says what the shapes are called in declarations. A type of several
// shapes is any of them.
var shapeNames = []struct {
	name    string
	js, lua []described
}{
	{"User", only(userShape), nil},
	{"AccountDevice", only(deviceShape), nil},
	{"Account", only(accounts.js), only(accounts.lua)},
	{"StorageObject", only(storageObject), nil},
	{"StorageWriteAck", only(storageAck), nil},
	{"WalletUpdateResult", only(walletResult), nil},
	{"WalletLedgerResult", only(ledgerItem), nil},
	{"Match", only(matchShape), nil},
	{"Presence", []described{playerShape, moveShape}, nil},
	{"MatchMessage", only(messageShape), nil},
	{"MatchmakerResult", only(matchmakerEntry), nil},
	{"RuntimeEvent", only(eventShape), nil},
	{"ApiNotification", only(listedNotifications.js), only(listedNotifications.lua)},
	{"Notification", only(notificationShape), nil},
	{"ChannelMessage", only(channelMessages.js), only(channelMessages.lua)},
	{"ChannelMessageSendAck", only(channelAcks.js), only(channelAcks.lua)},
	{"Group", only(groupShape), nil},
	{"GroupUser", only(groupUserShape), nil},
	{"UserGroupListUserGroup", only(userGroupShape), nil},
	{"Party", only(partyShape.js), only(partyShape.lua)},
	{"HttpRouteRequest", only(requestShape), nil},
	{"MatchmakerWaitingTicket", only(ticketShape), nil},
	{"MatchmakerExplanation", only(explanationShape), nil},
	{"MatchmakerTicketClass", only(ticketClass), nil},
	{"Leaderboard", only(leaderboards.js), only(leaderboards.lua)},
	{"Tournament", only(tournaments.js), only(tournaments.lua)},
}

func only(s described) []described { return []described{s} }

// shapesOf are the shapes of a declared type.
func shapesOf(name string, lang vm.Lang) []described {
	for _, s := range shapeNames {
		if s.name != name {
			continue
		}
		if lang == vm.Lua && s.lua != nil {
			return s.lua
		}
		return s.js
	}
	return nil
}

// shapeName is what a shape is called.
func shapeName(shape any) string {
	for _, s := range shapeNames {
		for _, x := range append(s.js[:len(s.js):len(s.js)], s.lua...) {
			if any(x) == shape {
				return s.name
			}
		}
	}
	return "any"
}
