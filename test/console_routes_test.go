package test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/runtime"

	"kumi/modules/golang"
	"kumi/server/servertest"
)

func init() { golang.Register("desk", goDesk) }

// goDesk is desk in Go.
func goDesk(ctx context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, initializer runtime.Initializer) error {
	if env, _ := ctx.Value(runtime.RUNTIME_CTX_ENV).(map[string]string); env["desk"] != "go" {
		return nil
	}
	say := func(w http.ResponseWriter, r *http.Request) {
		who, _ := r.Context().Value("operator").(string)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s by %q", r.PathValue("item"), body, who)
	}
	more := initializer.(golang.Initializer)
	return errors.Join(
		initializer.RegisterConsoleHttp("/desk/{item}", say),
		more.RegisterConsoleHttpAuth("/v2/console/desk/{item}", "", say, "GET"),
		more.RegisterConsoleHttpAuth("/v2/console/desk/{item}", "STORAGE_DATA:write", say, "POST"),
		initializer.RegisterConsoleHttp("/v2/console/hiro/{item}", say),
	)
}

// desk is the same routes on the console's port in each language.
var desk = map[string][]servertest.Option{
	"go": {servertest.Flags("--runtime.env", "desk=go")},
	"javascript": {servertest.Module("index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			const say = (ctx, logger, nk, r) => r.params.item + " " + r.body + " by " + JSON.stringify(ctx.operator ?? "");
			initializer.registerConsoleHttp("/desk/{item}", say);
			initializer.registerConsoleHttp("/v2/console/desk/{item}", say, ["GET"], { auth: "console" });
			initializer.registerConsoleHttp("/v2/console/desk/{item}", say, ["post"], { auth: "console", right: "STORAGE_DATA:write" });
			initializer.registerConsoleHttp("/v2/console/hiro/{item}", say);
		}`)},
	"lua": {servertest.Module("main.lua", `
		local nk = require("nakama")
		local function say(ctx, r) return r.params.item .. " " .. r.body .. ' by "' .. (ctx.operator or "") .. '"' end
		nk.register_console_http(say, "/desk/{item}")
		nk.register_console_http(say, "/v2/console/desk/{item}", { "GET" }, { auth = "console" })
		nk.register_console_http(say, "/v2/console/desk/{item}", { "post" }, { auth = "console", right = "STORAGE_DATA:write" })
		nk.register_console_http(say, "/v2/console/hiro/{item}")`)},
}

// Modules serve routes on the console's port, for anyone or for operators with a right.
func TestConsoleRoutes(t *testing.T) {
	t.Parallel()
	for lang, modules := range desk {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, append(modules, servertest.Console())...)
			admin, visitor := srv.ConsoleAdmin(), srv.ConsoleVisitor()
			ann := admin.Add(t, "ann", goodPassword, `{"ACCOUNT":{"read":true}}`)
			says := func(a servertest.Answer, text string) {
				t.Helper()
				if a.Status != http.StatusOK || a.Body != text || a.Header.Get("X-Content-Type-Options") != "nosniff" ||
					!strings.Contains(a.Header.Get("Content-Security-Policy"), "script-src 'self'") {
					t.Errorf("got %d %q, want %q", a.Status, a.Body, text)
				}
			}
			says(visitor.Do(t, "POST", "/../../desk/lamp", "on"), `lamp on by ""`)
			want(t, visitor.Do(t, "GET", "/desk/lamp", nil), 401, 16, "authentication")
			says(ann.Do(t, "GET", "/desk/lamp", nil), `lamp  by "ann"`)
			want(t, ann.Do(t, "POST", "/desk/lamp", "on"), 403, 7, "STORAGE_DATA:write")
			says(admin.Do(t, "POST", "/desk/lamp", "on"), `lamp on by "admin"`)
			want(t, visitor.Do(t, "GET", "/hiro/energy", nil), 401, 16, "authentication")
			says(ann.Do(t, "GET", "/hiro/energy", nil), `energy  by "ann"`)
			says(ann.Do(t, "POST", "/hiro/energy", "5"), `energy 5 by "ann"`)
			says(ann.Do(t, "POST", "/hiro/tutorials", "6"), `tutorials 6 by "ann"`)
			for _, resource := range []string{"HIRO_ENERGY", "API_EXPLORER"} {
				if log := admin.Must(t, "GET", "/audit/log?action=4&resource="+resource, nil).Body; strings.Count(log, `"POST /v2/console/hiro/{item}"`) != 1 {
					t.Errorf("the log of %s is %s", resource, log)
				}
			}
			want(t, admin.Do(t, "DELETE", "/desk/lamp", nil), 404, 5, "")
			if a := srv.Do(t, "GET", "/desk/lamp", "", ""); a.Status != http.StatusNotFound {
				t.Errorf("it is on the client port too: %d %s", a.Status, a.Body)
			}
			if log := admin.Must(t, "GET", "/audit/log?action=4", nil).Body; strings.Count(log, `"POST /v2/console/desk/{item}"`) != 1 || strings.Contains(log, "GET /v2") {
				t.Errorf("the log is %s", log)
			}
		})
	}
}

// A route of the console's own cannot be replaced, and what cannot be is refused with its
// place in the source.
func TestConsoleRoutesRefused(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`registerConsoleHttp("/v2/console/status", () => {})`:                                     "GET /v2/console/status",
		`registerConsoleHttp("/v2/console/{any}", () => {}, ["DELETE"])`:                          "console's own",
		`registerConsoleHttp("/client/x", () => {})`:                                              "/client/",
		`registerConsoleHttp("/debug/pprof/x", () => {})`:                                         "/debug/pprof/",
		`registerConsoleHttp("/", () => {})`:                                                      "console's own",
		`registerConsoleHttp("desk", () => {})`:                                                   "must begin with a slash",
		`registerConsoleHttp("/desk", () => {}, null, { auth: "session" })`:                       `write "console" or nothing`,
		`registerConsoleHttp("/desk", () => {}, null, { right: "ACCOUNT:read" })`:                 `needs the authentication "console"`,
		`registerConsoleHttp("/desk", () => {}, null, { auth: "console", right: "ACCOUNT:all" })`: "ACCOUNT:write",
	} {
		_, err := servertest.TryStart(t, servertest.Console(), servertest.Module("index.js", "function InitModule(c, l, n, i) {\n i."+source+"\n}"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "index.js:2") {
			t.Errorf("%s: %v, want %q", source, err, want)
		}
	}
}

// The files of the folder console among the modules are served, and its pages are listed.
func TestConsoleModuleFiles(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console(),
		servertest.Module("console/shop.html", "<!doctype html><title>The\n Shop &amp; more</title>"), servertest.Module("console/shop.js", "fetch('x')"),
		servertest.Module("console/season/index.html", "<p>no title"), servertest.Module("console/season/data.bin", "\x00"),
		servertest.Module("console/.env", "xyzzy"), servertest.Module("console/.git/config", "xyzzy"), servertest.Module("secret.txt", "xyzzy"))
	if err := os.Symlink(filepath.Join(srv.ModulesPath, "secret.txt"), filepath.Join(srv.ModulesPath, "console", "link.txt")); err != nil {
		t.Fatal(err)
	}
	file := func(path string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+srv.ConsoleAddr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Path = path
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if strings.Contains(string(body), "xyzzy") {
			t.Errorf("%s gives a secret away", path)
		}
		return resp
	}
	for path, kind := range map[string]string{
		"/module/shop.html": "text/html; charset=utf-8", "/module/shop.js": "text/javascript; charset=utf-8", "/module/season/": "text/html; charset=utf-8",
		"/module/season/data.bin": "application/octet-stream",
	} {
		resp := file(path)
		policy := resp.Header.Get("Content-Security-Policy")
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != kind || !strings.Contains(policy, "default-src 'self'") || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
	}
	for _, path := range []string{
		"/module/", "/module/season", "/module/.env", "/module/.git/config", "/module/link.txt", "/module/../secret.txt", "/module/x", `/module/..\secret.txt`, "/module/season/../.env",
	} {
		if resp := file(path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	if a := srv.ConsoleAdmin().Must(t, "GET", "/extensions", nil); !strings.Contains(a.Body,
		`"pages":[{"title":"season","path":"module/season/"},{"title":"The Shop & more","path":"module/shop.html"}]`) {
		t.Errorf("the pages are %s", a.Body)
	}
}
