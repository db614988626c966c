package browser

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kumi/server/servertest"
)

// crowd makes many players and matches.
const crowd = `
const handler = {
	matchInit: (ctx, l, nk, params) => ({ state: {}, tickRate: 1, label: "match " + params.number }),
	matchJoinAttempt: (ctx, l, nk, d, tick, state) => ({ state, accept: true }),
	matchJoin: (ctx, l, nk, d, tick, state) => ({ state }),
	matchLeave: (ctx, l, nk, d, tick, state) => ({ state }),
	matchLoop: (ctx, l, nk, d, tick, state) => ({ state }),
	matchTerminate: (ctx, l, nk, d, tick, state) => ({ state }),
	matchSignal: (ctx, l, nk, d, tick, state, data) => ({ state, data }),
};
function matches(ctx, logger, nk, payload) {
	for (let number = Number(payload); number < Number(payload) + 100; number++) nk.matchCreate("quiet", { number });
}
function players(ctx, logger, nk, payload) {
	const hex = (n) => n.toString(16).padStart(12, "0");
	const rows = [];
	for (let i = Number(payload); i < Number(payload) + 500; i++) rows.push("('10000000-0000-4000-8000-" + hex(i) + "', 'player" + String(i).padStart(5, "0") + "')");
	nk.sqlExec("INSERT INTO users (id, username) VALUES " + rows.join(", "));
}
function InitModule(ctx, logger, nk, initializer) {
	initializer.registerMatch("quiet", { matchInit: handler.matchInit, matchJoinAttempt: handler.matchJoinAttempt, matchJoin: handler.matchJoin,
		matchLeave: handler.matchLeave, matchLoop: handler.matchLoop, matchTerminate: handler.matchTerminate, matchSignal: handler.matchSignal });
	initializer.registerRpc("matches", matches);
	initializer.registerRpc("players", players);
}
`

// TestConsoleMany scrolls through 10,000 players and 2,000 matches with the keys. Only the
// rows in view are in the document.
func TestConsoleMany(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console(), servertest.Module("index.js", crowd))
	for i := range 20 { // in parts, each within the time that a script has
		for rpc, part := range map[string]int{"players": 500, "matches": 100} {
			if _, a := srv.RPC(t, rpc, strconv.Itoa(i*part)); a.Status != 200 {
				t.Fatalf("make %s: %s", rpc, a.Body)
			}
		}
	}
	o := signIn(t, browser(t), srv, "admin", "password")
	const few = " && document.querySelectorAll('.rows .row').length < 60"

	o.page(t, "/matches")
	o.sees(t, "document.querySelector('.table')?.ariaRowCount === '2001'"+few)
	o.do(t, "enter the list", chromedp.Focus(chromedp.CSS(".table")))
	o.do(t, "go to its end", chromedp.KeyEvent(kb.End))
	o.sees(t, "!!document.querySelector('.table .active[aria-rowindex=\"2001\"]')"+few)
	o.do(t, "sort by label", evaluate("[...document.querySelectorAll('.head button')].find((b) => b.textContent === 'Label').click()"))
	o.sees(t, shows(".rows .row:last-child", "match 999"))
	o.do(t, "open the first", chromedp.KeyEvent(kb.Home+kb.ArrowDown+kb.Enter))
	o.sees(t, "location.hash.startsWith('#/matches/')")

	o.page(t, "/players")
	o.sees(t, "document.querySelectorAll('.rows .row').length > 10")
	o.do(t, "enter the list", chromedp.Focus(chromedp.CSS(".table")))
	// The list is loaded in parts as its end comes into view.
	for loaded := 500; loaded <= 10_000; loaded += 500 {
		o.sees(t, fmt.Sprintf(`(() => {
			const table = document.querySelector('.table');
			table.scrollTop = table.scrollHeight;
			return table.querySelector('.rows .row:last-child').ariaRowIndex > %d;
		})()`, loaded))
	}
	o.sees(t, "document.querySelector('.table').ariaRowCount === '10002'")
	o.sees(t, shows(".rows .row:last-child", "player09999")+few)
	o.do(t, "select the last two", chromedp.KeyEvent(kb.End+" "+kb.ArrowUp+" "))
	o.shows(t, "2 selected")
	o.press(t, "Delete")
	o.fill(t, "Type 2 to go on", "2")
	o.press(t, "Delete")
	o.sees(t, "document.querySelector('.table').ariaRowCount === '10000'")
	o.leave(t)
}
