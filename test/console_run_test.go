package test

import (
	"math"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// ran is a call as the console returns it.
type ran struct {
	Body         string
	ErrorMessage string  `json:"error_message"`
	Total        float64 `json:"took_ms"`
	Queue        float64 `json:"queue_ms"`
	Script       float64 `json:"script_ms"`
	NK           float64 `json:"nk_ms"`
	SQL          float64 `json:"sql_ms"`
	Functions    []ranPart
	Statements   []ranPart
	Log          []struct{ Level, Message, Stack string }
}

type ranPart struct {
	Name  string
	Count int
	Took  float64 `json:"took_ms"`
}

// An operator runs a function and sees what it returned, logged and spent its time on.
func TestConsoleRun(t *testing.T) {
	t.Parallel()
	for language, module := range map[string]servertest.Option{
		"javascript": servertest.Module("index.js", `
			function InitModule(ctx, logger, nk, initializer) {
				initializer.registerRpc("save", (ctx, logger, nk, payload) => {
					logger.info("saving for %s", ctx.username || "nobody");
					for (let i = 0; i < 3; i++)
						nk.storageWrite([{ collection: "c", key: "k" + i, userId: ctx.userId, value: {} }]);
					nk.storageList(ctx.userId, "c", 10);
					for (const end = Date.now() + 20; Date.now() < end;) { /* busy */ }
					return (ctx.vars || {}).skin || "";
				});
				initializer.registerRpc("fail", () => { throw Error("not today"); });
			}`),
		"lua": servertest.Module("main.lua", `
			local nk = require("nakama")
			nk.register_rpc(function(ctx, payload)
				nk.logger_info("saving for " .. (ctx.username or "nobody"))
				for i = 0, 2 do
					nk.storage_write({{ collection = "c", key = "k" .. i, user_id = ctx.user_id, value = {} }})
				end
				nk.storage_list(ctx.user_id, "c", 10)
				local ends = nk.time() + 20
				while nk.time() < ends do end
				return (ctx.vars or {}).skin or ""
			end, "save")
			nk.register_rpc(function() error("not today") end, "fail")`),
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
				admin, ann := srv.ConsoleLogin(t, "admin", "password"), srv.User(t, "ann")
				var r ran
				admin.Must(t, "POST", "/run", map[string]any{"method": "save", "rpc": true, "user_id": ann.ID, "session_vars": map[string]string{"skin": "red"}}).Decode(t, &r)
				if r.Body != "red" || r.ErrorMessage != "" || len(r.Log) != 1 || r.Log[0].Message != "saving for ann" {
					t.Errorf("the call is %+v", r)
				}
				if sum := r.Queue + r.Script + r.NK + r.SQL; math.Abs(sum-r.Total) > 0.1 || r.Script+r.NK < 15 || r.Script <= 0 || r.SQL <= 0 || r.NK < 0 {
					t.Errorf("the time is %+v", r)
				}
				counts := map[string]int{}
				for _, f := range r.Functions {
					counts[strings.ToLower(strings.ReplaceAll(f.Name, "_", ""))] = f.Count
				}
				if counts["storagewrite"] != 3 || counts["storagelist"] != 1 {
					t.Errorf("the functions are %+v", r.Functions)
				}
				found := false
				for _, s := range r.Statements {
					found = found || strings.Contains(s.Name, "storage") && s.Count >= 1
				}
				if !found {
					t.Errorf("the statements are %+v", r.Statements)
				}
				admin.Must(t, "POST", "/run", `{"method":"fail","rpc":true}`).Decode(t, &r)
				if r.ErrorMessage == "" || len(r.Log) == 0 || !strings.Contains(r.Log[len(r.Log)-1].Stack, "not today") {
					t.Errorf("a failure is %+v", r)
				}
				admin.Must(t, "POST", "/run", map[string]any{"method": "GetAccount", "user_id": ann.ID}).Decode(t, &r)
				if !strings.Contains(r.Body, ann.ID) || len(r.Statements) == 0 {
					t.Errorf("a method is %+v", r)
				}
				want(t, admin.Do(t, "POST", "/run", `{"method":"Nonsense"}`), 404, 5, "Nonsense")
				if a := admin.Must(t, "GET", "/audit/log", nil); !strings.Contains(a.Body, `"Run"`) {
					t.Errorf("the audit log is %s", a.Body)
				}
			}, module)
		})
	}
}
