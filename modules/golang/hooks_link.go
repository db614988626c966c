package golang

import (
	"context"
	"database/sql"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
)

// RegisterBeforeDeleteStorageObjects implements runtime.Initializer.
func (i *initializer) RegisterBeforeDeleteStorageObjects(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.DeleteStorageObjectsRequest) (*api.DeleteStorageObjectsRequest, error)) error {
	return before(i, "DeleteStorageObjects", fn)
}

// RegisterAfterDeleteStorageObjects implements runtime.Initializer.
func (i *initializer) RegisterAfterDeleteStorageObjects(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.DeleteStorageObjectsRequest) error) error {
	return afterIn(i, "DeleteStorageObjects", fn)
}

// RegisterBeforeJoinTournament implements runtime.Initializer.
func (i *initializer) RegisterBeforeJoinTournament(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.JoinTournamentRequest) (*api.JoinTournamentRequest, error)) error {
	return before(i, "JoinTournament", fn)
}

// RegisterAfterJoinTournament implements runtime.Initializer.
func (i *initializer) RegisterAfterJoinTournament(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.JoinTournamentRequest) error) error {
	return afterIn(i, "JoinTournament", fn)
}

// RegisterBeforeListTournamentRecords implements runtime.Initializer.
func (i *initializer) RegisterBeforeListTournamentRecords(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListTournamentRecordsRequest) (*api.ListTournamentRecordsRequest, error)) error {
	return before(i, "ListTournamentRecords", fn)
}

// RegisterAfterListTournamentRecords implements runtime.Initializer.
func (i *initializer) RegisterAfterListTournamentRecords(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.TournamentRecordList, in *api.ListTournamentRecordsRequest) error) error {
	return afterBoth(i, "ListTournamentRecords", fn)
}

// RegisterBeforeListTournaments implements runtime.Initializer.
func (i *initializer) RegisterBeforeListTournaments(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListTournamentsRequest) (*api.ListTournamentsRequest, error)) error {
	return before(i, "ListTournaments", fn)
}

// RegisterAfterListTournaments implements runtime.Initializer.
func (i *initializer) RegisterAfterListTournaments(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.TournamentList, in *api.ListTournamentsRequest) error) error {
	return afterBoth(i, "ListTournaments", fn)
}

// RegisterBeforeWriteTournamentRecord implements runtime.Initializer.
func (i *initializer) RegisterBeforeWriteTournamentRecord(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.WriteTournamentRecordRequest) (*api.WriteTournamentRecordRequest, error)) error {
	return before(i, "WriteTournamentRecord", fn)
}

// RegisterAfterWriteTournamentRecord implements runtime.Initializer.
func (i *initializer) RegisterAfterWriteTournamentRecord(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.LeaderboardRecord, in *api.WriteTournamentRecordRequest) error) error {
	return afterBoth(i, "WriteTournamentRecord", fn)
}

// RegisterBeforeListTournamentRecordsAroundOwner implements runtime.Initializer.
func (i *initializer) RegisterBeforeListTournamentRecordsAroundOwner(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListTournamentRecordsAroundOwnerRequest) (*api.ListTournamentRecordsAroundOwnerRequest, error)) error {
	return before(i, "ListTournamentRecordsAroundOwner", fn)
}

// RegisterAfterListTournamentRecordsAroundOwner implements runtime.Initializer.
func (i *initializer) RegisterAfterListTournamentRecordsAroundOwner(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.TournamentRecordList, in *api.ListTournamentRecordsAroundOwnerRequest) error) error {
	return afterBoth(i, "ListTournamentRecordsAroundOwner", fn)
}

// RegisterBeforeValidatePurchaseApple implements runtime.Initializer.
func (i *initializer) RegisterBeforeValidatePurchaseApple(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ValidatePurchaseAppleRequest) (*api.ValidatePurchaseAppleRequest, error)) error {
	return before(i, "ValidatePurchaseApple", fn)
}

// RegisterAfterValidatePurchaseApple implements runtime.Initializer.
func (i *initializer) RegisterAfterValidatePurchaseApple(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.ValidatePurchaseResponse, in *api.ValidatePurchaseAppleRequest) error) error {
	return afterBoth(i, "ValidatePurchaseApple", fn)
}

// RegisterBeforeValidateSubscriptionApple implements runtime.Initializer.
func (i *initializer) RegisterBeforeValidateSubscriptionApple(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ValidateSubscriptionAppleRequest) (*api.ValidateSubscriptionAppleRequest, error)) error {
	return before(i, "ValidateSubscriptionApple", fn)
}

// RegisterAfterValidateSubscriptionApple implements runtime.Initializer.
func (i *initializer) RegisterAfterValidateSubscriptionApple(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.ValidateSubscriptionResponse, in *api.ValidateSubscriptionAppleRequest) error) error {
	return afterBoth(i, "ValidateSubscriptionApple", fn)
}

// RegisterBeforeValidatePurchaseGoogle implements runtime.Initializer.
func (i *initializer) RegisterBeforeValidatePurchaseGoogle(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ValidatePurchaseGoogleRequest) (*api.ValidatePurchaseGoogleRequest, error)) error {
	return before(i, "ValidatePurchaseGoogle", fn)
}

// RegisterAfterValidatePurchaseGoogle implements runtime.Initializer.
func (i *initializer) RegisterAfterValidatePurchaseGoogle(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.ValidatePurchaseResponse, in *api.ValidatePurchaseGoogleRequest) error) error {
	return afterBoth(i, "ValidatePurchaseGoogle", fn)
}

// RegisterBeforeValidateSubscriptionGoogle implements runtime.Initializer.
func (i *initializer) RegisterBeforeValidateSubscriptionGoogle(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ValidateSubscriptionGoogleRequest) (*api.ValidateSubscriptionGoogleRequest, error)) error {
	return before(i, "ValidateSubscriptionGoogle", fn)
}

// RegisterAfterValidateSubscriptionGoogle implements runtime.Initializer.
func (i *initializer) RegisterAfterValidateSubscriptionGoogle(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.ValidateSubscriptionResponse, in *api.ValidateSubscriptionGoogleRequest) error) error {
	return afterBoth(i, "ValidateSubscriptionGoogle", fn)
}

// RegisterBeforeValidatePurchaseHuawei implements runtime.Initializer.
func (i *initializer) RegisterBeforeValidatePurchaseHuawei(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ValidatePurchaseHuaweiRequest) (*api.ValidatePurchaseHuaweiRequest, error)) error {
	return before(i, "ValidatePurchaseHuawei", fn)
}

// RegisterAfterValidatePurchaseHuawei implements runtime.Initializer.
func (i *initializer) RegisterAfterValidatePurchaseHuawei(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.ValidatePurchaseResponse, in *api.ValidatePurchaseHuaweiRequest) error) error {
	return afterBoth(i, "ValidatePurchaseHuawei", fn)
}

// RegisterBeforeValidatePurchaseFacebookInstant implements runtime.Initializer.
func (i *initializer) RegisterBeforeValidatePurchaseFacebookInstant(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ValidatePurchaseFacebookInstantRequest) (*api.ValidatePurchaseFacebookInstantRequest, error)) error {
	return before(i, "ValidatePurchaseFacebookInstant", fn)
}

// RegisterAfterValidatePurchaseFacebookInstant implements runtime.Initializer.
func (i *initializer) RegisterAfterValidatePurchaseFacebookInstant(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.ValidatePurchaseResponse, in *api.ValidatePurchaseFacebookInstantRequest) error) error {
	return afterBoth(i, "ValidatePurchaseFacebookInstant", fn)
}

// RegisterBeforeValidatePurchaseSamsung implements runtime.Initializer.
func (i *initializer) RegisterBeforeValidatePurchaseSamsung(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ValidatePurchaseSamsungRequest) (*api.ValidatePurchaseSamsungRequest, error)) error {
	return before(i, "ValidatePurchaseSamsung", fn)
}

// RegisterAfterValidatePurchaseSamsung implements runtime.Initializer.
func (i *initializer) RegisterAfterValidatePurchaseSamsung(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.ValidatePurchaseResponse, in *api.ValidatePurchaseSamsungRequest) error) error {
	return afterBoth(i, "ValidatePurchaseSamsung", fn)
}

// RegisterBeforeListSubscriptions implements runtime.Initializer.
func (i *initializer) RegisterBeforeListSubscriptions(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListSubscriptionsRequest) (*api.ListSubscriptionsRequest, error)) error {
	return before(i, "ListSubscriptions", fn)
}

// RegisterAfterListSubscriptions implements runtime.Initializer.
func (i *initializer) RegisterAfterListSubscriptions(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.SubscriptionList, in *api.ListSubscriptionsRequest) error) error {
	return afterBoth(i, "ListSubscriptions", fn)
}

// RegisterBeforeGetSubscription implements runtime.Initializer.
func (i *initializer) RegisterBeforeGetSubscription(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.GetSubscriptionRequest) (*api.GetSubscriptionRequest, error)) error {
	return before(i, "GetSubscription", fn)
}

// RegisterAfterGetSubscription implements runtime.Initializer.
func (i *initializer) RegisterAfterGetSubscription(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.ValidatedSubscription, in *api.GetSubscriptionRequest) error) error {
	return afterBoth(i, "GetSubscription", fn)
}

// RegisterBeforeUnlinkApple implements runtime.Initializer.
func (i *initializer) RegisterBeforeUnlinkApple(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountApple) (*api.AccountApple, error)) error {
	return before(i, "UnlinkApple", fn)
}

// RegisterAfterUnlinkApple implements runtime.Initializer.
func (i *initializer) RegisterAfterUnlinkApple(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountApple) error) error {
	return afterIn(i, "UnlinkApple", fn)
}

// RegisterBeforeUnlinkCustom implements runtime.Initializer.
func (i *initializer) RegisterBeforeUnlinkCustom(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountCustom) (*api.AccountCustom, error)) error {
	return before(i, "UnlinkCustom", fn)
}

// RegisterAfterUnlinkCustom implements runtime.Initializer.
func (i *initializer) RegisterAfterUnlinkCustom(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountCustom) error) error {
	return afterIn(i, "UnlinkCustom", fn)
}

// RegisterBeforeUnlinkDevice implements runtime.Initializer.
func (i *initializer) RegisterBeforeUnlinkDevice(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountDevice) (*api.AccountDevice, error)) error {
	return before(i, "UnlinkDevice", fn)
}

// RegisterAfterUnlinkDevice implements runtime.Initializer.
func (i *initializer) RegisterAfterUnlinkDevice(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountDevice) error) error {
	return afterIn(i, "UnlinkDevice", fn)
}

// RegisterBeforeUnlinkEmail implements runtime.Initializer.
func (i *initializer) RegisterBeforeUnlinkEmail(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountEmail) (*api.AccountEmail, error)) error {
	return before(i, "UnlinkEmail", fn)
}

// RegisterAfterUnlinkEmail implements runtime.Initializer.
func (i *initializer) RegisterAfterUnlinkEmail(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountEmail) error) error {
	return afterIn(i, "UnlinkEmail", fn)
}

// RegisterBeforeUnlinkFacebook implements runtime.Initializer.
func (i *initializer) RegisterBeforeUnlinkFacebook(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountFacebook) (*api.AccountFacebook, error)) error {
	return before(i, "UnlinkFacebook", fn)
}

// RegisterAfterUnlinkFacebook implements runtime.Initializer.
func (i *initializer) RegisterAfterUnlinkFacebook(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountFacebook) error) error {
	return afterIn(i, "UnlinkFacebook", fn)
}

// RegisterBeforeUnlinkFacebookInstantGame implements runtime.Initializer.
func (i *initializer) RegisterBeforeUnlinkFacebookInstantGame(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountFacebookInstantGame) (*api.AccountFacebookInstantGame, error)) error {
	return before(i, "UnlinkFacebookInstantGame", fn)
}

// RegisterAfterUnlinkFacebookInstantGame implements runtime.Initializer.
func (i *initializer) RegisterAfterUnlinkFacebookInstantGame(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountFacebookInstantGame) error) error {
	return afterIn(i, "UnlinkFacebookInstantGame", fn)
}

// RegisterBeforeUnlinkGameCenter implements runtime.Initializer.
func (i *initializer) RegisterBeforeUnlinkGameCenter(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountGameCenter) (*api.AccountGameCenter, error)) error {
	return before(i, "UnlinkGameCenter", fn)
}

// RegisterAfterUnlinkGameCenter implements runtime.Initializer.
func (i *initializer) RegisterAfterUnlinkGameCenter(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountGameCenter) error) error {
	return afterIn(i, "UnlinkGameCenter", fn)
}

// RegisterBeforeUnlinkGoogle implements runtime.Initializer.
func (i *initializer) RegisterBeforeUnlinkGoogle(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountGoogle) (*api.AccountGoogle, error)) error {
	return before(i, "UnlinkGoogle", fn)
}

// RegisterAfterUnlinkGoogle implements runtime.Initializer.
func (i *initializer) RegisterAfterUnlinkGoogle(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountGoogle) error) error {
	return afterIn(i, "UnlinkGoogle", fn)
}

// RegisterBeforeUnlinkSteam implements runtime.Initializer.
func (i *initializer) RegisterBeforeUnlinkSteam(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountSteam) (*api.AccountSteam, error)) error {
	return before(i, "UnlinkSteam", fn)
}

// RegisterAfterUnlinkSteam implements runtime.Initializer.
func (i *initializer) RegisterAfterUnlinkSteam(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.AccountSteam) error) error {
	return afterIn(i, "UnlinkSteam", fn)
}

// RegisterBeforeGetUsers implements runtime.Initializer.
func (i *initializer) RegisterBeforeGetUsers(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.GetUsersRequest) (*api.GetUsersRequest, error)) error {
	return before(i, "GetUsers", fn)
}

// RegisterAfterGetUsers implements runtime.Initializer.
func (i *initializer) RegisterAfterGetUsers(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.Users, in *api.GetUsersRequest) error) error {
	return afterBoth(i, "GetUsers", fn)
}

// RegisterBeforeListParties implements runtime.Initializer.
func (i *initializer) RegisterBeforeListParties(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.ListPartiesRequest) (*api.ListPartiesRequest, error)) error {
	return before(i, "ListParties", fn)
}

// RegisterAfterListParties implements runtime.Initializer.
func (i *initializer) RegisterAfterListParties(fn func(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, out *api.PartyList, in *api.ListPartiesRequest) error) error {
	return afterBoth(i, "ListParties", fn)
}
