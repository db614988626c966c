package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kumi/server/servertest"
)

// arena is a module with something for each of the pages.
const arena = `
const handler = {
	matchInit: () => ({ state: { round: 1, big: "9007199254740993" }, tickRate: 5, label: "<b>arena</b>" }),
	matchJoinAttempt: (ctx, l, nk, d, tick, state) => ({ state, accept: true }),
	matchJoin: (ctx, l, nk, d, tick, state) => ({ state }),
	matchLeave: (ctx, l, nk, d, tick, state) => ({ state }),
	matchLoop: (ctx, l, nk, d, tick, state) => ({ state }),
	matchTerminate: (ctx, l, nk, d, tick, state) => ({ state }),
	matchSignal: (ctx, l, nk, d, tick, state, data) => ({ state, data: "heard " + data }),
};
function sweep(ctx, logger) { logger.warn("swept <b>everything</b>"); }
function create(ctx, logger, nk) { return nk.matchCreate("arena"); }
function InitModule(ctx, logger, nk, initializer) {
	initializer.registerMatch("arena", { matchInit: handler.matchInit, matchJoinAttempt: handler.matchJoinAttempt, matchJoin: handler.matchJoin,
		matchLeave: handler.matchLeave, matchLoop: handler.matchLoop, matchTerminate: handler.matchTerminate, matchSignal: handler.matchSignal });
	initializer.registerRpc("create", create);
	initializer.registerJob("sweep", sweep);
	initializer.registerStorageIndex("levels", "saves", "", ["level"], ["level"], 100, false);
}
`

// TestConsoleGame does what there is to do on the pages of a running game.
func TestConsoleGame(t *testing.T) {
	t.Parallel()
	b := browser(t)
	srv := servertest.Start(t, servertest.Console(), servertest.Module("index.js", arena),
		servertest.Module("console/shop.html", "<!doctype html><title>Shop</title><p>Swords</p><script src=shop.js></script>"),
		servertest.Module("console/shop.js", "document.body.append(localStorage['kumi.console.token'] ? 'signed in' : 'nobody')"),
		servertest.Flags("--runtime.watch"), patient)
	bob := srv.User(t, "bob")
	admin := srv.ConsoleAdmin()
	match, _ := bob.RPC(t, "create", "")
	socket := bob.Socket(t)
	socket.Call(t, "match_join", `{"match_id":`+quote(match)+`}`)
	channel := socket.Call(t, "channel_join", `{"type":1,"target":"lounge","persistence":true}`).Field("channel", "id")
	socket.Call(t, "channel_message_send", `{"channel_id":`+quote(channel)+`,"content":"{\"text\":\"<i>hello</i>\"}"}`)

	o := signIn(t, b, srv, "admin", "password")
	o.sees(t, shows(".table[aria-label=Functions]", "create"))
	o.sees(t, "document.querySelectorAll('.chart canvas').length === 12")
	o.press(t, "Requests per second")
	o.sees(t, "location.hash === '#/logs?level=warn'")
	o.page(t, "/")
	o.sees(t, "document.querySelectorAll('.chart canvas').length === 12")
	o.do(t, "go down", evaluate("document.querySelector('#content').scrollTop = 1e6"))
	o.picture(t, "dashboard-details")

	srv.Write(t, "index.js", "function InitModule() {\n\tboom();\n}\n")
	o.sees(t, shows(".overlay", "index.js:2"))
	o.sees(t, shows(".overlay .here", "boom();"))
	o.picture(t, "reload-error")
	o.press(t, "Dismiss")
	o.sees(t, "!document.querySelector('.overlay')")
	srv.Write(t, "index.js", arena+"// changed\n")
	o.shows(t, "The modules were reloaded")

	o.page(t, "/leaderboards")
	o.press(t, "New leaderboard")
	o.fill(t, "Id", "points/all")
	o.press(t, "Create")
	o.sees(t, "location.hash === '#/leaderboards/points%2Fall'")
	o.press(t, "Write a score")
	o.fill(t, "Id of the player", bob.ID)
	o.fill(t, "Score", "9007199254740993")
	o.press(t, "Write")
	o.sees(t, shows(".table", "9007199254740993"))
	o.picture(t, "leaderboard")
	o.press(t, "Reset")
	o.press(t, "Reset")
	o.shows(t, "with 1 records")
	o.loaded(t)
	o.press(t, "Delete")
	o.fill(t, "Type points/all to go on", "points/all")
	o.press(t, "Delete")
	o.shows(t, "The leaderboard is deleted.")

	o.page(t, "/matches")
	o.sees(t, shows(".table", "<b>arena</b>"))
	o.picture(t, "matches")
	o.page(t, "/matches/"+match)
	o.sees(t, shows("#content", "9007199254740993"))
	o.fill(t, "Data", "ping")
	o.press(t, "Send")
	o.shows(t, "heard ping")
	o.picture(t, "match")
	o.press(t, "Kick")
	o.press(t, "Kick")
	o.shows(t, "Nobody is in the match.")
	o.press(t, "End")
	o.press(t, "End")
	o.shows(t, "There are no such matches.")

	o.page(t, "/chat?label=lounge")
	o.sees(t, shows(".table", "<i>hello</i>"))
	o.picture(t, "chat")
	o.do(t, "select all", chromedp.Click(chromedp.CSS(".head input")))
	o.press(t, "Delete 1")
	o.press(t, "Delete")
	o.shows(t, "There are no messages.")

	o.page(t, "/notifications")
	o.press(t, "Send")
	o.fill(t, "Ids of the players", bob.ID)
	o.fill(t, "Subject", "Welcome <b>back</b>")
	o.picture(t, "notification")
	o.press(t, "Send")
	o.sees(t, shows(".table", "Welcome <b>back</b>"))

	o.press(t, "Send")
	o.fill(t, "To", "filter")
	o.fill(t, "Language", "en")
	o.shows(t, "It reaches 1 players.")
	o.fill(t, "Subject", "News")
	o.press(t, "Send")
	o.press(t, "Send")
	o.shows(t, "1 of 1")
	o.picture(t, "notifications")

	o.page(t, "/purchases")
	o.page(t, "/purchases?tab=subscriptions")
	o.page(t, "/storage?tab=indexes")
	o.sees(t, shows(".table", "levels"))
	o.page(t, "/storage?tab=indexes&index=levels")
	o.fill(t, "Query", "+value.level:>=10")
	o.press(t, "Search")
	o.shows(t, "No object is found.")

	o.press(t, "Shop")
	o.sees(t, "document.querySelector('iframe')?.contentDocument?.body?.textContent === 'Swordssigned in'")
	o.picture(t, "game-page")

	o.page(t, "/runtime")
	o.sees(t, shows("#content", "index.js"))
	o.picture(t, "modules")
	o.page(t, "/jobs")
	o.press(t, "Run now")
	o.press(t, "Run")
	o.shows(t, "sweep will run now.")
	o.page(t, "/logs?text=swept")
	o.sees(t, shows(".table", "swept <b>everything</b>"))
	o.picture(t, "log")
	o.page(t, "/audit")
	o.sees(t, shows(".table", "KickFromMatch"))
	o.picture(t, "audit")

	o.page(t, "/settings")
	o.press(t, "Begin maintenance")
	o.fill(t, "Message, which players are told", hostile)
	o.press(t, "Begin")
	o.sees(t, shows(".page > .notice", hostile))
	o.picture(t, "maintenance")
	o.press(t, "End maintenance")
	o.sees(t, "!document.querySelector('.page > .notice')")
	o.page(t, "/settings?tab=configuration")
	o.sees(t, shows(".table", "cluster.secret"))
	o.picture(t, "configuration")
	o.page(t, "/settings?tab=data")
	o.press(t, "Delete all storage")
	o.fill(t, "Type delete to go on", "delete")
	o.press(t, "Delete all storage")
	o.shows(t, "It is deleted.")
	o.page(t, "/settings?tab=templates")
	o.press(t, "New template")
	o.fill(t, "Name", "support")
	o.do(t, "choose a right", chromedp.Click(chromedp.CSS("[aria-label='ACCOUNT read']")))
	o.press(t, "Save")
	o.sees(t, shows(".table", "support"))
	if got := admin.Must(t, "GET", "/acl/template", nil); !strings.Contains(got.Body, "support") {
		t.Errorf("the templates are %s", got.Body)
	}
	o.leave(t)
}

// TestConsoleOperators invites an operator, who sees and can do what the rights allow; at
// the same time as the administrator, who takes the rights away.
func TestConsoleOperators(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	bob := srv.User(t, "bob")
	admin := signIn(t, browser(t), srv, "admin", "password")
	admin.page(t, "/settings?tab=operators")
	admin.press(t, "Invite an operator")
	admin.fill(t, "Name", "ann")
	admin.fill(t, "E-mail address", "ann@example.com")
	for _, right := range []string{"ACCOUNT read", "ACCOUNT_NOTES read", "ACCOUNT_NOTES write"} {
		admin.do(t, "choose "+right, chromedp.Click(chromedp.CSS("[aria-label='"+right+"']")))
	}
	admin.picture(t, "invite")
	admin.press(t, "Invite")
	admin.shows(t, "Send this link")
	link := admin.read(t, "document.querySelector('dialog .id span').textContent")
	admin.press(t, "Done")
	admin.sees(t, shows(".table", "ann"))

	// A browser of her own, as her sign-in is hers.
	ann := &operator{tab: open(t, browser(t), link, ".sign-in")}
	ann.do(t, "make room", chromedp.EmulateViewport(390, 844))
	ann.fill(t, "New password", "correct horse battery")
	ann.fill(t, "The same again", "correct horse battery")
	ann.picture(t, "reset")
	ann.press(t, "Set password")
	ann.shows(t, "Your password is set.")
	ann.enter(t, "ann", "correct horse battery")
	ann.sees(t, "document.querySelector('.menu') !== null")
	ann.page(t, "/players")
	ann.sees(t, "!document.querySelector('.menu').textContent.includes('Storage') && !document.querySelector('.box')")
	ann.picture(t, "phone-players")
	ann.press(t, "Menu")
	ann.sees(t, "document.querySelector('.menu').checkVisibility({ visibilityProperty: true })")
	ann.picture(t, "phone-menu")
	ann.page(t, "/players/"+bob.ID)
	ann.sees(t, "!!document.querySelector('.tabs')")
	ann.sees(t, "![...document.querySelectorAll('button')].some((b) => ['Ban', 'Delete', 'Export', 'Save'].includes(b.textContent))")
	ann.sees(t, "document.querySelector('.tabs').textContent === 'ProfileNotes'")
	ann.picture(t, "phone-player")
	ann.page(t, "/storage")
	ann.shows(t, "You need the right STORAGE_DATA:read")
	ann.page(t, "/players/"+bob.ID+"?tab=notes")
	ann.fill(t, "New note", "seen")
	ann.press(t, "Add")
	ann.sees(t, shows(".list", "seen"))

	admin.page(t, "/players/"+bob.ID+"?tab=notes")
	admin.sees(t, shows(".list", "ann"))
	admin.page(t, "/settings?tab=operators")
	admin.press(t, "Delete")
	admin.press(t, "Delete")
	admin.shows(t, "The operator is deleted.")
	ann.expect("401")
	ann.do(t, "go to the players", evaluate("location.hash = '/players'"))
	ann.shows(t, "Sign in again")
	admin.leave(t)
	ann.leave(t)
}
