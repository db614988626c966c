package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kumi/server/servertest"
)

// keepFiles makes the page keep what it saves as a file, and choose that where it asks for
// a file.
const keepFiles = `(() => {
	URL.createObjectURL = (blob) => { blob.text().then((text) => { window.saved = text; }); return 'blob:kept'; };
	const click = HTMLElement.prototype.click;
	HTMLAnchorElement.prototype.click = function () {
		if (!this.download) click.call(this);
	};
	HTMLInputElement.prototype.click = function () {
		if (this.type !== 'file') return click.call(this);
		const files = new DataTransfer();
		files.items.add(new File([window.saved], 'kept.json'));
		this.files = files.files;
		this.dispatchEvent(new Event('change'));
	};
})()`

// TestConsoleFiles exports two players and an object, deletes them, and imports the files.
func TestConsoleFiles(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	admin := srv.ConsoleAdmin()
	var players []*servertest.User
	for _, name := range []string{"bob", "eve"} {
		u := srv.User(t, name)
		u.Do(t, "PUT", "/v2/storage", `{"objects":[{"collection":"saves","key":"slot","value":"{\"coins\":9007199254740993}"}]}`)
		players = append(players, u)
	}
	object := func(u *servertest.User) string { return "/storage/saves/slot/" + u.ID }
	coins := func() {
		t.Helper()
		for _, u := range players {
			if got := admin.Must(t, "GET", object(u), nil); !strings.Contains(got.Get("value"), "9007199254740993") {
				t.Errorf("the object of %s is %s", u.Username, got.Body)
			}
		}
	}

	o := signIn(t, browser(t), srv, "admin", "password")
	o.do(t, "keep files", evaluate(keepFiles))
	o.page(t, "/players")
	for _, u := range players {
		o.do(t, "select "+u.Username, chromedp.Click(chromedp.CSS("[aria-label='Select "+u.ID+"']")))
	}
	o.press(t, "Export")
	o.sees(t, "JSON.parse(window.saved ?? '[]').length === 2")
	for _, u := range players {
		admin.Must(t, "DELETE", "/account/"+u.ID, nil)
	}
	o.press(t, "Import")
	o.shows(t, "Import 2 accounts")
	o.picture(t, "import")
	o.sees(t, "document.querySelectorAll('dialog .list b').length === 2")
	o.do(t, "import", evaluate("document.querySelector('dialog .primary').click()"))
	o.shows(t, "2 accounts were imported.")
	coins()

	o.do(t, "forget the file", evaluate("window.saved = undefined"))
	o.page(t, "/storage")
	o.do(t, "select all", chromedp.Click(chromedp.CSS(".head input")))
	o.press(t, "Export")
	o.sees(t, "JSON.parse(window.saved ?? '[]').length === 2")
	for _, u := range players {
		admin.Must(t, "DELETE", object(u), nil)
	}
	o.press(t, "Import")
	o.shows(t, "Import kept.json?")
	o.do(t, "hold what is sent", evaluate(holdUploads))
	o.do(t, "import", evaluate("document.querySelector('dialog .primary').click()"))
	o.sees(t, "document.querySelector('dialog progress')?.value === 0.25 && document.querySelector('dialog').textContent.includes('are sent')")
	o.picture(t, "import-objects")
	o.press(t, "Cancel")
	o.sees(t, "window.held.aborted && !document.querySelector('dialog')")
	o.press(t, "Import")
	o.do(t, "import", evaluate("document.querySelector('dialog .primary').click()"))
	o.sees(t, "document.querySelector('dialog progress')?.value === 0.25")
	o.do(t, "let it go on", evaluate("window.held.goOn()"))
	o.shows(t, "The objects are imported.")
	coins()
	o.leave(t)
}

// holdUploads makes uploads stop after a quarter until they are told to go on.
const holdUploads = `(() => {
	const { send, abort } = XMLHttpRequest.prototype;
	XMLHttpRequest.prototype.send = function(body) {
		window.held = { goOn: () => send.call(this, body), aborted: false };
		this.upload.onprogress({ loaded: 100, total: 400 });
	};
	XMLHttpRequest.prototype.abort = function() {
		window.held.aborted = true;
		abort.call(this);
		this.onabort();
	};
})()`
