package core

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/store/fault"
)

// pending answers every function of the module interface that has no operation
// behind it yet with one coded error. Module embeds it, so that building an
// operation is adding a method to Module and deleting one here.
type pending struct{}

// unbuilt is the error of a function whose operation does not exist yet.
func unbuilt(function string) error {
	return fault.Newf(fault.Unimplemented, "%s is not available in this version of the server", function)
}

func (pending) AuthenticateApple(context.Context, string, string, bool) (_ string, _ string, _ bool, err error) {
	err = unbuilt("AuthenticateApple")
	return
}

func (pending) AuthenticateFacebook(context.Context, string, bool, string, bool) (_ string, _ string, _ bool, err error) {
	err = unbuilt("AuthenticateFacebook")
	return
}

func (pending) AuthenticateFacebookInstantGame(context.Context, string, string, bool) (_ string, _ string, _ bool, err error) {
	err = unbuilt("AuthenticateFacebookInstantGame")
	return
}

func (pending) AuthenticateGameCenter(context.Context, string, string, int64, string, string, string, string, bool) (_ string, _ string, _ bool, err error) {
	err = unbuilt("AuthenticateGameCenter")
	return
}

func (pending) AuthenticateGoogle(context.Context, string, string, bool) (_ string, _ string, _ bool, err error) {
	err = unbuilt("AuthenticateGoogle")
	return
}

func (pending) AuthenticateSteam(context.Context, string, string, bool) (_ string, _ string, _ bool, err error) {
	err = unbuilt("AuthenticateSteam")
	return
}

func (pending) ChannelIdBuild(context.Context, string, string, runtime.ChannelType) (_ string, err error) {
	err = unbuilt("ChannelIdBuild")
	return
}

func (pending) ChannelMessageRemove(context.Context, string, string, string, string, bool) (_ *rtapi.ChannelMessageAck, err error) {
	err = unbuilt("ChannelMessageRemove")
	return
}

func (pending) ChannelMessageSend(context.Context, string, map[string]any, string, string, bool) (_ *rtapi.ChannelMessageAck, err error) {
	err = unbuilt("ChannelMessageSend")
	return
}

func (pending) ChannelMessageUpdate(context.Context, string, string, map[string]any, string, string, bool) (_ *rtapi.ChannelMessageAck, err error) {
	err = unbuilt("ChannelMessageUpdate")
	return
}

func (pending) ChannelMessagesList(context.Context, string, int, bool, string) (_ []*api.ChannelMessage, _ string, _ string, err error) {
	err = unbuilt("ChannelMessagesList")
	return
}

func (pending) FriendMetadataUpdate(context.Context, string, string, map[string]any) (err error) {
	err = unbuilt("FriendMetadataUpdate")
	return
}

func (pending) FriendsAdd(context.Context, string, string, []string, []string, map[string]any) (err error) {
	err = unbuilt("FriendsAdd")
	return
}

func (pending) FriendsBlock(context.Context, string, string, []string, []string) (err error) {
	err = unbuilt("FriendsBlock")
	return
}

func (pending) FriendsDelete(context.Context, string, string, []string, []string) (err error) {
	err = unbuilt("FriendsDelete")
	return
}

func (pending) FriendsList(context.Context, string, int, *int, string) (_ []*api.Friend, _ string, err error) {
	err = unbuilt("FriendsList")
	return
}

func (pending) FriendsOfFriendsList(context.Context, string, int, string) (_ []*api.FriendsOfFriendsList_FriendOfFriend, _ string, err error) {
	err = unbuilt("FriendsOfFriendsList")
	return
}

func (pending) GroupCreate(context.Context, string, string, string, string, string, string, bool, map[string]any, int) (_ *api.Group, err error) {
	err = unbuilt("GroupCreate")
	return
}

func (pending) GroupDelete(context.Context, string) (err error) {
	err = unbuilt("GroupDelete")
	return
}

func (pending) GroupUpdate(context.Context, string, string, string, string, string, string, string, bool, map[string]any, int) (err error) {
	err = unbuilt("GroupUpdate")
	return
}

func (pending) GroupUserJoin(context.Context, string, string, string) (err error) {
	err = unbuilt("GroupUserJoin")
	return
}

func (pending) GroupUserLeave(context.Context, string, string, string) (err error) {
	err = unbuilt("GroupUserLeave")
	return
}

func (pending) GroupUsersAdd(context.Context, string, string, []string) (err error) {
	err = unbuilt("GroupUsersAdd")
	return
}

func (pending) GroupUsersBan(context.Context, string, string, []string) (err error) {
	err = unbuilt("GroupUsersBan")
	return
}

func (pending) GroupUsersDemote(context.Context, string, string, []string) (err error) {
	err = unbuilt("GroupUsersDemote")
	return
}

func (pending) GroupUsersKick(context.Context, string, string, []string) (err error) {
	err = unbuilt("GroupUsersKick")
	return
}

func (pending) GroupUsersList(context.Context, string, int, *int, string) (_ []*api.GroupUserList_GroupUser, _ string, err error) {
	err = unbuilt("GroupUsersList")
	return
}

func (pending) GroupUsersPromote(context.Context, string, string, []string) (err error) {
	err = unbuilt("GroupUsersPromote")
	return
}

func (pending) GroupsGetId(context.Context, []string) (_ []*api.Group, err error) {
	err = unbuilt("GroupsGetId")
	return
}

func (pending) GroupsGetRandom(context.Context, int) (_ []*api.Group, err error) {
	err = unbuilt("GroupsGetRandom")
	return
}

func (pending) GroupsList(context.Context, string, string, *int, *bool, int, string) (_ []*api.Group, _ string, err error) {
	err = unbuilt("GroupsList")
	return
}

func (pending) LeaderboardCreate(context.Context, string, bool, string, string, string, map[string]any, bool) (err error) {
	err = unbuilt("LeaderboardCreate")
	return
}

func (pending) LeaderboardDelete(context.Context, string) (err error) {
	err = unbuilt("LeaderboardDelete")
	return
}

func (pending) LeaderboardList(int, string) (_ *api.LeaderboardList, err error) {
	err = unbuilt("LeaderboardList")
	return
}

func (pending) LeaderboardRanksDisable(context.Context, string) (err error) {
	err = unbuilt("LeaderboardRanksDisable")
	return
}

func (pending) LeaderboardRecordDelete(context.Context, string, string) (err error) {
	err = unbuilt("LeaderboardRecordDelete")
	return
}

func (pending) LeaderboardRecordWrite(context.Context, string, string, string, int64, int64, map[string]any, *int) (_ *api.LeaderboardRecord, err error) {
	err = unbuilt("LeaderboardRecordWrite")
	return
}

func (pending) LeaderboardRecordsHaystack(context.Context, string, string, int, string, int64) (_ *api.LeaderboardRecordList, err error) {
	err = unbuilt("LeaderboardRecordsHaystack")
	return
}

func (pending) LeaderboardRecordsList(context.Context, string, []string, int, string, int64) (_ []*api.LeaderboardRecord, _ []*api.LeaderboardRecord, _ string, _ string, err error) {
	err = unbuilt("LeaderboardRecordsList")
	return
}

func (pending) LeaderboardRecordsListCursorFromRank(string, int64, int64) (_ string, err error) {
	err = unbuilt("LeaderboardRecordsListCursorFromRank")
	return
}

func (pending) LeaderboardsGetId(context.Context, []string) (_ []*api.Leaderboard, err error) {
	err = unbuilt("LeaderboardsGetId")
	return
}

func (pending) LinkApple(context.Context, string, string) (err error) {
	err = unbuilt("LinkApple")
	return
}

func (pending) LinkFacebook(context.Context, string, string, string, bool) (err error) {
	err = unbuilt("LinkFacebook")
	return
}

func (pending) LinkFacebookInstantGame(context.Context, string, string) (err error) {
	err = unbuilt("LinkFacebookInstantGame")
	return
}

func (pending) LinkGameCenter(context.Context, string, string, string, int64, string, string, string) (err error) {
	err = unbuilt("LinkGameCenter")
	return
}

func (pending) LinkGoogle(context.Context, string, string) (err error) {
	err = unbuilt("LinkGoogle")
	return
}

func (pending) LinkSteam(context.Context, string, string, string, bool) (err error) {
	err = unbuilt("LinkSteam")
	return
}

func (pending) NotificationSend(context.Context, string, string, map[string]any, int, string, bool) (err error) {
	err = unbuilt("NotificationSend")
	return
}

func (pending) NotificationSendAll(context.Context, string, map[string]any, int, bool) (err error) {
	err = unbuilt("NotificationSendAll")
	return
}

func (pending) NotificationsDelete(context.Context, []*runtime.NotificationDelete) (err error) {
	err = unbuilt("NotificationsDelete")
	return
}

func (pending) NotificationsDeleteId(context.Context, string, []string) (err error) {
	err = unbuilt("NotificationsDeleteId")
	return
}

func (pending) NotificationsGetId(context.Context, string, []string) (_ []*runtime.Notification, err error) {
	err = unbuilt("NotificationsGetId")
	return
}

func (pending) NotificationsList(context.Context, string, int, string) (_ []*api.Notification, _ string, err error) {
	err = unbuilt("NotificationsList")
	return
}

func (pending) NotificationsSend(context.Context, []*runtime.NotificationSend) (err error) {
	err = unbuilt("NotificationsSend")
	return
}

func (pending) NotificationsUpdate(context.Context, ...runtime.NotificationUpdate) (err error) {
	err = unbuilt("NotificationsUpdate")
	return
}

func (pending) PartyList(context.Context, int, *bool, bool, string, string) (_ []*api.Party, _ string, err error) {
	err = unbuilt("PartyList")
	return
}

func (pending) PurchaseGetByTransactionId(context.Context, string) (_ *api.ValidatedPurchase, err error) {
	err = unbuilt("PurchaseGetByTransactionId")
	return
}

func (pending) PurchaseValidateApple(context.Context, string, string, bool, ...string) (_ *api.ValidatePurchaseResponse, err error) {
	err = unbuilt("PurchaseValidateApple")
	return
}

func (pending) PurchaseValidateFacebookInstant(context.Context, string, string, bool) (_ *api.ValidatePurchaseResponse, err error) {
	err = unbuilt("PurchaseValidateFacebookInstant")
	return
}

func (pending) PurchaseValidateGoogle(context.Context, string, string, bool, ...struct {
	ClientEmail string
	PrivateKey  string
}) (_ *api.ValidatePurchaseResponse, err error) {
	err = unbuilt("PurchaseValidateGoogle")
	return
}

func (pending) PurchaseValidateHuawei(context.Context, string, string, string, bool) (_ *api.ValidatePurchaseResponse, err error) {
	err = unbuilt("PurchaseValidateHuawei")
	return
}

func (pending) PurchaseValidateSamsung(context.Context, string, string, bool) (_ *api.ValidatePurchaseResponse, err error) {
	err = unbuilt("PurchaseValidateSamsung")
	return
}

func (pending) PurchasesList(context.Context, string, int, string) (_ *api.PurchaseList, err error) {
	err = unbuilt("PurchasesList")
	return
}

func (pending) StatusFollow(string, []string) (err error) {
	err = unbuilt("StatusFollow")
	return
}

func (pending) StatusUnfollow(string, []string) (err error) {
	err = unbuilt("StatusUnfollow")
	return
}

func (pending) StorageIndexList(context.Context, string, string, string, int, []string, string) (_ *api.StorageObjects, _ string, err error) {
	err = unbuilt("StorageIndexList")
	return
}

func (pending) SubscriptionGetByProductId(context.Context, string, string) (_ *api.ValidatedSubscription, err error) {
	err = unbuilt("SubscriptionGetByProductId")
	return
}

func (pending) SubscriptionValidateApple(context.Context, string, string, bool, ...string) (_ *api.ValidateSubscriptionResponse, err error) {
	err = unbuilt("SubscriptionValidateApple")
	return
}

func (pending) SubscriptionValidateGoogle(context.Context, string, string, bool, ...struct {
	ClientEmail string
	PrivateKey  string
}) (_ *api.ValidateSubscriptionResponse, err error) {
	err = unbuilt("SubscriptionValidateGoogle")
	return
}

func (pending) SubscriptionsList(context.Context, string, int, string) (_ *api.SubscriptionList, err error) {
	err = unbuilt("SubscriptionsList")
	return
}

func (pending) TournamentAddAttempt(context.Context, string, string, int) (err error) {
	err = unbuilt("TournamentAddAttempt")
	return
}

func (pending) TournamentCreate(context.Context, string, bool, string, string, string, map[string]any, string, string, int, int, int, int, int, int, bool, bool) (err error) {
	err = unbuilt("TournamentCreate")
	return
}

func (pending) TournamentDelete(context.Context, string) (err error) {
	err = unbuilt("TournamentDelete")
	return
}

func (pending) TournamentJoin(context.Context, string, string, string) (err error) {
	err = unbuilt("TournamentJoin")
	return
}

func (pending) TournamentList(context.Context, int, int, int, int, int, string) (_ *api.TournamentList, err error) {
	err = unbuilt("TournamentList")
	return
}

func (pending) TournamentRanksDisable(context.Context, string) (err error) {
	err = unbuilt("TournamentRanksDisable")
	return
}

func (pending) TournamentRecordDelete(context.Context, string, string) (err error) {
	err = unbuilt("TournamentRecordDelete")
	return
}

func (pending) TournamentRecordWrite(context.Context, string, string, string, int64, int64, map[string]any, *int) (_ *api.LeaderboardRecord, err error) {
	err = unbuilt("TournamentRecordWrite")
	return
}

func (pending) TournamentRecordsHaystack(context.Context, string, string, int, string, int64) (_ *api.TournamentRecordList, err error) {
	err = unbuilt("TournamentRecordsHaystack")
	return
}

func (pending) TournamentRecordsList(context.Context, string, []string, int, string, int64) (_ []*api.LeaderboardRecord, _ []*api.LeaderboardRecord, _ string, _ string, err error) {
	err = unbuilt("TournamentRecordsList")
	return
}

func (pending) TournamentsGetId(context.Context, []string) (_ []*api.Tournament, err error) {
	err = unbuilt("TournamentsGetId")
	return
}

func (pending) UnlinkApple(context.Context, string, string) (err error) {
	err = unbuilt("UnlinkApple")
	return
}

func (pending) UnlinkFacebook(context.Context, string, string) (err error) {
	err = unbuilt("UnlinkFacebook")
	return
}

func (pending) UnlinkFacebookInstantGame(context.Context, string, string) (err error) {
	err = unbuilt("UnlinkFacebookInstantGame")
	return
}

func (pending) UnlinkGameCenter(context.Context, string, string, string, int64, string, string, string) (err error) {
	err = unbuilt("UnlinkGameCenter")
	return
}

func (pending) UnlinkGoogle(context.Context, string, string) (err error) {
	err = unbuilt("UnlinkGoogle")
	return
}

func (pending) UnlinkSteam(context.Context, string, string) (err error) {
	err = unbuilt("UnlinkSteam")
	return
}

func (pending) UserGroupsList(context.Context, string, int, *int, string) (_ []*api.UserGroupList_UserGroup, _ string, err error) {
	err = unbuilt("UserGroupsList")
	return
}

func (pending) UsersGetFriendStatus(context.Context, string, []string) (_ []*api.Friend, err error) {
	err = unbuilt("UsersGetFriendStatus")
	return
}
