package nk

import (
	"kumi/core"
	"kumi/modules/script"
	"kumi/store/fault"
	"kumi/vm"
)

// pending answers for a function whose operation this version does not have,
// with the error that Go modules get for it too. It is Live: there is nothing
// to record.
func pending(goName string, name vm.Name, alias ...vm.Name) vm.Func[*core.Module] {
	return vm.Func[*core.Module]{Name: name, Alias: alias, Live: true, Body: func(*core.Module, *vm.Call) error {
		return fault.Newf(fault.Unimplemented, "%s is not available in this version of the server", goName)
	}}
}

// pendingTable lists every further function scripts know.
var pendingTable = []vm.Func[*core.Module]{

	pending("AuthenticateApple", vm.N("authenticate_apple")),
	pending("AuthenticateFacebook", vm.N("authenticate_facebook")),
	pending("AuthenticateFacebookInstantGame", vm.N("authenticate_facebook_instant_game")),
	pending("AuthenticateGameCenter", vm.N("authenticate_game_center")),
	pending("AuthenticateGoogle", vm.N("authenticate_google")),
	pending("AuthenticateSteam", vm.N("authenticate_steam")),
	pending("LinkApple", vm.N("link_apple")),
	pending("LinkFacebook", vm.N("link_facebook")),
	pending("LinkFacebookInstantGame", vm.N("link_facebook_instant_game")),
	pending("LinkGameCenter", vm.NameAs("link_gamecenter", "linkGameCenter")),
	pending("LinkGoogle", vm.N("link_google")),
	pending("LinkSteam", vm.N("link_steam")),
	pending("UnlinkApple", vm.N("unlink_apple")),
	pending("UnlinkFacebook", vm.N("unlink_facebook")),
	pending("UnlinkFacebookInstantGame", vm.N("unlink_facebook_instant_game")),
	pending("UnlinkGameCenter", vm.NameAs("unlink_gamecenter", "unlinkGameCenter")),
	pending("UnlinkGoogle", vm.N("unlink_google")),
	pending("UnlinkSteam", vm.N("unlink_steam")),

	pending("StorageIndexList", vm.N("storage_index_list")),

	pending("LeaderboardCreate", vm.N("leaderboard_create")),
	pending("LeaderboardDelete", vm.N("leaderboard_delete")),
	pending("LeaderboardList", vm.N("leaderboard_list")),
	pending("LeaderboardRanksDisable", vm.N("leaderboard_ranks_disable")),
	pending("LeaderboardRecordDelete", vm.N("leaderboard_record_delete")),
	pending("LeaderboardRecordWrite", vm.N("leaderboard_record_write")),
	pending("LeaderboardRecordsHaystack", vm.N("leaderboard_records_haystack")),
	pending("LeaderboardRecordsList", vm.N("leaderboard_records_list")),
	pending("LeaderboardRecordsListCursorFromRank", vm.N("leaderboard_records_list_cursor_from_rank")),
	pending("LeaderboardsGetId", vm.N("leaderboards_get_id")),

	pending("TournamentAddAttempt", vm.N("tournament_add_attempt")),
	pending("TournamentCreate", vm.N("tournament_create")),
	pending("TournamentDelete", vm.N("tournament_delete")),
	pending("TournamentJoin", vm.N("tournament_join")),
	pending("TournamentList", vm.N("tournament_list")),
	pending("TournamentRanksDisable", vm.NameAs("tournament_ranks_disable", "tournamentsRanksDisable"), vm.N("tournament_ranks_disable")),
	pending("TournamentRecordDelete", vm.N("tournament_record_delete")),
	pending("TournamentRecordWrite", vm.N("tournament_record_write")),
	pending("TournamentRecordsHaystack", vm.N("tournament_records_haystack")),
	pending("TournamentRecordsList", vm.N("tournament_records_list")),
	pending("TournamentsGetId", vm.N("tournaments_get_id")),

	pending("PurchaseGetByTransactionId", vm.N("purchase_get_by_transaction_id")),
	pending("PurchaseValidateApple", vm.N("purchase_validate_apple")),
	pending("PurchaseValidateFacebookInstant", vm.N("purchase_validate_facebook_instant")),
	pending("PurchaseValidateGoogle", vm.N("purchase_validate_google")),
	pending("PurchaseValidateHuawei", vm.N("purchase_validate_huawei")),
	pending("PurchaseValidateSamsung", vm.N("purchase_validate_samsung")),
	pending("PurchasesList", vm.N("purchases_list")),
	pending("SubscriptionGetByProductId", vm.N("subscription_get_by_product_id")),
	pending("SubscriptionValidateApple", vm.N("subscription_validate_apple")),
	pending("SubscriptionValidateGoogle", vm.N("subscription_validate_google")),
	pending("SubscriptionsList", vm.N("subscriptions_list")),
}

// satoriTable is the client that get_satori gives.
var satoriTable = []vm.Func[*core.Module]{
	pending("Satori Authenticate", vm.N("authenticate")),
	pending("Satori IdentityDelete", vm.N("identity_delete")),
	pending("Satori PropertiesGet", vm.N("properties_get")),
	pending("Satori PropertiesUpdate", vm.N("properties_update")),
	pending("Satori EventsPublish", vm.N("events_publish")),
	pending("Satori ServerEventsPublish", vm.N("server_events_publish")),
	pending("Satori ExperimentsList", vm.N("experiments_list")),
	pending("Satori FlagsList", vm.N("flags_list")),
	pending("Satori FlagsOverridesList", vm.N("flags_overrides_list")),
	pending("Satori LiveEventsList", vm.N("live_events_list")),
	pending("Satori LiveEventJoin", vm.N("live_event_join")),
	pending("Satori MessagesList", vm.N("messages_list")),
	pending("Satori MessageUpdate", vm.N("message_update")),
	pending("Satori MessageDelete", vm.N("message_delete")),
}

// SatoriLibraries are the functions of the client that get_satori gives.
var SatoriLibraries = map[vm.Lang]*vm.Library{
	vm.JS:  vm.Bind[*core.Module](vm.JS, nil, satoriTable),
	vm.Lua: vm.Bind[*core.Module](vm.Lua, nil, satoriTable),
}

func getSatori(_ *core.Module, c *vm.Call) error {
	inst, ok := c.E.(vm.Instance)
	if !ok {
		return fault.New(fault.Unimplemented, "GetSatori is not available in this version of the server")
	}
	lib := SatoriLibraries[c.E.Lang()]
	return c.ReturnRef("satori", script.ObjectOf(inst, lib), nil)
}
