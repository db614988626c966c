package console

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	"kumi/core"
	"kumi/core/acl"
	"kumi/core/consolepb"
)

// The columns of table.
const (
	open   = true
	signed = false

	none = core.AuditAction(0)
)

// table are the calls of the API. A new call is a row here and an operation in core.
var table = []row{
	{"Authenticate", open, nil, none, handle(authenticate), []binding{post("/authenticate")}},
	{"AuthenticateMFASetup", open, nil, none, call((*core.Console).SetUpFactor), []binding{post("/authenticate/mfa")}},
	{"AuthenticatePasswordChange", open, nil, none, exec((*core.Console).ChangePassword), []binding{post("/authenticate/password_change")}},
	{"AuthenticateFirstVisit", open, nil, none, handle(authenticateFirstVisit), []binding{post("/authenticate/first_visit")}},
	{"AuthenticateLogout", open, nil, none, exec((*core.Console).LogOut), []binding{post("/authenticate/logout")}},

	{"ListUsers", signed, acl.User.Read(), none, fetch((*core.Console).ListUsers), []binding{get("/user")}},
	{"GetUser", signed, nil, none, call((*core.Console).GetUser), []binding{get("/user/{username}")}},
	{"AddUser", signed, acl.User.Write(), core.AuditCreate, callAs((*core.Console).AddUser), []binding{post("/user")}},
	{"UpdateUser", signed, acl.User.Write(), core.AuditUpdate, callAs((*core.Console).UpdateUser), []binding{put("/user/{username}")}},
	{"DeleteUser", signed, acl.User.Delete(), core.AuditDelete, execAs((*core.Console).DeleteUser), []binding{del("/user")}},
	{"ResetUserPassword", signed, acl.User.Write(), core.AuditUpdate, callAs((*core.Console).ResetUserPassword), []binding{post("/user/{username}/reset/password")}},
	{"RequireUserMfa", signed, acl.User.Write(), core.AuditUpdate, execAs((*core.Console).RequireUserMFA), []binding{post("/user/{username}/mfa/require")}},
	{"ResetUserMfa", signed, acl.User.Write(), core.AuditUpdate, execAs((*core.Console).ResetUserMFA), []binding{post("/user/{username}/mfa/reset")}},

	{"ListAclTemplates", signed, acl.Template.Read(), none, fetch((*core.Console).ListAclTemplates), []binding{get("/acl/template")}},
	{"AddAclTemplate", signed, acl.Template.Write(), core.AuditCreate, callAs((*core.Console).AddAclTemplate), []binding{post("/acl/template")}},
	{"UpdateAclTemplate", signed, acl.Template.Write(), core.AuditUpdate, callAs((*core.Console).UpdateAclTemplate), []binding{put("/acl/template/{id}")}},
	{"DeleteAclTemplate", signed, acl.Template.Delete(), core.AuditDelete, exec((*core.Console).DeleteAclTemplate), []binding{del("/acl/template/{id}")}},

	{"ListSettings", signed, nil, none, call((*core.Console).ListSettings), []binding{get("/setting")}},
	{"GetSetting", signed, acl.Settings.Read(), none, call((*core.Console).GetSetting), []binding{get("/setting/{name}")}},
	{"UpdateSetting", signed, acl.Settings.Write(), core.AuditUpdate, call((*core.Console).UpdateSetting), []binding{post("/setting/{name}")}},

	{"ListAuditLogs", signed, acl.AuditLog.Read(), none, call((*core.Console).ListAuditLogs), []binding{get("/audit/log")}},
	{"ListAuditLogsUsers", signed, acl.AuditLog.Read(), none, fetch((*core.Console).ListAuditLogsUsers), []binding{get("/audit/log/users")}},

	{"GetStatus", signed, nil, none, info((*Server).status), []binding{get("/status")}},
	{"DrainNode", signed, acl.Configuration.Write(), core.AuditUpdate, handle(drainNode), []binding{post("/node/{name}/drain")}},
	{"GetDashboard", signed, acl.Configuration.Read(), none, info((*Server).dashboard), []binding{get("/dashboard")}},
	{"ListReloads", signed, acl.Configuration.Read(), none, info((*Server).listReloads), []binding{get("/reload")}},
	{"ListLog", signed, acl.Configuration.Read(), none, handle(listLog), []binding{get("/log")}},
	{"GetMetrics", signed, nil, none, handle(getMetrics), []binding{get("/metrics")}},
	{"GetConfig", signed, acl.Configuration.Read(), none, info((*Server).configuration), []binding{get("/config")}},
	{"GetRuntime", signed, acl.Configuration.Read(), none, info((*Server).runtime), []binding{get("/runtime")}},
	{"GetClientSettings", signed, acl.APIExplorer.Write(), none, info((*Server).clientSettings), []binding{get("/client")}},
	{"ListApiEndpoints", signed, acl.APIExplorer.Read(), none, info((*Server).listEndpoints), []binding{get("/api/endpoints")}},
	{"CallApiEndpoint", signed, acl.APIExplorer.Write(), core.AuditInvoke, handle(callMethod), []binding{post("/api/endpoints/{method}")}},
	{"CallRpcEndpoint", signed, acl.APIExplorer.Write(), core.AuditInvoke, handle(callRPC), []binding{post("/api/endpoints/rpc/{method}")}},
	{"Run", signed, acl.APIExplorer.Write(), core.AuditInvoke, handle(run), []binding{post("/run")}},
	{"ListSavedRequests", signed, acl.APIExplorer.Read(), none, info((*Server).listRequests), []binding{get("/request")}},
	{"SaveRequest", signed, acl.APIExplorer.Write(), core.AuditUpdate, handle(saveRequest), []binding{put("/request/{name}")}},
	{"DeleteSavedRequest", signed, acl.APIExplorer.Delete(), core.AuditDelete, handle(deleteRequest), []binding{del("/request/{name}")}},

	{"ListAccounts", signed, acl.Account.Read(), none, call((*core.Console).ListAccounts), []binding{get("/account")}},
	{"GetAccount", signed, acl.Account.Read(), none, call((*core.Console).GetAccount), []binding{get("/account/{id}")}},
	{"DeleteAccount", signed, acl.Account.Delete(), core.AuditDelete, exec((*core.Console).RemoveAccount), []binding{del("/account/{id}")}},
	{"ExportAccount", signed, acl.AccountExport.Read(), core.AuditExport, call((*core.Console).ExportAccount), []binding{get("/account/{id}/export")}},
	{"GetBan", signed, acl.Account.Read(), none, call((*core.Console).GetBan), []binding{get("/account/{id}/ban")}},
	{"BanAccount", signed, acl.Account.Write(), core.AuditUpdate, execAs((*core.Console).BanAccount), []binding{post("/account/{id}/ban")}},
	{"UnbanAccount", signed, acl.Account.Write(), core.AuditUpdate, exec((*core.Console).UnbanAccount), []binding{post("/account/{id}/unban")}},
	{"UpdateAccount", signed, acl.Account.Write(), core.AuditUpdate, exec((*core.Console).EditAccount), []binding{post("/account/{id}")}},
	{"UnlinkApple", signed, acl.Account.Write(), core.AuditUpdate, unlink("apple"), []binding{post("/account/{id}/unlink/apple")}},
	{"UnlinkCustom", signed, acl.Account.Write(), core.AuditUpdate, unlink("custom"), []binding{post("/account/{id}/unlink/custom")}},
	{"UnlinkDevice", signed, acl.Account.Write(), core.AuditUpdate, exec((*core.Console).UnlinkOneDevice), []binding{post("/account/{id}/unlink/device")}},
	{"UnlinkEmail", signed, acl.Account.Write(), core.AuditUpdate, unlink("email"), []binding{post("/account/{id}/unlink/email")}},
	{"UnlinkFacebook", signed, acl.Account.Write(), core.AuditUpdate, unlink("facebook"), []binding{post("/account/{id}/unlink/facebook")}},
	{"UnlinkFacebookInstantGame", signed, acl.Account.Write(), core.AuditUpdate, unlink("facebookinstantgame"), []binding{post("/account/{id}/unlink/facebookinstantgame")}},
	{"UnlinkGameCenter", signed, acl.Account.Write(), core.AuditUpdate, unlink("gamecenter"), []binding{post("/account/{id}/unlink/gamecenter")}},
	{"UnlinkGoogle", signed, acl.Account.Write(), core.AuditUpdate, unlink("google"), []binding{post("/account/{id}/unlink/google")}},
	{"UnlinkSteam", signed, acl.Account.Write(), core.AuditUpdate, unlink("steam"), []binding{post("/account/{id}/unlink/steam")}},
	{"ListAccountNotes", signed, acl.AccountNotes.Read(), none, call((*core.Console).ListAccountNotes), []binding{get("/account/{account_id}/note")}},
	{"AddAccountNote", signed, acl.AccountNotes.Write(), core.AuditUpdate, callAs((*core.Console).AddAccountNote), []binding{post("/account/{account_id}/note")}},
	{"DeleteAccountNote", signed, acl.AccountNotes.Delete(), core.AuditDelete, exec((*core.Console).DeleteAccountNote), []binding{del("/account/{account_id}/note/{note_id}")}},
	{"DeleteFriend", signed, acl.AccountFriends.Delete(), core.AuditDelete, exec((*core.Console).DeleteFriend), []binding{del("/account/{id}/friend/{friend_id}")}},
	{"DeleteGroupUser", signed, acl.AccountGroups.Delete(), core.AuditDelete, exec((*core.Console).RemoveMember), []binding{del("/account/{id}/group/{group_id}")}},
	{"DeleteWalletLedger", signed, acl.AccountWallet.Delete(), core.AuditDelete, exec((*core.Console).DeleteLedgerItem), []binding{del("/account/{id}/wallet/{wallet_id}")}},
	{"GetFriends", signed, acl.AccountFriends.Read(), none, call((*core.Console).GetFriends), []binding{get("/account/{id}/friend")}},
	{"GetGroups", signed, acl.AccountGroups.Read(), none, call((*core.Console).GetGroups), []binding{get("/account/{id}/group")}},
	{"GetWalletLedger", signed, acl.AccountWallet.Read(), none, call((*core.Console).GetWalletLedger), []binding{get("/account/{account_id}/wallet")}},

	{"ListPurchases", signed, acl.InAppPurchase.Read(), none, call((*core.Console).ListPurchases), []binding{get("/purchase")}},
	{"GetPurchase", signed, acl.InAppPurchase.Read(), none, call((*core.Console).GetPurchase), []binding{get("/iap/purchase/{transaction_id}")}},
	{"ListSubscriptions", signed, acl.InAppPurchase.Read(), none, call((*core.Console).ListBoughtSubscriptions), []binding{get("/subscription")}},
	{"GetSubscription", signed, acl.InAppPurchase.Read(), none, call((*core.Console).GetBoughtSubscription), []binding{get("/iap/subscription/{original_transaction_id}")}},

	{"ListGroups", signed, acl.Group.Read(), none, call((*core.Console).ListAllGroups), []binding{get("/group")}},
	{"GetGroup", signed, acl.Group.Read(), none, call((*core.Console).GetGroup), []binding{get("/group/{id}")}},
	{"DeleteGroup", signed, acl.Group.Delete(), core.AuditDelete, exec((*core.Console).RemoveGroup), []binding{del("/group/{id}")}},
	{"UpdateGroup", signed, acl.Group.Write(), core.AuditUpdate, exec((*core.Console).EditGroup), []binding{post("/group/{id}")}},
	{"AddGroupUsers", signed, acl.AccountGroups.Write(), core.AuditUpdate, exec((*core.Console).AddMembers), []binding{post("/group/{group_id}/add")}},
	{"PromoteGroupMember", signed, acl.Group.Write(), core.AuditUpdate, exec((*core.Console).PromoteMember), []binding{post("/group/{group_id}/account/{id}/promote")}},
	{"DemoteGroupMember", signed, acl.Group.Write(), core.AuditUpdate, exec((*core.Console).DemoteMember), []binding{post("/group/{group_id}/account/{id}/demote")}},
	{"GetMembers", signed, acl.Group.Read(), none, call((*core.Console).GetMembers), []binding{get("/group/{id}/member")}},
	{"ExportGroup", signed, acl.Group.Read(), core.AuditExport, call((*core.Console).ExportGroup), []binding{get("/group/{id}/export")}},

	{"ListChannelMessages", signed, acl.ChannelMessage.Read(), none, call((*core.Console).ListMessages), []binding{get("/channel")}},
	{"DeleteChannelMessages", signed, acl.ChannelMessage.Delete(), core.AuditDelete, call((*core.Console).DeleteMessages), []binding{del("/message")}},
	{"SendNotification", signed, acl.Notification.Write(), core.AuditCreate, exec((*core.Console).SendNotification), []binding{post("/notification")}},
	{"ListNotifications", signed, acl.Notification.Read(), none, call((*core.Console).ListAllNotifications), []binding{get("/notification")}},
	{"GetNotification", signed, acl.Notification.Read(), none, call((*core.Console).GetNotification), []binding{get("/notification/{id}")}},
	{"DeleteNotification", signed, acl.Notification.Delete(), core.AuditDelete, exec((*core.Console).DeleteNotification), []binding{del("/notification/{id}")}},

	{"ListStorageCollections", signed, acl.StorageData.Read(), none, fetch((*core.Console).ListStorageCollections), []binding{get("/storage/collections")}},
	{"ListStorage", signed, acl.StorageData.Read(), none, call((*core.Console).ListAllStorage), []binding{get("/storage")}},
	{"GetStorage", signed, acl.StorageData.Read(), none, call((*core.Console).GetStorage), []binding{get("/storage/{collection}/{key}/{user_id}")}},
	{"WriteStorageObject", signed, acl.StorageData.Write(), core.AuditUpdate, call((*core.Console).WriteStorageObject), []binding{put("/storage/{collection}/{key}/{user_id}")}},
	{"DeleteStorageObject", signed, acl.StorageData.Delete(), core.AuditDelete, exec((*core.Console).DeleteStorageObject), []binding{
		del("/storage/{collection}/{key}/{user_id}"), del("/storage/{collection}/{key}/{user_id}/{version}"),
	}},

	{"ListLeaderboards", signed, acl.Leaderboard.Read(), none, call((*core.Console).ListLeaderboards), []binding{get("/leaderboard")}},
	{"GetLeaderboard", signed, acl.Leaderboard.Read(), none, call((*core.Console).GetLeaderboard), []binding{get("/leaderboard/{id}")}},
	{"DeleteLeaderboard", signed, acl.Leaderboard.Delete(), core.AuditDelete, exec((*core.Console).DeleteLeaderboard), []binding{del("/leaderboard/{id}")}},
	{"ListLeaderboardRecords", signed, acl.LeaderboardRecord.Read(), none, call((*core.Console).ListRecords), []binding{get("/leaderboard/{leaderboard_id}/records")}},
	{"DeleteLeaderboardRecord", signed, acl.LeaderboardRecord.Delete(), core.AuditDelete, exec((*core.Console).DeleteRecord), []binding{del("/leaderboard/{id}/owner/{owner_id}")}},

	{"ImportAccountFull", signed, acl.AccountExport.Write(), core.AuditCreate, call((*core.Console).CreateAccount), []binding{post("/account")}},
	{"ImportAccount", signed, acl.AccountExport.Write(), core.AuditUpdate, exec((*core.Console).OverwriteAccount), []binding{put("/account/{id}/import")}},
	{"DeleteAccounts", signed, acl.AllAccounts.Delete(), core.AuditDelete, trigger((*core.Console).DeleteAllAccounts), []binding{del("/account")}},
	{"DeleteStorage", signed, acl.AllStorage.Delete(), core.AuditDelete, trigger((*core.Console).DeleteAllStorage), []binding{del("/storage")}},
	{"DeleteAllData", signed, acl.AllData.Delete(), core.AuditDelete, trigger((*core.Console).DeleteAllData), []binding{del("/all")}},
	{"ListStorageIndexes", signed, acl.StorageData.Read(), none, fetch((*core.Console).ListStorageIndexes), []binding{get("/storage/indexes")}},
	{"QueryStorageIndex", signed, acl.StorageData.Read(), none, call((*core.Console).QueryStorageIndex), []binding{post("/storage/index/{name}/query")}},
	{"RegisteredExtensions", signed, nil, none, handle(registeredExtensions), []binding{get("/extensions")}},
	{"SatoriListTemplates", signed, acl.SatoriMessage.Read(), none, call((*core.Console).SatoriListTemplates), []binding{get("/satori/template")}},
	{"SatoriSendDirectMessage", signed, acl.SatoriMessage.Write(), core.AuditCreate, call((*core.Console).SatoriSendDirectMessage), []binding{post("/satori/direct-message")}},

	{"CountAudience", signed, acl.Notification.Read(), none, call((*core.Console).CountAudience), []binding{get("/notification/audience")}},
	{"SendToAudience", signed, acl.Notification.Write(), core.AuditCreate, callAs((*core.Console).SendToAudience), []binding{post("/notification/audience")}},
	{"ListSendings", signed, acl.Notification.Read(), none, fetch((*core.Console).ListSendings), []binding{get("/notification/sending")}},
	{"GetSending", signed, acl.Notification.Read(), none, call((*core.Console).GetSending), []binding{get("/notification/sending/{id}")}},
	{"ListJobs", signed, acl.Configuration.Read(), none, fetch((*core.Console).ListJobs), []binding{get("/job")}},
	{"RunJob", signed, acl.APIExplorer.Write(), core.AuditInvoke, call((*core.Console).RunJob), []binding{post("/job/{name}/run")}},
	{"GetMaintenance", signed, nil, none, fetch((*core.Console).GetMaintenance), []binding{get("/maintenance")}},
	{"StartMaintenance", signed, acl.Configuration.Write(), core.AuditUpdate, callAs((*core.Console).StartMaintenance), []binding{post("/maintenance")}},
	{"EndMaintenance", signed, acl.Configuration.Write(), core.AuditDelete, trigger((*core.Console).EndMaintenance), []binding{del("/maintenance")}},
	{"EndMatch", signed, acl.Match.Delete(), core.AuditDelete, exec((*core.Console).EndMatch), []binding{post("/match/{id}/end")}},
	{"KickFromMatch", signed, acl.Match.Write(), core.AuditUpdate, call((*core.Console).KickFromMatch), []binding{post("/match/{id}/kick")}},
	{"SignalMatch", signed, acl.Match.Write(), core.AuditInvoke, call((*core.Console).SignalMatch), []binding{post("/match/{id}/signal")}},
	{"CreateLeaderboard", signed, acl.Leaderboard.Write(), core.AuditCreate, call((*core.Console).CreateLeaderboard), []binding{post("/leaderboard")}},
	{"ResetLeaderboard", signed, acl.Leaderboard.Write(), core.AuditUpdate, call((*core.Console).ResetLeaderboard), []binding{post("/leaderboard/{id}/reset")}},
	{"WriteLeaderboardRecord", signed, acl.LeaderboardRecord.Write(), core.AuditUpdate, call((*core.Console).WriteRecord), []binding{post("/leaderboard/{id}/owner/{owner_id}")}},
	{"UpdateWallet", signed, acl.AccountWallet.Write(), core.AuditUpdate, callAs((*core.Console).UpdateWallet), []binding{post("/account/{account_id}/wallet")}},
	{"ListMatches", signed, acl.Match.Read(), none, call((*core.Console).ListRunningMatches), []binding{get("/match")}},
	{"PatchMatchState", signed, acl.Match.Write(), core.AuditUpdate, exec((*core.Console).PatchMatchState), []binding{post("/match/{id}/state")}},
	{"PauseMatch", signed, acl.Match.Write(), core.AuditUpdate, exec((*core.Console).PauseMatch), []binding{post("/match/{id}/pause")}},
	{"ResumeMatch", signed, acl.Match.Write(), core.AuditUpdate, exec((*core.Console).ResumeMatch), []binding{post("/match/{id}/resume")}},
	{"StepMatch", signed, acl.Match.Write(), core.AuditUpdate, exec((*core.Console).StepMatch), []binding{post("/match/{id}/step")}},
	{"GetMatchState", signed, acl.Match.Read(), none, call((*core.Console).GetMatchState), []binding{get("/match/{id}/state")}},
	{"ListRecordings", signed, acl.Match.Read(), none, call((*core.Console).ListRecordings), []binding{get("/recording")}},
	{"GetRecording", signed, acl.Match.Read(), none, call((*core.Console).GetRecording), []binding{get("/recording/{name}")}},
	{"DeleteRecording", signed, acl.Match.Delete(), core.AuditDelete, exec((*core.Console).DeleteRecording), []binding{del("/recording/{name}")}},
	{"ListRecordedTicks", signed, acl.Match.Read(), none, call((*core.Console).ListRecordedTicks), []binding{get("/recording/{name}/timeline")}},
	{"GetRecordedTick", signed, acl.Match.Read(), none, call((*core.Console).GetRecordedTick), []binding{get("/recording/{name}/tick")}},
	{"GetRecordedState", signed, acl.Match.Read(), none, callAs((*core.Console).GetRecordedState), []binding{get("/recording/{name}/state")}},
}

// topics are what a page can subscribe to on its socket. A new topic is a row here.
var topics = []topic{
	{"dashboard", acl.Configuration.Read(), time.Second, true, true, showing((*Server).dashboard)},
	{"reload", acl.Configuration.Read(), 0, false, false, opening(watchReloads)},
	{"match", acl.Match.Read(), 100 * time.Millisecond, true, false, opening(watchMatch)},
	{"logs", acl.Configuration.Read(), 100 * time.Millisecond, false, false, opening(watchLog)},
	{"metrics", nil, time.Second, false, false, opening(watchMetrics)},
}

func topicNamed(name string) *topic {
	i := slices.IndexFunc(topics, func(t topic) bool { return t.name == name })
	if i < 0 {
		return nil
	}
	return &topics[i]
}

func authenticate(ctx context.Context, v *visit, in *consolepb.AuthenticateRequest) (*consolepb.ConsoleSession, error) {
	return v.Console.Authenticate(ctx, v.from, in)
}

func authenticateFirstVisit(ctx context.Context, v *visit, in *consolepb.AuthenticateFirstVisitRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, v.Console.SetFirstPassword(ctx, v.from, in)
}
