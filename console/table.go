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
	{"AuthenticateMFASetup", open, nil, none, ask((*core.Console).SetUpFactor), []binding{post("/authenticate/mfa")}},
	{"AuthenticatePasswordChange", open, nil, none, tell((*core.Console).ChangePassword), []binding{post("/authenticate/password_change")}},
	{"AuthenticateFirstVisit", open, nil, none, handle(authenticateFirstVisit), []binding{post("/authenticate/first_visit")}},
	{"AuthenticateLogout", open, nil, none, tell((*core.Console).LogOut), []binding{post("/authenticate/logout")}},

	{"ListUsers", signed, acl.User.Read(), none, all((*core.Console).ListUsers), []binding{get("/user")}},
	{"GetUser", signed, nil, none, ask((*core.Console).GetUser), []binding{get("/user/{username}")}},
	{"AddUser", signed, acl.User.Write(), core.AuditCreate, as((*core.Console).AddUser), []binding{post("/user")}},
	{"UpdateUser", signed, acl.User.Write(), core.AuditUpdate, as((*core.Console).UpdateUser), []binding{put("/user/{username}")}},
	{"DeleteUser", signed, acl.User.Delete(), core.AuditDelete, tellAs((*core.Console).DeleteUser), []binding{del("/user")}},
	{"ResetUserPassword", signed, acl.User.Write(), core.AuditUpdate, as((*core.Console).ResetUserPassword), []binding{post("/user/{username}/reset/password")}},
	{"RequireUserMfa", signed, acl.User.Write(), core.AuditUpdate, tellAs((*core.Console).RequireUserMFA), []binding{post("/user/{username}/mfa/require")}},
	{"ResetUserMfa", signed, acl.User.Write(), core.AuditUpdate, tellAs((*core.Console).ResetUserMFA), []binding{post("/user/{username}/mfa/reset")}},

	{"ListAclTemplates", signed, acl.Template.Read(), none, all((*core.Console).ListAclTemplates), []binding{get("/acl/template")}},
	{"AddAclTemplate", signed, acl.Template.Write(), core.AuditCreate, as((*core.Console).AddAclTemplate), []binding{post("/acl/template")}},
	{"UpdateAclTemplate", signed, acl.Template.Write(), core.AuditUpdate, as((*core.Console).UpdateAclTemplate), []binding{put("/acl/template/{id}")}},
	{"DeleteAclTemplate", signed, acl.Template.Delete(), core.AuditDelete, tell((*core.Console).DeleteAclTemplate), []binding{del("/acl/template/{id}")}},

	{"ListSettings", signed, nil, none, ask((*core.Console).ListSettings), []binding{get("/setting")}},
	{"GetSetting", signed, acl.Settings.Read(), none, ask((*core.Console).GetSetting), []binding{get("/setting/{name}")}},
	{"UpdateSetting", signed, acl.Settings.Write(), core.AuditUpdate, ask((*core.Console).UpdateSetting), []binding{post("/setting/{name}")}},

	{"ListAuditLogs", signed, acl.AuditLog.Read(), none, ask((*core.Console).ListAuditLogs), []binding{get("/audit/log")}},
	{"ListAuditLogsUsers", signed, acl.AuditLog.Read(), none, all((*core.Console).ListAuditLogsUsers), []binding{get("/audit/log/users")}},

	{"GetStatus", signed, nil, none, about((*Server).status), []binding{get("/status")}},
	{"GetDashboard", signed, acl.Configuration.Read(), none, about((*Server).dashboard), []binding{get("/dashboard")}},
	{"ListReloads", signed, acl.Configuration.Read(), none, about((*Server).listReloads), []binding{get("/reload")}},
	{"ListLog", signed, acl.Configuration.Read(), none, handle(listLog), []binding{get("/log")}},
	{"GetMetrics", signed, nil, none, handle(getMetrics), []binding{get("/metrics")}},
	{"GetConfig", signed, acl.Configuration.Read(), none, about((*Server).configuration), []binding{get("/config")}},
	{"GetRuntime", signed, acl.Configuration.Read(), none, about((*Server).runtime), []binding{get("/runtime")}},
	{"GetClientSettings", signed, acl.APIExplorer.Write(), none, about((*Server).clientSettings), []binding{get("/client")}},
	{"ListApiEndpoints", signed, acl.APIExplorer.Read(), none, about((*Server).listEndpoints), []binding{get("/api/endpoints")}},
	{"CallApiEndpoint", signed, acl.APIExplorer.Write(), core.AuditInvoke, handle(callMethod), []binding{post("/api/endpoints/{method}")}},
	{"CallRpcEndpoint", signed, acl.APIExplorer.Write(), core.AuditInvoke, handle(callRPC), []binding{post("/api/endpoints/rpc/{method}")}},
	{"Run", signed, acl.APIExplorer.Write(), core.AuditInvoke, handle(run), []binding{post("/run")}},
	{"ListSavedRequests", signed, acl.APIExplorer.Read(), none, about((*Server).listRequests), []binding{get("/request")}},
	{"SaveRequest", signed, acl.APIExplorer.Write(), core.AuditUpdate, handle(saveRequest), []binding{put("/request/{name}")}},
	{"DeleteSavedRequest", signed, acl.APIExplorer.Delete(), core.AuditDelete, handle(deleteRequest), []binding{del("/request/{name}")}},

	{"ListAccounts", signed, acl.Account.Read(), none, ask((*core.Console).ListAccounts), []binding{get("/account")}},
	{"GetAccount", signed, acl.Account.Read(), none, ask((*core.Console).GetAccount), []binding{get("/account/{id}")}},
	{"DeleteAccount", signed, acl.Account.Delete(), core.AuditDelete, tell((*core.Console).RemoveAccount), []binding{del("/account/{id}")}},
	{"ExportAccount", signed, acl.AccountExport.Read(), core.AuditExport, ask((*core.Console).ExportAccount), []binding{get("/account/{id}/export")}},
	{"GetBan", signed, acl.Account.Read(), none, ask((*core.Console).GetBan), []binding{get("/account/{id}/ban")}},
	{"BanAccount", signed, acl.Account.Write(), core.AuditUpdate, tellAs((*core.Console).BanAccount), []binding{post("/account/{id}/ban")}},
	{"UnbanAccount", signed, acl.Account.Write(), core.AuditUpdate, tell((*core.Console).UnbanAccount), []binding{post("/account/{id}/unban")}},
	{"UpdateAccount", signed, acl.Account.Write(), core.AuditUpdate, tell((*core.Console).EditAccount), []binding{post("/account/{id}")}},
	{"UnlinkApple", signed, acl.Account.Write(), core.AuditUpdate, unlink("apple"), []binding{post("/account/{id}/unlink/apple")}},
	{"UnlinkCustom", signed, acl.Account.Write(), core.AuditUpdate, unlink("custom"), []binding{post("/account/{id}/unlink/custom")}},
	{"UnlinkDevice", signed, acl.Account.Write(), core.AuditUpdate, tell((*core.Console).UnlinkOneDevice), []binding{post("/account/{id}/unlink/device")}},
	{"UnlinkEmail", signed, acl.Account.Write(), core.AuditUpdate, unlink("email"), []binding{post("/account/{id}/unlink/email")}},
	{"UnlinkFacebook", signed, acl.Account.Write(), core.AuditUpdate, unlink("facebook"), []binding{post("/account/{id}/unlink/facebook")}},
	{"UnlinkFacebookInstantGame", signed, acl.Account.Write(), core.AuditUpdate, unlink("facebookinstantgame"), []binding{post("/account/{id}/unlink/facebookinstantgame")}},
	{"UnlinkGameCenter", signed, acl.Account.Write(), core.AuditUpdate, unlink("gamecenter"), []binding{post("/account/{id}/unlink/gamecenter")}},
	{"UnlinkGoogle", signed, acl.Account.Write(), core.AuditUpdate, unlink("google"), []binding{post("/account/{id}/unlink/google")}},
	{"UnlinkSteam", signed, acl.Account.Write(), core.AuditUpdate, unlink("steam"), []binding{post("/account/{id}/unlink/steam")}},
	{"ListAccountNotes", signed, acl.AccountNotes.Read(), none, ask((*core.Console).ListAccountNotes), []binding{get("/account/{account_id}/note")}},
	{"AddAccountNote", signed, acl.AccountNotes.Write(), core.AuditUpdate, as((*core.Console).AddAccountNote), []binding{post("/account/{account_id}/note")}},
	{"DeleteAccountNote", signed, acl.AccountNotes.Delete(), core.AuditDelete, tell((*core.Console).DeleteAccountNote), []binding{del("/account/{account_id}/note/{note_id}")}},
	{"DeleteFriend", signed, acl.AccountFriends.Delete(), core.AuditDelete, tell((*core.Console).DeleteFriend), []binding{del("/account/{id}/friend/{friend_id}")}},
	{"DeleteGroupUser", signed, acl.AccountGroups.Delete(), core.AuditDelete, tell((*core.Console).RemoveMember), []binding{del("/account/{id}/group/{group_id}")}},
	{"DeleteWalletLedger", signed, acl.AccountWallet.Delete(), core.AuditDelete, tell((*core.Console).DeleteLedgerItem), []binding{del("/account/{id}/wallet/{wallet_id}")}},
	{"GetFriends", signed, acl.AccountFriends.Read(), none, ask((*core.Console).GetFriends), []binding{get("/account/{id}/friend")}},
	{"GetGroups", signed, acl.AccountGroups.Read(), none, ask((*core.Console).GetGroups), []binding{get("/account/{id}/group")}},
	{"GetWalletLedger", signed, acl.AccountWallet.Read(), none, ask((*core.Console).GetWalletLedger), []binding{get("/account/{account_id}/wallet")}},

	{"ListPurchases", signed, acl.InAppPurchase.Read(), none, ask((*core.Console).ListPurchases), []binding{get("/purchase")}},
	{"GetPurchase", signed, acl.InAppPurchase.Read(), none, ask((*core.Console).GetPurchase), []binding{get("/iap/purchase/{transaction_id}")}},
	{"ListSubscriptions", signed, acl.InAppPurchase.Read(), none, ask((*core.Console).ListBoughtSubscriptions), []binding{get("/subscription")}},
	{"GetSubscription", signed, acl.InAppPurchase.Read(), none, ask((*core.Console).GetBoughtSubscription), []binding{get("/iap/subscription/{original_transaction_id}")}},

	{"ListGroups", signed, acl.Group.Read(), none, ask((*core.Console).ListAllGroups), []binding{get("/group")}},
	{"GetGroup", signed, acl.Group.Read(), none, ask((*core.Console).GetGroup), []binding{get("/group/{id}")}},
	{"DeleteGroup", signed, acl.Group.Delete(), core.AuditDelete, tell((*core.Console).RemoveGroup), []binding{del("/group/{id}")}},
	{"UpdateGroup", signed, acl.Group.Write(), core.AuditUpdate, tell((*core.Console).EditGroup), []binding{post("/group/{id}")}},
	{"AddGroupUsers", signed, acl.AccountGroups.Write(), core.AuditUpdate, tell((*core.Console).AddMembers), []binding{post("/group/{group_id}/add")}},
	{"PromoteGroupMember", signed, acl.Group.Write(), core.AuditUpdate, tell((*core.Console).PromoteMember), []binding{post("/group/{group_id}/account/{id}/promote")}},
	{"DemoteGroupMember", signed, acl.Group.Write(), core.AuditUpdate, tell((*core.Console).DemoteMember), []binding{post("/group/{group_id}/account/{id}/demote")}},
	{"GetMembers", signed, acl.Group.Read(), none, ask((*core.Console).GetMembers), []binding{get("/group/{id}/member")}},
	{"ExportGroup", signed, acl.Group.Read(), core.AuditExport, ask((*core.Console).ExportGroup), []binding{get("/group/{id}/export")}},

	{"ListChannelMessages", signed, acl.ChannelMessage.Read(), none, ask((*core.Console).ListMessages), []binding{get("/channel")}},
	{"DeleteChannelMessages", signed, acl.ChannelMessage.Delete(), core.AuditDelete, ask((*core.Console).DeleteMessages), []binding{del("/message")}},
	{"SendNotification", signed, acl.Notification.Write(), core.AuditCreate, tell((*core.Console).SendNotification), []binding{post("/notification")}},
	{"ListNotifications", signed, acl.Notification.Read(), none, ask((*core.Console).ListAllNotifications), []binding{get("/notification")}},
	{"GetNotification", signed, acl.Notification.Read(), none, ask((*core.Console).GetNotification), []binding{get("/notification/{id}")}},
	{"DeleteNotification", signed, acl.Notification.Delete(), core.AuditDelete, tell((*core.Console).DeleteNotification), []binding{del("/notification/{id}")}},

	{"ListStorageCollections", signed, acl.StorageData.Read(), none, all((*core.Console).ListStorageCollections), []binding{get("/storage/collections")}},
	{"ListStorage", signed, acl.StorageData.Read(), none, ask((*core.Console).ListAllStorage), []binding{get("/storage")}},
	{"GetStorage", signed, acl.StorageData.Read(), none, ask((*core.Console).GetStorage), []binding{get("/storage/{collection}/{key}/{user_id}")}},
	{"WriteStorageObject", signed, acl.StorageData.Write(), core.AuditUpdate, ask((*core.Console).WriteStorageObject), []binding{put("/storage/{collection}/{key}/{user_id}")}},
	{"DeleteStorageObject", signed, acl.StorageData.Delete(), core.AuditDelete, tell((*core.Console).DeleteStorageObject), []binding{
		del("/storage/{collection}/{key}/{user_id}"), del("/storage/{collection}/{key}/{user_id}/{version}"),
	}},

	{"ListLeaderboards", signed, acl.Leaderboard.Read(), none, ask((*core.Console).ListLeaderboards), []binding{get("/leaderboard")}},
	{"GetLeaderboard", signed, acl.Leaderboard.Read(), none, ask((*core.Console).GetLeaderboard), []binding{get("/leaderboard/{id}")}},
	{"DeleteLeaderboard", signed, acl.Leaderboard.Delete(), core.AuditDelete, tell((*core.Console).DeleteLeaderboard), []binding{del("/leaderboard/{id}")}},
	{"ListLeaderboardRecords", signed, acl.LeaderboardRecord.Read(), none, ask((*core.Console).ListRecords), []binding{get("/leaderboard/{leaderboard_id}/records")}},
	{"DeleteLeaderboardRecord", signed, acl.LeaderboardRecord.Delete(), core.AuditDelete, tell((*core.Console).DeleteRecord), []binding{del("/leaderboard/{id}/owner/{owner_id}")}},

	{"ImportAccountFull", signed, acl.AccountExport.Write(), core.AuditCreate, ask((*core.Console).CreateAccount), []binding{post("/account")}},
	{"ImportAccount", signed, acl.AccountExport.Write(), core.AuditUpdate, tell((*core.Console).OverwriteAccount), []binding{put("/account/{id}/import")}},
	{"DeleteAccounts", signed, acl.AllAccounts.Delete(), core.AuditDelete, empty((*core.Console).DeleteAllAccounts), []binding{del("/account")}},
	{"DeleteStorage", signed, acl.AllStorage.Delete(), core.AuditDelete, empty((*core.Console).DeleteAllStorage), []binding{del("/storage")}},
	{"DeleteAllData", signed, acl.AllData.Delete(), core.AuditDelete, empty((*core.Console).DeleteAllData), []binding{del("/all")}},
	{"ListStorageIndexes", signed, acl.StorageData.Read(), none, all((*core.Console).ListStorageIndexes), []binding{get("/storage/indexes")}},
	{"QueryStorageIndex", signed, acl.StorageData.Read(), none, ask((*core.Console).QueryStorageIndex), []binding{post("/storage/index/{name}/query")}},
	{"RegisteredExtensions", signed, nil, none, handle(registeredExtensions), []binding{get("/extensions")}},
	{"SatoriListTemplates", signed, acl.SatoriMessage.Read(), none, ask((*core.Console).SatoriListTemplates), []binding{get("/satori/template")}},
	{"SatoriSendDirectMessage", signed, acl.SatoriMessage.Write(), core.AuditCreate, ask((*core.Console).SatoriSendDirectMessage), []binding{post("/satori/direct-message")}},

	{"CountAudience", signed, acl.Notification.Read(), none, ask((*core.Console).CountAudience), []binding{get("/notification/audience")}},
	{"SendToAudience", signed, acl.Notification.Write(), core.AuditCreate, as((*core.Console).SendToAudience), []binding{post("/notification/audience")}},
	{"ListSendings", signed, acl.Notification.Read(), none, all((*core.Console).ListSendings), []binding{get("/notification/sending")}},
	{"GetSending", signed, acl.Notification.Read(), none, ask((*core.Console).GetSending), []binding{get("/notification/sending/{id}")}},
	{"ListJobs", signed, acl.Configuration.Read(), none, all((*core.Console).ListJobs), []binding{get("/job")}},
	{"RunJob", signed, acl.APIExplorer.Write(), core.AuditInvoke, ask((*core.Console).RunJob), []binding{post("/job/{name}/run")}},
	{"GetMaintenance", signed, nil, none, all((*core.Console).GetMaintenance), []binding{get("/maintenance")}},
	{"StartMaintenance", signed, acl.Configuration.Write(), core.AuditUpdate, as((*core.Console).StartMaintenance), []binding{post("/maintenance")}},
	{"EndMaintenance", signed, acl.Configuration.Write(), core.AuditDelete, empty((*core.Console).EndMaintenance), []binding{del("/maintenance")}},
	{"EndMatch", signed, acl.Match.Delete(), core.AuditDelete, tell((*core.Console).EndMatch), []binding{post("/match/{id}/end")}},
	{"KickFromMatch", signed, acl.Match.Write(), core.AuditUpdate, ask((*core.Console).KickFromMatch), []binding{post("/match/{id}/kick")}},
	{"SignalMatch", signed, acl.Match.Write(), core.AuditInvoke, ask((*core.Console).SignalMatch), []binding{post("/match/{id}/signal")}},
	{"CreateLeaderboard", signed, acl.Leaderboard.Write(), core.AuditCreate, ask((*core.Console).CreateLeaderboard), []binding{post("/leaderboard")}},
	{"ResetLeaderboard", signed, acl.Leaderboard.Write(), core.AuditUpdate, ask((*core.Console).ResetLeaderboard), []binding{post("/leaderboard/{id}/reset")}},
	{"WriteLeaderboardRecord", signed, acl.LeaderboardRecord.Write(), core.AuditUpdate, ask((*core.Console).WriteRecord), []binding{post("/leaderboard/{id}/owner/{owner_id}")}},
	{"UpdateWallet", signed, acl.AccountWallet.Write(), core.AuditUpdate, as((*core.Console).UpdateWallet), []binding{post("/account/{account_id}/wallet")}},
	{"ListMatches", signed, acl.Match.Read(), none, ask((*core.Console).ListRunningMatches), []binding{get("/match")}},
	{"SetMatchState", signed, acl.Match.Write(), core.AuditUpdate, tell((*core.Console).SetMatchState), []binding{post("/match/{id}/state")}},
	{"PauseMatch", signed, acl.Match.Write(), core.AuditUpdate, tell((*core.Console).PauseMatch), []binding{post("/match/{id}/pause")}},
	{"ResumeMatch", signed, acl.Match.Write(), core.AuditUpdate, tell((*core.Console).ResumeMatch), []binding{post("/match/{id}/resume")}},
	{"StepMatch", signed, acl.Match.Write(), core.AuditUpdate, tell((*core.Console).StepMatch), []binding{post("/match/{id}/step")}},
	{"GetMatchState", signed, acl.Match.Read(), none, ask((*core.Console).GetMatchState), []binding{get("/match/{id}/state")}},
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
