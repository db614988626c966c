package browser

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kumi/server/servertest"
)

// TestActionsPlayer does what there is to do with a player who has played, and with a group.
func TestActionsPlayer(t *testing.T) {
	t.Parallel()
	stores, store := servertest.Stores(t)
	srv := servertest.Start(t, servertest.Console(), store,
		servertest.Flags("--iap.apple.shared_password", "shared", "--iap.apple.bundle_ids", "com.example.game"))
	admin := srv.ConsoleLogin(t, "admin", "password")
	bob, ann := srv.User(t, "bob"), srv.User(t, "ann")
	bob.Do(t, "POST", "/v2/account/link/email", `{"email":"bob@example.com","password":"bob's password"}`)
	bob.Do(t, "POST", "/v2/account/link/custom", `{"id":"custom-id-of-bob"}`)
	bob.Do(t, "POST", "/v2/account/link/device", `{"id":"another-device"}`)
	bob.Do(t, "POST", "/v2/friend?ids="+ann.ID, "")
	for _, part := range []string{"purchase", "subscription"} {
		bought := map[string]any{
			"transactionId": part, "originalTransactionId": part, "bundleId": "com.example.game", "productId": "gems of a " + part, "environment": "Production",
			"purchaseDate": 1772366400000, "originalPurchaseDate": 1772366400000, "signedDate": time.Now().UnixMilli(),
		}
		if part == "subscription" {
			bought["expiresDate"] = time.Now().Add(time.Hour).UnixMilli()
		}
		receipt := stores.Apple.Sign(bought)
		if a := bob.Do(t, "POST", "/v2/iap/"+part+"/apple", `{"receipt":`+quote(receipt)+`}`); a.Status != 200 {
			t.Fatalf("the %s: %s", part, a.Body)
		}
	}
	guild := ann.Do(t, "POST", "/v2/group", `{"name":"guild"}`).Get("id")
	admin.Must(t, "POST", "/notification", map[string]any{"user_ids": []string{bob.ID}, "subject": "Welcome", "code": 1, "content": map[string]string{"a": "b"}, "persistent": true})
	admin.Must(t, "POST", "/account/"+bob.ID+"/wallet", map[string]any{"changeset": map[string]int{"gold": 7}})

	o := signIn(t, browser(t), srv, "admin", "password")
	o.do(t, "keep files", evaluate(keepFiles))
	player := "/players/" + bob.ID

	// The profile. What is saved or unlinked is no longer a change.
	o.page(t, player)
	o.edit(t, `{"a":1}`)
	o.press(t, "Save")
	o.shows(t, "The profile is saved.")
	o.disabled(t, "Save")
	for _, left := range []string{"Device", "Custom id"} {
		o.do(t, "unlink", evaluate("[...document.querySelectorAll('.list > div')].find((e) => e.textContent.startsWith("+quote(left)+")).querySelector('button').click()"))
		o.sure(t, "Unlink")
		o.sees(t, "[...document.querySelectorAll('.list > div')].filter((e) => e.textContent.startsWith("+quote(left)+")).length < "+map[string]string{"Device": "2", "Custom id": "1"}[left])
	}
	o.sees(t, "[...document.querySelectorAll('label')].find((e) => e.textContent.startsWith('Custom id')).querySelector('input').value === ''")
	o.disabled(t, "Save")
	o.fill(t, "New password of the player", "a new password")
	o.press(t, "Set password")
	o.shows(t, "The password is set.")
	signIn := map[string]string{"body": `{"account":{"email":"bob@example.com","password":"a new password"}}`}
	if a := admin.Must(t, "POST", "/api/endpoints/AuthenticateEmail", signIn); !strings.Contains(a.Get("body"), "token") {
		t.Errorf("the new password: %s", a.Body)
	}
	o.press(t, "Export")
	o.keeps(t, "bob@example.com")

	for range 51 {
		admin.Must(t, "POST", "/account/"+ann.ID+"/note", `{"note":"one of many"}`)
	}
	o.page(t, "/players/"+ann.ID+"?tab=notes")
	o.press(t, "More")
	o.sees(t, "document.querySelectorAll('.list > div').length === 51")
	o.page(t, player+"?tab=notes")
	o.fill(t, "New note", "first")
	o.press(t, "Add")
	o.sees(t, shows(".list", "first"))
	o.press(t, "Edit")
	o.fill(t, "Note", "second")
	o.sure(t, "Save")
	o.sees(t, shows(".list", "second"))
	o.do(t, "delete the note", evaluate("document.querySelector('.list .danger').click()"))
	o.sure(t, "Delete")
	o.shows(t, "There are no notes.")

	o.page(t, player+"?tab=wallet")
	o.row(t, "gold", "Delete")
	o.sure(t, "Delete")
	o.shows(t, "The ledger is empty.")
	o.edit(t, `{"gold":5}`)
	o.confirm(t, "Replace")
	o.shows(t, "The wallet is saved.")
	if got := bob.Do(t, "GET", "/v2/account", "").Get("wallet"); got != `{"gold":5}` && got != `{"gold": 5}` {
		t.Errorf("the wallet is %s", got)
	}
	o.page(t, player+"?tab=friends")
	o.row(t, "ann", "Remove")
	o.sure(t, "Remove")
	o.shows(t, "The relation is removed.")
	o.page(t, player+"?tab=groups")
	o.press(t, "Add to a group")
	o.fill(t, "Id of the group", guild)
	o.sure(t, "Add")
	o.row(t, "guild", "Remove")
	o.sure(t, "Remove")
	o.shows(t, "The player is no longer in the group.")
	o.page(t, player+"?tab=notifications")
	o.row(t, "Welcome", "Delete")
	o.sure(t, "Delete")
	o.shows(t, "The notification is deleted.")
	o.sees(t, "!"+shows(".table", "Welcome"))
	for _, part := range []string{"purchase", "subscription"} {
		o.page(t, player+"?tab="+part+"s")
		o.opens(t, "gems of a "+part, "Response of the store")
		o.closed(t)
		o.page(t, "/purchases?tab="+part+"s")
		o.fill(t, "Id of a transaction", part)
		o.sees(t, "location.hash.includes('transaction="+part+"') && document.querySelectorAll('.rows .row').length === 1")
		o.fill(t, "Id of a player", ann.ID)
		o.shows(t, "There are no "+part+"s.")
	}
	o.page(t, player)
	o.press(t, "Run as")
	o.press(t, "Send")
	o.sees(t, shows(".badge.good", "OK"))
	actionsGroup(t, o, bob, guild)

	o.page(t, "/players")
	o.do(t, "select ann", chromedp.Click(chromedp.CSS("[aria-label='Select "+ann.ID+"']")))
	o.confirm(t, "Ban")
	o.shows(t, "Ban: 1 done.")
	if got := admin.Must(t, "GET", "/account/"+ann.ID, nil); got.Get("disable_time") == "" {
		t.Errorf("ann is not banned: %s", got.Body)
	}
	o.do(t, "select ann", chromedp.Click(chromedp.CSS("[aria-label='Select "+ann.ID+"']")))
	o.press(t, "Select none")
	o.sees(t, "!document.querySelector('.notice progress, .rows input:checked')")
	o.page(t, player)
	o.press(t, "Delete")
	o.sure(t, "Delete")
	o.shows(t, "bob was deleted.")
	o.tick(t, "Deleted")
	o.sees(t, shows(".table", bob.ID))
	o.leave(t)
}

// actionsGroup does what there is to do with a group in which only its creator is.
func actionsGroup(t *testing.T, o *operator, bob *servertest.User, guild string) {
	t.Helper()
	o.page(t, "/groups")
	o.fill(t, "Id, name or part of it with %", "gui%")
	o.sees(t, "location.hash === '#/groups?filter=gui%25' && document.querySelectorAll('.rows .row').length === 1")
	o.page(t, "/groups/"+guild)
	o.press(t, "Add members")
	o.fill(t, "Ids of the players", bob.ID)
	o.tick(t, "As requests to join")
	o.sure(t, "Add")
	o.row(t, "bob", "Accept")
	o.shows(t, "bob is in the group now.")
	o.row(t, "bob", "Promote")
	o.row(t, "bob", "Demote")
	o.row(t, "bob", "Remove")
	o.sure(t, "Remove")
	o.shows(t, "bob is no longer in the group.")
	o.press(t, "Export")
	o.keeps(t, "guild")
	o.page(t, "/groups/"+guild+"?tab=details")
	o.fill(t, "Description", hostile)
	o.tick(t, "Anybody may join without asking")
	o.edit(t, `{"a":1}`)
	o.press(t, "Save")
	o.shows(t, "The group is saved.")
	o.disabled(t, "Save")
	o.do(t, "go to the chat", evaluate("document.querySelector('#content a.button').click()"))
	o.sees(t, "location.hash.startsWith('#/chat?') && !!document.querySelector('.table[aria-label=Messages]')")
	o.page(t, "/chat?type=4")
	o.fill(t, "Id of a player", bob.ID)
	o.fill(t, "Id of the other one", guild)
	o.shows(t, "There are no messages.")
	o.press(t, "Delete old ones")
	o.fill(t, "Older than", "2020-01-01T00:00")
	o.sure(t, "Delete")
	o.shows(t, "0 messages are deleted.")
	bob.Do(t, "POST", "/v2/group", `{"name":"clan"}`)
	o.page(t, "/groups/"+guild)
	o.confirm(t, "Delete")
	o.shows(t, "The group is deleted.")
	o.sees(t, "location.hash === '#/groups' && "+shows(".table", "clan"))
	o.do(t, "select all", evaluate("document.querySelector('.head input').click()"))
	o.press(t, "Delete")
	o.fill(t, "Type 1 to go on", "1")
	o.sure(t, "Delete")
	o.shows(t, "There are no groups yet.")
}
