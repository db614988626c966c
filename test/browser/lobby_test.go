package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kumi/server/servertest"
)

// TestLobby plays the lobby sample as people do: in two tabs of a browser.
func TestLobby(t *testing.T) {
	t.Parallel()
	b := browser(t)
	srv := servertest.Start(t,
		servertest.Modules("../../examples/lobby"),
		servertest.Flags("--matchmaker.interval_sec", "1"))
	one, two := open(t, b, srv.URL+"/lobby", "#find"), open(t, b, srv.URL+"/lobby", "#find")

	one.sees(t, "document.querySelectorAll('#people li').length === 2")
	one.do(t, "chat", chromedp.SendKeys(chromedp.CSS("#say input"), "where the heck is everybody"+kb.Enter))
	two.sees(t, shows("#messages", "where the **** is everybody"))

	one.click(t, "#find")
	two.sees(t, shows("#people", "searching"))
	one.click(t, "#cancel")
	two.sees(t, "!"+shows("#people", "searching"))
	one.click(t, "#find")
	two.click(t, "#find")

	// One runs to the upper edge, the other stands still.
	const playing = "document.querySelector('#leave').checkVisibility()"
	one.sees(t, playing)
	two.sees(t, playing)
	one.do(t, "run up", chromedp.KeyEvent(kb.ArrowUp))
	one.sees(t, "[...document.querySelectorAll('#score .name')].find((e) => e.textContent.includes('(you)')).textContent.match(/(\\d+) %/)[1] >= 1")

	// After a reload of its tab the player is back in the match.
	one.do(t, "reload", chromedp.Reload())
	one.sees(t, playing)

	two.click(t, "#leave")
	one.sees(t, shows("#card", "You win"))
	two.sees(t, shows("#card", "wins"))
	one.sees(t, shows("#card", "1 won, 0 lost"))
	two.click(t, "#back")
	two.sees(t, shows("#card", "0 won, 1 lost"))
	one.sees(t, shows("#people", "in the lobby"))
	one.click(t, "#back")
	two.sees(t, shows("#people", "1 win"))

	for name, p := range map[string]*tab{"first": one, "second": two} {
		p.close()
		for problem := range p.problems {
			t.Errorf("in the console of the %s tab: %s", name, problem)
		}
	}
}
