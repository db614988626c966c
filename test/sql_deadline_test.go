package test

import (
	"testing"

	"kumi/server/servertest"
)

// Endless SQL of scripts is cancelled with its call, before the first row and between
// rows.
func TestEndlessSQL(t *testing.T) {
	t.Parallel()
	const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
	modules := []servertest.Option{
		servertest.Flags("--runtime.call_timeout_ms", "300", "--runtime.max_call_memory_mb", "0"),
		servertest.Module("index.js", `function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("js_query", (ctx, logger, nk, sql) => { nk.sqlQuery(sql); });
			initializer.registerRpc("js_exec", (ctx, logger, nk, sql) => { nk.sqlExec(sql); });
		}`),
		servertest.Module("main.lua", `local nk = require("nakama")
			nk.register_rpc(function(ctx, sql) nk.sql_query(sql) end, "lua_query")
			nk.register_rpc(function(ctx, sql) nk.sql_exec(sql) end, "lua_exec")`),
	}
	for database, options := range map[string][]servertest.Option{"sqlite": nil, "postgres": {servertest.Postgres()}} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, append(options, modules...)...)
			for _, rpc := range []string{"js_query", "js_exec", "lua_query", "lua_exec"} {
				for _, sql := range []string{numbers + "SELECT count(*) FROM n", numbers + "SELECT i FROM n"} {
					if _, a := srv.RPC(t, rpc, sql); a.Code() != 4 {
						t.Errorf("%s of %s: %d %s, want code 4", rpc, sql, a.Status, a.Body)
					}
				}
				if _, a := srv.RPC(t, rpc, "SELECT 1"); a.Status != 200 {
					t.Errorf("%s afterwards: %d %s", rpc, a.Status, a.Body)
				}
			}
		})
	}
}
