package browser

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"

	"kumi/server/servertest"
)

// TestRecording plays a match that fails, opens its recording and goes through the time line to
// the tick that failed: what happened there, the state before, and the line of the error.
func TestRecording(t *testing.T) {
	t.Parallel()
	b := browser(t)
	srv := servertest.Start(t, servertest.Console(), patient, servertest.Flags("--match.record", "error"), servertest.Module("index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("start", (ctx, logger, nk) => nk.matchCreate("counter"));
			initializer.registerMatch("counter", {
				matchInit: () => ({ state: { total: 10, last: "" }, tickRate: 60, label: "sums" }),
				matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }),
				matchJoin: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchLeave: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchLoop: (ctx, logger, nk, d, tick, state, messages) => {
					for (const m of messages) {
						const text = nk.binaryToString(m.data);
						if (text === "fail") throw new Error("as asked");
						state.total += Number(text);
						state.last = m.sender.username;
						logger.info("the total is %d", state.total);
						d.broadcastMessage(2, "sum " + state.total);
					}
					return { state };
				},
				matchTerminate: (ctx, logger, nk, d, tick, state) => ({ state }),
				matchSignal: (ctx, logger, nk, d, tick, state, data) => ({ state, data }),
			});
		}`))
	o := signIn(t, b, srv, "admin", "password")
	o.page(t, "/matches/recordings")
	o.shows(t, "A match is written to a file if its handler fails.")

	ann := srv.User(t, "ann")
	id, _ := ann.RPC(t, "start", "")
	ticks := func(n int64) {
		t.Helper()
		servertest.Eventually(t, "the match ticks", func() bool {
			_, tick, _, err := srv.Game().Matches.State(t.Context(), id)
			return err == nil && tick >= n
		})
	}
	ticks(20) // more than are in view
	s := ann.Socket(t)
	s.Call(t, "match_join", `{"match_id":`+quote(id)+`}`)
	send := func(base64 string) {
		t.Helper()
		s.Send(t, `{"match_data_send":{"match_id":`+quote(id)+`,"op_code":"1","data":`+quote(base64)+`}}`)
	}
	send("MzI=")
	s.Expect(t, "match_data")
	_, tick, _, err := srv.Game().Matches.State(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	ticks(tick + 20)
	send("ZmFpbA==")

	admin := srv.ConsoleLogin(t, "admin", "password")
	var list struct {
		Recordings []struct {
			Name     string
			LastTick int `json:"last_tick"`
		}
	}
	servertest.Eventually(t, "a recording", func() bool {
		admin.Must(t, "GET", "/recording", "").Decode(t, &list)
		return len(list.Recordings) == 1
	})
	name, last := list.Recordings[0].Name, list.Recordings[0].LastTick
	var line struct {
		Ticks []struct{ Number, Inputs int }
	}
	admin.Must(t, "GET", "/recording/"+name+"/timeline?limit=1000", "").Decode(t, &line)
	hit := 0
	for _, tick := range line.Ticks {
		if tick.Inputs > 0 && tick.Number < last {
			hit = tick.Number
		}
	}

	// From the list to the tick that failed.
	o.page(t, "/matches")
	o.press(t, "Recordings")
	o.shows(t, "as asked")
	o.picture(t, "recordings")
	o.do(t, "open the recording", evaluate("document.querySelector('.row.opens').click()"))
	o.shows(t, "failed in loop")
	failing := fmt.Sprintf("Tick %d", last)
	o.sees(t, shows("#content", failing))
	o.sees(t, shows("pre.problem", "index.ts:12"))
	o.sees(t, shows(".tree", "total 42"))
	o.sees(t, shows("[aria-label=Ticks] [aria-selected=true]", "as asked"))
	o.shows(t, fmt.Sprintf("kumi replay %s --at %d", name, last))
	o.picture(t, "recording-failed")

	// The keys go through the time line, of which only a part is in the document.
	key := func(key string) {
		t.Helper()
		o.do(t, "press "+key, evaluate("document.querySelector('[aria-label=Ticks]').dispatchEvent(new KeyboardEvent('keydown', { key: "+quote(key)+", bubbles: true }))"))
	}
	key("Home")
	o.sees(t, "location.hash.endsWith('?tick=0')")
	o.sees(t, shows(".tree", "total 10"))
	o.sees(t, shows("[aria-label=Ticks] [aria-selected=true]", "match init"))
	o.sees(t, "!"+shows("[aria-label=Ticks]", "as asked"))
	key("ArrowDown")
	o.sees(t, "location.hash.endsWith('?tick=1')")
	key("End")
	o.sees(t, shows("[aria-label=Ticks] [aria-selected=true]", "as asked"))
	o.press(t, "The one before")
	o.sees(t, fmt.Sprintf("location.hash.endsWith('?tick=%d')", last-1))

	// A tick with an input, a broadcast, a line of the log, and what it changed.
	o.page(t, fmt.Sprintf("/matches/recordings/%s?tick=%d", url.PathEscape(name), hit))
	o.sees(t, shows(".stack", "from ann"))
	o.sees(t, shows(".stack", "sum 42"))
	o.sees(t, marked("changed", "total 42"))
	o.shows(t, "the total is 42")
	o.narrow(t, "recording-narrow")
	o.picture(t, "recording")

	// The match on other code.
	srv.Write(t, "index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			const same = (ctx, logger, nk, d, tick, state) => ({ state });
			initializer.registerMatch("counter", {
				matchInit: () => ({ state: { total: 10, last: "" }, tickRate: 60, label: "sums" }), matchJoin: same, matchLeave: same, matchTerminate: same, matchSignal: same,
				matchJoinAttempt: (ctx, logger, nk, d, tick, state) => ({ state, accept: true }), matchLoop: same,
			});
		}`)
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.page(t, fmt.Sprintf("/matches/recordings/%s?tick=%d", url.PathEscape(name), last))
	o.shows(t, fmt.Sprintf("differs from the recording since tick %d", hit))
	o.sees(t, shows("[aria-label=Differences]", "state.total"))
	o.picture(t, "recording-differs")
	o.press(t, fmt.Sprintf("Go to tick %d", hit))
	o.sees(t, shows("[aria-label=Differences]", "broadcast 1"))

	o.do(t, "keep files", evaluate(keepFiles))
	o.press(t, "Download")
	o.keeps(t, "as asked")
	o.page(t, "/matches/recordings")
	o.fill(t, "Handler", "another")
	o.shows(t, "There are no such recordings.")
	o.fill(t, "Handler", "counter")
	o.fill(t, "Error", "as asked")
	o.fill(t, "Match id", id)
	o.fill(t, "Which", "true")
	o.press(t, "Reload")
	o.sees(t, "location.hash.includes('failed=true') && location.hash.includes('match=') && !!document.querySelector('.row.opens')")

	// With more ticks than fit into the height that a browser allows, the last ones are reached, too.
	const many = 20_000_000
	o.do(t, "lengthen the recording", evaluate(`(() => {
		const real = window.fetch;
		window.fetch = async (...all) => {
			all[0] = String(all[0]).replace(/([?&]tick=)(\d+)/, (same, name, n) => (n > `+fmt.Sprint(last)+` ? name + 0 : same));
			const answer = await real(...all);
			if (!new URL(all[0], location.href).pathname.endsWith("/recording/" + `+quote(name)+`)) return answer;
			return Response.json({ ...(await answer.json()), last_tick: `+fmt.Sprint(many)+` });
		};
	})()`))
	o.do(t, "go to the list", evaluate("location.hash = '#/matches/recordings'"))
	o.sees(t, shows(".row.opens", "as asked"))
	o.do(t, "open the recording again", evaluate("document.querySelector('.row.opens').click()"))
	o.sees(t, shows("#content", fmt.Sprintf("0 to %d", many)))
	inView := func(tick int) string {
		return fmt.Sprintf(`(() => {
			const table = document.querySelector('[aria-label=Ticks]'), r = table.getBoundingClientRect();
			return [...table.querySelectorAll('.rows .row')].some((e) => {
				const at = e.getBoundingClientRect();
				return e.firstElementChild.textContent === "%d" && at.top >= r.top + 39 && at.bottom <= r.bottom + 1;
			});
		})()`, tick)
	}
	for _, step := range []struct {
		key  string
		tick int
	}{{"End", many}, {"ArrowUp", many - 1}, {"Home", 0}, {"ArrowDown", 1}, {"End", many}} {
		key(step.key)
		o.sees(t, inView(step.tick))
	}
	// In a window of another height the row at the top stays there.
	for _, height := range []int64{500, 900} {
		o.do(t, "change the window", chromedp.EmulateViewport(1280, height))
		o.sees(t, fmt.Sprintf("innerHeight === %d", height))
		o.sees(t, inView(many-10))
	}
	o.do(t, "scroll to the top", evaluate("document.querySelector('[aria-label=Ticks]').scrollTop = 0"))
	o.sees(t, inView(0))
	o.do(t, "scroll to the end", evaluate("document.querySelector('[aria-label=Ticks]').scrollTop = 1e9"))
	o.sees(t, inView(many))

	// Deleted, when the page has all that it asks for.
	o.do(t, "go to the list", evaluate("location.hash = '#/matches/recordings'"))
	o.sees(t, shows(".row.opens", "as asked"))
	o.page(t, fmt.Sprintf("/matches/recordings/%s?tick=0", url.PathEscape(name)))
	o.sees(t, shows("[aria-label=Ticks] [aria-selected=true]", "match init"))
	o.sees(t, shows(".stack", "match init"))
	o.sees(t, shows(".tree", "total 10"))
	o.press(t, "Delete")
	o.press(t, "Delete")
	o.shows(t, "There are no recordings.")
	o.leave(t)
}
