package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kumi/server/servertest"
)

// TestRun makes calls: an RPC as a player and as the server, one of the client API, and
// requests that are saved in the modules folder.
func TestRun(t *testing.T) {
	t.Parallel()
	b := browser(t)
	srv := servertest.Start(t, servertest.Console(), servertest.Module("index.ts", `
		export function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("who", (ctx, logger, nk, payload) => {
				logger.info("who was called");
				nk.storageRead([{ collection: "c", key: "k", userId: "00000000-0000-0000-0000-000000000000" }]);
				if (payload === "fail") throw new Error("as asked");
				return '{"user":"' + (ctx.username || "the server") + '","team":"' + (ctx.vars?.team ?? "") + '","payload":' + (payload || "null") + '}';
			});
		}`))
	bob := srv.User(t, "bob")
	o := signIn(t, b, srv, "admin", "password")

	// A link brings a request along.
	o.page(t, "/run?rpc=true&method=who&user=bob&vars=team%3Dred&body=%7B%22n%22%3A9007199254740993%7D")
	o.press(t, "Send")
	o.sees(t, answers(`"user": "bob"`, `"team": "red"`, `"n": 9007199254740993`))
	o.sees(t, shows(".run", "who was called"))
	o.sees(t, shows(".run", "storageRead"))
	o.sees(t, shows(".run", "SELECT"))
	o.sees(t, shows(".legend", "waiting for a VM"))
	o.picture(t, "run")

	// As the server, an error, and keys instead of the mouse.
	o.fill(t, "As the player", "")
	o.press(t, "Send")
	o.sees(t, answers(`"user": "the server"`))
	o.edit(t, "fail")
	o.press(t, "Send")
	o.sees(t, shows("pre.problem", "as asked"))
	o.sees(t, shows(".badge.bad", "error"))
	o.sees(t, shows(".run", "index.ts:"))
	o.edit(t, "1")
	o.types(t, "2345678901234567890")
	o.fill(t, "As the player", "nobody")
	o.press(t, "Send")
	o.shows(t, "There is no player nobody.")
	o.fill(t, "As the player", bob.ID)
	o.do(t, "press Ctrl and Enter", evaluate(`document.querySelector('select').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', ctrlKey: true, bubbles: true }))`))
	o.sees(t, answers(`"user": "bob"`))

	// A call of the client API, with its template.
	o.press(t, "New request")
	o.fill(t, "Call", "api UpdateAccount")
	o.sees(t, "document.querySelector('.editor').shadowRoot?.textContent.includes('display_name')")
	o.fill(t, "As the player", "bob")
	o.edit(t, `{"location":"here"}`)
	o.press(t, "Send")
	o.sees(t, shows(".badge.good", "OK"))
	if got := bob.Do(t, "GET", "/v2/account", "").Get("user.location"); got != "here" {
		t.Errorf("the location is %q", got)
	}

	// Saved, and opened after a reload.
	o.press(t, "Save")
	o.fill(t, "Name", "Move bob")
	o.press(t, "Save")
	o.shows(t, "The request is saved")
	text, err := os.ReadFile(filepath.Join(srv.ModulesPath, ".kumi", "requests", "Move bob.json"))
	if err != nil || !strings.Contains(string(text), `"location": "here"`) {
		t.Errorf("the file is %s, %v", text, err)
	}
	o.do(t, "close the tabs", evaluate("localStorage.removeItem('kumi.console.run.admin')"))
	o.do(t, "reload", chromedp.Reload())
	o.sees(t, "document.querySelectorAll('.tab').length === 1")
	o.press(t, "Move bob")
	o.press(t, "Send")
	o.sees(t, shows(".badge.good", "OK"))
	o.narrow(t, "run-narrow")
	o.press(t, "Delete")
	o.press(t, "Delete")
	o.shows(t, "None yet.")
	o.leave(t)
}

// answers is an expression that is true when the answer has texts in it.
func answers(texts ...string) string {
	expression := "true"
	for _, text := range texts {
		expression += " && (document.querySelectorAll('.editor')[1]?.shadowRoot?.textContent ?? '').includes(" + quote(text) + ")"
	}
	return expression
}

// edit replaces the text of the first editor in front, by pasting: what the browser inserts itself
// may bring a style along, which the content security policy refuses.
func (o *operator) edit(t *testing.T, text string) {
	t.Helper()
	o.sees(t, `(() => {
		const content = `+content+`;
		if (!content) return false;
		content.focus();
		content.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', keyCode: 65, ctrlKey: true, bubbles: true, cancelable: true }));
		const clipboardData = new DataTransfer();
		clipboardData.setData('text/plain', `+quote(text)+`);
		content.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
		return true;
	})()`)
	o.sees(t, content+".textContent === "+quote(text))
}

// content is what is in the first editor in front.
const content = front + ".querySelector('.editor')?.shadowRoot?.querySelector('.cm-content')"

// types adds letters to the text of the first editor in front, faster than the page is drawn.
func (o *operator) types(t *testing.T, letters string) {
	t.Helper()
	text := o.read(t, content+".textContent") + letters
	o.sees(t, `(async () => {
		for (const letter of `+quote(letters)+`) {
			const clipboardData = new DataTransfer();
			clipboardData.setData('text/plain', letter);
			`+content+`.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
			await new Promise((next) => setTimeout(next));
		}
		return true;
	})()`)
	o.sees(t, content+".textContent === "+quote(text))
}
