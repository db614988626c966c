package browser

import (
	"fmt"
	"testing"
)

// row presses a button in the row of a table that has a text in it.
func (o *operator) row(t *testing.T, text, button string) {
	t.Helper()
	o.sees(t, fmt.Sprintf(`(() => {
		const row = [...document.querySelectorAll('.rows .row')].find((e) => e.textContent.includes(%s));
		const e = [...(row?.querySelectorAll('button') ?? [])].find((e) => (e.getAttribute('aria-label') ?? e.textContent).trim() === %s && !e.disabled);
		e?.click();
		return !!e;
	})()`, quote(text), quote(button)))
}

// opens clicks the row of a table that has a text in it, and waits for a dialog with another.
func (o *operator) opens(t *testing.T, text, other string) {
	t.Helper()
	o.sees(t, fmt.Sprintf(`(() => {
		const e = [...document.querySelectorAll('.rows .row.opens')].find((e) => e.textContent.includes(%s));
		e?.click();
		return !!e;
	})()`, quote(text)))
	o.sees(t, shows("dialog", other))
}

// tick clicks the box with a label.
func (o *operator) tick(t *testing.T, label string) {
	t.Helper()
	o.sees(t, fmt.Sprintf(`(() => {
		const e = [...%s.querySelectorAll('label')].find((e) => e.textContent.trim() === %s)?.querySelector('input[type=checkbox]');
		e?.click();
		return !!e;
	})()`, front, quote(label)))
}

// confirm presses a button, and that of the same name in the dialog which asks.
func (o *operator) confirm(t *testing.T, button string) {
	t.Helper()
	o.press(t, button)
	o.sure(t, button)
}

// sure presses a button in the dialog that asks.
func (o *operator) sure(t *testing.T, button string) {
	t.Helper()
	o.sees(t, "!!document.querySelector('dialog')")
	o.press(t, button)
	o.sees(t, "!document.querySelector('dialog')")
}

// closed closes the dialog in front.
func (o *operator) closed(t *testing.T) {
	t.Helper()
	o.sure(t, "Close")
}

// disabled waits for a button that cannot be pressed.
func (o *operator) disabled(t *testing.T, button string) {
	t.Helper()
	o.sees(t, fmt.Sprintf("[...document.querySelectorAll('button')].find((e) => e.textContent === %s)?.disabled", quote(button)))
}

// keeps waits for a text in what the page saved as a file.
func (o *operator) keeps(t *testing.T, text string) {
	t.Helper()
	o.sees(t, fmt.Sprintf("(window.saved ?? '').includes(%s)", quote(text)))
	o.do(t, "forget the file", evaluate("window.saved = undefined"))
}
