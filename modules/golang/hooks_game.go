package golang

import (
	"context"
	"database/sql"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
)

// RegisterBeforeBanGroupUsers implements runtime.Initializer.
func (i *initializer) RegisterBeforeBanGroupUsers(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.BanGroupUsersRequest) (*api.BanGroupUsersRequest, error)) error {
	return before(i, "BanGroupUsers", fn)
}

// RegisterAfterBanGroupUsers implements runtime.Initializer.
func (i *initializer) RegisterAfterBanGroupUsers(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.BanGroupUsersRequest) error) error {
	return afterIn(i, "BanGroupUsers", fn)
}

// RegisterBeforeKickGroupUsers implements runtime.Initializer.
func (i *initializer) RegisterBeforeKickGroupUsers(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.KickGroupUsersRequest) (*api.KickGroupUsersRequest, error)) error {
	return before(i, "KickGroupUsers", fn)
}

// RegisterAfterKickGroupUsers implements runtime.Initializer.
func (i *initializer) RegisterAfterKickGroupUsers(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.KickGroupUsersRequest) error) error {
	return afterIn(i, "KickGroupUsers", fn)
}

// RegisterBeforePromoteGroupUsers implements runtime.Initializer.
func (i *initializer) RegisterBeforePromoteGroupUsers(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.PromoteGroupUsersRequest) (*api.PromoteGroupUsersRequest, error)) error {
	return before(i, "PromoteGroupUsers", fn)
}

// RegisterAfterPromoteGroupUsers implements runtime.Initializer.
func (i *initializer) RegisterAfterPromoteGroupUsers(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.PromoteGroupUsersRequest) error) error {
	return afterIn(i, "PromoteGroupUsers", fn)
}

// RegisterBeforeDemoteGroupUsers implements runtime.Initializer.
func (i *initializer) RegisterBeforeDemoteGroupUsers(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.DemoteGroupUsersRequest) (*api.DemoteGroupUsersRequest, error)) error {
	return before(i, "DemoteGroupUsers", fn)
}

// RegisterAfterDemoteGroupUsers implements runtime.Initializer.
func (i *initializer) RegisterAfterDemoteGroupUsers(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.DemoteGroupUsersRequest) error) error {
	return afterIn(i, "DemoteGroupUsers", fn)
}

// RegisterBeforeListGroupUsers implements runtime.Initializer.
func (i *initializer) RegisterBeforeListGroupUsers(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListGroupUsersRequest) (*api.ListGroupUsersRequest, error)) error {
	return before(i, "ListGroupUsers", fn)
}

// RegisterAfterListGroupUsers implements runtime.Initializer.
func (i *initializer) RegisterAfterListGroupUsers(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.GroupUserList, in *api.ListGroupUsersRequest) error) error {
	return afterBoth(i, "ListGroupUsers", fn)
}

// RegisterBeforeListUserGroups implements runtime.Initializer.
func (i *initializer) RegisterBeforeListUserGroups(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListUserGroupsRequest) (*api.ListUserGroupsRequest, error)) error {
	return before(i, "ListUserGroups", fn)
}

// RegisterAfterListUserGroups implements runtime.Initializer.
func (i *initializer) RegisterAfterListUserGroups(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.UserGroupList, in *api.ListUserGroupsRequest) error) error {
	return afterBoth(i, "ListUserGroups", fn)
}

// RegisterBeforeListGroups implements runtime.Initializer.
func (i *initializer) RegisterBeforeListGroups(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListGroupsRequest) (*api.ListGroupsRequest, error)) error {
	return before(i, "ListGroups", fn)
}

// RegisterAfterListGroups implements runtime.Initializer.
func (i *initializer) RegisterAfterListGroups(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.GroupList, in *api.ListGroupsRequest) error) error {
	return afterBoth(i, "ListGroups", fn)
}

// RegisterBeforeDeleteLeaderboardRecord implements runtime.Initializer.
func (i *initializer) RegisterBeforeDeleteLeaderboardRecord(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.DeleteLeaderboardRecordRequest) (*api.DeleteLeaderboardRecordRequest, error)) error {
	return before(i, "DeleteLeaderboardRecord", fn)
}

// RegisterAfterDeleteLeaderboardRecord implements runtime.Initializer.
func (i *initializer) RegisterAfterDeleteLeaderboardRecord(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.DeleteLeaderboardRecordRequest) error) error {
	return afterIn(i, "DeleteLeaderboardRecord", fn)
}

// RegisterBeforeDeleteTournamentRecord implements runtime.Initializer.
func (i *initializer) RegisterBeforeDeleteTournamentRecord(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.DeleteTournamentRecordRequest) (*api.DeleteTournamentRecordRequest, error)) error {
	return before(i, "DeleteTournamentRecord", fn)
}

// RegisterAfterDeleteTournamentRecord implements runtime.Initializer.
func (i *initializer) RegisterAfterDeleteTournamentRecord(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.DeleteTournamentRecordRequest) error) error {
	return afterIn(i, "DeleteTournamentRecord", fn)
}

// RegisterBeforeListLeaderboardRecords implements runtime.Initializer.
func (i *initializer) RegisterBeforeListLeaderboardRecords(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListLeaderboardRecordsRequest) (*api.ListLeaderboardRecordsRequest, error)) error {
	return before(i, "ListLeaderboardRecords", fn)
}

// RegisterAfterListLeaderboardRecords implements runtime.Initializer.
func (i *initializer) RegisterAfterListLeaderboardRecords(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.LeaderboardRecordList, in *api.ListLeaderboardRecordsRequest) error) error {
	return afterBoth(i, "ListLeaderboardRecords", fn)
}

// RegisterBeforeWriteLeaderboardRecord implements runtime.Initializer.
func (i *initializer) RegisterBeforeWriteLeaderboardRecord(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.WriteLeaderboardRecordRequest) (*api.WriteLeaderboardRecordRequest, error)) error {
	return before(i, "WriteLeaderboardRecord", fn)
}

// RegisterAfterWriteLeaderboardRecord implements runtime.Initializer.
func (i *initializer) RegisterAfterWriteLeaderboardRecord(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.LeaderboardRecord, in *api.WriteLeaderboardRecordRequest) error) error {
	return afterBoth(i, "WriteLeaderboardRecord", fn)
}

// RegisterBeforeListLeaderboardRecordsAroundOwner implements runtime.Initializer.
func (i *initializer) RegisterBeforeListLeaderboardRecordsAroundOwner(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListLeaderboardRecordsAroundOwnerRequest) (*api.ListLeaderboardRecordsAroundOwnerRequest, error)) error {
	return before(i, "ListLeaderboardRecordsAroundOwner", fn)
}

// RegisterAfterListLeaderboardRecordsAroundOwner implements runtime.Initializer.
func (i *initializer) RegisterAfterListLeaderboardRecordsAroundOwner(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.LeaderboardRecordList, in *api.ListLeaderboardRecordsAroundOwnerRequest) error) error {
	return afterBoth(i, "ListLeaderboardRecordsAroundOwner", fn)
}

// RegisterBeforeLinkApple implements runtime.Initializer.
func (i *initializer) RegisterBeforeLinkApple(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountApple) (*api.AccountApple, error)) error {
	return before(i, "LinkApple", fn)
}

// RegisterAfterLinkApple implements runtime.Initializer.
func (i *initializer) RegisterAfterLinkApple(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountApple) error) error {
	return afterIn(i, "LinkApple", fn)
}

// RegisterBeforeLinkCustom implements runtime.Initializer.
func (i *initializer) RegisterBeforeLinkCustom(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountCustom) (*api.AccountCustom, error)) error {
	return before(i, "LinkCustom", fn)
}

// RegisterAfterLinkCustom implements runtime.Initializer.
func (i *initializer) RegisterAfterLinkCustom(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountCustom) error) error {
	return afterIn(i, "LinkCustom", fn)
}

// RegisterBeforeLinkDevice implements runtime.Initializer.
func (i *initializer) RegisterBeforeLinkDevice(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountDevice) (*api.AccountDevice, error)) error {
	return before(i, "LinkDevice", fn)
}

// RegisterAfterLinkDevice implements runtime.Initializer.
func (i *initializer) RegisterAfterLinkDevice(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountDevice) error) error {
	return afterIn(i, "LinkDevice", fn)
}

// RegisterBeforeLinkEmail implements runtime.Initializer.
func (i *initializer) RegisterBeforeLinkEmail(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountEmail) (*api.AccountEmail, error)) error {
	return before(i, "LinkEmail", fn)
}

// RegisterAfterLinkEmail implements runtime.Initializer.
func (i *initializer) RegisterAfterLinkEmail(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountEmail) error) error {
	return afterIn(i, "LinkEmail", fn)
}

// RegisterBeforeLinkFacebook implements runtime.Initializer.
func (i *initializer) RegisterBeforeLinkFacebook(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.LinkFacebookRequest) (*api.LinkFacebookRequest, error)) error {
	return before(i, "LinkFacebook", fn)
}

// RegisterAfterLinkFacebook implements runtime.Initializer.
func (i *initializer) RegisterAfterLinkFacebook(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.LinkFacebookRequest) error) error {
	return afterIn(i, "LinkFacebook", fn)
}

// RegisterBeforeLinkFacebookInstantGame implements runtime.Initializer.
func (i *initializer) RegisterBeforeLinkFacebookInstantGame(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountFacebookInstantGame) (*api.AccountFacebookInstantGame, error)) error {
	return before(i, "LinkFacebookInstantGame", fn)
}

// RegisterAfterLinkFacebookInstantGame implements runtime.Initializer.
func (i *initializer) RegisterAfterLinkFacebookInstantGame(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountFacebookInstantGame) error) error {
	return afterIn(i, "LinkFacebookInstantGame", fn)
}

// RegisterBeforeLinkGameCenter implements runtime.Initializer.
func (i *initializer) RegisterBeforeLinkGameCenter(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountGameCenter) (*api.AccountGameCenter, error)) error {
	return before(i, "LinkGameCenter", fn)
}

// RegisterAfterLinkGameCenter implements runtime.Initializer.
func (i *initializer) RegisterAfterLinkGameCenter(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountGameCenter) error) error {
	return afterIn(i, "LinkGameCenter", fn)
}

// RegisterBeforeLinkGoogle implements runtime.Initializer.
func (i *initializer) RegisterBeforeLinkGoogle(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountGoogle) (*api.AccountGoogle, error)) error {
	return before(i, "LinkGoogle", fn)
}

// RegisterAfterLinkGoogle implements runtime.Initializer.
func (i *initializer) RegisterAfterLinkGoogle(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountGoogle) error) error {
	return afterIn(i, "LinkGoogle", fn)
}

// RegisterBeforeLinkSteam implements runtime.Initializer.
func (i *initializer) RegisterBeforeLinkSteam(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.LinkSteamRequest) (*api.LinkSteamRequest, error)) error {
	return before(i, "LinkSteam", fn)
}

// RegisterAfterLinkSteam implements runtime.Initializer.
func (i *initializer) RegisterAfterLinkSteam(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.LinkSteamRequest) error) error {
	return afterIn(i, "LinkSteam", fn)
}

// RegisterBeforeListMatches implements runtime.Initializer.
func (i *initializer) RegisterBeforeListMatches(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListMatchesRequest) (*api.ListMatchesRequest, error)) error {
	return before(i, "ListMatches", fn)
}

// RegisterAfterListMatches implements runtime.Initializer.
func (i *initializer) RegisterAfterListMatches(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.MatchList, in *api.ListMatchesRequest) error) error {
	return afterBoth(i, "ListMatches", fn)
}

// RegisterBeforeGetMatchmakerStats implements runtime.Initializer.
func (i *initializer) RegisterBeforeGetMatchmakerStats(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule) error) error {
	return beforeBare(i, "GetMatchmakerStats", fn)
}

// RegisterAfterGetMatchmakerStats implements runtime.Initializer.
func (i *initializer) RegisterAfterGetMatchmakerStats(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.MatchmakerStats) error) error {
	return afterOut(i, "GetMatchmakerStats", fn)
}

// RegisterBeforeListNotifications implements runtime.Initializer.
func (i *initializer) RegisterBeforeListNotifications(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListNotificationsRequest) (*api.ListNotificationsRequest, error)) error {
	return before(i, "ListNotifications", fn)
}

// RegisterAfterListNotifications implements runtime.Initializer.
func (i *initializer) RegisterAfterListNotifications(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.NotificationList, in *api.ListNotificationsRequest) error) error {
	return afterBoth(i, "ListNotifications", fn)
}

// RegisterBeforeDeleteNotifications implements runtime.Initializer.
func (i *initializer) RegisterBeforeDeleteNotifications(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.DeleteNotificationsRequest) (*api.DeleteNotificationsRequest, error)) error {
	return before(i, "DeleteNotifications", fn)
}

// RegisterAfterDeleteNotifications implements runtime.Initializer.
func (i *initializer) RegisterAfterDeleteNotifications(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.DeleteNotificationsRequest) error) error {
	return afterIn(i, "DeleteNotifications", fn)
}

// RegisterBeforeListStorageObjects implements runtime.Initializer.
func (i *initializer) RegisterBeforeListStorageObjects(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListStorageObjectsRequest) (*api.ListStorageObjectsRequest, error)) error {
	return before(i, "ListStorageObjects", fn)
}

// RegisterAfterListStorageObjects implements runtime.Initializer.
func (i *initializer) RegisterAfterListStorageObjects(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.StorageObjectList, in *api.ListStorageObjectsRequest) error) error {
	return afterBoth(i, "ListStorageObjects", fn)
}

// RegisterBeforeReadStorageObjects implements runtime.Initializer.
func (i *initializer) RegisterBeforeReadStorageObjects(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ReadStorageObjectsRequest) (*api.ReadStorageObjectsRequest, error)) error {
	return before(i, "ReadStorageObjects", fn)
}

// RegisterAfterReadStorageObjects implements runtime.Initializer.
func (i *initializer) RegisterAfterReadStorageObjects(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.StorageObjects, in *api.ReadStorageObjectsRequest) error) error {
	return afterBoth(i, "ReadStorageObjects", fn)
}

// RegisterBeforeWriteStorageObjects implements runtime.Initializer.
func (i *initializer) RegisterBeforeWriteStorageObjects(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.WriteStorageObjectsRequest) (*api.WriteStorageObjectsRequest, error)) error {
	return before(i, "WriteStorageObjects", fn)
}

// RegisterAfterWriteStorageObjects implements runtime.Initializer.
func (i *initializer) RegisterAfterWriteStorageObjects(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.StorageObjectAcks, in *api.WriteStorageObjectsRequest) error) error {
	return afterBoth(i, "WriteStorageObjects", fn)
}
