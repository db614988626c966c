package test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// party is a party as clients read it.
type party struct {
	PartyID      string `json:"party_id"`
	Open, Hidden bool
	MaxSize      int `json:"max_size"`
	Self, Leader json.RawMessage
	Presences    []json.RawMessage
	Label        string
}

func names(t *testing.T, list ...json.RawMessage) string {
	t.Helper()
	var all []string
	for _, raw := range list {
		var p struct{ Username string }
		if err := json.Unmarshal(raw, &p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p.Username)
	}
	return strings.Join(all, " ")
}

// partyEvent is who came to a party and who left.
func partyEvent(t *testing.T, s *servertest.Socket) string {
	t.Helper()
	e := decode[struct{ Joins, Leaves []json.RawMessage }](t, s.Expect(t, "party_presence_event"), "party_presence_event")
	return "+" + names(t, e.Joins...) + " -" + names(t, e.Leaves...)
}

// players are sockets of users with these names.
func players(t *testing.T, srv *servertest.Server, names ...string) (sockets []*servertest.Socket) {
	t.Helper()
	for _, n := range names {
		sockets = append(sockets, srv.User(t, n).Socket(t))
	}
	return sockets
}

func createParty(t *testing.T, s *servertest.Socket, body string) party {
	t.Helper()
	made := decode[party](t, s.Call(t, "party_create", body), "party")
	// The creator hears of the party twice, the second time as every member does.
	if pushed := decode[party](t, s.Expect(t, "party"), "party"); pushed.PartyID != made.PartyID || pushed.Label != "" || names(t, pushed.Self) == "" {
		t.Errorf("pushed to the creator: %+v", pushed)
	}
	partyEvent(t, s)
	return made
}

func with(id string, more ...string) string {
	return `{"party_id":"` + id + `"` + strings.Join(append([]string{""}, more...), ",") + `}`
}

func TestOpenParty(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t)
	all := players(t, srv, "ann", "ben", "cat", "dan")
	ann, ben, cat, dan := all[0], all[1], all[2], all[3]

	p := createParty(t, ann, `{"open":true,"max_size":3,"label":"{\"mode\":\"duo\"}"}`)
	if !strings.HasSuffix(p.PartyID, ".nakama") || len(p.PartyID) != 36+7 || !p.Open || p.Hidden || p.MaxSize != 3 || p.Label != `{"mode":"duo"}` ||
		names(t, p.Leader) != "ann" || names(t, p.Self) != "ann" || names(t, p.Presences...) != "ann" {
		t.Errorf("created %+v", p)
	}

	// A member at once; it reads the party, all read that it came.
	acknowledged(t, "join", ben.Call(t, "party_join", with(p.PartyID)))
	joined := decode[party](t, ben.Expect(t, "party"), "party")
	if names(t, joined.Presences...) != "ann ben" || names(t, joined.Self) != "ben" || names(t, joined.Leader) != "ann" || joined.Label != "" || !joined.Open || joined.MaxSize != 3 {
		t.Errorf("ben joined %+v", joined)
	}
	for _, s := range []*servertest.Socket{ann, ben} {
		if got := partyEvent(t, s); got != "+ben -" {
			t.Errorf("event of the join: %s", got)
		}
	}
	acknowledged(t, "join again", ben.Call(t, "party_join", with(p.PartyID)))
	acknowledged(t, "join", cat.Call(t, "party_join", with(p.PartyID)))
	if got := decode[party](t, cat.Expect(t, "party"), "party"); names(t, got.Presences...) != "ann ben cat" {
		t.Errorf("cat joined %+v", got)
	}
	refused(t, "a full party", dan.Call(t, "party_join", with(p.PartyID)), 3, "Error joining party: party full")

	// Data goes to the others, encoded as it came.
	acknowledged(t, "data", ben.Call(t, "party_data_send", with(p.PartyID, `"op_code":"9007199254740993","data":"aGk="`)))
	for _, s := range []*servertest.Socket{ann, cat} {
		e := s.Expect(t, "party_data")
		if e.Field("party_data", "data") != "aGk=" || e.Field("party_data", "op_code") != "9007199254740993" || e.Field("party_data", "party_id") != p.PartyID ||
			!strings.Contains(string(e["party_data"]), `"ben"`) {
			t.Errorf("data %s", e)
		}
	}
	refused(t, "data of a stranger", dan.Call(t, "party_data_send", with(p.PartyID)), 3, "Error sending party data: party member not found")
	ben.Call(t, "ping", `{}`)
	if e, ok := ben.Pushed("party_data"); ok {
		t.Errorf("the sender got its own data: %s", e)
	}

	// The leader leaves: the oldest member leads.
	acknowledged(t, "leave", ann.Call(t, "party_leave", with(p.PartyID)))
	for _, s := range []*servertest.Socket{ben, cat} {
		if got := decode[struct{ Presence json.RawMessage }](t, s.Expect(t, "party_leader"), "party_leader"); names(t, got.Presence) != "ben" {
			t.Errorf("leader %s", got.Presence)
		}
	}
	acknowledged(t, "leave again", ann.Call(t, "party_leave", with(p.PartyID)))
	// A lost connection is a leave; the last one ends the party.
	ben.Close()
	if got := decode[struct{ Presence json.RawMessage }](t, cat.Expect(t, "party_leader"), "party_leader"); names(t, got.Presence) != "cat" {
		t.Errorf("leader %s", got.Presence)
	}
	acknowledged(t, "the last leaves", cat.Call(t, "party_leave", with(p.PartyID)))
	refused(t, "join a party that is gone", dan.Call(t, "party_join", with(p.PartyID)), 3, "Error joining party: party not found")
}

func TestClosedParty(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t)
	all := players(t, srv, "ann", "ben", "cat", "dan")
	ann, ben, cat, dan := all[0], all[1], all[2], all[3]
	p := createParty(t, ann, `{"max_size":2}`)
	if p.Open || p.Label != "" {
		t.Errorf("created %+v", p)
	}
	presence := func(raw json.RawMessage) string { return `"presence":` + string(raw) }
	request := func() json.RawMessage {
		t.Helper()
		r := decode[struct {
			PartyID   string `json:"party_id"`
			Presences []json.RawMessage
		}](t, ann.Expect(t, "party_join_request"), "party_join_request")
		if r.PartyID != p.PartyID || len(r.Presences) != 1 {
			t.Fatalf("request %+v", r)
		}
		return r.Presences[0]
	}
	listed := func() string {
		t.Helper()
		r := decode[struct{ Presences []json.RawMessage }](t, ann.Call(t, "party_join_request_list", with(p.PartyID)), "party_join_request")
		return names(t, r.Presences...)
	}

	acknowledged(t, "ask", ben.Call(t, "party_join", with(p.PartyID)))
	asBen := request()
	refused(t, "ask again", ben.Call(t, "party_join", with(p.PartyID)), 3, "party join request duplicate")
	refused(t, "a member asks", ann.Call(t, "party_join", with(p.PartyID)), 3, "already member")
	acknowledged(t, "another asks", cat.Call(t, "party_join", with(p.PartyID)))
	asCat := request()
	refused(t, "too many ask", dan.Call(t, "party_join", with(p.PartyID)), 3, "party join requests full")
	if got := listed(); got != "ben cat" {
		t.Errorf("requests of %q", got)
	}

	// Only the leader decides.
	for _, kind := range []string{"party_accept", "party_remove", "party_promote"} {
		refused(t, kind+" by another", ben.Call(t, kind, with(p.PartyID, presence(asBen))), 3, "party leader only")
		for _, bad := range []string{``, `"presence":{}`, `"presence":{"user_id":"x","session_id":"x"}`} {
			body := with(p.PartyID, bad)
			if bad == "" {
				body = with(p.PartyID)
			}
			refused(t, kind+" of "+bad, ann.Call(t, kind, body), 3, "Invalid presence")
		}
		refused(t, kind+" in a bad party", ann.Call(t, kind, with("x", presence(asBen))), 3, "Invalid party ID")
		refused(t, kind+" in no party", ann.Call(t, kind, with("8d6d6cb8-9f1c-4b9c-b1a4-0a6f7e0f7a11.nakama", presence(asBen))), 3, "party not found")
	}
	for _, kind := range []string{"party_close", "party_join_request_list", "party_update"} {
		refused(t, kind+" by another", ben.Call(t, kind, with(p.PartyID)), 3, "party leader only")
		refused(t, kind+" of a bad party", ann.Call(t, kind, with("x")), 3, "Invalid party ID")
	}
	wrongName := strings.Replace(string(asBen), `"ben"`, `"bem"`, 1)
	refused(t, "accept under another name", ann.Call(t, "party_accept", with(p.PartyID, presence(json.RawMessage(wrongName)))), 3, "party join request not found")

	acknowledged(t, "reject", ann.Call(t, "party_remove", with(p.PartyID, presence(asCat))))
	acknowledged(t, "accept", ann.Call(t, "party_accept", with(p.PartyID, presence(asBen))))
	if got := decode[party](t, ben.Expect(t, "party"), "party"); names(t, got.Presences...) != "ann ben" || names(t, got.Self) != "ben" {
		t.Errorf("accepted into %+v", got)
	}
	if got := partyEvent(t, ann); got != "+ben -" {
		t.Errorf("event of the accepted: %s", got)
	}
	if got := listed(); got != "" {
		t.Errorf("requests left of %q", got)
	}
	refused(t, "ask to join a full party", dan.Call(t, "party_join", with(p.PartyID)), 3, "party full")
	refused(t, "promote a stranger", ann.Call(t, "party_promote", with(p.PartyID, presence(asCat))), 3, "Error promoting new party leader: party member not found")
	refused(t, "remove a stranger", ann.Call(t, "party_remove", with(p.PartyID, presence(asCat))), 3, "party member not found")
	refused(t, "remove oneself", ann.Call(t, "party_remove", with(p.PartyID, presence(p.Self))), 3, "party cannot remove self")

	// Promoted, the other decides.
	acknowledged(t, "promote", ann.Call(t, "party_promote", with(p.PartyID, presence(asBen))))
	for _, s := range []*servertest.Socket{ann, ben} {
		if got := decode[struct{ Presence json.RawMessage }](t, s.Expect(t, "party_leader"), "party_leader"); names(t, got.Presence) != "ben" {
			t.Errorf("leader %s", got.Presence)
		}
	}
	refused(t, "remove by the former leader", ann.Call(t, "party_remove", with(p.PartyID, presence(asBen))), 3, "party leader only")
	acknowledged(t, "remove", ben.Call(t, "party_remove", with(p.PartyID, presence(p.Self))))
	if e := ann.Expect(t, "party_close"); e.Field("party_close", "party_id") != p.PartyID {
		t.Errorf("removed: %s", e)
	}
	if got := partyEvent(t, ben); got != "+ben -" { // its own join comes first
		t.Errorf("event %s", got)
	}
	if got := partyEvent(t, ben); got != "+ -ann" {
		t.Errorf("event of the removed: %s", got)
	}

	// Who is gone cannot be accepted.
	acknowledged(t, "ask", dan.Call(t, "party_join", with(p.PartyID)))
	asDan := decode[struct{ Presences []json.RawMessage }](t, ben.Expect(t, "party_join_request"), "party_join_request").Presences[0]
	ben.Call(t, "status_follow", `{"usernames":["dan"]}`)
	dan.Call(t, "status_update", `{"status":""}`)
	ben.Expect(t, "status_presence_event")
	dan.Close()
	ben.Expect(t, "status_presence_event")
	refused(t, "accept who is gone", ben.Call(t, "party_accept", with(p.PartyID, presence(asDan))), 3, "party could not accept request")

	acknowledged(t, "close", ben.Call(t, "party_close", with(p.PartyID)))
	if e := ben.Expect(t, "party_close"); e.Field("party_close", "party_id") != p.PartyID {
		t.Errorf("closed: %s", e)
	}
	refused(t, "close again", ben.Call(t, "party_close", with(p.PartyID)), 3, "party not found")
}

func TestPartyLabels(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t)
	all := players(t, srv, "ann", "ben")
	ann, ben := all[0], all[1]
	long := `{\"a\":\"` + strings.Repeat("x", 2048) + `\"}`
	for body, text := range map[string]string{
		`{"max_size":257}`:                      "must be 1-256",
		`{"max_size":-1}`:                       "must be 1-256",
		`{"max_size":2,"label":"word"}`:         "failed to unmarshal party label",
		`{"max_size":2,"label":"[1]"}`:          "failed to unmarshal party label",
		`{"max_size":2,"label":"` + long + `"}`: "party label too long",
	} {
		refused(t, body, ann.Call(t, "party_create", body), 3, text)
	}
	nobody := decode[party](t, ann.Call(t, "party_create", `{"open":true,"max_size":0,"hidden":true,"label":"{\"a\":1}"}`), "party")
	if nobody.MaxSize != 0 || !nobody.Hidden || nobody.Label != `{"a":1}` {
		t.Errorf("created %+v", nobody)
	}
	if e, told := ann.Pushed("party"); told {
		t.Errorf("the leader of a party for nobody was told %s", e["party"])
	}
	// No label is an absent field, in answers and pushes; null is as good.
	for body, want := range map[string]string{`{"max_size":2}`: "", `{"max_size":2,"label":""}`: "", `{"max_size":2,"label":"null"}`: "null"} {
		made := ann.Call(t, "party_create", body)
		var fields map[string]any
		if err := json.Unmarshal(made["party"], &fields); err != nil {
			t.Fatalf("%s: %v", body, made)
		}
		if label, has := fields["label"]; has != (want != "") || has && label != want {
			t.Errorf("%s: created with label %v", body, label)
		}
		ann.Expect(t, "party")
		partyEvent(t, ann)
		acknowledged(t, "update", ann.Call(t, "party_update", with(fields["party_id"].(string), `"open":true`)))
		if e := ann.Expect(t, "party_update"); strings.Contains(string(e["party_update"]), "label") {
			t.Errorf("updated without a label: %s", e["party_update"])
		}
	}
	refused(t, "a party for nobody", ben.Call(t, "party_join", with(nobody.PartyID)), 3, "party full")

	p := createParty(t, ann, `{"open":true,"max_size":5}`)
	ben.Call(t, "party_join", with(p.PartyID))
	refused(t, "hidden with a label", ann.Call(t, "party_update", with(p.PartyID, `"hidden":true,"label":"{\"a\":1}"`)), 3, "Error updating party: party is hidden and label is not empty")
	refused(t, "a bad label", ann.Call(t, "party_update", with(p.PartyID, `"label":"1"`)), 3, "failed to unmarshal party label")
	refused(t, "a long label", ann.Call(t, "party_update", with(p.PartyID, `"label":"`+long+`"`)), 3, "party label too long")
	acknowledged(t, "hide", ann.Call(t, "party_update", with(p.PartyID, `"hidden":true,"label":"{}"`)))
	for _, s := range []*servertest.Socket{ann, ben} {
		if got := decode[party](t, s.Expect(t, "party_update"), "party_update"); got.PartyID != p.PartyID || got.Open || !got.Hidden || got.Label != "{}" {
			t.Errorf("updated to %+v", got)
		}
	}
}

func TestPartyList(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("js", (ctx, logger, nk) => {
				const first = nk.partyList(2, null, true);
				const second = nk.partyList(2, null, true, "", first.cursor);
				const typed = nk.partyList(10, true, "+label.n:3");
				return JSON.stringify([first.parties.length, second.parties.map((p) => [typeof p.partyId, p.open, p.maxSize, p.label]), typed.parties.length]);
			});
			initializer.registerRpc("js_bad", (ctx, logger, nk) => nk.partyList(101, null, true).cursor);
		}`), servertest.Module("main.lua", `
		local nk = require("nakama")
		nk.register_rpc(function()
			local first, cursor = nk.party_list(3, nil, false, "label.n:>=1")
			local second = nk.party_list(3, nil, false, "label.n:>=1", cursor)
			return nk.json_encode({#first, #second, first[1].match_id == first[1].party_id, first[1].maxSize})
		end, "lua")`))
	s := srv.User(t, "owner").Socket(t)
	ids := map[string]string{}
	for n := 1; n <= 5; n++ {
		p := createParty(t, s, fmt.Sprintf(`{"open":%t,"max_size":%d,"hidden":%t,"label":"{\"n\":%d,\"mode\":\"%s\"}"}`, n%2 == 1, n, n == 5, n, []string{"", "duo", "duo", "trio", "trio", "x"}[n]))
		ids[p.PartyID] = fmt.Sprint(n)
	}
	user := srv.User(t, "looker")
	list := func(query string) (string, string) {
		t.Helper()
		a := user.Do(t, "GET", "/v2/party?"+query, "")
		var body struct {
			Parties []struct {
				PartyID string `json:"party_id"`
			}
			Cursor string
		}
		if err := json.Unmarshal([]byte(a.Body), &body); err != nil || a.Status != 200 {
			t.Fatalf("list %s: %d %s", query, a.Status, a.Body)
		}
		var got []string
		for _, p := range body.Parties {
			got = append(got, ids[p.PartyID])
		}
		return strings.Join(got, ""), body.Cursor
	}
	for query, want := range map[string]string{
		"": "4321", "open=true": "31", "open=false": "42", "limit=2": "43",
		"query=" + url.QueryEscape("+label.mode:duo"):                   "21",
		"query=" + url.QueryEscape("label.n:1^3 label.n:<4"):            "132",
		"query=" + url.QueryEscape("+open:T +max_size:>=2"):             "3",
		"query=" + url.QueryEscape("+hidden:T"):                         "",
		"query=" + url.QueryEscape("-label.mode:duo") + "&open=false":   "4",
		"query=" + url.QueryEscape("+node:nakama +create_time:>100000"): "4321",
	} {
		if got, _ := list(query); got != want {
			t.Errorf("%s lists %q, want %q", query, got, want)
		}
	}
	// Pages, with open=false as without.
	for _, query := range []string{"limit=1", "limit=1&open=false", "limit=1&open=true", "limit=1&query=" + url.QueryEscape("label.n:2 label.n:>0")} {
		all, _ := list(strings.Replace(query, "limit=1", "limit=9", 1))
		var got string
		for cursor, pages := "", 0; pages < 9; pages++ {
			page, next := list(query + "&cursor=" + cursor)
			got += page
			if cursor = next; cursor == "" {
				break
			}
		}
		if got != all || got == "" {
			t.Errorf("%s pages through %q, want %q", query, got, all)
		}
	}
	_, cursor := list("limit=1&open=false")
	for _, query := range []string{
		"limit=1&cursor=" + cursor, "limit=1&open=true&cursor=" + cursor, "limit=2&open=false&cursor=" + cursor,
		"limit=1&open=false&query=a:b&cursor=" + cursor, "cursor=x",
	} {
		if a := user.Do(t, "GET", "/v2/party?"+query, ""); a.Status != 400 || a.Code() != 3 {
			t.Errorf("%s: %d %s, want 400 with code 3", query, a.Status, a.Body)
		}
	}
	if a := user.Do(t, "GET", "/v2/party?query="+url.QueryEscape("label.n:"), ""); a.Status != 500 || a.Code() != 13 {
		t.Errorf("a bad query: %d %s, want 500 with code 13", a.Status, a.Body)
	}
	for _, query := range []string{"limit=0", "limit=101"} {
		if a := user.Do(t, "GET", "/v2/party?"+query, ""); a.Status != 400 || a.Code() != 3 {
			t.Errorf("%s: %d %s, want 400 with code 3", query, a.Status, a.Body)
		}
	}
	if got, a := user.RPC(t, "js", ""); got != `[2,[["string",true,3,"{\"n\":3,\"mode\":\"trio\"}"],["string",false,2,"{\"n\":2,\"mode\":\"duo\"}"]],1]` {
		t.Errorf("JavaScript lists %s", a.Body)
	}
	if got, a := user.RPC(t, "lua", ""); got != `[3,1,true,4]` {
		t.Errorf("Lua lists %s", a.Body)
	}
	if _, a := user.RPC(t, "js_bad", ""); !strings.Contains(a.Body, "limit") {
		t.Errorf("a bad limit gave %d %s", a.Status, a.Body)
	}
}

// With single_party a session is in one party: the last one it joined.
func TestSingleParty(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Flags("--session.single_socket", "--session.single_party"))
	all := players(t, srv, "ann", "ben")
	ann, ben := all[0], all[1]
	first := createParty(t, ann, `{"open":true,"max_size":5}`)
	ben.Call(t, "party_join", with(first.PartyID))
	ben.Expect(t, "party")
	if got := partyEvent(t, ann); got != "+ben -" {
		t.Errorf("event %s", got)
	}
	second := decode[party](t, ben.Call(t, "party_create", `{"open":true,"max_size":5}`), "party")
	if got := partyEvent(t, ann); got != "+ -ben" {
		t.Errorf("ben made another party: %s", got)
	}
	acknowledged(t, "join", ann.Call(t, "party_join", with(second.PartyID)))
	ann.Expect(t, "party")
	refused(t, "join the party all left", ben.Call(t, "party_join", with(first.PartyID)), 3, "party not found")

	third := createParty(t, ann, `{"max_size":5}`)
	ben.Call(t, "party_join", with(third.PartyID))
	asBen := decode[struct{ Presences []json.RawMessage }](t, ann.Expect(t, "party_join_request"), "party_join_request").Presences[0]
	acknowledged(t, "accept", ann.Call(t, "party_accept", with(third.PartyID, `"presence":`+string(asBen))))
	refused(t, "a party left by being accepted elsewhere", ann.Call(t, "party_join", with(second.PartyID)), 3, "party not found")
}
