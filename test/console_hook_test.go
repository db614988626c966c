package test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"kumi/core/consolepb"
	"kumi/server/servertest"
)

// hookModules are the same hooks in each language. What those of AddFriends do depends on the
// first id that they get.
var hookModules = map[string]servertest.Option{
	"go": servertest.Flags("--runtime.env", "lone=go"), // see goLoneHooks
	"javascript": servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			function beforeFriends(ctx, logger, nk, data) {
				switch (data.ids[0]) {
					case "same": return data;
					case "refuse": return null;
					case "coded": throw { message: "not you, " + ctx.username, code: 7 };
					case "crash": throw Error("out of order");
				}
				logger.info("adding for %s", ctx.username);
				nk.storageWrite([{ collection: "c", key: "k", userId: ctx.userId, value: {} }]);
				data.usernames = [ctx.vars.team + " by " + ctx.operator];
				return data;
			}
			initializer.registerBeforeAddFriends(beforeFriends);
			initializer.registerAfterAddFriends((ctx, logger, nk, out, data) => {
				if (data.ids[0] === "coded") throw { message: "too late", code: 9 };
				logger.info("%s added %s, %s", ctx.username, data.ids[0], out === null || out === undefined);
			});
			initializer.registerBeforeAuthenticateCustom((ctx, logger, nk, data) => {
				data.username = ctx.userId ? "somebody" : "nobody";
				return data;
			});
			initializer.registerAfterAuthenticateCustom((ctx, logger, nk, out, data) =>
				logger.info("%s has %s, new: %s, as %s", ctx.username, out.token, out.created, data.account.id));
			initializer.registerBeforeGetAccount((ctx, logger) => logger.info("asked by %s", ctx.username));
			initializer.registerRtBefore("StatusUpdate", (ctx, logger, nk, envelope) => {
				if (envelope.statusUpdate.status === "refuse") return null;
				if (envelope.statusUpdate.status === "other") return { ping: {} };
				envelope.statusUpdate.status = ctx.username;
				return envelope;
			});
			initializer.registerRtAfter("MatchCreate", (ctx, logger, nk, out, envelope) =>
				logger.info("%s is %s", envelope.matchCreate.name, out.match.matchId));
			initializer.registerRtAfter("MatchDataSend", (ctx, logger, nk, out, envelope) =>
				logger.info("%s, %s", envelope.matchDataSend.opCode, out === null || out === undefined));
		}`),
	"lua": servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_req_before(function(ctx, data)
			local id = data.ids[1]
			if id == "same" then return data end
			if id == "refuse" then return nil end
			if id == "coded" then error({ "not you, " .. ctx.username, 7 }) end
			if id == "crash" then error("out of order") end
			nk.logger_info("adding for " .. ctx.username)
			nk.storage_write({{ collection = "c", key = "k", user_id = ctx.user_id, value = {} }})
			data.usernames = { ctx.vars.team .. " by " .. ctx.operator }
			return data
		end, "AddFriends")
		nk.register_req_after(function(ctx, out, data)
			if data.ids[1] == "coded" then error({ "too late", 9 }) end
			nk.logger_info(("%s added %s, %s"):format(ctx.username, data.ids[1], tostring(next(out) == nil)))
		end, "AddFriends")
		nk.register_req_before(function(ctx, data)
			data.username = ctx.user_id and "somebody" or "nobody"
			return data
		end, "AuthenticateCustom")
		nk.register_req_after(function(ctx, out, data)
			nk.logger_info(("%s has %s, new: %s, as %s"):format(ctx.username, out.token, tostring(out.created), data.account.id))
		end, "AuthenticateCustom")
		nk.register_req_before(function(ctx) nk.logger_info("asked by " .. ctx.username) end, "GetAccount")
		nk.register_rt_before(function(ctx, envelope)
			if envelope.status_update.status == "refuse" then return nil end
			if envelope.status_update.status == "other" then return { ping = {} } end
			envelope.status_update.status = ctx.username
			return envelope
		end, "StatusUpdate")
		nk.register_rt_after(function(ctx, out, envelope)
			nk.logger_info(("%s is %s"):format(envelope.match_create.name, out.match.match_id))
		end, "MatchCreate")
		nk.register_rt_after(function(ctx, out, envelope)
			nk.logger_info(("%s, %s"):format(envelope.match_data_send.op_code, tostring(next(out) == nil)))
		end, "MatchDataSend")`),
}

// hookRan is a hook that ran alone, as the console returns it.
type hookRan struct {
	ran
	Outcome, Input string
	ErrorCode      int    `json:"error_code"`
	ErrorStack     string `json:"error_stack"`
}

// hookCase is a run of a hook and what comes of it. USER is the id of the user ann.
type hookCase struct {
	when, method, input, output string
	nobody                      bool // without a user

	outcome, got, body string
	code               int
	problem, log       string
}

var hookCases = []hookCase{
	{when: "before", method: "AddFriends", input: `{"ids":["bob"]}`,
		outcome: "changed", got: `{"ids":["bob"]}`, body: `{"ids":["bob"],"usernames":["red by admin"]}`, log: "adding for ann"},
	{when: "before", method: "AddFriends", input: `{"ids":["same"],"metadata":""}`,
		outcome: "unchanged", got: `{"ids":["same"]}`, body: `{"ids":["same"]}`},
	{when: "before", method: "AddFriends", input: `{"ids":["refuse"]}`, outcome: "refused", got: `{"ids":["refuse"]}`},
	{when: "before", method: "AddFriends", input: `{"ids":["coded"]}`, code: 7, problem: "not you, ann"},
	{when: "before", method: "AddFriends", input: `{"ids":["crash"]}`, code: 13},
	{when: "after", method: "AddFriends", input: `{"ids":["bob"]}`, outcome: "ended", log: "ann added bob, true"},
	{when: "after", method: "AddFriends", input: `{"ids":["coded"]}`, code: 9, problem: "too late"},
	{when: "before", method: "AuthenticateCustom", input: `{"account":{"id":"secret id"}}`, nobody: true,
		outcome: "changed", got: `{"account":{"id":"secret id"}}`, body: `{"account":{"id":"secret id"},"username":"nobody"}`},
	{when: "after", method: "AuthenticateCustom", input: `{"account":{"id":"secret id"}}`, output: `{"created":true,"token":"secret token"}`,
		outcome: "ended", log: "ann has secret token, new: true, as secret id"},
	{when: "before", method: "GetAccount", outcome: "ended", log: "asked by ann"},
	{when: "before", method: "StatusUpdate", input: `{"cid":"1","status_update":{"status":"x"}}`,
		outcome: "changed", got: `{"cid":"1","status_update":{"status":"x"}}`, body: `{"cid":"1","status_update":{"status":"ann"}}`},
	{when: "before", method: "StatusUpdate", input: `{"statusUpdate":{"status":"refuse"}}`, outcome: "refused", got: `{"status_update":{"status":"refuse"}}`},
	{when: "before", method: "StatusUpdate", input: `{"statusUpdate":{"status":"other"}}`, code: 13, problem: "another kind of message"},
	{when: "after", method: "MatchCreate", input: `{"match_create":{"name":"mine"}}`, output: `{"match":{"match_id":"m1"}}`, outcome: "ended", log: "mine is m1"},
	{when: "after", method: "MatchDataSend", input: `{"match_data_send":{"op_code":"9007199254740993"}}`, outcome: "ended", log: "9007199254740993, true"},
}

// An operator runs hooks alone, in each language, and sees what they made of the input.
func TestConsoleRunHooks(t *testing.T) {
	t.Parallel()
	for language, module := range hookModules {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
				admin, ann := srv.ConsoleAdmin(), srv.User(t, "ann")
				for _, c := range hookCases {
					runHookCase(t, admin, ann.ID, language, c)
				}
				// What a hook does is real, and the call itself is not made.
				if a := admin.Must(t, "GET", "/storage/c/k/"+ann.ID, nil); a.Get("collection") != "c" {
					t.Errorf("the object that the hook wrote is %s", a.Body)
				}
				if a := ann.Do(t, "GET", "/v2/friend", ""); strings.Contains(a.Body, "friends") {
					t.Errorf("the friends are %s", a.Body)
				}
				log := admin.Must(t, "GET", "/audit/log?action=4", nil).Body
				if !strings.Contains(log, "bob") || strings.Contains(log, "secret") {
					t.Errorf("the audit log is %s", log)
				}
			}, module)
		})
	}
}

func runHookCase(t *testing.T, admin *servertest.Operator, user, language string, c hookCase) {
	t.Helper()
	request := map[string]any{"hook": c.when, "method": c.method, "body": c.input, "output": c.output, "session_vars": map[string]string{"team": "red"}}
	if !c.nobody {
		request["user_id"] = user
	}
	what := c.when + " " + c.method + " of " + c.input
	var r hookRan
	admin.Must(t, "POST", "/run", request).Decode(t, &r)
	if r.Outcome != c.outcome || r.Input != c.got || r.Body != c.body || r.ErrorCode != c.code || !strings.Contains(r.ErrorMessage, c.problem) {
		t.Errorf("%s: %+v", what, r)
	}
	if failed := c.code != 0; failed != (r.ErrorMessage != "") {
		t.Errorf("%s: the error is %q", what, r.ErrorMessage)
	}
	if c.code != 0 && language != "go" && c.problem != "another kind of message" {
		if place := map[string]string{"javascript": "index.js:", "lua": "main.lua:"}[language]; !strings.Contains(r.ErrorStack, place) {
			t.Errorf("%s: the place of the error is %q", what, r.ErrorStack)
		}
	}
	if logged := slices.ContainsFunc(r.Log, func(l struct{ Level, Message, Stack string }) bool { return l.Message == c.log }); c.log != "" && !logged {
		t.Errorf("%s: the log is %+v", what, r.Log)
	}
	if sum := r.Queue + r.Script + r.NK + r.SQL; r.Total <= 0 || sum > r.Total+0.1 || sum < r.Total-0.1 {
		t.Errorf("%s: the time is %+v", what, r)
	}
	if c.log == "adding for ann" && (r.SQL <= 0 || len(r.Statements) == 0) {
		t.Errorf("%s: the statements are %+v, the time %+v", what, r.Statements, r)
	}
}

// The hooks are listed with templates of what they get, and what is not that is refused
// before anything runs.
func TestConsoleHookInputs(t *testing.T) {
	t.Parallel()
	for language, module := range hookModules {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, servertest.Console(), module)
			admin, ann := srv.ConsoleAdmin(), srv.User(t, "ann")
			var list consolepb.ApiEndpointList
			if err := protojson.Unmarshal([]byte(admin.Must(t, "GET", "/api/endpoints", nil).Body), &list); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, h := range list.Hooks {
				line := h.Hook + " " + h.Method + " " + h.BodyTemplate + " " + h.OutputTemplate
				if h.Realtime {
					line += " realtime"
				}
				if h.Anonymous {
					line += " anonymous"
				}
				if h.Runtime != language || h.Module == "" {
					t.Errorf("%s is of %s in %s", line, h.Module, h.Runtime)
				}
				got = append(got, line)
			}
			const custom = `{"account":{"id":"","vars":{"":""}},"create":false,"username":""}`
			wanted := []string{
				`before AddFriends {"ids":[""],"usernames":[""],"metadata":""} `,
				`after AddFriends {"ids":[""],"usernames":[""],"metadata":""} `,
				`before AuthenticateCustom ` + custom + `  anonymous`,
				`after AuthenticateCustom ` + custom + ` {"created":false,"token":"","refresh_token":""}`,
				`before GetAccount  `,
				`after MatchCreate {"cid":"","match_create":{"name":""}} {"cid":"","match":{"match_id":"","authoritative":false,"label":"","size":0,` +
					`"presences":[{"user_id":"","session_id":"","username":"","persistence":false,"status":""}],"self":{"user_id":"","session_id":"","username":"","persistence":false,"status":""}}} realtime`,
				`after MatchDataSend {"cid":"","match_data_send":{"match_id":"","op_code":"0","data":"","presences":[{"user_id":"","session_id":"","username":"","persistence":false,"status":""}],"reliable":false}}  realtime`,
				`before StatusUpdate {"cid":"","status_update":{"status":""}}  realtime`,
			}
			if !slices.Equal(got, wanted) {
				t.Errorf("the hooks are\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(wanted, "\n"))
			}

			refuse := func(status, code int, text string, request map[string]any) {
				t.Helper()
				want(t, admin.Do(t, "POST", "/run", request), status, code, text)
			}
			type m = map[string]any
			refuse(400, 3, `unknown field \"id\"`, m{"hook": "before", "method": "AddFriends", "user_id": ann.ID, "body": `{"id":["bob"]}`})
			refuse(400, 3, "ids", m{"hook": "before", "method": "AddFriends", "user_id": ann.ID, "body": `{"ids":5}`})
			refuse(400, 3, "The input", m{"hook": "before", "method": "AddFriends", "user_id": ann.ID, "body": `{`})
			refuse(400, 3, "The output", m{"hook": "after", "method": "AuthenticateCustom", "user_id": ann.ID, "output": `{"tokens":""}`})
			refuse(400, 3, "gets no output", m{"hook": "before", "method": "AddFriends", "user_id": ann.ID, "output": `{"a":1}`})
			refuse(400, 3, "gets no input", m{"hook": "before", "method": "GetAccount", "user_id": ann.ID, "body": `{"a":1}`})
			refuse(400, 3, "match_join", m{"hook": "before", "method": "StatusUpdate", "user_id": ann.ID, "body": `{"match_join":{}}`})
			refuse(400, 3, "match_create", m{"hook": "after", "method": "MatchCreate", "user_id": ann.ID, "output": `{"match_create":{}}`})
			refuse(400, 3, "user_id", m{"hook": "before", "method": "AddFriends"})
			refuse(400, 3, "user_id", m{"hook": "before", "method": "AuthenticateCustom", "user_id": ann.ID})
			refuse(404, 5, "", m{"hook": "before", "method": "AddFriends", "user_id": "11111111-1111-4111-8111-111111111111"})
			refuse(404, 5, "No after hook of \\\"GetAccount\\\"", m{"hook": "after", "method": "GetAccount", "user_id": ann.ID})
			refuse(400, 3, `\"during\"`, m{"hook": "during", "method": "AddFriends", "user_id": ann.ID})
			refuse(400, 3, "rpc and hook", m{"hook": "before", "rpc": true, "method": "AddFriends", "user_id": ann.ID})
		})
	}
}

// The hooks are those of the modules that are loaded now.
func TestConsoleHooksAfterReload(t *testing.T) {
	t.Parallel()
	module := func(name string) string {
		return "function InitModule(ctx, logger, nk, initializer) { initializer.registerBefore" + name + "((ctx, logger, nk, data) => { throw { message: 'by " + name + "', code: 9 }; }); }"
	}
	srv := servertest.Start(t, servertest.Console(), servertest.Module("index.js", module("JoinGroup")), servertest.Flags("--runtime.watch"))
	admin, ann := srv.ConsoleAdmin(), srv.User(t, "ann")
	run := func(name string) servertest.Answer {
		return admin.Do(t, "POST", "/run", map[string]any{"hook": "before", "method": name, "user_id": ann.ID})
	}
	if a := run("JoinGroup"); a.Get("error_message") != "by JoinGroup" {
		t.Errorf("the hook answers %s", a.Body)
	}
	srv.Write(t, "index.js", module("LeaveGroup"))
	servertest.Eventually(t, "the hook of LeaveGroup", func() bool { return run("LeaveGroup").Get("error_message") == "by LeaveGroup" })
	want(t, run("JoinGroup"), 404, 5, "JoinGroup")
	if a := admin.Must(t, "GET", "/api/endpoints", nil); !strings.Contains(a.Body, `"method":"LeaveGroup","hook":"before"`) || strings.Contains(a.Body, `"method":"JoinGroup","hook"`) {
		t.Errorf("the hooks are %s", a.Body[strings.Index(a.Body, `"hooks"`):])
	}
}
