package test

import (
	"strings"
	"testing"

	"kumi/server/servertest"
)

// logLines are lines of the log as the console returns them.
type logLines struct {
	Entries []struct {
		Level, Message, Error, Stack, Runtime, Module, Function, Fields string
		UserID                                                          string `json:"user_id"`
		TraceID                                                         string `json:"trace_id"`
	}
	Missed int
}

// A page follows the log with a filter, in every language, and gets what players wrote as
// they wrote it.
func TestConsoleLog(t *testing.T) {
	t.Parallel()
	const text = "<script>alert(\"\u2028\")</script> é \n {}"
	for name, c := range map[string]struct{ file, source, runtime, at string }{
		"typescript": {"index.ts", `
			export function InitModule(ctx, logger, nk, initializer) {
				initializer.registerRpc("say", (ctx: any, logger: any, nk: any, payload: string): string => { logger.warn(payload); logger.withField("left", 7).info("more"); return ""; });
				initializer.registerRpc("fail", (): string => {
					const none: any = undefined;
					return none.field;
				});
			}`, "javascript", "index.ts:6"},
		"lua": {"main.lua", `
			local nk = require("nakama")
			nk.register_rpc(function(ctx, payload) nk.logger_warn(payload); nk.logger_info("more", {left = 7}); return "" end, "say")
			nk.register_rpc(function(ctx, payload)
				local none = nil
				return none.field
			end, "fail")`, "lua", "main.lua:6"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, servertest.Console(), servertest.Module(c.file, c.source))
			admin := srv.ConsoleLogin(t, "admin", "password")
			ann, bob := srv.User(t, "ann"), srv.User(t, "bob")
			live := admin.Live(t)
			live.Subscribe(1, "logs", `{"user_id":"`+ann.ID+`"}`)
			servertest.Data[logLines](live, 1)
			bob.RPC(t, "say", "not for this page")
			ann.RPC(t, "say", text)
			ann.RPC(t, "fail", "")
			var got logLines
			for len(got.Entries) < 3 {
				got.Entries = append(got.Entries, servertest.Data[logLines](live, 1).Entries...)
			}
			if e := got.Entries[0]; e.Message != text || e.Level != "warn" || e.UserID != ann.ID || e.Runtime != c.runtime || !strings.HasPrefix(c.file, e.Module) || e.Module == "" || !strings.Contains(e.Function, "say") {
				t.Errorf("the first line is %+v", e)
			}
			if e := got.Entries[1]; e.Message != "more" || !strings.HasPrefix(e.Fields, `{"left":7,`) {
				t.Errorf("the second line is %+v", e)
			}
			if e := got.Entries[2]; e.Level != "error" || !strings.Contains(e.Stack, c.at) || e.Error == "" {
				t.Errorf("the failure is %+v", e)
			}
			var all logLines
			admin.Must(t, "GET", "/log?level=warn&text=SCRIPT%3E&limit=5", nil).Decode(t, &all)
			if len(all.Entries) != 1 || all.Entries[0].Message != text {
				t.Errorf("found %+v", all)
			}
			if id := got.Entries[0].TraceID; id != "" {
				admin.Must(t, "GET", "/log?trace_id="+id, nil).Decode(t, &all)
				if len(all.Entries) != 2 {
					t.Errorf("of one call: %+v", all)
				}
			}
			want(t, admin.Do(t, "GET", "/log?level=loud", nil), 400, 3, "loud")
			want(t, admin.Do(t, "GET", "/log?limit=2001", nil), 400, 3, "2000")
		})
	}
}

// The code that replaces the default password is not shown to operators.
func TestConsoleLogHasNoCode(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	away := srv.ConsoleVisitor()
	away.Header.Set("X-Forwarded-For", "203.0.113.9")
	want(t, away.Do(t, "POST", "/authenticate", `{"username":"admin","password":"password"}`), 403, 7, "one-time code")
	var all logLines
	srv.ConsoleAdmin().Must(t, "GET", "/log?level=warn", nil).Decode(t, &all)
	hidden := false
	for _, e := range all.Entries {
		hidden = hidden || strings.Contains(e.Message, "not shown")
		if strings.Contains(e.Message+e.Fields, "one-time") {
			t.Errorf("the log shows %q", e.Message)
		}
	}
	if !hidden {
		t.Errorf("the log is %+v", all)
	}
}

// A page that does not read holds up nobody and misses lines.
func TestConsoleSlowPage(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console(), servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			const line = "x".repeat(4000);
			initializer.registerRpc("many", (ctx, logger) => { for (let i = 0; i < 1000; i++) logger.info(line); logger.info("last"); });
		}`))
	live := srv.ConsoleLogin(t, "admin", "password").Live(t)
	live.Subscribe(1, "logs", "")
	servertest.Data[logLines](live, 1)
	ann := srv.User(t, "ann")
	for range 20 { // 80 MB, more than buffers of the network hold
		if _, a := ann.RPC(t, "many", ""); a.Status != 200 {
			t.Fatal(a)
		}
	}
	missed, got := 0, 0
	for last := 0; last < 1; {
		lines := servertest.Data[logLines](live, 1)
		missed += lines.Missed
		got += len(lines.Entries)
		if n := len(lines.Entries); n > 0 && lines.Entries[n-1].Message == "last" && got+missed > 20000 {
			last++
		}
	}
	if missed == 0 {
		t.Error("no line was missed")
	}
}
