package test

import (
	"testing"

	"kumi/server/servertest"
)

// A session without vars has empty ones, over HTTP and on sockets.
func TestSessionsWithoutVars(t *testing.T) {
	t.Parallel()
	for language, module := range map[string][2]string{
		"javascript": {"index.js", `function InitModule(ctx, logger, nk, i) { i.registerRpc("vars", (ctx) => JSON.stringify(ctx.vars)); }`},
		"lua":        {"main.lua", `local nk = require("nakama") nk.register_rpc(function(ctx) return nk.json_encode(ctx.vars) end, "vars")`},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, servertest.Module(module[0], module[1]))
			ann := srv.User(t, "ann")
			if got, a := ann.RPC(t, "vars", ""); got != "{}" {
				t.Errorf("over HTTP: %s", a.Body)
			}
			if e := ann.Socket(t).Call(t, "rpc", `{"id":"vars"}`); e.Field("rpc", "payload") != "{}" {
				t.Errorf("on a socket: %s", e)
			}
		})
	}
}
