package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kumi/server/servertest"
)

// patient lets a server keep the sockets of tests that do not read from them.
var patient = servertest.Flags("--socket.pong_wait_ms", "600000")

// operator is a tab with the console in it.
type operator struct {
	*tab
	expected []string // parts of the messages in the browser's console that are no problems
}

// signIn opens the console and signs in there.
func signIn(t *testing.T, browser context.Context, srv *servertest.Server, name, password string) *operator {
	t.Helper()
	o := &operator{tab: open(t, browser, "http://"+srv.ConsoleAddr().String()+"/", ".sign-in")}
	o.do(t, "make room", chromedp.EmulateViewport(1280, 800))
	o.enter(t, name, password)
	o.sees(t, "document.querySelector('.menu') !== null")
	return o
}

// enter fills in the form for signing in and sends it.
func (o *operator) enter(t *testing.T, name, password string) {
	t.Helper()
	o.fill(t, "Name or e-mail address", name)
	o.fill(t, "Password", password)
	o.press(t, "Sign in")
}

// nameless are the fields, buttons and links in front that a screen reader has no name for.
const nameless = `[...document.querySelectorAll('button, a[href], input, select, textarea, [role=grid], dialog')]
	.filter((e) => e.checkVisibility() && !(e.ariaLabel || e.textContent.trim() || [...(e.labels ?? [])].some((l) => l.textContent.trim())))
	.map((e) => e.outerHTML).join('\n')`

// page goes to a page by its address, and waits until it is loaded. Everything on it has to
// have a name.
func (o *operator) page(t *testing.T, address string) {
	t.Helper()
	o.sees(t, fmt.Sprintf(`new Promise((shown) => {
		const before = location.hash;
		location.hash = %s;
		if (location.hash === before) shown(true);
		else addEventListener('hashchange', () => shown(true), { once: true });
	})`, quote(address)))
	o.loaded(t)
	if e := o.read(t, nameless); e != "" {
		t.Errorf("%s has parts without a name:\n%s", address, e)
	}
}

// loaded waits until the page has what it asked for.
func (o *operator) loaded(t *testing.T) {
	t.Helper()
	o.sees(t, "document.querySelector('#content') && !document.querySelector('.loading, [aria-busy=true]')")
}

// front is the dialog in front, or else the page.
const front = "([...document.querySelectorAll('dialog')].at(-1) ?? document.body)"

// press presses the button, or follows the link, with a text. It waits until there is one.
func (o *operator) press(t *testing.T, text string) {
	t.Helper()
	o.sees(t, fmt.Sprintf(`(() => {
		const e = [...%s.querySelectorAll('button, a')].find((e) => (e.getAttribute('aria-label') ?? e.textContent).trim() === %s && !e.disabled && e.checkVisibility());
		e?.click();
		return !!e;
	})()`, front, quote(text)))
}

// fill writes into the field with a label.
func (o *operator) fill(t *testing.T, label, text string) {
	t.Helper()
	o.sees(t, fmt.Sprintf(`(() => {
		const e = [...%s.querySelectorAll('label')].find((e) => e.firstElementChild?.textContent.trim() === %s)?.querySelector('input, textarea, select')
			?? [...%s.querySelectorAll('[aria-label]')].find((e) => e.ariaLabel === %[2]s && 'value' in e);
		if (!e) return false;
		Object.getOwnPropertyDescriptor(Object.getPrototypeOf(e), 'value').set.call(e, %[4]s);
		for (const type of e.tagName === 'SELECT' ? ['change'] : e.type === 'datetime-local' ? ['input', 'change'] : ['input']) e.dispatchEvent(new Event(type, { bubbles: true }));
		return true;
	})()`, front, quote(label), front, quote(text)))
}

// shows waits for a text on the page.
func (o *operator) shows(t *testing.T, text string) {
	t.Helper()
	o.sees(t, shows("body", text))
}

// expect says that messages with a text in the browser's console are no problems.
func (o *operator) expect(text string) { o.expected = append(o.expected, text) }

// leave closes the tab. Errors in the browser's console fail the test: exceptions,
// requests that failed, and what the content security policy refused.
func (o *operator) leave(t *testing.T) {
	t.Helper()
	o.close()
next:
	for problem := range o.problems {
		for _, text := range o.expected {
			if strings.Contains(problem, text) {
				continue next
			}
		}
		t.Errorf("in the browser's console: %s", problem)
	}
}

// picture keeps a picture of the page in the folder KUMI_TEST_PICTURES, if it is set.
func (o *operator) picture(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("KUMI_TEST_PICTURES")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(o.ctx, wait)
	defer cancel()
	image, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), image, 0o644)
	}
	if err != nil {
		t.Errorf("take a picture: %v", err)
	}
}

func evaluate(expression string) chromedp.Action[chromedp.Void] {
	return chromedp.Poll[chromedp.Void]("(" + expression + ", true)")
}

func quote(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

// read returns the value of an expression, which is a text.
func (o *operator) read(t *testing.T, expression string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(o.ctx, wait)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		t.Fatalf("read %s: %v", expression, err)
	}
	return text
}
