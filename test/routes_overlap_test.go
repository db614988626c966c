package test

import (
	"net/http"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// Routes that replace a path of the server, that are never reached, or that another
// route shadows, are logged and loaded.
func TestRoutesThatOverlap(t *testing.T) {
	t.Parallel()
	// Each route with what the log says of it, "" for nothing.
	routes := []struct{ path, methods, says string }{
		{"/v2/account", "", "replaces the server's own GET /v2/account (GetAccount), PUT /v2/account (UpdateAccount), DELETE /v2/account (DeleteAccount)"},
		{"/healthcheck", "POST", ""},
		{"/healthcheck", "GET", "replaces the server's own GET /healthcheck (Healthcheck)"},
		{"/v2/group/mine", "PUT", "replaces the server's own PUT /v2/group/{group_id} (UpdateGroup)"},
		{"/ws", "", "is never called for /ws (the socket)"},
		{"/v2/rpc/mine", "", "is never called for /v2/rpc/{id} (RPC functions)"},
		{"/a/{x}", "", ""},
		{"/a/{y}", "", `is shadowed by HTTP route "/a/{x}"`},
		{"/a/fixed", "GET", `is shadowed by HTTP route "/a/{x}"`},
		{"/b/{n:[0-9]+}", "", ""},
		{"/b/{x}", "", ""},
		{"/c/{x}", "GET", ""},
		{"/c/{x}", "POST", ""},
	}
	var js, lua strings.Builder
	for _, r := range routes {
		methods := ""
		if r.methods != "" {
			methods = `"` + r.methods + `"`
		}
		js.WriteString(`i.registerHttp("` + r.path + `", () => "mine", [` + methods + "]);\n")
		lua.WriteString(`nk.register_http(function() return "mine" end, "` + r.path + `", {` + methods + "})\n")
	}
	for language, module := range map[string][2]string{
		"javascript": {"index.js", "function InitModule(ctx, logger, nk, i) {\n" + js.String() + "}"},
		"lua":        {"main.lua", "local nk = require('nakama')\n" + lua.String()},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			var log servertest.Journal
			srv := servertest.Start(t, log.Keep(), servertest.Module(module[0], module[1]))
			warned := 0
			for _, r := range routes {
				route := `HTTP route \"` + r.path + `\" `
				if r.methods != "" {
					route += "(" + r.methods + ") "
				}
				route += "of the " + language + " module"
				if r.says == "" {
					continue
				}
				warned++
				if lines := log.Lines(`"warn"`, `"message":"`+route, strings.ReplaceAll(r.says, `"`, `\"`)); len(lines) != 1 {
					t.Errorf("%s %s: %d lines that say %s", r.methods, r.path, len(lines), r.says)
				}
			}
			if lines := log.Lines(`"warn"`, "HTTP route"); len(lines) != warned {
				t.Errorf("%d warnings of routes, want %d:\n%s", len(lines), warned, strings.Join(lines, "\n"))
			}
			if a := srv.Do(t, http.MethodGet, "/v2/account", "", ""); a.Body != "mine" {
				t.Errorf("GET /v2/account: %d %s", a.Status, a.Body)
			}
		})
	}
}
