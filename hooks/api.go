package hooks

import (
	"strings"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
)

// Method is one call of the client API as modules may hook it: its name and
// the messages it takes and gives. In is nil for calls without a request body,
// Out is nil where the answer is empty.
type Method struct {
	Name string
	In   func() proto.Message
	Out  func() proto.Message
}

// LookupMethod finds a method by name, without regard to case.
func LookupMethod(name string) (*Method, bool) {
	m, ok := methods[strings.ToLower(name)]
	return m, ok
}

var methods = func() map[string]*Method {
	byName := make(map[string]*Method, len(Methods))
	for i := range Methods {
		byName[strings.ToLower(Methods[i].Name)] = &Methods[i]
	}
	return byName
}()

// Methods lists every call of the client API that has hooks.
var Methods = []Method{
	{Name: "GetAccount", In: nil, Out: func() proto.Message { return new(api.Account) }},
	{Name: "UpdateAccount", In: func() proto.Message { return new(api.UpdateAccountRequest) }, Out: nil},
	{Name: "DeleteAccount", In: nil, Out: nil},
	{Name: "SessionRefresh", In: func() proto.Message { return new(api.SessionRefreshRequest) }, Out: func() proto.Message { return new(api.Session) }},
	{Name: "SessionLogout", In: func() proto.Message { return new(api.SessionLogoutRequest) }, Out: nil},
	{Name: "AuthenticateApple", In: func() proto.Message { return new(api.AuthenticateAppleRequest) }, Out: func() proto.Message { return new(api.Session) }},
	{Name: "AuthenticateCustom", In: func() proto.Message { return new(api.AuthenticateCustomRequest) }, Out: func() proto.Message { return new(api.Session) }},
	{Name: "AuthenticateDevice", In: func() proto.Message { return new(api.AuthenticateDeviceRequest) }, Out: func() proto.Message { return new(api.Session) }},
	{Name: "AuthenticateEmail", In: func() proto.Message { return new(api.AuthenticateEmailRequest) }, Out: func() proto.Message { return new(api.Session) }},
	{Name: "AuthenticateFacebook", In: func() proto.Message { return new(api.AuthenticateFacebookRequest) }, Out: func() proto.Message { return new(api.Session) }},
	{Name: "AuthenticateFacebookInstantGame", In: func() proto.Message { return new(api.AuthenticateFacebookInstantGameRequest) }, Out: func() proto.Message { return new(api.Session) }},
	{Name: "AuthenticateGameCenter", In: func() proto.Message { return new(api.AuthenticateGameCenterRequest) }, Out: func() proto.Message { return new(api.Session) }},
	{Name: "AuthenticateGoogle", In: func() proto.Message { return new(api.AuthenticateGoogleRequest) }, Out: func() proto.Message { return new(api.Session) }},
	{Name: "AuthenticateSteam", In: func() proto.Message { return new(api.AuthenticateSteamRequest) }, Out: func() proto.Message { return new(api.Session) }},
	{Name: "ListChannelMessages", In: func() proto.Message { return new(api.ListChannelMessagesRequest) }, Out: func() proto.Message { return new(api.ChannelMessageList) }},
	{Name: "ListFriends", In: func() proto.Message { return new(api.ListFriendsRequest) }, Out: func() proto.Message { return new(api.FriendList) }},
	{Name: "ListFriendsOfFriends", In: func() proto.Message { return new(api.ListFriendsOfFriendsRequest) }, Out: func() proto.Message { return new(api.FriendsOfFriendsList) }},
	{Name: "AddFriends", In: func() proto.Message { return new(api.AddFriendsRequest) }, Out: nil},
	{Name: "DeleteFriends", In: func() proto.Message { return new(api.DeleteFriendsRequest) }, Out: nil},
	{Name: "BlockFriends", In: func() proto.Message { return new(api.BlockFriendsRequest) }, Out: nil},
	{Name: "ImportFacebookFriends", In: func() proto.Message { return new(api.ImportFacebookFriendsRequest) }, Out: nil},
	{Name: "ImportSteamFriends", In: func() proto.Message { return new(api.ImportSteamFriendsRequest) }, Out: nil},
	{Name: "CreateGroup", In: func() proto.Message { return new(api.CreateGroupRequest) }, Out: func() proto.Message { return new(api.Group) }},
	{Name: "UpdateGroup", In: func() proto.Message { return new(api.UpdateGroupRequest) }, Out: nil},
	{Name: "DeleteGroup", In: func() proto.Message { return new(api.DeleteGroupRequest) }, Out: nil},
	{Name: "JoinGroup", In: func() proto.Message { return new(api.JoinGroupRequest) }, Out: nil},
	{Name: "LeaveGroup", In: func() proto.Message { return new(api.LeaveGroupRequest) }, Out: nil},
	{Name: "AddGroupUsers", In: func() proto.Message { return new(api.AddGroupUsersRequest) }, Out: nil},
	{Name: "BanGroupUsers", In: func() proto.Message { return new(api.BanGroupUsersRequest) }, Out: nil},
	{Name: "KickGroupUsers", In: func() proto.Message { return new(api.KickGroupUsersRequest) }, Out: nil},
	{Name: "PromoteGroupUsers", In: func() proto.Message { return new(api.PromoteGroupUsersRequest) }, Out: nil},
	{Name: "DemoteGroupUsers", In: func() proto.Message { return new(api.DemoteGroupUsersRequest) }, Out: nil},
	{Name: "ListGroupUsers", In: func() proto.Message { return new(api.ListGroupUsersRequest) }, Out: func() proto.Message { return new(api.GroupUserList) }},
	{Name: "ListUserGroups", In: func() proto.Message { return new(api.ListUserGroupsRequest) }, Out: func() proto.Message { return new(api.UserGroupList) }},
	{Name: "ListGroups", In: func() proto.Message { return new(api.ListGroupsRequest) }, Out: func() proto.Message { return new(api.GroupList) }},
	{Name: "DeleteLeaderboardRecord", In: func() proto.Message { return new(api.DeleteLeaderboardRecordRequest) }, Out: nil},
	{Name: "DeleteTournamentRecord", In: func() proto.Message { return new(api.DeleteTournamentRecordRequest) }, Out: nil},
	{Name: "ListLeaderboardRecords", In: func() proto.Message { return new(api.ListLeaderboardRecordsRequest) }, Out: func() proto.Message { return new(api.LeaderboardRecordList) }},
	{Name: "WriteLeaderboardRecord", In: func() proto.Message { return new(api.WriteLeaderboardRecordRequest) }, Out: func() proto.Message { return new(api.LeaderboardRecord) }},
	{Name: "ListLeaderboardRecordsAroundOwner", In: func() proto.Message { return new(api.ListLeaderboardRecordsAroundOwnerRequest) }, Out: func() proto.Message { return new(api.LeaderboardRecordList) }},
	{Name: "LinkApple", In: func() proto.Message { return new(api.AccountApple) }, Out: nil},
	{Name: "LinkCustom", In: func() proto.Message { return new(api.AccountCustom) }, Out: nil},
	{Name: "LinkDevice", In: func() proto.Message { return new(api.AccountDevice) }, Out: nil},
	{Name: "LinkEmail", In: func() proto.Message { return new(api.AccountEmail) }, Out: nil},
	{Name: "LinkFacebook", In: func() proto.Message { return new(api.LinkFacebookRequest) }, Out: nil},
	{Name: "LinkFacebookInstantGame", In: func() proto.Message { return new(api.AccountFacebookInstantGame) }, Out: nil},
	{Name: "LinkGameCenter", In: func() proto.Message { return new(api.AccountGameCenter) }, Out: nil},
	{Name: "LinkGoogle", In: func() proto.Message { return new(api.AccountGoogle) }, Out: nil},
	{Name: "LinkSteam", In: func() proto.Message { return new(api.LinkSteamRequest) }, Out: nil},
	{Name: "ListMatches", In: func() proto.Message { return new(api.ListMatchesRequest) }, Out: func() proto.Message { return new(api.MatchList) }},
	{Name: "GetMatchmakerStats", In: nil, Out: func() proto.Message { return new(api.MatchmakerStats) }},
	{Name: "ListNotifications", In: func() proto.Message { return new(api.ListNotificationsRequest) }, Out: func() proto.Message { return new(api.NotificationList) }},
	{Name: "DeleteNotifications", In: func() proto.Message { return new(api.DeleteNotificationsRequest) }, Out: nil},
	{Name: "ListStorageObjects", In: func() proto.Message { return new(api.ListStorageObjectsRequest) }, Out: func() proto.Message { return new(api.StorageObjectList) }},
	{Name: "ReadStorageObjects", In: func() proto.Message { return new(api.ReadStorageObjectsRequest) }, Out: func() proto.Message { return new(api.StorageObjects) }},
	{Name: "WriteStorageObjects", In: func() proto.Message { return new(api.WriteStorageObjectsRequest) }, Out: func() proto.Message { return new(api.StorageObjectAcks) }},
	{Name: "DeleteStorageObjects", In: func() proto.Message { return new(api.DeleteStorageObjectsRequest) }, Out: nil},
	{Name: "JoinTournament", In: func() proto.Message { return new(api.JoinTournamentRequest) }, Out: nil},
	{Name: "ListTournamentRecords", In: func() proto.Message { return new(api.ListTournamentRecordsRequest) }, Out: func() proto.Message { return new(api.TournamentRecordList) }},
	{Name: "ListTournaments", In: func() proto.Message { return new(api.ListTournamentsRequest) }, Out: func() proto.Message { return new(api.TournamentList) }},
	{Name: "WriteTournamentRecord", In: func() proto.Message { return new(api.WriteTournamentRecordRequest) }, Out: func() proto.Message { return new(api.LeaderboardRecord) }},
	{Name: "ListTournamentRecordsAroundOwner", In: func() proto.Message { return new(api.ListTournamentRecordsAroundOwnerRequest) }, Out: func() proto.Message { return new(api.TournamentRecordList) }},
	{Name: "ValidatePurchaseApple", In: func() proto.Message { return new(api.ValidatePurchaseAppleRequest) }, Out: func() proto.Message { return new(api.ValidatePurchaseResponse) }},
	{Name: "ValidateSubscriptionApple", In: func() proto.Message { return new(api.ValidateSubscriptionAppleRequest) }, Out: func() proto.Message { return new(api.ValidateSubscriptionResponse) }},
	{Name: "ValidatePurchaseGoogle", In: func() proto.Message { return new(api.ValidatePurchaseGoogleRequest) }, Out: func() proto.Message { return new(api.ValidatePurchaseResponse) }},
	{Name: "ValidateSubscriptionGoogle", In: func() proto.Message { return new(api.ValidateSubscriptionGoogleRequest) }, Out: func() proto.Message { return new(api.ValidateSubscriptionResponse) }},
	{Name: "ValidatePurchaseHuawei", In: func() proto.Message { return new(api.ValidatePurchaseHuaweiRequest) }, Out: func() proto.Message { return new(api.ValidatePurchaseResponse) }},
	{Name: "ValidatePurchaseFacebookInstant", In: func() proto.Message { return new(api.ValidatePurchaseFacebookInstantRequest) }, Out: func() proto.Message { return new(api.ValidatePurchaseResponse) }},
	{Name: "ValidatePurchaseSamsung", In: func() proto.Message { return new(api.ValidatePurchaseSamsungRequest) }, Out: func() proto.Message { return new(api.ValidatePurchaseResponse) }},
	{Name: "ListSubscriptions", In: func() proto.Message { return new(api.ListSubscriptionsRequest) }, Out: func() proto.Message { return new(api.SubscriptionList) }},
	{Name: "GetSubscription", In: func() proto.Message { return new(api.GetSubscriptionRequest) }, Out: func() proto.Message { return new(api.ValidatedSubscription) }},
	{Name: "UnlinkApple", In: func() proto.Message { return new(api.AccountApple) }, Out: nil},
	{Name: "UnlinkCustom", In: func() proto.Message { return new(api.AccountCustom) }, Out: nil},
	{Name: "UnlinkDevice", In: func() proto.Message { return new(api.AccountDevice) }, Out: nil},
	{Name: "UnlinkEmail", In: func() proto.Message { return new(api.AccountEmail) }, Out: nil},
	{Name: "UnlinkFacebook", In: func() proto.Message { return new(api.AccountFacebook) }, Out: nil},
	{Name: "UnlinkFacebookInstantGame", In: func() proto.Message { return new(api.AccountFacebookInstantGame) }, Out: nil},
	{Name: "UnlinkGameCenter", In: func() proto.Message { return new(api.AccountGameCenter) }, Out: nil},
	{Name: "UnlinkGoogle", In: func() proto.Message { return new(api.AccountGoogle) }, Out: nil},
	{Name: "UnlinkSteam", In: func() proto.Message { return new(api.AccountSteam) }, Out: nil},
	{Name: "GetUsers", In: func() proto.Message { return new(api.GetUsersRequest) }, Out: func() proto.Message { return new(api.Users) }},
	{Name: "ListParties", In: func() proto.Message { return new(api.ListPartiesRequest) }, Out: func() proto.Message { return new(api.PartyList) }},
	{Name: "Event", In: func() proto.Message { return new(api.Event) }, Out: nil},
}
