package browser

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// hostile is what a player may set his texts to. A page that ran it would show a dialog
// and log an error.
// Ids have no spaces.
const (
	hostile   = `<img src=x onerror=alert(1)>"'><script>alert(2)</script>`
	hostileID = `"'><svg/onload=alert(3)>`
)

// TestConsole walks through the pages of the console, on a server with data, as its
// administrator.
func TestConsole(t *testing.T) {
	t.Parallel()
	b := browser(t)
	srv := servertest.Start(t, servertest.Console())
	bob, eve := srv.User(t, "bob"), srv.User(t, "eve")
	for i := range 70 {
		srv.User(t, fmt.Sprintf("player-%02d", i))
	}
	for _, field := range []string{"display_name", "location", "timezone", "avatar_url"} {
		eve.Do(t, "PUT", "/v2/account", `{`+quote(field)+`:`+quote(hostile)+`}`)
	}
	eve.Do(t, "PUT", "/v2/account", `{"lang_tag":"<b>"}`)
	eve.Do(t, "POST", "/v2/account/link/custom", `{"id":`+quote(hostileID)+`}`)
	eve.Do(t, "POST", "/v2/account/link/device", `{"id":`+quote("device"+hostileID)+`}`)
	eve.Do(t, "PUT", "/v2/storage", `{"objects":[{"collection":`+quote(hostile)+`,"key":`+quote(hostile)+`,"value":`+quote(`{"text":`+quote(hostile)+`}`)+`}]}`)
	bob.Do(t, "POST", "/v2/friend?ids="+eve.ID, "")
	bob.Do(t, "PUT", "/v2/storage", `{"objects":[{"collection":"saves","key":"slot","value":"{\"coins\":9007199254740993}"}]}`)
	guild := bob.Do(t, "POST", "/v2/group", `{"name":"guild","description":`+quote(hostile)+`}`).Get("id")

	o := signIn(t, b, srv, "admin", "password")
	o.shows(t, "Goroutines")
	o.picture(t, "dashboard")

	o.page(t, "/players")
	o.shows(t, "player-")
	o.do(t, "scroll to the second part of the list", evaluate("document.querySelector('.table').scrollTop = 1e6"))
	o.sees(t, "document.querySelector('.table').ariaRowCount === '74' && document.querySelectorAll('.rows .row').length < 50")
	o.picture(t, "players")
	o.fill(t, "Username, id, e-mail or display name", "eve")
	o.sees(t, "document.querySelectorAll('.rows .row').length === 1 && location.hash === '#/players?filter=eve'")
	o.shows(t, hostile)

	o.page(t, "/players/"+eve.ID)
	for _, field := range []string{"Location", "Time zone", "Avatar URL"} {
		o.sees(t, fmt.Sprintf("[...document.querySelectorAll('label')].find((l) => l.textContent.startsWith(%s)).querySelector('input').value === %s", quote(field), quote(hostile)))
	}
	o.sees(t, shows(".list", "device"+hostileID))
	o.sees(t, shows(".list", "Custom id"+hostileID))
	o.fill(t, "Display name", "Evelyn")
	o.do(t, "leave the form", evaluate("location.hash = '/groups'"))
	o.shows(t, "Leave the form?")
	o.press(t, "Cancel")
	o.press(t, "Save")
	o.shows(t, "The profile is saved.")
	o.picture(t, "player")
	o.press(t, "Ban")
	o.fill(t, "For how long", "86400")
	o.fill(t, "Reason, which the player is told", hostile)
	o.picture(t, "ban")
	o.press(t, "Ban")
	o.shows(t, "eve is banned.")
	o.sees(t, shows(".facts + .facts", hostile))
	o.press(t, "Lift the ban")
	o.shows(t, "eve may play again.")

	o.page(t, "/players/"+bob.ID+"?tab=notes")
	o.fill(t, "New note", hostile)
	o.press(t, "Add")
	o.sees(t, shows(".list", hostile))
	for _, tab := range []string{"wallet", "storage", "friends", "groups", "notifications", "purchases", "subscriptions"} {
		o.page(t, "/players/"+bob.ID+"?tab="+tab)
		o.picture(t, "player-"+tab)
	}
	o.page(t, "/players/"+bob.ID+"?tab=wallet")
	o.sees(t, "!!document.querySelector('.editor')?.shadowRoot?.querySelector('.cm-content')")

	o.press(t, "Change")
	o.fill(t, "Currency", "gold")
	o.fill(t, "Amount, with a minus to take it away", "9007199254740993")
	o.fill(t, "Reason, for the ledger", hostile)
	o.sees(t, "document.querySelector('dialog .primary').disabled === false")
	o.do(t, "change the wallet", evaluate("document.querySelector('dialog .primary').click()"))
	o.sees(t, shows(".table", "9007199254740993"))

	o.page(t, "/groups")
	o.press(t, "guild")
	o.shows(t, "superadmin")
	o.press(t, "Add members")
	o.fill(t, "Ids of the players", eve.ID)
	o.press(t, "Add")
	o.sees(t, shows(".table", "eve"))
	o.press(t, "Promote")
	o.page(t, "/groups/"+guild+"?tab=details")
	o.picture(t, "group")
	o.fill(t, "Members at most", "50")
	o.press(t, "Save")
	o.shows(t, "The group is saved.")

	o.page(t, "/storage")
	o.sees(t, shows(".table", "slot"))
	o.picture(t, "storage")
	o.press(t, "slot")
	o.sees(t, "document.querySelector('.editor')?.shadowRoot?.querySelector('.cm-content')?.textContent.includes('9007199254740993') ?? false")
	o.picture(t, "object")
	o.fill(t, "Read by", "2")
	o.press(t, "Save")
	o.shows(t, "The object is saved.")
	if got := srv.ConsoleAdmin().Must(t, "GET", "/storage/saves/slot/"+bob.ID, nil); !strings.Contains(got.Get("value"), "9007199254740993") || got.Get("permission_read") != "2" {
		t.Errorf("the object is %s", got.Body)
	}
	o.page(t, "/players/"+eve.ID+"?tab=storage")
	o.press(t, hostile)
	o.sees(t, shows("h1", hostile+" / "+hostile))
	o.sees(t, "document.querySelector('.editor')?.shadowRoot?.querySelector('.cm-content')?.textContent.includes('<script>alert(2)') ?? false")
	o.press(t, "Delete")
	o.press(t, "Delete")
	o.shows(t, "The object is deleted.")
	o.page(t, "/storage?tab=indexes")

	o.page(t, "/players/"+eve.ID)
	o.press(t, "Delete")
	o.press(t, "Delete")
	o.shows(t, "eve was deleted.")
	o.leave(t)
}

// TestConsoleExpiry lets a sign-in end in the middle of work: nothing typed is lost, and
// what was sent is sent again. It is noticed by the next call, or by the socket.
func TestConsoleExpiry(t *testing.T) {
	t.Parallel()
	b := browser(t)
	srv := servertest.Start(t, servertest.Console())
	bob := srv.User(t, "bob")
	const password = "correct horse battery"
	srv.ConsoleAdmin().Add(t, "ann", password, `{"ACCOUNT":{"read":true,"write":true}}`)
	srv.ConsoleAdmin().Add(t, "joe", password, `{"ACCOUNT":{"read":true,"write":true},"CONFIGURATION":{"read":true}}`)
	for _, test := range []struct {
		name  string
		saves bool // before the sign-in
	}{{"ann", true}, {"joe", false}} {
		o := signIn(t, b, srv, test.name, password)
		o.page(t, "/players/"+bob.ID)
		o.fill(t, "Display name", "Bob of "+test.name)
		o.expect("401")
		o.do(t, "end the sign-in", evaluate(`fetch('v2/console/authenticate/logout', { method: 'POST', body: JSON.stringify({ token: localStorage['kumi.console.token'] }) }).then(() => { window.ended = true })`))
		o.sees(t, "window.ended")
		if test.saves {
			o.press(t, "Save")
		}
		o.shows(t, "Sign in again")
		o.picture(t, "sign-in-again")
		o.enter(t, test.name, password)
		if !test.saves {
			o.sees(t, "!document.querySelector('dialog')")
			o.press(t, "Save")
		}
		o.shows(t, "The profile is saved.")
		if got := bob.Do(t, "GET", "/v2/account", "").Get("user.display_name"); got != "Bob of "+test.name {
			t.Errorf("the name is %q", got)
		}
		o.press(t, "Sign out")
		o.sees(t, "!!document.querySelector('.front')")
		o.leave(t)
	}
}

// TestConsoleSatori sends a message to a player by a Satori server.
func TestConsoleSatori(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	satori := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"templates":[{"id":"t1","name":"Come back"}]}`)
			return
		}
		body, _ := io.ReadAll(r.Body)
		asked <- string(body)
		_, _ = io.WriteString(w, `{"delivery_results":[]}`)
	}))
	t.Cleanup(satori.Close)
	srv := servertest.Start(t, servertest.Console(), servertest.Flags("--satori.url", satori.URL, "--satori.api_key_name", "name",
		"--satori.api_key", "key", "--satori.signing_key", "signing", "--satori.server_key", "server"))
	bob := srv.User(t, "bob")
	o := signIn(t, browser(t), srv, "admin", "password")
	o.page(t, "/players/"+bob.ID)
	o.press(t, "Message by Satori")
	o.sees(t, shows("dialog", "Come back"))
	o.fill(t, "Template", "t1")
	o.fill(t, "Title", "We miss you")
	o.press(t, "Send")
	o.shows(t, "The message is sent.")
	if body := <-asked; !strings.Contains(body, "We miss you") || !strings.Contains(body, bob.ID) {
		t.Errorf("Satori was sent %s", body)
	}
	o.leave(t)
}
