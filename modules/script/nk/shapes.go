package nk

import "kumi/modules/script"

// Shapes names the shapes of what functions return.
var Shapes = []script.NamedShape{
	script.Named("User", userShape),
	script.Named("AccountDevice", deviceShape),
	accounts.Named("Account"),
	script.Named("StorageObject", storageObject),
	script.Named("StorageWriteAck", storageAck),
	script.Named("WalletUpdateResult", walletResult),
	script.Named("WalletLedgerResult", ledgerItem),
	script.Named("Match", matchShape),
	listedNotifications.Named("ApiNotification"),
	script.Named("Notification", notificationShape),
	channelMessages.Named("ChannelMessage"),
	channelAcks.Named("ChannelMessageSendAck"),
	script.Named("Group", groupShape),
	script.Named("GroupUser", groupUserShape),
	script.Named("UserGroupListUserGroup", userGroupShape),
	script.Named("LeaderboardRecord", recordShape),
	partyShape.Named("Party"),
	script.Named("MatchmakerWaitingTicket", ticketShape),
	script.Named("MatchmakerExplanation", explanationShape),
	script.Named("MatchmakerTicketClass", ticketClass),
	script.Named("FleetJoin", joinShape),
	script.Named("Properties", propertiesShape),
	script.Named("Experiment", experimentShape),
	flagShapes.Named("Flag"),
	script.Named("FlagOverride", flagOverrideShape),
	script.Named("FlagOverrides", flagOverridesShape),
	liveEventShapes.Named("LiveEvent"),
	liveEventLists.Named("LiveEventsResult"),
	script.Named("Message", satoriMessageShape),
}
