package api

import (
	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/emptypb"

	"kumi/core"
)

// table returns the methods of the client API. A new method is a row here and an
// operation in core. It returns new rows, because a server modifies them.
func table() []*row {
	return []*row{
		method("Healthcheck", anyone, healthcheck, get("/healthcheck")),

		method("GetAccount", bySession, getAccount, get("/v2/account")),
		command("UpdateAccount", (*core.Core).UpdateAccount, put("/v2/account", "*")),
		action("DeleteAccount", bySession, deleteAccount, del("/v2/account")),
		method("GetUsers", bySession, getUsers, get("/v2/user")),

		method("AuthenticateCustom", byServerKey, authenticateCustom, post("/v2/account/authenticate/custom", "account")),
		method("AuthenticateDevice", byServerKey, authenticateDevice, post("/v2/account/authenticate/device", "account")),
		method("AuthenticateEmail", byServerKey, authenticateEmail, post("/v2/account/authenticate/email", "account")),
		method("AuthenticateApple", byServerKey, authenticateApple, post("/v2/account/authenticate/apple", "account")),
		method("AuthenticateFacebook", byServerKey, authenticateFacebook, post("/v2/account/authenticate/facebook", "account")),
		method("AuthenticateFacebookInstantGame", byServerKey, authenticateFacebookInstantGame, post("/v2/account/authenticate/facebookinstantgame", "account")),
		method("AuthenticateGameCenter", byServerKey, authenticateGameCenter, post("/v2/account/authenticate/gamecenter", "account")),
		method("AuthenticateGoogle", byServerKey, authenticateGoogle, post("/v2/account/authenticate/google", "account")),
		method("AuthenticateSteam", byServerKey, authenticateSteam, post("/v2/account/authenticate/steam", "account")),
		method("SessionRefresh", byServerKey, sessionRefresh, post("/v2/account/session/refresh", "*")),
		action("SessionLogout", bySession, sessionLogout, post("/v2/session/logout", "*")),

		action("LinkCustom", bySession, linkCustom, post("/v2/account/link/custom", "*")),
		action("LinkDevice", bySession, linkDevice, post("/v2/account/link/device", "*")),
		action("LinkEmail", bySession, linkEmail, post("/v2/account/link/email", "*")),
		action("LinkApple", bySession, tokenCommand((*core.Core).LinkApple, (*api.AccountApple).GetToken), post("/v2/account/link/apple", "*")),
		action("LinkFacebook", bySession, linkFacebook, post("/v2/account/link/facebook", "account")),
		action("LinkFacebookInstantGame", bySession, tokenCommand((*core.Core).LinkFacebookInstantGame, (*api.AccountFacebookInstantGame).GetSignedPlayerInfo), post("/v2/account/link/facebookinstantgame", "*")),
		action("LinkGameCenter", bySession, linkGameCenter, post("/v2/account/link/gamecenter", "*")),
		action("LinkGoogle", bySession, tokenCommand((*core.Core).LinkGoogle, (*api.AccountGoogle).GetToken), post("/v2/account/link/google", "*")),
		action("LinkSteam", bySession, linkSteam, post("/v2/account/link/steam", "*")),
		action("UnlinkCustom", bySession, unlinkCustom, post("/v2/account/unlink/custom", "*")),
		action("UnlinkDevice", bySession, unlinkDevice, post("/v2/account/unlink/device", "*")),
		action("UnlinkEmail", bySession, unlinkEmail, post("/v2/account/unlink/email", "*")),
		action("UnlinkApple", bySession, tokenCommand((*core.Core).UnlinkApple, (*api.AccountApple).GetToken), post("/v2/account/unlink/apple", "*")),
		action("UnlinkFacebook", bySession, tokenCommand((*core.Core).UnlinkFacebook, (*api.AccountFacebook).GetToken), post("/v2/account/unlink/facebook", "*")),
		action("UnlinkFacebookInstantGame", bySession, tokenCommand((*core.Core).UnlinkFacebookInstantGame, (*api.AccountFacebookInstantGame).GetSignedPlayerInfo), post("/v2/account/unlink/facebookinstantgame", "*")),
		action("UnlinkGameCenter", bySession, unlinkGameCenter, post("/v2/account/unlink/gamecenter", "*")),
		action("UnlinkGoogle", bySession, tokenCommand((*core.Core).UnlinkGoogle, (*api.AccountGoogle).GetToken), post("/v2/account/unlink/google", "*")),
		action("UnlinkSteam", bySession, tokenCommand((*core.Core).UnlinkSteam, (*api.AccountSteam).GetToken), post("/v2/account/unlink/steam", "*")),

		reading("ReadStorageObjects", (*core.Core).ReadStorage, post("/v2/storage", "*")),
		operation("WriteStorageObjects", (*core.Core).WriteStorage, put("/v2/storage", "*")),
		command("DeleteStorageObjects", (*core.Core).DeleteStorage, put("/v2/storage/delete", "*")),
		reading("ListStorageObjects", (*core.Core).ListStorage, get("/v2/storage/{collection}"), get("/v2/storage/{collection}/{user_id}")),

		operation("ListFriends", (*core.Core).ListFriends, get("/v2/friend")),
		command("AddFriends", (*core.Core).AddFriends, post("/v2/friend", "")),
		command("DeleteFriends", (*core.Core).DeleteFriends, del("/v2/friend")),
		command("BlockFriends", (*core.Core).BlockFriends, post("/v2/friend/block", "")),
		command("ImportFacebookFriends", (*core.Core).ImportFacebookFriends, post("/v2/friend/facebook", "account")),
		command("ImportSteamFriends", (*core.Core).ImportSteamFriends, post("/v2/friend/steam", "account")),
		operation("ListFriendsOfFriends", (*core.Core).ListFriendsOfFriends, get("/v2/friend/friends")),

		operation("ListGroups", (*core.Core).ListGroups, get("/v2/group")),
		operation("CreateGroup", (*core.Core).CreateGroup, post("/v2/group", "*")),
		command("UpdateGroup", (*core.Core).UpdateGroup, put("/v2/group/{group_id}", "*")),
		command("DeleteGroup", (*core.Core).DeleteGroup, del("/v2/group/{group_id}")),
		command("JoinGroup", (*core.Core).JoinGroup, post("/v2/group/{group_id}/join", "")),
		command("LeaveGroup", (*core.Core).LeaveGroup, post("/v2/group/{group_id}/leave", "")),
		command("AddGroupUsers", (*core.Core).AddGroupUsers, post("/v2/group/{group_id}/add", "")),
		command("KickGroupUsers", (*core.Core).KickGroupUsers, post("/v2/group/{group_id}/kick", "")),
		command("BanGroupUsers", (*core.Core).BanGroupUsers, post("/v2/group/{group_id}/ban", "")),
		command("PromoteGroupUsers", (*core.Core).PromoteGroupUsers, post("/v2/group/{group_id}/promote", "")),
		command("DemoteGroupUsers", (*core.Core).DemoteGroupUsers, post("/v2/group/{group_id}/demote", "")),
		operation("ListGroupUsers", (*core.Core).ListGroupUsers, get("/v2/group/{group_id}/user")),
		operation("ListUserGroups", (*core.Core).ListUserGroups, get("/v2/user/{user_id}/group")),

		operation("ListChannelMessages", (*core.Core).ListChannelMessages, get("/v2/channel/{channel_id}")),
		operation("ListNotifications", (*core.Core).ListNotifications, get("/v2/notification")),
		command("DeleteNotifications", (*core.Core).DeleteNotifications, del("/v2/notification")),

		operation("ListLeaderboardRecords", (*core.Core).ListLeaderboardRecords, get("/v2/leaderboard/{leaderboard_id}")),
		method("WriteLeaderboardRecord", bySession, writeLeaderboardRecord, post("/v2/leaderboard/{leaderboard_id}", "record")),
		command("DeleteLeaderboardRecord", (*core.Core).DeleteLeaderboardRecord, del("/v2/leaderboard/{leaderboard_id}")),
		operation("ListLeaderboardRecordsAroundOwner", (*core.Core).ListLeaderboardRecordsAroundOwner, get("/v2/leaderboard/{leaderboard_id}/owner/{owner_id}")),
		operation("ListTournaments", (*core.Core).ListTournaments, get("/v2/tournament")),
		operation("ListTournamentRecords", (*core.Core).ListTournamentRecords, get("/v2/tournament/{tournament_id}")),
		method("WriteTournamentRecord", bySession, writeTournamentRecord, put("/v2/tournament/{tournament_id}", "record"), post("/v2/tournament/{tournament_id}", "record")),
		command("DeleteTournamentRecord", (*core.Core).DeleteTournamentRecord, del("/v2/tournament/{tournament_id}")),
		action("JoinTournament", bySession, joinTournament, post("/v2/tournament/{tournament_id}/join", "")),
		operation("ListTournamentRecordsAroundOwner", (*core.Core).ListTournamentRecordsAroundOwner, get("/v2/tournament/{tournament_id}/owner/{owner_id}")),

		operation("ValidatePurchaseApple", (*core.Core).ValidatePurchaseApple, post("/v2/iap/purchase/apple", "*")),
		operation("ValidatePurchaseGoogle", (*core.Core).ValidatePurchaseGoogle, post("/v2/iap/purchase/google", "*")),
		operation("ValidatePurchaseHuawei", (*core.Core).ValidatePurchaseHuawei, post("/v2/iap/purchase/huawei", "*")),
		operation("ValidatePurchaseFacebookInstant", (*core.Core).ValidatePurchaseFacebookInstant, post("/v2/iap/purchase/facebookinstant", "*")),
		operation("ValidatePurchaseSamsung", (*core.Core).ValidatePurchaseSamsung, post("/v2/iap/purchase/samsung", "*")),
		operation("ValidateSubscriptionApple", (*core.Core).ValidateSubscriptionApple, post("/v2/iap/subscription/apple", "*")),
		operation("ValidateSubscriptionGoogle", (*core.Core).ValidateSubscriptionGoogle, post("/v2/iap/subscription/google", "*")),
		operation("ListSubscriptions", (*core.Core).ListSubscriptions, post("/v2/iap/subscription", "*")),
		operation("GetSubscription", (*core.Core).GetSubscription, get("/v2/iap/subscription/{product_id}")),

		action("Event", bySession, event, post("/v2/event", "*")),
		method("ListMatches", bySession, listMatches, get("/v2/match")),
		operation("ListParties", (*core.Core).ListParties, get("/v2/party")),
		operation("GetMatchmakerStats", (*core.Core).MatchmakerStats, get("/v2/matchmaker/stats")),
	}
}

func healthcheck(*call, *emptypb.Empty) (*emptypb.Empty, error) { return nothing, nil }

func getAccount(c *call, _ *emptypb.Empty) (*api.Account, error) {
	return c.Core.GetAccount(c.ctx, c.caller())
}

func deleteAccount(c *call, _ *emptypb.Empty) error {
	return c.Core.DeleteAccount(c.ctx, c.caller())
}

func getUsers(c *call, in *api.GetUsersRequest) (*api.Users, error) {
	return c.Core.GetUsers(c.ctx, in)
}

func listMatches(c *call, in *api.ListMatchesRequest) (*api.MatchList, error) {
	return c.Core.ListMatches(c.ctx, in)
}

// event passes module code a context that says who sent the event.
func event(c *call, in *api.Event) error {
	return c.Core.Event(core.WithMode(c.ctx, c.moduleScope(), "event"), c.caller(), in)
}

// Hooked returns the names of the implemented methods that have hooks.
func Hooked() (names []string) {
	for _, r := range table() {
		if r.hook != nil {
			names = append(names, r.name)
		}
	}
	return names
}
