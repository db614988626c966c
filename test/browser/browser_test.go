package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kumi/internal/testenv"
	"kumi/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// wait bounds every step in a browser.
const wait = 30 * time.Second

// tab is a tab of a browser.
type tab struct {
	ctx      context.Context
	problems chan string // from its console; ends when the tab is closed
	close    func()
}

// browser starts a browser without a window. The test is skipped where none is
// installed.
func browser(t *testing.T) context.Context {
	t.Helper()
	options := chromedp.DefaultExecAllocatorOptions[:]
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // the sandbox refuses root
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop := chromedp.NewContext(allocator)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); errors.Is(err, exec.ErrNotFound) {
		testenv.Skip(t, "needs Chromium or Chrome: "+err.Error())
	} else if err != nil {
		t.Fatalf("start a browser: %v", err)
	}
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // waits until it has ended
	return ctx
}

// open opens an address in a new tab, and waits for an element there.
func open(t *testing.T, browser context.Context, url, element string) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(browser)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	p := &tab{ctx: ctx, problems: make(chan string, 100), close: closeTab}
	messages := chromedp.Console(ctx)
	go func() {
		defer close(p.problems)
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.IsException() || m.Type == "error" || m.Type == "warning" {
				select {
				case p.problems <- m.String():
				default: // enough of them
				}
			}
		}
	}()
	p.do(t, "open the page", chromedp.Navigate(url))
	p.do(t, "wait for "+element, chromedp.WaitVisible(chromedp.CSS(element)))
	return p
}

// do takes steps, and tells what they were for where they fail.
func (p *tab) do(t *testing.T, what string, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, wait)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		text := p.text(t)
		p.close()
		for problem := range p.problems {
			t.Log(problem)
		}
		t.Fatalf("%s: %v; the page says %q", what, err, text)
	}
}

func (p *tab) click(t *testing.T, selector string) {
	t.Helper()
	p.do(t, "click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// sees waits for an expression to be true in the page.
func (p *tab) sees(t *testing.T, expression string) {
	t.Helper()
	p.do(t, "wait for "+expression, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingTimeout(0), chromedp.WithPollingInterval(20*time.Millisecond)))
}

// text is all there is to read on the page.
func (p *tab) text(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, wait)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return text
}

// shows is an expression that is true when an element has a text in it.
func shows(selector, text string) string {
	return fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q)", selector, text)
}
