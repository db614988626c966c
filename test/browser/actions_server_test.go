package browser

import (
	"fmt"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// keepCopies makes the page keep what it copies.
const keepCopies = `Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.copied = text; } } })`

// TestActionsServer does what there is to do on the pages of the server and of its data.
func TestActionsServer(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console(), servertest.Module("index.js", arena))
	admin := srv.ConsoleAdmin()
	admin.Add(t, "ann", "correct horse battery", `{"ACCOUNT":{"read":true}}`)
	bob := srv.User(t, "bob")
	match, _ := bob.RPC(t, "create", "")
	o := signIn(t, browser(t), srv, "admin", "password")
	o.do(t, "keep files", evaluate(keepFiles))
	o.do(t, "keep copies", evaluate(keepCopies))

	o.page(t, "/")
	o.press(t, "Light or dark")
	o.sees(t, "document.documentElement.dataset.theme === 'dark'")
	o.do(t, "see times in UTC", evaluate("[...document.querySelectorAll('.bar button')].find((e) => e.textContent === 'Local time').click()"))
	o.sees(t, shows(".bar", "UTC"))

	actionsStorage(t, o, bob)
	actionsBoard(t, o, bob)

	o.page(t, "/matches")
	o.fill(t, "Kind", "relayed")
	o.shows(t, "There are no such matches.")
	o.fill(t, "Kind", "authoritative")
	o.sees(t, shows(".table", match))
	o.fill(t, "Players at least", "1")
	o.shows(t, "There are no such matches.")
	o.page(t, "/matches")
	o.fill(t, "Query", "+label:nothing")
	o.shows(t, "There are no such matches.")
	o.page(t, "/matches")
	o.fill(t, "Match id", match)
	o.sees(t, "location.hash.includes('id=') && document.querySelectorAll('.rows .row').length === 1")
	o.press(t, "Reload")
	o.press(t, "Copy")
	o.sees(t, "window.copied === "+quote(match))

	o.page(t, "/jobs")
	o.row(t, "sweep", "Run now")
	o.sure(t, "Run")
	servertest.Eventually(t, "the job has run", func() bool {
		return strings.Contains(admin.Must(t, "GET", "/log?text=swept", nil).Body, "everything")
	})
	o.press(t, "Reload")
	o.opens(t, "sweep", "Last run")
	o.closed(t)
	o.page(t, "/runtime")
	o.fill(t, "Module or function", "create")
	o.sees(t, shows(".table[aria-label='RPC functions']", "create"))

	o.page(t, "/logs")
	o.fill(t, "Level", "warn")
	o.fill(t, "Language", "javascript")
	o.opens(t, "swept", "all lines")
	o.press(t, "all lines")
	o.sees(t, "location.hash.startsWith('#/logs?module=') && !document.querySelector('dialog')")
	o.press(t, "Pause")
	o.sees(t, shows(".table", "swept"))
	o.press(t, "Save")
	o.keeps(t, "swept <b>everything</b>")
	o.press(t, "Clear")
	o.shows(t, "Nothing is logged yet.")
	o.press(t, "Go on")
	o.sees(t, shows(".table", "swept"))

	actionsSettings(t, o)
	o.page(t, "/audit?after=nonsense")
	o.sees(t, shows(".table", "DeleteAclTemplate"))
	o.page(t, "/audit")
	o.fill(t, "Operator", "admin")
	o.fill(t, "Action", "3")
	o.fill(t, "Resource", "ACL_TEMPLATE")
	o.fill(t, "After", "2020-01-01T00:00")
	o.fill(t, "Before", "2100-01-01T00:00")
	o.sees(t, "location.hash.includes('before=')")
	o.opens(t, "DeleteAclTemplate", "ACL_TEMPLATE")
	o.closed(t)

	// The end of the data, and of the server.
	o.page(t, "/settings?tab=data")
	o.do(t, "have a file", evaluate(`window.saved = '[{"collection":"saves","key":"imported","user_id":"`+bob.ID+`","value":{"coins":1},"permission_read":1,"permission_write":1}]'`))
	o.press(t, "Import objects")
	o.sure(t, "Import")
	o.sees(t, "location.hash === '#/storage' && "+shows(".table", "imported"))
	o.page(t, "/settings?tab=data")
	for _, what := range []string{"players", "data"} {
		o.press(t, "Delete all "+what)
		o.fill(t, "Type delete to go on", "delete")
		o.sure(t, "Delete all "+what)
		o.sees(t, "!document.querySelector('[aria-busy=true]')")
	}
	if got := admin.Must(t, "GET", "/account", nil); strings.Contains(got.Body, bob.ID) {
		t.Errorf("the accounts are %s", got.Body)
	}
	o.page(t, "/") // with several points in the charts by now, and fewer for the whole day
	o.sees(t, "document.querySelectorAll('.chart canvas').length === 12")
	o.fill(t, "Range", "86400")
	o.sees(t, "location.hash === '#/?range=86400' && document.querySelectorAll('.chart canvas').length === 12")
	o.row(t, "ready", "Drain")
	o.sure(t, "Drain")
	o.shows(t, "is being drained.")
	o.expect("WebSocket")
	o.expect("ERR_CONNECTION")
	o.leave(t)
}

// actionsStorage writes an object, searches it, and keeps it as a file.
func actionsStorage(t *testing.T, o *operator, bob *servertest.User) {
	t.Helper()
	o.page(t, "/storage")
	o.press(t, "New object")
	o.fill(t, "Collection", "saves")
	o.fill(t, "Key", "slot/1")
	o.fill(t, "Id of the owner", bob.ID)
	o.edit(t, `{"coins":9007199254740993}`)
	o.press(t, "Create")
	o.sees(t, "location.hash === '#/storage/saves/slot%2F1/"+bob.ID+"'")
	o.sees(t, "document.querySelector('.editor')?.shadowRoot?.textContent.includes('9007199254740993')")
	o.press(t, "Download")
	o.keeps(t, "9007199254740993")
	o.do(t, "have a file", evaluate(`window.saved = '{"coins":9007199254740995}'`))
	o.press(t, "Upload")
	o.sees(t, "document.querySelector('.editor').shadowRoot.textContent.includes('9007199254740995')")
	o.press(t, "Save")
	o.shows(t, "The object is saved.")
	bob.Do(t, "PUT", "/v2/storage", `{"objects":[{"collection":"saves","key":"low","value":"{\"level\":12}"},{"collection":"saves","key":"high","value":"{\"level\":15}"}]}`)
	o.page(t, "/storage?tab=indexes")
	o.do(t, "choose the index", evaluate("document.querySelector('[aria-label=Indexes] .row.opens').click()"))
	o.fill(t, "Query", "+value.level:>=10")
	o.fill(t, "Order", "-value.level")
	o.press(t, "Search")
	o.sees(t, "[...document.querySelectorAll('[aria-label=Objects] .rows a')].map((e) => e.textContent).filter((e) => /low|high/.test(e)).join() === 'high,low'")
	o.press(t, "high")
	o.shows(t, "saves / high")
	o.press(t, "Back")
	o.sees(t, "location.hash === '#/storage'")
	o.page(t, "/storage?collection=saves")
	o.fill(t, "Key, or its beginning with %", "slot%")
	o.sees(t, "location.hash.includes('key=') && document.querySelectorAll('.rows .row').length === 1")
	o.fill(t, "Id of the owner", "00000000-0000-0000-0000-000000000000")
	o.shows(t, "There are no objects.")
	o.page(t, "/storage")
	o.fill(t, "Collection", "saves")
	o.sees(t, "location.hash === '#/storage?collection=saves'")
	o.page(t, "/storage?collection=saves&user="+bob.ID)
	o.sees(t, `document.querySelector('.notice')?.textContent.includes('3 selected') || void document.querySelector('.head input:not(:checked)')?.click()`)
	o.confirm(t, "Delete")
	o.shows(t, "Delete: 3 done.")
}

// actionsBoard makes a tournament, and writes, edits and deletes a score.
func actionsBoard(t *testing.T, o *operator, bob *servertest.User) {
	t.Helper()
	o.page(t, "/leaderboards")
	o.press(t, "New leaderboard")
	o.fill(t, "Id", "cup")
	o.tick(t, "It is a tournament")
	o.fill(t, "Title", hostile)
	o.fill(t, "Duration in seconds", "86400")
	o.fill(t, "Resets", "0 0 * * *")
	o.press(t, "Create")
	o.sees(t, shows(".facts", hostile))
	o.press(t, "Write a score")
	o.fill(t, "Id of the player", bob.ID)
	o.fill(t, "Score", "7")
	o.sure(t, "Write")
	o.row(t, "bob", "Edit")
	o.fill(t, "Score", "5")
	o.fill(t, "Subscore", "3")
	o.sure(t, "Write")
	o.sees(t, "[...document.querySelectorAll('.rows .row')].some((e) => /bob.*5.*3/.test(e.textContent))")
	o.fill(t, "Id of a player", bob.ID)
	o.sees(t, "location.hash.includes('owner=') && document.querySelectorAll('.rows .row').length === 1")
	o.row(t, "bob", "Delete")
	o.sure(t, "Delete")
	o.shows(t, "The record is deleted.")
	o.fill(t, "Earlier period", "1000000000")
	o.shows(t, "There are no records.")
}

// actionsSettings changes operators, templates of rights and what holds for all.
func actionsSettings(t *testing.T, o *operator) {
	t.Helper()
	o.page(t, "/settings")
	o.tick(t, "Show times in UTC to those who have not chosen")
	o.shows(t, "The setting is saved.")
	o.page(t, "/settings?tab=configuration")
	o.fill(t, "Name or value", "console.port")
	o.sees(t, "location.hash.includes('filter=') && document.querySelectorAll('.rows .row').length === 1")
	o.press(t, "Save as a file")
	o.keeps(t, "console")

	o.page(t, "/settings?tab=templates")
	o.press(t, "New template")
	o.fill(t, "Name", "support")
	o.grant(t, "ACCOUNT read")
	o.sure(t, "Save")
	o.row(t, "support", "Edit")
	o.fill(t, "Description", "those who help")
	o.sure(t, "Save")
	o.sees(t, shows(".table", "those who help"))

	o.page(t, "/settings?tab=operators")
	o.press(t, "Invite an operator")
	o.fill(t, "Name", "joe")
	o.fill(t, "E-mail address", "joe@example.com")
	o.sees(t, "[...document.querySelectorAll('dialog option')].some((e) => e.textContent === 'support')")
	id := o.read(t, "[...document.querySelectorAll('dialog option')].find((e) => e.textContent === 'support').value")
	o.fill(t, "Rights of a template", id)
	o.sees(t, "document.querySelector(\"[aria-label='ACCOUNT read']\").checked")
	o.tick(t, "The operator has to set up a second factor")
	o.press(t, "Invite")
	o.shows(t, "Send this link")
	o.sure(t, "Done")
	o.sees(t, shows(".table", "joe"))
	o.row(t, "ann", "Edit")
	o.confirmIn(t, "Reset the password", "Reset")
	o.shows(t, "Send this link")
	o.press(t, "Done")
	o.press(t, "Require a second factor")
	o.sees(t, "!document.querySelector('dialog') && document.querySelector('.table').textContent.includes('required')")
	o.row(t, "ann", "Edit")
	o.grant(t, "GROUP read")
	o.sure(t, "Save the rights")
	o.sees(t, "[...document.querySelectorAll('.rows .row')].some((e) => /ann.*2/.test(e.textContent))")

	o.page(t, "/settings?tab=templates")
	o.row(t, "support", "Delete")
	o.sure(t, "Delete")
	o.shows(t, "The template is deleted.")
}

// grant ticks a right.
func (o *operator) grant(t *testing.T, right string) {
	t.Helper()
	o.sees(t, fmt.Sprintf("(() => { const e = document.querySelector(\"[aria-label='%s']\"); e?.click(); return !!e; })()", right))
}

// confirmIn presses a button of a dialog, and another one in the dialog over it, which asks.
func (o *operator) confirmIn(t *testing.T, button, answer string) {
	t.Helper()
	o.press(t, button)
	o.sees(t, "document.querySelectorAll('dialog').length === 2")
	o.press(t, answer)
}
