package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kumi/server/servertest"
)

const consoleGame = `
function InitModule(ctx, logger, nk, initializer) {
	initializer.registerRpc("fill", (ctx, logger, nk, payload) => {
		const id = ctx.userId;
		nk.walletUpdate(id, { gold: 10 }, { why: "a" }, true);
		nk.walletUpdate(id, { gold: -3 }, { why: "b" }, true);
		nk.storageWrite([{ collection: "bag", key: "sword_1", userId: id, value: { n: 1 } }, { collection: "bag", key: "sword_2", userId: id, value: { n: 2 } },
			{ collection: "save", key: "slot", userId: id, value: { level: 3 } }, { collection: "world", key: "map", value: {} }]);
		nk.leaderboardCreate("points", true, "desc", "best", "0 0 * * *", { season: 1 });
		nk.leaderboardRecordWrite("points", id, ctx.username, 42);
		nk.tournamentCreate("cup", true, "asc", "set", 3600, null, { a: 1 }, "Cup", "A cup", 7, 0, 0, 100, 3, true);
		nk.notificationSend(id, "hello", { a: 1 }, 5, null, true);
		nk.notificationSend(id, "again", { a: 2 }, 6, null, true);
		const group = nk.groupCreate(id, "guild", id, "en", "a guild", "", true, { level: 1 }, 10);
		nk.channelMessageSend(nk.channelIdBuild(id, "lobby", 1), { text: "hi" }, id, ctx.username, true);
		return JSON.stringify({ group: group.id, match: nk.matchCreate("arena", {}) });
	});
	initializer.registerMatch("arena", {
		matchInit: (ctx, logger, nk, params) => ({ state: { round: 1 }, tickRate: 5, label: "open" }),
		matchJoinAttempt: (ctx, logger, nk, dispatcher, tick, state, presence, metadata) => ({ state, accept: true }),
		matchJoin: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
		matchLeave: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
		matchLoop: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
		matchTerminate: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
		matchSignal: (ctx, logger, nk, dispatcher, tick, state, data) => ({ state, data }),
	});
}`

// Everything that a game stores can be read, and some of it deleted, by those who may.
func TestConsoleData(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		admin := srv.ConsoleAdmin()
		ann, bob := srv.User(t, "ann"), srv.User(t, "bob")
		payload, a := ann.RPC(t, "fill", "")
		if a.Status != http.StatusOK {
			t.Fatal(a.Body)
		}
		var made struct{ Group, Match string }
		if err := json.Unmarshal([]byte(payload), &made); err != nil {
			t.Fatal(err)
		}
		bob.Do(t, "POST", "/v2/friend?ids="+ann.ID, "")
		bob.Do(t, "PUT", "/v2/account", `{"display_name":"Big <Bob>_100%"}`)
		get := func(path string, parts ...string) servertest.Answer {
			t.Helper()
			a := admin.Must(t, "GET", path, nil)
			for _, part := range parts {
				if !strings.Contains(a.Body, part) {
					t.Errorf("GET %s lacks %s: %s", path, part, a.Body)
				}
			}
			return a
		}
		missing := func(path string, status, code int) {
			t.Helper()
			want(t, admin.Do(t, "GET", path, nil), status, code, "")
		}
		const nobody = "11111111-1111-4111-8111-111111111111"

		get("/account", ann.ID, bob.ID, `"total_count":3`, `"next_cursor":""`) // and the system user
		for filter, found := range map[string]int{
			"ann": 1, bob.ID: 1, "device-of-bob": 1, "nobody": 0, "Bob>_100%": 1, "<b": 0, "%nn": 1, "a%": 1, "%": 0, "%n%n%": 0, "b_b": 0,
		} {
			a := admin.Must(t, "GET", "/account?filter="+url.QueryEscape(filter), nil)
			if n := strings.Count(a.Body, `"username":`); n != found {
				t.Errorf("filter %s finds %d accounts: %s", filter, n, a.Body)
			}
		}
		get("/account/"+ann.ID, `"wallet":"{\"gold\": 7}"`, `"disable_time":null`, `"verify_time":null`)
		missing("/account/x", 400, 3)
		missing("/account/"+nobody, 404, 5)
		export := get("/account/"+ann.ID+"/export", `"sword_2"`, `"points"`, `"guild"`, `"again"`, `hi`, `"wallet_ledgers":[{`)
		if strings.Count(export.Body, `"changeset"`) != 2 {
			t.Errorf("the export has not the whole ledger: %s", export.Body)
		}
		get("/account/"+ann.ID+"/friend", bob.ID, `"state":2`, `Big \u003cBob\u003e_100%`[:4])
		get("/account/"+ann.ID+"/group", made.Group, `"state":0`)
		ledger := get("/account/"+ann.ID+"/wallet?limit=1", `{\"gold\": -3}`)
		next := get("/account/"+ann.ID+"/wallet?limit=1&cursor="+ledger.Get("next_cursor"), `{\"gold\": 10}`)
		get("/account/"+ann.ID+"/wallet?limit=1&cursor="+next.Get("prev_cursor"), `{\"gold\": -3}`)
		get("/account/"+ann.ID+"/wallet?limit=9&before=2020-01-01T00:00:00Z", `"items":[]`)
		missing("/account/"+ann.ID+"/wallet", 400, 3) // a limit is required

		get("/purchase?limit=10", `"validated_purchases":[]`)
		get("/purchase?filter=x", `"validated_purchases":[]`)
		get("/subscription?limit=10&user_id="+ann.ID+"&after=2020-01-01T00:00:00Z", `"validated_subscriptions":[]`)
		missing("/iap/purchase/x", 404, 5)
		missing("/iap/subscription/x", 404, 5)
		missing("/purchase", 400, 3)

		for filter, found := range map[string]int{"guild": 1, "GUI%25": 1, "gui": 0, made.Group: 1, "": 1, "%25_%25": 0} {
			if a := get("/group?filter=" + filter); strings.Count(a.Body, `"edge_count":1`) != found {
				t.Errorf("groups %s: %s", filter, a.Body)
			}
		}
		get("/group/"+made.Group, `"name":"guild"`, `"open":true`)
		get("/group/"+made.Group+"/member", ann.ID, `"state":0`)
		get("/group/"+made.Group+"/export", ann.ID, `"members":[{`)
		missing("/group/"+nobody, 404, 5)

		get("/channel?type=2&label=lobby", `{\"text\": \"hi\"}`)
		get("/channel?type=3&group_id="+made.Group, `"messages":[]`)
		get("/channel?type=4&user_id_one="+ann.ID+"&user_id_two="+bob.ID, `"messages":[]`)
		missing("/channel?label=lobby", 400, 3)

		notes := get("/notification?limit=1&user_id="+ann.ID, `"subject":"hello"`)
		get("/notification?limit=1&user_id="+ann.ID+"&cursor="+notes.Get("next_cursor"), `"subject":"again"`)
		all := get("/notification", `"sender_id":""`, `"persistent":true`)
		var list struct{ Notifications []struct{ ID string } }
		_ = json.Unmarshal([]byte(all.Body), &list)
		if len(list.Notifications) != 3 { // with that of the friend
			t.Errorf("notifications %s", all.Body)
		}
		id := list.Notifications[0].ID
		get("/notification/"+id, id)
		admin.Must(t, "DELETE", "/notification/"+id, nil)
		missing("/notification/"+id, 404, 5)

		if a := get("/storage/collections"); a.Body != `{"collections":["bag","save","world"]}` {
			t.Errorf("collections: %s", a.Body)
		}
		for query, found := range map[string]int{
			"": 4, "collection=bag": 2, "collection=bag&key=sword_1": 1, "collection=bag&key=sword%25": 2, "collection=bag&key=sword_2%25": 1,
			"collection=bag&key=SWORD%25": 0, "user_id=" + ann.ID: 3, "user_id=" + bob.ID: 0, "collection=save&user_id=" + ann.ID: 1,
			"collection=bag&key=sword_1&user_id=" + ann.ID: 1,
		} {
			if a := get("/storage?" + query); strings.Count(a.Body, `"key":`) != found || strings.Contains(a.Body, "value") {
				t.Errorf("objects of %s: %s", query, a.Body)
			}
		}
		missing("/storage?key=slot", 400, 3)
		missing("/storage?collection=bag&cursor=x", 400, 3)
		object := "/storage/save/slot/" + ann.ID
		version := get(object, `"value":"{\"level\": 3}"`).Get("version")
		want(t, admin.Do(t, "PUT", object, `{"value":"[1]"}`), 400, 3, "")
		want(t, admin.Do(t, "PUT", object, `{"value":"{}","version":"other"}`), 400, 3, "")
		admin.Must(t, "PUT", object, `{"value":"{\"level\":9007199254740993}","version":"`+version+`","permission_read":2,"permission_write":0}`)
		get(object, `9007199254740993`, `"permission_read":2`, `"permission_write":0`)
		admin.Must(t, "DELETE", object, nil)
		missing(object, 404, 5)
		want(t, admin.Do(t, "DELETE", "/storage/bag/sword_1/"+ann.ID+"/other", nil), 400, 3, "")

		get("/leaderboard", `"id":"cup"`, `"id":"points"`, `"total":2`, `"tournament":true`)
		get("/leaderboard/points", `"sort_order":1`, `"operator":0`, `"reset_schedule":"0 0 * * *"`, `"authoritative":true`, `"metadata":"{\"season\": 1}"`)
		get("/leaderboard/cup", `"title":"Cup"`, `"category":7`, `"max_size":100`, `"operator":1`, `"duration":3600`, `"join_required":true`)
		get("/leaderboard/points/records?limit=10", `"score":"42"`, `"rank":"1"`)
		missing("/leaderboard/other", 404, 5)
		admin.Must(t, "DELETE", "/leaderboard/points/owner/"+ann.ID, nil)
		get("/leaderboard/points/records?limit=10", `"records":[]`)
		admin.Must(t, "DELETE", "/leaderboard/cup", nil)
		missing("/leaderboard/cup", 404, 5)

		get("/match", made.Match, `"label":"open"`, `"handler_name":"arena"`, `"node":"nakama`[:8])
		get("/match?match_id="+made.Match, made.Match)
		get("/match?authoritative=true&query="+made.Match, made.Match)
		get("/match?node=elsewhere", `"matches":[]`)
		missing("/match?authoritative=false&label=open", 400, 3)
		get("/match/"+made.Match+"/state", `round`, `"presences":[]`, `"tick":"`)
		missing("/match/"+nobody+"./state", 400, 3)

		admin.Must(t, "POST", "/account/"+bob.ID+"/ban", "")
		if get("/account/"+bob.ID).Get("disable_time") == "" || bob.Do(t, "GET", "/v2/account", "").Status != http.StatusUnauthorized {
			t.Error("a banned player is not banned")
		}
		admin.Must(t, "POST", "/account/"+bob.ID+"/unban", "{}")
		get("/account/"+bob.ID, `"disable_time":null`)
		want(t, admin.Do(t, "POST", "/account/00000000-0000-0000-0000-000000000000/ban", ""), 400, 3, "system user")
		want(t, admin.Do(t, "POST", "/account/"+nobody+"/ban", ""), 404, 5, "")
		admin.Must(t, "DELETE", "/account/"+bob.ID+"?record_deletion=true", nil)
		get("/account?tombstones=true", bob.ID)
		get("/account?tombstones=true&filter="+ann.ID, `"users":[]`)
		admin.Must(t, "DELETE", "/group/"+made.Group, nil)
		missing("/group/"+made.Group, 404, 5)
		get("/audit/log?limit=100&action=3", `"DeleteAccount"`, `record_deletion`, `"DeleteStorageObject"`, `"DeleteGroup"`)
		get("/audit/log?action=6", `"ExportAccount"`, `"ExportGroup"`)
	}, servertest.Module("index.js", consoleGame))
}

// Pages have 50 accounts each, in order, and end.
func TestConsolePages(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console())
	for i := range 60 {
		srv.Do(t, "POST", "/v2/account/authenticate/device?create=true", servertest.ServerKey, fmt.Sprintf(`{"id":"device-number-%d"}`, i))
	}
	seen, cursor := map[string]bool{}, ""
	for page := 0; page == 0 || cursor != ""; page++ {
		a := srv.ConsoleAdmin().Must(t, "GET", "/account?cursor="+cursor, nil)
		var list struct {
			Users      []struct{ ID string }
			NextCursor string `json:"next_cursor"`
		}
		if err := json.Unmarshal([]byte(a.Body), &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Users) > 50 || page > 1 {
			t.Fatalf("page %d has %d accounts", page, len(list.Users))
		}
		for _, u := range list.Users {
			seen[u.ID] = true
		}
		cursor = list.NextCursor
	}
	if len(seen) != 61 { // with the system user
		t.Errorf("the pages have %d accounts, want 61", len(seen))
	}
}
