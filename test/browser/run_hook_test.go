package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kumi/server/servertest"
)

const friendly = `
export function InitModule(ctx, logger, nk, initializer) {
	initializer.registerBeforeAddFriends((ctx, logger, nk, data) => {
		logger.info("hooked for %s", ctx.username);
		if (data.usernames[0] === "eve") return null;
		if (data.usernames[0] === "mallory") throw { message: "<b>never</b>", code: 7 };
		data.usernames = [...data.usernames, ` + "`" + hostile + "`" + `];
		return data;
	});
	initializer.registerRtAfter("MatchCreate", (ctx, logger, nk, out, envelope) => logger.info("made %s as %s", envelope.matchCreate.name, out.match.matchId));
	initializer.registerBeforeGetAccount(() => {});
}`

// TestRunHook runs hooks alone: what a before hook changes, that it refuses or fails, an after
// hook with its answer, and one that is saved. The list changes with a reload.
func TestRunHook(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console(), servertest.Module("index.ts", friendly), servertest.Flags("--runtime.watch"))
	bob := srv.User(t, "bob")
	o := signIn(t, browser(t), srv, "admin", "password")

	o.page(t, "/run")
	o.fill(t, "Call", "before AddFriends")
	o.sees(t, "document.querySelector('.editor').shadowRoot?.textContent.includes('usernames')")
	o.shows(t, "it runs for real")
	o.shows(t, "javascript, index")
	o.fill(t, "As the player", "bob")
	o.edit(t, `{"usernames":["ann"]}`)
	o.press(t, "Send")
	o.shows(t, "The hook changed the input.")
	o.sees(t, shows(".tree .added", "<script>alert(2)</script>"))
	o.sees(t, answers(`"ann"`))
	o.sees(t, shows(".log .info", "hooked for bob"))
	o.sees(t, shows(".legend", "script"))
	o.picture(t, "run-hook")
	o.edit(t, `{"usernames":["eve"]}`)
	o.press(t, "Send")
	o.shows(t, "The hook returned nothing: the call is refused.")
	o.sees(t, shows(".badge.warn", "refused"))
	o.edit(t, `{"usernames":["mallory"]}`)
	o.press(t, "Send")
	o.sees(t, shows("pre.problem", "<b>never</b>"))
	o.sees(t, shows(".badge.bad", "error 7"))
	o.shows(t, "index.ts:6")
	o.expect("400")
	o.edit(t, `{"username":"ann"}`)
	o.press(t, "Send")
	o.shows(t, `unknown field "username"`)
	if a := bob.Do(t, "GET", "/v2/friend", ""); strings.Contains(a.Body, "friends") {
		t.Errorf("the call was made: %s", a.Body)
	}

	o.press(t, "New request")
	o.fill(t, "Call", "after MatchCreate")
	o.shows(t, "The message itself is not handled.")
	o.fill(t, "As the player", "bob")
	o.sees(t, "document.querySelectorAll('.editor')[1]?.shadowRoot?.textContent.includes('match_id')")
	o.edit(t, `{"match_create":{"name":"mine"}}`)
	o.press(t, "Send")
	o.shows(t, "The hook ended without an error.")
	o.sees(t, shows(".log .info", "made mine as"))
	o.press(t, "Save")
	o.press(t, "Save")
	o.shows(t, "The request is saved")
	text, err := os.ReadFile(filepath.Join(srv.ModulesPath, ".kumi", "requests", "after MatchCreate.json"))
	if err != nil || !strings.Contains(string(text), `"hook": "after"`) || !strings.Contains(string(text), `"match_id": ""`) {
		t.Errorf("the file is %s, %v", text, err)
	}

	o.press(t, "New request")
	o.fill(t, "Call", "before GetAccount")
	o.sees(t, "document.querySelectorAll('.run .card:first-child .editor').length === 0")
	srv.Write(t, "index.ts", strings.ReplaceAll(friendly, "registerBeforeGetAccount", "registerBeforeDeleteAccount"))
	o.sees(t, "[...document.querySelectorAll('option')].some((e) => e.value === 'before DeleteAccount')")
	o.shows(t, "before GetAccount (not there)")
	o.expect("404")
	o.fill(t, "As the player", "bob")
	o.press(t, "Send")
	o.shows(t, `No before hook of "GetAccount" is registered.`)

	o.do(t, "close the tabs", evaluate("localStorage.removeItem('kumi.console.run.admin')"))
	o.do(t, "reload", chromedp.Reload())
	o.press(t, "after MatchCreate")
	o.press(t, "Send")
	o.sees(t, shows(".log .info", "made mine as"))
	o.press(t, "follow")
	o.sees(t, "location.hash.startsWith('#/logs?trace_id=') && "+shows(".table", "made mine as"))
	o.page(t, "/run")
	o.do(t, "keep copies", evaluate(keepCopies))
	o.press(t, "Link")
	o.sees(t, "window.copied?.includes('hook=after') && window.copied.includes('method=MatchCreate')")
	o.press(t, "Close after MatchCreate")
	o.narrow(t, "run-hook-narrow")
	o.leave(t)
}
