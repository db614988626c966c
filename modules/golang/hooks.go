package golang

import (
	"context"
	"database/sql"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
)

// The hooks of API calls, one pair of methods each; golang_call.go has what they
// come down to. More are in golang_hooks_game.go and golang_hooks_link.go.

// RegisterBeforeGetAccount implements runtime.Initializer.
func (i *initializer) RegisterBeforeGetAccount(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule) error) error {
	return beforeBare(i, "GetAccount", fn)
}

// RegisterAfterGetAccount implements runtime.Initializer.
func (i *initializer) RegisterAfterGetAccount(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.Account) error) error {
	return afterOut(i, "GetAccount", fn)
}

// RegisterBeforeUpdateAccount implements runtime.Initializer.
func (i *initializer) RegisterBeforeUpdateAccount(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.UpdateAccountRequest) (*api.UpdateAccountRequest, error)) error {
	return before(i, "UpdateAccount", fn)
}

// RegisterAfterUpdateAccount implements runtime.Initializer.
func (i *initializer) RegisterAfterUpdateAccount(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.UpdateAccountRequest) error) error {
	return afterIn(i, "UpdateAccount", fn)
}

// RegisterBeforeDeleteAccount implements runtime.Initializer.
func (i *initializer) RegisterBeforeDeleteAccount(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule) error) error {
	return beforeBare(i, "DeleteAccount", fn)
}

// RegisterAfterDeleteAccount implements runtime.Initializer.
func (i *initializer) RegisterAfterDeleteAccount(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule) error) error {
	return afterBare(i, "DeleteAccount", fn)
}

// RegisterBeforeSessionRefresh implements runtime.Initializer.
func (i *initializer) RegisterBeforeSessionRefresh(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.SessionRefreshRequest) (*api.SessionRefreshRequest, error)) error {
	return before(i, "SessionRefresh", fn)
}

// RegisterAfterSessionRefresh implements runtime.Initializer.
func (i *initializer) RegisterAfterSessionRefresh(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.Session, in *api.SessionRefreshRequest) error) error {
	return afterBoth(i, "SessionRefresh", fn)
}

// RegisterBeforeSessionLogout implements runtime.Initializer.
func (i *initializer) RegisterBeforeSessionLogout(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.SessionLogoutRequest) (*api.SessionLogoutRequest, error)) error {
	return before(i, "SessionLogout", fn)
}

// RegisterAfterSessionLogout implements runtime.Initializer.
func (i *initializer) RegisterAfterSessionLogout(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.SessionLogoutRequest) error) error {
	return afterIn(i, "SessionLogout", fn)
}

// RegisterBeforeAuthenticateApple implements runtime.Initializer.
func (i *initializer) RegisterBeforeAuthenticateApple(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AuthenticateAppleRequest) (*api.AuthenticateAppleRequest, error)) error {
	return before(i, "AuthenticateApple", fn)
}

// RegisterAfterAuthenticateApple implements runtime.Initializer.
func (i *initializer) RegisterAfterAuthenticateApple(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.Session, in *api.AuthenticateAppleRequest) error) error {
	return afterBoth(i, "AuthenticateApple", fn)
}

// RegisterBeforeAuthenticateCustom implements runtime.Initializer.
func (i *initializer) RegisterBeforeAuthenticateCustom(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AuthenticateCustomRequest) (*api.AuthenticateCustomRequest, error)) error {
	return before(i, "AuthenticateCustom", fn)
}

// RegisterAfterAuthenticateCustom implements runtime.Initializer.
func (i *initializer) RegisterAfterAuthenticateCustom(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.Session, in *api.AuthenticateCustomRequest) error) error {
	return afterBoth(i, "AuthenticateCustom", fn)
}

// RegisterBeforeAuthenticateDevice implements runtime.Initializer.
func (i *initializer) RegisterBeforeAuthenticateDevice(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AuthenticateDeviceRequest) (*api.AuthenticateDeviceRequest, error)) error {
	return before(i, "AuthenticateDevice", fn)
}

// RegisterAfterAuthenticateDevice implements runtime.Initializer.
func (i *initializer) RegisterAfterAuthenticateDevice(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.Session, in *api.AuthenticateDeviceRequest) error) error {
	return afterBoth(i, "AuthenticateDevice", fn)
}

// RegisterBeforeAuthenticateEmail implements runtime.Initializer.
func (i *initializer) RegisterBeforeAuthenticateEmail(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AuthenticateEmailRequest) (*api.AuthenticateEmailRequest, error)) error {
	return before(i, "AuthenticateEmail", fn)
}

// RegisterAfterAuthenticateEmail implements runtime.Initializer.
func (i *initializer) RegisterAfterAuthenticateEmail(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.Session, in *api.AuthenticateEmailRequest) error) error {
	return afterBoth(i, "AuthenticateEmail", fn)
}

// RegisterBeforeAuthenticateFacebook implements runtime.Initializer.
func (i *initializer) RegisterBeforeAuthenticateFacebook(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AuthenticateFacebookRequest) (*api.AuthenticateFacebookRequest, error)) error {
	return before(i, "AuthenticateFacebook", fn)
}

// RegisterAfterAuthenticateFacebook implements runtime.Initializer.
func (i *initializer) RegisterAfterAuthenticateFacebook(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.Session, in *api.AuthenticateFacebookRequest) error) error {
	return afterBoth(i, "AuthenticateFacebook", fn)
}

// RegisterBeforeAuthenticateFacebookInstantGame implements runtime.Initializer.
func (i *initializer) RegisterBeforeAuthenticateFacebookInstantGame(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AuthenticateFacebookInstantGameRequest) (*api.AuthenticateFacebookInstantGameRequest, error)) error {
	return before(i, "AuthenticateFacebookInstantGame", fn)
}

// RegisterAfterAuthenticateFacebookInstantGame implements runtime.Initializer.
func (i *initializer) RegisterAfterAuthenticateFacebookInstantGame(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.Session, in *api.AuthenticateFacebookInstantGameRequest) error) error {
	return afterBoth(i, "AuthenticateFacebookInstantGame", fn)
}

// RegisterBeforeAuthenticateGameCenter implements runtime.Initializer.
func (i *initializer) RegisterBeforeAuthenticateGameCenter(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AuthenticateGameCenterRequest) (*api.AuthenticateGameCenterRequest, error)) error {
	return before(i, "AuthenticateGameCenter", fn)
}

// RegisterAfterAuthenticateGameCenter implements runtime.Initializer.
func (i *initializer) RegisterAfterAuthenticateGameCenter(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.Session, in *api.AuthenticateGameCenterRequest) error) error {
	return afterBoth(i, "AuthenticateGameCenter", fn)
}

// RegisterBeforeAuthenticateGoogle implements runtime.Initializer.
func (i *initializer) RegisterBeforeAuthenticateGoogle(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AuthenticateGoogleRequest) (*api.AuthenticateGoogleRequest, error)) error {
	return before(i, "AuthenticateGoogle", fn)
}

// RegisterAfterAuthenticateGoogle implements runtime.Initializer.
func (i *initializer) RegisterAfterAuthenticateGoogle(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.Session, in *api.AuthenticateGoogleRequest) error) error {
	return afterBoth(i, "AuthenticateGoogle", fn)
}

// RegisterBeforeAuthenticateSteam implements runtime.Initializer.
func (i *initializer) RegisterBeforeAuthenticateSteam(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AuthenticateSteamRequest) (*api.AuthenticateSteamRequest, error)) error {
	return before(i, "AuthenticateSteam", fn)
}

// RegisterAfterAuthenticateSteam implements runtime.Initializer.
func (i *initializer) RegisterAfterAuthenticateSteam(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.Session, in *api.AuthenticateSteamRequest) error) error {
	return afterBoth(i, "AuthenticateSteam", fn)
}

// RegisterBeforeListChannelMessages implements runtime.Initializer.
func (i *initializer) RegisterBeforeListChannelMessages(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListChannelMessagesRequest) (*api.ListChannelMessagesRequest, error)) error {
	return before(i, "ListChannelMessages", fn)
}

// RegisterAfterListChannelMessages implements runtime.Initializer.
func (i *initializer) RegisterAfterListChannelMessages(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.ChannelMessageList, in *api.ListChannelMessagesRequest) error) error {
	return afterBoth(i, "ListChannelMessages", fn)
}

// RegisterBeforeListFriends implements runtime.Initializer.
func (i *initializer) RegisterBeforeListFriends(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListFriendsRequest) (*api.ListFriendsRequest, error)) error {
	return before(i, "ListFriends", fn)
}

// RegisterAfterListFriends implements runtime.Initializer.
func (i *initializer) RegisterAfterListFriends(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.FriendList) error) error {
	return afterOut(i, "ListFriends", fn)
}

// RegisterBeforeListFriendsOfFriends implements runtime.Initializer.
func (i *initializer) RegisterBeforeListFriendsOfFriends(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListFriendsOfFriendsRequest) (*api.ListFriendsOfFriendsRequest, error)) error {
	return before(i, "ListFriendsOfFriends", fn)
}

// RegisterAfterListFriendsOfFriends implements runtime.Initializer.
func (i *initializer) RegisterAfterListFriendsOfFriends(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.FriendsOfFriendsList) error) error {
	return afterOut(i, "ListFriendsOfFriends", fn)
}

// RegisterBeforeAddFriends implements runtime.Initializer.
func (i *initializer) RegisterBeforeAddFriends(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AddFriendsRequest) (*api.AddFriendsRequest, error)) error {
	return before(i, "AddFriends", fn)
}

// RegisterAfterAddFriends implements runtime.Initializer.
func (i *initializer) RegisterAfterAddFriends(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AddFriendsRequest) error) error {
	return afterIn(i, "AddFriends", fn)
}

// RegisterBeforeDeleteFriends implements runtime.Initializer.
func (i *initializer) RegisterBeforeDeleteFriends(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.DeleteFriendsRequest) (*api.DeleteFriendsRequest, error)) error {
	return before(i, "DeleteFriends", fn)
}

// RegisterAfterDeleteFriends implements runtime.Initializer.
func (i *initializer) RegisterAfterDeleteFriends(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.DeleteFriendsRequest) error) error {
	return afterIn(i, "DeleteFriends", fn)
}

// RegisterBeforeBlockFriends implements runtime.Initializer.
func (i *initializer) RegisterBeforeBlockFriends(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.BlockFriendsRequest) (*api.BlockFriendsRequest, error)) error {
	return before(i, "BlockFriends", fn)
}

// RegisterAfterBlockFriends implements runtime.Initializer.
func (i *initializer) RegisterAfterBlockFriends(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.BlockFriendsRequest) error) error {
	return afterIn(i, "BlockFriends", fn)
}

// RegisterBeforeImportFacebookFriends implements runtime.Initializer.
func (i *initializer) RegisterBeforeImportFacebookFriends(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ImportFacebookFriendsRequest) (*api.ImportFacebookFriendsRequest, error)) error {
	return before(i, "ImportFacebookFriends", fn)
}

// RegisterAfterImportFacebookFriends implements runtime.Initializer.
func (i *initializer) RegisterAfterImportFacebookFriends(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ImportFacebookFriendsRequest) error) error {
	return afterIn(i, "ImportFacebookFriends", fn)
}

// RegisterBeforeImportSteamFriends implements runtime.Initializer.
func (i *initializer) RegisterBeforeImportSteamFriends(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ImportSteamFriendsRequest) (*api.ImportSteamFriendsRequest, error)) error {
	return before(i, "ImportSteamFriends", fn)
}

// RegisterAfterImportSteamFriends implements runtime.Initializer.
func (i *initializer) RegisterAfterImportSteamFriends(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ImportSteamFriendsRequest) error) error {
	return afterIn(i, "ImportSteamFriends", fn)
}

// RegisterBeforeCreateGroup implements runtime.Initializer.
func (i *initializer) RegisterBeforeCreateGroup(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.CreateGroupRequest) (*api.CreateGroupRequest, error)) error {
	return before(i, "CreateGroup", fn)
}

// RegisterAfterCreateGroup implements runtime.Initializer.
func (i *initializer) RegisterAfterCreateGroup(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.Group, in *api.CreateGroupRequest) error) error {
	return afterBoth(i, "CreateGroup", fn)
}

// RegisterBeforeUpdateGroup implements runtime.Initializer.
func (i *initializer) RegisterBeforeUpdateGroup(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.UpdateGroupRequest) (*api.UpdateGroupRequest, error)) error {
	return before(i, "UpdateGroup", fn)
}

// RegisterAfterUpdateGroup implements runtime.Initializer.
func (i *initializer) RegisterAfterUpdateGroup(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.UpdateGroupRequest) error) error {
	return afterIn(i, "UpdateGroup", fn)
}

// RegisterBeforeDeleteGroup implements runtime.Initializer.
func (i *initializer) RegisterBeforeDeleteGroup(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.DeleteGroupRequest) (*api.DeleteGroupRequest, error)) error {
	return before(i, "DeleteGroup", fn)
}

// RegisterAfterDeleteGroup implements runtime.Initializer.
func (i *initializer) RegisterAfterDeleteGroup(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.DeleteGroupRequest) error) error {
	return afterIn(i, "DeleteGroup", fn)
}

// RegisterBeforeJoinGroup implements runtime.Initializer.
func (i *initializer) RegisterBeforeJoinGroup(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.JoinGroupRequest) (*api.JoinGroupRequest, error)) error {
	return before(i, "JoinGroup", fn)
}

// RegisterAfterJoinGroup implements runtime.Initializer.
func (i *initializer) RegisterAfterJoinGroup(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.JoinGroupRequest) error) error {
	return afterIn(i, "JoinGroup", fn)
}

// RegisterBeforeLeaveGroup implements runtime.Initializer.
func (i *initializer) RegisterBeforeLeaveGroup(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.LeaveGroupRequest) (*api.LeaveGroupRequest, error)) error {
	return before(i, "LeaveGroup", fn)
}

// RegisterAfterLeaveGroup implements runtime.Initializer.
func (i *initializer) RegisterAfterLeaveGroup(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.LeaveGroupRequest) error) error {
	return afterIn(i, "LeaveGroup", fn)
}

// RegisterBeforeAddGroupUsers implements runtime.Initializer.
func (i *initializer) RegisterBeforeAddGroupUsers(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AddGroupUsersRequest) (*api.AddGroupUsersRequest, error)) error {
	return before(i, "AddGroupUsers", fn)
}

// RegisterAfterAddGroupUsers implements runtime.Initializer.
func (i *initializer) RegisterAfterAddGroupUsers(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AddGroupUsersRequest) error) error {
	return afterIn(i, "AddGroupUsers", fn)
}
