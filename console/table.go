package console

import (
	"context"

	"google.golang.org/protobuf/types/known/emptypb"

	"kumi/console/consolepb"
	"kumi/core"
	"kumi/core/acl"
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
	{"GetConfig", signed, acl.Configuration.Read(), none, about((*Server).configuration), []binding{get("/config")}},
	{"GetRuntime", signed, acl.Configuration.Read(), none, about((*Server).runtime), []binding{get("/runtime")}},
}

func authenticate(ctx context.Context, v *visit, in *consolepb.AuthenticateRequest) (*consolepb.ConsoleSession, error) {
	return v.Console.Authenticate(ctx, v.from, in)
}

func authenticateFirstVisit(ctx context.Context, v *visit, in *consolepb.AuthenticateFirstVisitRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, v.Console.SetFirstPassword(ctx, v.from, in)
}
