package test

import (
	"net/url"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// nakamaModule is for what clients cannot read or do.
func nakamaModule() servertest.Option {
	return servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_rpc(function(ctx) return nk.json_encode((nk.wallet_ledger_list(ctx.user_id, 10))) end, "ledger")
		nk.register_rpc(function(ctx, query) return nk.json_encode(nk.sql_query(query)) end, "sql")
		nk.register_rpc(function(ctx, id) nk.wallet_update(id, { coins = 120, gems = 3 }, { reason = "gift" }, true) end, "gift")
		nk.register_rpc(function(ctx)
			nk.leaderboard_create("monthly", false, "desc", "best", "0 0 1 * *", { mode = "ranked" }, true)
			nk.leaderboard_create("plain", false, "desc", "best", nil, nil, true)
			nk.tournament_create("cup", false, "desc", "best", 3600, nil, { k = "v" }, "Cup", "Text", 116, nil, nil, 50, 3, false, true)
			nk.tournament_create("tiny", false, "desc", "best", 3600, nil, nil, "Tiny", "Text", 7, nil, nil, 1, nil, true, true)
		end, "boards")
		nk.register_rpc(function(ctx)
			local p = nk.purchases_list(ctx.user_id)[1]
			return table.concat({ p.product_id, nk.purchase_get_by_transaction_id(p.transaction_id).transaction_id, p.environment }, " ")
		end, "bought")
		nk.register_rpc(function(ctx, id) nk.account_delete_id(id, true) end, "delete")
		nk.register_rpc(function(ctx, id) nk.users_ban_id({ id }) end, "ban")
		nk.register_rpc(function(ctx, id) nk.notification_send(id, "Hello", { n = 1 }, 7, nil, true) end, "notify")`)
}

// checked returns a function that makes a call as a player, and checks that it succeeds
// and that its response has all of the texts.
func checked(t *testing.T, u *servertest.User) func(method, path, body string, want ...string) servertest.Answer {
	return func(method, path, body string, want ...string) servertest.Answer {
		t.Helper()
		a := u.Do(t, method, path, body)
		if a.Status != 200 {
			t.Errorf("%s, %s %s: %d %s", u.Username, method, path, a.Status, a.Body)
		}
		for _, part := range want {
			if !strings.Contains(a.Body, part) {
				t.Errorf("%s, %s %s: %.3000s lacks %s", u.Username, method, path, a.Body, part)
			}
		}
		return a
	}
}

// findNakamaData signs in as players of the database that Nakama wrote, and finds every
// kind of data in it. It changes nothing.
func findNakamaData(t *testing.T, srv *servertest.Server) {
	t.Helper()
	const (
		aliceID = "7a4d0482-fa96-4cca-ae15-343a6aa78c33"
		bobID   = "ef77cc39-3068-477f-998f-1dd0bd4fca21"
		knights = "58e98e06-4944-4988-8d4c-6cb4ab086ecf"
	)
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		ways := map[string]string{"custom": `{"id":"custom-of-` + name + `"}`, "device": `{"id":"device-of-` + name + `-000001"}`}
		if name == "alice" { // the others have passwords too, but each takes half a second
			ways["email"] = `{"email":"alice@example.com","password":"alice-password"}`
		}
		for how, body := range ways {
			if u := srv.Authenticate(t, how+"?create=false", body); u.Username != name {
				t.Errorf("%s by %s: signed in as %s", name, how, u.Username)
			}
		}
	}
	if a := srv.Do(t, "POST", "/v2/account/authenticate/email?create=false", servertest.ServerKey, `{"email":"bob@example.com","password":"alice-password"}`); a.Status != 401 {
		t.Errorf("a wrong password: %d %s", a.Status, a.Body)
	}
	as := func(custom string) func(method, path, body string, want ...string) servertest.Answer {
		t.Helper()
		return checked(t, srv.Authenticate(t, "custom?create=false", `{"id":"`+custom+`"}`))
	}
	alice, bob, carol, dave := as("custom-of-alice"), as("custom-of-bob"), as("custom-of-carol"), as("custom-of-dave")

	// Users, with devices, wallets and identities.
	alice("GET", "/v2/account", "", `"display_name":"Alice"`, `"avatar_url":"https://example.com/a.png"`, `"lang_tag":"en"`, `"location":"Utrecht"`, `"timezone":"Europe/Amsterdam"`,
		`"wallet":"{\"gems\": 3, \"coins\": 120}"`, `"email":"alice@example.com"`, `"custom_id":"custom-of-alice"`, `"devices":[{"id":"device-of-alice-000001"}]`, `"edge_count":2`,
		`"create_time":"2026-11-28T13:57:52Z"`, `"update_time":"2026-11-28T13:57:59Z"`, `"metadata":"{}"`)
	bob("GET", "/v2/account", "", `"facebook_id":"fb-1"`, `"google_id":"google-1"`, `"gamecenter_id":"gc-1"`, `"steam_id":"76561190000000001"`, `"apple_id":"apple-1"`)
	bob("GET", "/v2/user?usernames=u-da9ab2dc742360fd&usernames=u-b3b81c3c64ffdeda&facebook_ids=fb-1", "", `{\"level\": 7, \"nested\": {\"a\": [1, 2]}}`, `"lang_tag":"fr"`, `"username":"bob"`)

	// Friends, in all states.
	alice("GET", "/v2/friend", "", `"username":"bob"`, `"state":0`, `"username":"carol"`, `"state":2`)
	bob("GET", "/v2/friend", "", `"username":"alice"`, `"state":0`)
	carol("GET", "/v2/friend", "", `"username":"alice"`, `"state":1`)
	dave("GET", "/v2/friend", "", `"username":"alice"`, `"state":3`)

	// Groups and their members.
	alice("GET", "/v2/user/"+aliceID+"/group", "", `"name":"Knights"`, `"description":"of the round table"`, `"avatar_url":"x"`, `"edge_count":2`, `"max_count":50`, `"open":false`, `"state":0`)
	alice("GET", "/v2/group/"+knights+"/user", "", `"username":"alice"`, `"username":"bob"`, `"state":2`, `"username":"carol"`, `"state":3`)
	alice("GET", "/v2/group?name=g_lua%25", "", `"metadata":"{\"by\": \"lua\"}"`, `"open":true`)

	// Chat: in rooms, groups and between two, and what happened in groups.
	alice("GET", "/v2/channel/2...lobby?limit=5", "", `{\"text\": \"hello 0\"}`, `{\"text\": \"hello 2\"}`, `"room_name":"lobby"`)
	alice("GET", "/v2/channel/4."+aliceID+"."+bobID+".?limit=5", "", `{\"text\": \"psst\"}`)
	bob("GET", "/v2/channel/3."+knights+"..?limit=5", "", `{\"text\": \"knights!\"}`, `"code":4`, `"username":"bob"`)
	alice("GET", "/v2/channel/2...room-1fe70e0a5924c032?limit=2&forward=true", "", `{\"n\": 0}`, `{\"n\": 1}`, `"next_cursor":"`)

	// Notifications, of the system and of modules.
	alice("GET", "/v2/notification?limit=10", "", `bob accepted your friend request`, `"code":-3`, `carol wants to add you as a friend`, `"code":-2`, `User bob wants to join your group`, `"code":-5`)
	bob("GET", "/v2/notification?limit=10", "", `You've been added to group Knights`, `"code":-4`, `alice wants to chat`, `"code":-1`, `{\"username\": \"alice\"}`)

	// Storage: own objects, those of others, those of the server.
	alice("GET", "/v2/storage/saves/"+aliceID, "", `"key":"slot1"`, `"version":"7f3f3b72e473dad3e08a247857bbb709"`, `"permission_read":2`, `"permission_write":1`,
		`{\"name\": \"alice\", \"level\": 7, \"nested\": {\"e\": 1000000000000000000000, \"f\": 1.5, \"n\": null, \"big\": 9007199254740992, \"list\": [1, 2, {\"ü\": \"日本\"}]}}`)
	bob("GET", "/v2/storage/saves/"+aliceID, "", `"key":"slot1"`)
	bob("POST", "/v2/storage", `{"object_ids":[{"collection":"acc_ends","key":"t-587b7ab68fdfb61a"}]}`, `{\"end\": 1795874227, \"size\": 0, \"reset\": 1795877825, \"runtime\": \"go\"}`)
	bob("GET", "/v2/storage/public-3d3936ff6d5174b7?limit=10", "", `"objects":[{"collection":"public-3d3936ff6d5174b7","key":"public","user_id":"6f2c5395-1f8c-4e2c-809f-c6a63a4cc4fb"`)
	as("custom-dc2fe003fd57b042")("GET", "/v2/storage/"+url.PathEscape("'; DROP TABLE users; --")+"/05bb3707-d1f1-400b-a2aa-e7416fdcbcfa", "", `{\"evil\": \"'; DROP TABLE users; --\"}`)

	// Leaderboards and tournaments, with records of several periods.
	alice("GET", "/v2/leaderboard/weekly_score?limit=3&expiry=4070908800&owner_ids="+aliceID, "", `"score":"1005","subscore":"3","num_score":2`, `"metadata":"{\"car\": \"red\"}"`,
		`"rank":"1"`, `"max_num_score":1000000`, `"rank_count":"3"`)
	alice("GET", "/v2/leaderboard/weekly_score/owner/"+bobID+"?limit=1&expiry=4070908800", "", `"username":"bob"`, `"rank":"3"`)
	alice("GET", "/v2/tournament?limit=100", "", `"category":116`, `"max_num_score":3`, `"title":"Title t-7c95cec639eda388"`, `"description":"Text"`, `{\"k\": \"v\"}`)
	alice("GET", "/v2/tournament/t-fefc7b18e05332f9", "", `"score":"20"`, `"num_score":2`, `"rank":"1"`)

	// Purchases and subscriptions.
	alice("GET", "/v2/iap/subscription/com.example.pass", "", `"original_transaction_id":"100000000000001"`, `"provider_response":"{\"a\": 1}"`, `"active":true`, `"user_id":"`+aliceID+`"`)
	alice("POST", "/v2/iap/subscription", `{}`, `"product_id":"com.example.pass"`)
	alice("POST", "/v2/rpc/bought", `""`, `com.example.gems GPA.0001 SANDBOX`, `"payload":"com`)

	// What modules wrote, and what the console did.
	alice("POST", "/v2/rpc/ledger", `""`, `gift`, `\"coins\":120`)
	for query, want := range map[string]string{
		"SELECT username, email, acl->'acl'->'ACCOUNT'->>'write' AS write FROM console_user WHERE username = 'operator1'": `\"write\":\"true\"`,
		"SELECT name, description, acl->'acl'->'ACCOUNT'->>'read' AS read FROM console_acl_template":                      `support people`,
		"SELECT count(*) AS n FROM console_audit_log WHERE action = 'CREATE' AND metadata->>'username' = 'operator1'":     `\"n\":1`,
		"SELECT value::text AS v FROM setting WHERE name = 'utc_toggle'":                                                  `\"v\":\"true\"`,
		"SELECT note FROM users_notes":                                       `a friendly player`,
		"SELECT count(*) AS n FROM group_edge WHERE state = 4":               `\"n\":1`, // banned
		"SELECT count(*) AS n FROM users":                                    `\"n\":571`,
		"SELECT count(*) AS n FROM storage":                                  `\"n\":746`,
		"SELECT raw_response->>'orderId' AS o FROM purchase":                 `GPA.0001`,
		"SELECT original_transaction_id AS o FROM subscription":              `100000000000001`,
		"SELECT length(password) AS n FROM users WHERE id = '" + bobID + "'": `\"n\":60`,
	} {
		alice("POST", "/v2/rpc/sql", `"`+query+`"`, want)
	}
}
