package test

import (
	"encoding/json"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// Operators end and signal matches, and make players leave them.
func TestConsoleOperatesMatches(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Console(), servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerMatch("room", {
				matchInit: () => ({ state: { left: 0 }, tickRate: 10, label: "room" }),
				matchJoinAttempt: (ctx, logger, nk, dispatcher, tick, state) => ({ state, accept: true }),
				matchJoin: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
				matchLeave: (ctx, logger, nk, dispatcher, tick, state, gone) => {
					state.left += gone.length;
					dispatcher.broadcastMessage(1, "left " + gone.map((p) => p.username));
					return { state };
				},
				matchLoop: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
				matchTerminate: (ctx, logger, nk, dispatcher, tick, state, grace) => { dispatcher.broadcastMessage(2, "closing in " + grace); return { state }; },
				matchSignal: (ctx, logger, nk, dispatcher, tick, state, data) => ({ state, data: data + " " + state.left }),
			});
			initializer.registerRpc("make", (ctx, logger, nk) => nk.matchCreate("room"));
		}`))
	admin := srv.ConsoleAdmin()
	id, _ := srv.RPC(t, "make", "")
	match := "/match/" + id
	ann, bob := srv.User(t, "ann"), srv.User(t, "bob")
	stays, goes := ann.Socket(t), bob.Socket(t)
	stays.Call(t, "match_join", `{"match_id":"`+id+`"}`)
	goes.Call(t, "match_join", `{"match_id":"`+id+`"}`)

	if a := admin.Must(t, "POST", match+"/signal", `{"data":"how many left?"}`); a.Get("data") != "how many left? 0" {
		t.Errorf("the answer is %s", a.Body)
	}
	want(t, admin.Do(t, "POST", match+"/kick", `{}`), 400, 3, "user_id or session_id")
	if a := admin.Must(t, "POST", match+"/kick", `{"user_id":"`+bob.ID+`"}`); a.Get("kicked") != "1" {
		t.Errorf("kicked %s", a.Body)
	}
	if text := matchText(t, stays); text != "left bob" {
		t.Errorf("the one who stays is told %q", text)
	}
	if a := admin.Must(t, "POST", match+"/signal", `{}`); a.Get("data") != " 1" {
		t.Errorf("the answer is %s", a.Body)
	}
	want(t, admin.Do(t, "POST", match+"/kick", `{"user_id":"`+bob.ID+`"}`), 404, 5, "not in the match")

	admin.Must(t, "POST", match+"/end", `{"grace_sec":60}`)
	if text := matchText(t, stays); text != "closing in 60" {
		t.Errorf("the match says %q", text)
	}
	admin.Must(t, "POST", match+"/end", "")
	servertest.Eventually(t, "the match ends", func() bool {
		return admin.Do(t, "POST", match+"/signal", `{}`).Status == 404 && !strings.Contains(admin.Must(t, "GET", "/match", nil).Body, id)
	})
	want(t, admin.Do(t, "POST", match+"/end", ""), 404, 5, "")

	// A match without a handler.
	made := stays.Call(t, "match_create", `{}`)
	var relayed struct {
		ID string `json:"match_id"`
	}
	_ = json.Unmarshal(made["match"], &relayed)
	goes.Call(t, "match_join", `{"match_id":"`+relayed.ID+`"}`)
	admin.Must(t, "POST", "/match/"+relayed.ID+"/kick", `{"user_id":"`+ann.ID+`"}`)
	admin.Must(t, "POST", "/match/"+relayed.ID+"/end", "")
	want(t, admin.Do(t, "POST", "/match/"+relayed.ID+"/end", ""), 404, 5, "")
	want(t, admin.Do(t, "POST", "/match/x/end", ""), 400, 3, "")
	if log := admin.Must(t, "GET", "/audit/log?resource=MATCH", nil).Body; !strings.Contains(log, "KickFromMatch") || !strings.Contains(log, "how many left?") {
		t.Errorf("the log is %s", log)
	}
}

// matchText returns the data of the next message of a match.
func matchText(t *testing.T, s *servertest.Socket) string {
	t.Helper()
	var m struct{ Data []byte }
	if err := json.Unmarshal(s.Expect(t, "match_data")["match_data"], &m); err != nil {
		t.Fatal(err)
	}
	return string(m.Data)
}

// Operators create and reset boards and write records; a reset keeps the records and
// calls the modules' handler.
func TestConsoleOperatesBoards(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, srv *servertest.Server) {
		admin, ann, bob := srv.ConsoleAdmin(), srv.User(t, "ann"), srv.User(t, "bob")
		a := admin.Must(t, "POST", "/leaderboard", `{"id":"daily","authoritative":true,"reset_schedule":"0 0 1 1 *","metadata":"{\"n\":9007199254740993}"}`)
		if a.Get("authoritative") != "true" || a.Get("sort_order") != "1" || !strings.Contains(a.Body, "9007199254740993") || a.Get("tournament") != "false" {
			t.Errorf("the leaderboard is %s", a.Body)
		}
		want(t, admin.Do(t, "POST", "/leaderboard", `{"id":"daily"}`), 409, 6, "daily")
		want(t, admin.Do(t, "POST", "/leaderboard", `{"id":"x","sort_order":"up"}`), 400, 3, "sort order")
		want(t, admin.Do(t, "POST", "/leaderboard", `{"id":"x","metadata":"[]"}`), 400, 3, "JSON object")
		a = admin.Must(t, "POST", "/leaderboard", `{"id":"cup","duration":3600,"title":"The Cup","max_size":2,"join_required":true}`)
		if a.Get("tournament") != "true" || a.Get("title") != "The Cup" || a.Get("max_size") != "2" {
			t.Errorf("the tournament is %s", a.Body)
		}

		for owner, score := range map[string]string{ann.ID: "30", bob.ID: "20"} {
			a := admin.Must(t, "POST", "/leaderboard/daily/owner/"+owner, `{"score":"`+score+`","metadata":"{\"by\":\"hand\"}"}`)
			if a.Get("score") != score || a.Get("owner_id") != owner {
				t.Errorf("the record is %s", a.Body)
			}
		}
		admin.Must(t, "POST", "/leaderboard/daily/owner/"+bob.ID, `{"score":5,"operator":3}`) // increment
		records := admin.Must(t, "GET", "/leaderboard/daily/records?limit=10", nil)
		if !strings.Contains(records.Body, `"score":"25"`) || !strings.Contains(records.Body, `"username":"bob"`) {
			t.Errorf("the records are %s", records.Body)
		}
		want(t, admin.Do(t, "POST", "/leaderboard/daily/owner/"+bob.ID, `{"score":-1}`), 400, 3, "Score")
		want(t, admin.Do(t, "POST", "/leaderboard/nothing/owner/"+bob.ID, `{"score":1}`), 404, 5, "")

		reset := admin.Must(t, "POST", "/leaderboard/daily/reset", "")
		if reset.Get("records") != "2" {
			t.Errorf("the reset is %s", reset.Body)
		}
		if a := admin.Must(t, "GET", "/leaderboard/daily/records?limit=10", nil); !strings.Contains(a.Body, `"records":[]`) {
			t.Errorf("after the reset there are %s", a.Body)
		}
		past := admin.Must(t, "GET", "/leaderboard/daily/records?limit=10&expiry="+reset.Get("reset_time"), nil)
		if strings.Count(past.Body, `"owner_id"`) != 2 || !strings.Contains(past.Body, `"rank":"2"`) {
			t.Errorf("the past records are %s", past.Body)
		}
		admin.Must(t, "POST", "/leaderboard/daily/owner/"+ann.ID, `{"score":1}`)
		if a := admin.Must(t, "GET", "/leaderboard/daily/records?limit=10", nil); !strings.Contains(a.Body, `"score":"1"`) || !strings.Contains(a.Body, `"rank":"1"`) {
			t.Errorf("the new records are %s", a.Body)
		}
		servertest.Eventually(t, "the handler of resets is called", func() bool {
			text, _ := ann.RPC(t, "resets", "")
			return text == `["daily: ann 30, bob 25"]`
		})
		want(t, admin.Do(t, "POST", "/leaderboard/nothing/reset", ""), 404, 5, "")

		// The wallet, with a ledger.
		wallet := "/account/" + ann.ID + "/wallet"
		a = admin.Must(t, "POST", wallet, `{"changeset":{"gold":"9007199254740993"},"metadata":"{\"why\":\"sorry\"}"}`)
		if a.Get("updated.gold") != "9007199254740993" {
			t.Errorf("the wallet is %s", a.Body)
		}
		a = admin.Must(t, "POST", wallet, `{"changeset":{"gold":-993}}`)
		if a.Get("previous.gold") != "9007199254740993" || a.Get("updated.gold") != "9007199254740000" {
			t.Errorf("the wallet is %s", a.Body)
		}
		want(t, admin.Do(t, "POST", wallet, `{"changeset":{"silver":-1}}`), 400, 3, "negative")
		want(t, admin.Do(t, "POST", wallet, `{}`), 400, 3, "empty")
		if a := admin.Must(t, "GET", wallet+"?limit=10", nil); strings.Count(a.Body, `\"operator\": \"admin\"`) != 2 || !strings.Contains(a.Body, `sorry`) {
			t.Errorf("the ledger is %s", a.Body)
		}
	}, servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerLeaderboardReset((ctx, logger, nk, board, reset) => {
				const list = nk.leaderboardRecordsList(board.id, [], 10, null, reset).records.map((r) => r.username + " " + r.score);
				nk.storageWrite([{collection: "resets", key: "r" + reset, userId: "00000000-0000-0000-0000-000000000000", value: {text: board.id + ": " + list.join(", ")}}]);
			});
			initializer.registerRpc("resets", (ctx, logger, nk) =>
				JSON.stringify(nk.storageList("00000000-0000-0000-0000-000000000000", "resets", 10).objects.map((o) => o.value.text)));
		}`))
}
