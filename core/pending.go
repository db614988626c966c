package core

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"

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
