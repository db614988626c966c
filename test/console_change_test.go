package test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// Operators change what a game stores, within the game's own rules.
func TestConsoleChanges(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		admin := srv.ConsoleAdmin()
		ann, bob := srv.User(t, "ann"), srv.User(t, "bob")
		payload, a := ann.RPC(t, "fill", "")
		if a.Status != http.StatusOK {
			t.Fatal(a.Body)
		}
		var made struct{ Group, Match string }
		_ = json.Unmarshal([]byte(payload), &made)
		shows := func(path string, parts ...string) servertest.Answer {
			t.Helper()
			a := admin.Must(t, "GET", path, nil)
			for _, part := range parts {
				if !strings.Contains(a.Body, part) {
					t.Errorf("GET %s lacks %s: %s", path, part, a.Body)
				}
			}
			return a
		}
		account := "/account/" + ann.ID

		// Profile, identities, wallet.
		admin.Must(t, "POST", account, `{"display_name":"A <b>","location":"","metadata":"{\"big\":9007199254740993}","wallet":"{\"gold\":5}",
			"custom_id":"custom-id-of-ann","email":"Ann@example.com","password":"long enough","deviceIds":{"device-of-ann":"other-device-of-ann"}}`)
		if a := shows(account, `9007199254740993`, `{\"gold\": 5}`, "custom-id-of-ann", "other-device-of-ann", "ann@example.com"); a.Get("account.user.display_name") != "A <b>" {
			t.Errorf("the display name is %q", a.Get("account.user.display_name"))
		}
		login := `{"email":"Ann@example.com","password":"long enough"}`
		if a := srv.Do(t, http.MethodPost, "/v2/account/authenticate/email?create=false", servertest.ServerKey, login); a.Status != http.StatusOK {
			t.Errorf("a log-in with the new address: %d %s", a.Status, a.Body)
		}
		for body, part := range map[string]string{
			`{"username":""}`: "", `{"username":"bob"}`: "in use", `{"metadata":"[]"}`: "JSON object", `{"wallet":"{\"gold\":-1}"}`: "negative",
			`{"wallet":"{\"gold\":1.5}"}`: "whole numbers", `{"custom_id":"x"}`: "", `{"email":"x"}`: "", `{"password":"x"}`: "", `{"device_ids":{"unknown":"0123456789"}}`: "unknown",
		} {
			want(t, admin.Do(t, "POST", account, body), 400, 3, part)
		}
		want(t, admin.Do(t, "POST", "/account/"+bob.ID, `{"password":"long enough"}`), 400, 3, "e-mail address")
		want(t, admin.Do(t, "POST", "/account/"+bob.ID, `{"custom_id":"custom-id-of-ann"}`), 409, 6, "another account")
		want(t, admin.Do(t, "POST", "/account/"+bob.ID, `{"display_name":"Bob","device_ids":{"device-of-bob":""}}`), 400, 3, "last account identifier")
		if a := shows("/account/" + bob.ID); a.Get("account.user.display_name") != "" {
			t.Errorf("a part of a change was kept: %s", a.Body)
		}
		admin.Must(t, "POST", "/account/"+bob.ID, `{"custom_id":"custom-id-of-bob"}`)
		admin.Must(t, "POST", "/account/"+bob.ID+"/unlink/device", `{"device_id":"device-of-bob"}`)
		admin.Must(t, "POST", account, `{"email":""}`)
		admin.Must(t, "POST", account+"/unlink/custom", "")
		admin.Must(t, "POST", account+"/unlink/steam", "") // was not linked
		want(t, admin.Do(t, "POST", account+"/unlink/device", `{"device_id":"other-device-of-ann"}`), 403, 7, "")
		want(t, admin.Do(t, "POST", account+"/unlink/device", `{}`), 400, 3, "device ID")

		// The ledger and notes.
		item := shows(account + "/wallet?limit=1").Body
		var ledger struct{ Items []struct{ ID string } }
		_ = json.Unmarshal([]byte(item), &ledger)
		admin.Must(t, "DELETE", account+"/wallet/"+ledger.Items[0].ID, nil)
		if a := shows(account + "/wallet?limit=10"); strings.Count(a.Body, `"changeset"`) != 1 {
			t.Errorf("the ledger has %s", a.Body)
		}
		want(t, admin.Do(t, "POST", account+"/note", `{"note":"asked for a refund"}`), 400, 9, "token")
		token := srv.ConsoleLogin(t, "admin", "password")
		note := token.Must(t, "POST", account+"/note", `{"note":"asked for a refund"}`)
		if note.Get("create_username") != "admin" || note.Get("user_id") != ann.ID {
			t.Errorf("the note is %s", note.Body)
		}
		helper := admin.Add(t, "helper", goodPassword, `{"ACCOUNT_NOTES":{"read":true,"write":true}}`)
		helper.Must(t, "POST", account+"/note", `{"id":"`+note.Get("id")+`","note":"refunded"}`)
		helper.Must(t, "POST", account+"/note", `{"note":"second"}`)
		page := helper.Must(t, "GET", account+"/note?limit=1", nil)
		if !strings.Contains(page.Body, `"note":"second"`) {
			t.Errorf("the newest note is %s", page.Body)
		}
		shows(account+"/note?cursor="+page.Get("cursor"), `"note":"refunded"`, `"create_username":"admin"`, `"update_username":"helper"`)
		want(t, helper.Do(t, "POST", account+"/note", `{"id":"11111111-1111-4111-8111-111111111111","note":"x"}`), 404, 5, "Note")
		want(t, helper.Do(t, "DELETE", account+"/note/"+note.Get("id"), nil), 403, 7, "ACCOUNT_NOTES:delete")
		admin.Must(t, "DELETE", account+"/note/"+note.Get("id"), nil)

		// Friends and groups.
		bob.Do(t, "POST", "/v2/friend?ids="+ann.ID, "")
		shows(account+"/friend", bob.ID)
		admin.Must(t, "DELETE", account+"/friend/"+bob.ID, nil)
		shows(account+"/friend", `"friends":[]`)
		group := "/group/" + made.Group
		want(t, admin.Do(t, "POST", group+"/add", `{"ids":"x"}`), 400, 3, "user")
		admin.Must(t, "POST", group, `{"open":false,"description":"closed","max_count":20,"metadata":"{\"n\":9007199254740993}"}`)
		shows(group, `"open":false`, `"description":"closed"`, `"max_count":20`, "9007199254740993", `"name":"guild"`)
		want(t, admin.Do(t, "POST", group, `{"name":""}`), 400, 3, "name")
		admin.Must(t, "POST", group+"/add", `{"ids":"`+bob.ID+`","join_request":true}`)
		shows(group+"/member", `"state":3`)
		admin.Must(t, "POST", group+"/add", `{"ids":"`+bob.ID+`"}`)
		shows(group+"/member", `"state":2`)
		admin.Must(t, "POST", group+"/account/"+bob.ID+"/promote", "")
		shows(group+"/member", `"state":1`)
		admin.Must(t, "POST", group+"/account/"+bob.ID+"/demote", "")
		want(t, admin.Do(t, "POST", group+"/account/"+ann.ID+"/promote", ""), 400, 9, "promoted")
		want(t, admin.Do(t, "POST", group+"/account/"+ann.ID+"/demote", ""), 400, 9, "superadmin")
		want(t, admin.Do(t, "DELETE", account+"/group/"+made.Group, nil), 400, 9, "superadmin")
		admin.Must(t, "DELETE", "/account/"+bob.ID+"/group/"+made.Group, nil)
		if a := shows(group + "/member"); strings.Contains(a.Body, bob.ID) {
			t.Errorf("a removed member is there: %s", a.Body)
		}
		shows("/channel?type=3&group_id="+made.Group, `"code":7`, `"code":9`)

		// Notifications and messages.
		admin.Must(t, "POST", "/notification", `{"user_ids":["`+bob.ID+`"],"subject":"gift","content":{"gold":1},"code":17,"persistent":true}`)
		shows("/notification?user_id="+bob.ID, `"subject":"gift"`, `"code":17`)
		want(t, admin.Do(t, "POST", "/notification", `{"subject":"gift","code":-1}`), 400, 3, "code")
		admin.Must(t, "POST", "/notification", `{"subject":"season","content":{},"code":18,"persistent":true}`)
		servertest.Eventually(t, "everybody has it", func() bool {
			return strings.Contains(admin.Must(t, "GET", "/notification?user_id="+ann.ID, nil).Body, `"season"`)
		})
		shows("/audit/log?action=1", `"SendNotification"`, `\"code\":`[:6])
		want(t, admin.Do(t, "DELETE", "/message", nil), 400, 3, "ids")
		want(t, admin.Do(t, "DELETE", "/message?ids=x", nil), 400, 3, "message")
		var messages struct {
			Messages []struct {
				ID string `json:"message_id"`
			}
		}
		_ = json.Unmarshal([]byte(shows("/channel?type=2&label=lobby").Body), &messages)
		if a := admin.Must(t, "DELETE", "/message?ids="+messages.Messages[0].ID, nil); a.Body != `{"total":"1"}` {
			t.Errorf("deleted %s", a.Body)
		}
		if a := admin.Must(t, "DELETE", "/message?before=2100-01-01T00:00:00Z", nil); a.Get("total") == "0" {
			t.Errorf("deleted %s", a.Body)
		}
		shows("/channel?type=3&group_id="+made.Group, `"messages":[]`)
		log := shows("/audit/log?limit=100").Body
		for _, secret := range []string{"long enough", "custom-id-of-", "device-of-"} {
			if strings.Contains(log, secret) {
				t.Errorf("the audit log has %q, with which a player signs in", secret)
			}
		}
	}, servertest.Module("index.js", consoleGame))
}
