package browser

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kumi/server/servertest"
)

// garden is a game for the pictures in docs.
const garden = `
const handler = {
	matchInit: (ctx, l, nk, params) => ({ state: { bed: params.bed, growing: ["tomatoes", "beans"] }, tickRate: 10, label: JSON.stringify({ bed: params.bed, open: true }) }),
	matchJoinAttempt: (ctx, l, nk, d, tick, state) => ({ state, accept: true }),
	matchJoin: (ctx, l, nk, d, tick, state) => ({ state }),
	matchLeave: (ctx, l, nk, d, tick, state) => ({ state }),
	matchLoop: (ctx, l, nk, d, tick, state) => ({ state }),
	matchTerminate: (ctx, l, nk, d, tick, state) => ({ state }),
	matchSignal: (ctx, l, nk, d, tick, state, data) => ({ state, data }),
};
function plant(ctx, logger, nk, payload) {
	let n = 0;
	for (let i = 0; i < 20000 * Math.random(); i++) n += i;
	return JSON.stringify({ planted: payload || "beans" });
}
function harvest(ctx, logger, nk) {
	const rows = nk.storageList(ctx.userId, "beds", 10, null);
	if (Math.random() < 0.03) throw new Error("nothing is ripe");
	return JSON.stringify({ beds: rows.objects.length });
}
function open(ctx, logger, nk, bed) { return nk.matchCreate("garden", { bed }); }
function pay(ctx, logger, nk, id) { nk.walletUpdate(id, { coins: 120, seeds: 3 }, { for: "harvest of beans" }, true); }
function InitModule(ctx, logger, nk, initializer) {
	initializer.registerMatch("garden", { matchInit: handler.matchInit, matchJoinAttempt: handler.matchJoinAttempt, matchJoin: handler.matchJoin,
		matchLeave: handler.matchLeave, matchLoop: handler.matchLoop, matchTerminate: handler.matchTerminate, matchSignal: handler.matchSignal });
	for (const [name, fn] of [["plant", plant], ["harvest", harvest], ["open_bed", open], ["pay", pay]]) initializer.registerRpc(name, fn);
}
`

var gardeners = []string{"anouk", "bartosz", "chiara", "dmitri", "esperanza", "farid", "greta", "hiroshi", "ines", "joon", "katya", "lamar"}

// TestPictures takes the pictures of the console that are in docs, into the folder
// KUMI_TEST_DOCS, of a small game that is played for two minutes.
func TestPictures(t *testing.T) {
	dir := os.Getenv("KUMI_TEST_DOCS")
	if dir == "" {
		t.Skip("takes pictures only into the folder KUMI_TEST_DOCS")
	}
	t.Setenv("KUMI_TEST_PICTURES", dir)
	srv := servertest.Start(t, servertest.Console(), servertest.Module("index.js", garden))
	var players []*servertest.User
	for _, name := range gardeners {
		u := srv.User(t, name)
		u.Do(t, "PUT", "/v2/storage", `{"objects":[{"collection":"beds","key":"south","value":"{\"size\":12,\"plants\":[{\"kind\":\"beans\",\"age\":14},{\"kind\":\"tomatoes\",\"age\":31}],\"seed\":9007199254740993}"}]}`)
		players = append(players, u)
	}
	for _, u := range players[1:] {
		players[0].Do(t, "POST", "/v2/friend?ids="+u.ID, "")
		u.Do(t, "POST", "/v2/friend?ids="+players[0].ID, "")
	}
	for range 5 {
		if _, a := srv.RPC(t, "pay", players[0].ID); a.Status != 200 {
			t.Fatal(a.Body)
		}
	}
	for i := range 3 {
		srv.RPC(t, "open_bed", fmt.Sprintf("bed %d", i+1))
	}
	end := time.Now().Add(2 * time.Minute)
	var playing sync.WaitGroup
	for i, u := range players {
		playing.Go(func() {
			var socket *servertest.Socket
			if i < 8 {
				socket = u.Socket(t)
			}
			for n := 0; time.Now().Before(end); n++ {
				u.RPC(t, "plant", "peas")
				u.RPC(t, "harvest", "")
				u.Do(t, "GET", "/v2/account", "")
				if socket != nil {
					socket.Call(t, "ping", "{}")
				}
				time.Sleep(time.Duration(150+(i*37+n*13)%250) * time.Millisecond)
			}
		})
	}
	o := signIn(t, browser(t), srv, "admin", "password")
	o.page(t, "/players/"+players[0].ID+"?tab=wallet")
	o.do(t, "switch to dark", chromedp.Click(chromedp.CSS("[aria-label='Light or dark']")))
	o.sees(t, "!!document.querySelector('.editor')?.shadowRoot?.querySelector('.cm-content') && document.querySelectorAll('.rows .row').length === 5")
	o.picture(t, "console-player")
	o.do(t, "switch to light", chromedp.Click(chromedp.CSS("[aria-label='Light or dark']")))
	o.page(t, "/")
	playing.Wait()
	o.sees(t, "document.querySelectorAll('.chart canvas').length === 12")
	o.do(t, "go down", evaluate("document.querySelector('#content').scrollTop = 72"))
	o.picture(t, "console-dashboard")
	o.leave(t)
}
