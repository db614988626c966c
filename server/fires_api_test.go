package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// players are users and what triggers learn on the way.
type players struct {
	*servertest.Server
	user  map[string]*servertest.User
	known map[string]string // what {name} stands for in paths and bodies
}

func newPlayers(t *testing.T, srv *servertest.Server) *players {
	t.Helper()
	p := &players{Server: srv, user: map[string]*servertest.User{}, known: map[string]string{}}
	for _, name := range []string{"ann", "ben", "cid", "dan"} {
		u := srv.User(t, name)
		p.user[name] = u
		p.known[name], p.known[name+".token"], p.known[name+".refresh"] = u.ID, u.Token, u.Refresh
	}
	return p
}

func (p *players) fill(text string) string {
	for name, value := range p.known {
		text = strings.ReplaceAll(text, "<"+name+">", value)
	}
	return text
}

// apiTrigger is a call of a method that succeeds when those before it have.
type apiTrigger struct {
	name             string // of the method
	who              string // the player; "" without a session
	verb, path, body string
	learn            string // "name=field" of the answer
}

// try makes the call, and reports whether it succeeded.
func (c apiTrigger) try(t *testing.T, p *players) bool {
	t.Helper()
	authorization := servertest.ServerKey
	if c.who != "" {
		authorization = "Bearer " + p.user[c.who].Token
	}
	a := p.Do(t, c.verb, p.fill(c.path), authorization, p.fill(c.body))
	if a.Status != http.StatusOK {
		t.Errorf("%s: %d %s", c.name, a.Status, a.Body)
		return false
	}
	if name, field, ok := strings.Cut(c.learn, "="); ok {
		if p.known[name] = a.Get(field); p.known[name] == "" {
			t.Errorf("%s: there is no %s in %s", c.name, field, a.Body)
		}
	}
	return true
}

const (
	get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	object              = `{"collection":"things","key":"one","user_id":"<ann>"}`
)

// apiTriggers are in an order in which all of them succeed.
var apiTriggers = []apiTrigger{
	{name: "AuthenticateDevice", verb: post, path: "/v2/account/authenticate/device?create=true", body: `{"id":"another-device"}`},
	{name: "AuthenticateCustom", verb: post, path: "/v2/account/authenticate/custom?create=true", body: `{"id":"another-custom"}`},
	{name: "AuthenticateEmail", verb: post, path: "/v2/account/authenticate/email?create=true", body: `{"email":"one@example.com","password":"long enough"}`},
	{name: "AuthenticateApple", verb: post, path: "/v2/account/authenticate/apple", body: `{"token":"<apple 1>"}`},
	{name: "AuthenticateFacebook", verb: post, path: "/v2/account/authenticate/facebook?sync=true", body: `{"token":"<facebook 1>"}`},
	{name: "AuthenticateFacebookInstantGame", verb: post, path: "/v2/account/authenticate/facebookinstantgame", body: `{"signed_player_info":"<instant 1>"}`},
	{name: "AuthenticateGameCenter", verb: post, path: "/v2/account/authenticate/gamecenter", body: `<game center 1>`},
	{name: "AuthenticateGoogle", verb: post, path: "/v2/account/authenticate/google", body: `{"token":"<google 1>"}`},
	{name: "AuthenticateSteam", verb: post, path: "/v2/account/authenticate/steam?sync=true", body: `{"token":"<steam 1>"}`},
	{name: "SessionRefresh", verb: post, path: "/v2/account/session/refresh", body: `{"token":"<ann.refresh>"}`},
	{name: "GetAccount", who: "ann", verb: get, path: "/v2/account"},
	{name: "UpdateAccount", who: "ann", verb: put, path: "/v2/account", body: `{"display_name":"Ann"}`},
	{name: "GetUsers", who: "ann", verb: get, path: "/v2/user?usernames=ben"},
	{name: "LinkCustom", who: "ann", verb: post, path: "/v2/account/link/custom", body: `{"id":"custom-of-ann"}`},
	{name: "UnlinkCustom", who: "ann", verb: post, path: "/v2/account/unlink/custom", body: `{"id":"custom-of-ann"}`},
	{name: "LinkDevice", who: "ann", verb: post, path: "/v2/account/link/device", body: `{"id":"second-device-of-ann"}`},
	{name: "UnlinkDevice", who: "ann", verb: post, path: "/v2/account/unlink/device", body: `{"id":"second-device-of-ann"}`},
	{name: "LinkEmail", who: "ann", verb: post, path: "/v2/account/link/email", body: `{"email":"ann@example.com","password":"long enough"}`},
	{name: "UnlinkEmail", who: "ann", verb: post, path: "/v2/account/unlink/email", body: `{"email":"ann@example.com","password":"long enough"}`},
	{name: "LinkApple", who: "ann", verb: post, path: "/v2/account/link/apple", body: `{"token":"<apple 2>"}`},
	{name: "UnlinkApple", who: "ann", verb: post, path: "/v2/account/unlink/apple", body: `{"token":"<apple 2>"}`},
	{name: "LinkFacebook", who: "ann", verb: post, path: "/v2/account/link/facebook", body: `{"token":"<facebook 2>"}`},
	{name: "UnlinkFacebook", who: "ann", verb: post, path: "/v2/account/unlink/facebook", body: `{"token":"<facebook 2>"}`},
	{name: "LinkFacebookInstantGame", who: "ann", verb: post, path: "/v2/account/link/facebookinstantgame", body: `{"signed_player_info":"<instant 2>"}`},
	{name: "UnlinkFacebookInstantGame", who: "ann", verb: post, path: "/v2/account/unlink/facebookinstantgame", body: `{"signed_player_info":"<instant 2>"}`},
	{name: "LinkGameCenter", who: "ann", verb: post, path: "/v2/account/link/gamecenter", body: `<game center 2>`},
	{name: "UnlinkGameCenter", who: "ann", verb: post, path: "/v2/account/unlink/gamecenter", body: `<game center 2>`},
	{name: "LinkGoogle", who: "ann", verb: post, path: "/v2/account/link/google", body: `{"token":"<google 2>"}`},
	{name: "UnlinkGoogle", who: "ann", verb: post, path: "/v2/account/unlink/google", body: `{"token":"<google 2>"}`},
	{name: "LinkSteam", who: "ann", verb: post, path: "/v2/account/link/steam", body: `{"account":{"token":"<steam 2>"},"sync":true}`},
	{name: "UnlinkSteam", who: "ann", verb: post, path: "/v2/account/unlink/steam", body: `{"token":"<steam 2>"}`},

	{name: "WriteStorageObjects", who: "ann", verb: put, path: "/v2/storage", body: `{"objects":[{"collection":"things","key":"one","value":"{}"}]}`},
	{name: "ReadStorageObjects", who: "ann", verb: post, path: "/v2/storage", body: `{"object_ids":[` + object + `]}`},
	{name: "ListStorageObjects", who: "ann", verb: get, path: "/v2/storage/things"},
	{name: "DeleteStorageObjects", who: "ann", verb: put, path: "/v2/storage/delete", body: `{"object_ids":[{"collection":"things","key":"one"}]}`},

	{name: "AddFriends", who: "ann", verb: post, path: "/v2/friend?ids=<ben>"},
	{name: "ListFriends", who: "ann", verb: get, path: "/v2/friend"},
	{name: "ImportFacebookFriends", who: "ann", verb: post, path: "/v2/friend/facebook?reset=true", body: `{"token":"<facebook 2>"}`},
	{name: "ImportSteamFriends", who: "ann", verb: post, path: "/v2/friend/steam", body: `{"token":"<steam 2>"}`},
	{name: "ListFriendsOfFriends", who: "ann", verb: get, path: "/v2/friend/friends"},
	{name: "DeleteFriends", who: "ann", verb: del, path: "/v2/friend?ids=<ben>"},
	{name: "BlockFriends", who: "ann", verb: post, path: "/v2/friend/block?ids=<dan>"},

	{name: "CreateGroup", who: "ann", verb: post, path: "/v2/group", body: `{"name":"the group","open":true}`, learn: "group=id"},
	{name: "UpdateGroup", who: "ann", verb: put, path: "/v2/group/<group>", body: `{"group_id":"<group>","description":"changed"}`},
	{name: "ListGroups", who: "ann", verb: get, path: "/v2/group"},
	{name: "AddGroupUsers", who: "ann", verb: post, path: "/v2/group/<group>/add?user_ids=<ben>"},
	{name: "PromoteGroupUsers", who: "ann", verb: post, path: "/v2/group/<group>/promote?user_ids=<ben>"},
	{name: "DemoteGroupUsers", who: "ann", verb: post, path: "/v2/group/<group>/demote?user_ids=<ben>"},
	{name: "KickGroupUsers", who: "ann", verb: post, path: "/v2/group/<group>/kick?user_ids=<ben>"},
	{name: "JoinGroup", who: "cid", verb: post, path: "/v2/group/<group>/join"},
	{name: "ListGroupUsers", who: "ann", verb: get, path: "/v2/group/<group>/user"},
	{name: "ListUserGroups", who: "ann", verb: get, path: "/v2/user/<ann>/group"},
	{name: "LeaveGroup", who: "cid", verb: post, path: "/v2/group/<group>/leave"},
	{name: "JoinGroup", who: "cid", verb: post, path: "/v2/group/<group>/join"},
	{name: "BanGroupUsers", who: "ann", verb: post, path: "/v2/group/<group>/ban?user_ids=<cid>"},
	{name: "DeleteGroup", who: "ann", verb: del, path: "/v2/group/<group>"},

	{name: "WriteLeaderboardRecord", who: "ann", verb: post, path: "/v2/leaderboard/board", body: `{"score":"5"}`},
	{name: "ListLeaderboardRecords", who: "ann", verb: get, path: "/v2/leaderboard/board"},
	{name: "ListLeaderboardRecordsAroundOwner", who: "ann", verb: get, path: "/v2/leaderboard/board/owner/<ann>"},
	{name: "DeleteLeaderboardRecord", who: "ann", verb: del, path: "/v2/leaderboard/board"},
	{name: "ListTournaments", who: "ann", verb: get, path: "/v2/tournament"},
	{name: "JoinTournament", who: "ann", verb: post, path: "/v2/tournament/cup/join"},
	{name: "WriteTournamentRecord", who: "ann", verb: post, path: "/v2/tournament/cup", body: `{"score":"5"}`},
	{name: "ListTournamentRecords", who: "ann", verb: get, path: "/v2/tournament/cup"},
	{name: "ListTournamentRecordsAroundOwner", who: "ann", verb: get, path: "/v2/tournament/cup/owner/<ann>"},
	{name: "DeleteTournamentRecord", who: "ann", verb: del, path: "/v2/tournament/cup"},

	{name: "ValidatePurchaseApple", who: "ann", verb: post, path: "/v2/iap/purchase/apple", body: `<purchase apple>`},
	{name: "ValidatePurchaseGoogle", who: "ann", verb: post, path: "/v2/iap/purchase/google", body: `<purchase google>`},
	{name: "ValidatePurchaseHuawei", who: "ann", verb: post, path: "/v2/iap/purchase/huawei", body: `<purchase huawei>`},
	{name: "ValidatePurchaseFacebookInstant", who: "ann", verb: post, path: "/v2/iap/purchase/facebookinstant", body: `<purchase facebook>`},
	{name: "ValidatePurchaseSamsung", who: "ann", verb: post, path: "/v2/iap/purchase/samsung", body: `{"purchase_id":"s1"}`},
	{name: "ValidateSubscriptionApple", who: "ann", verb: post, path: "/v2/iap/subscription/apple", body: `<subscription apple>`},
	{name: "ValidateSubscriptionGoogle", who: "ann", verb: post, path: "/v2/iap/subscription/google", body: `<subscription google>`},
	{name: "ListSubscriptions", who: "ann", verb: post, path: "/v2/iap/subscription", body: `{}`},
	{name: "GetSubscription", who: "ann", verb: get, path: "/v2/iap/subscription/pass"},

	{name: "ListChannelMessages", who: "ann", verb: get, path: "/v2/channel/2...lobby"},
	{name: "ListNotifications", who: "ann", verb: get, path: "/v2/notification"},
	{name: "DeleteNotifications", who: "ann", verb: del, path: "/v2/notification?ids=<ann>"},
	{name: "Event", who: "ann", verb: post, path: "/v2/event", body: `{"name":"something"}`},
	{name: "ListMatches", who: "ann", verb: get, path: "/v2/match"},
	{name: "ListParties", who: "ann", verb: get, path: "/v2/party"},
	{name: "GetMatchmakerStats", who: "ann", verb: get, path: "/v2/matchmaker/stats"},

	{name: "SessionLogout", who: "dan", verb: post, path: "/v2/session/logout", body: `{"token":"<dan.token>","refresh_token":"<dan.refresh>"}`},
	{name: "DeleteAccount", who: "cid", verb: del, path: "/v2/account"},
}

// messages sends every realtime message in an order in which all succeed, and
// says which it sent.
func (f *fires) messages(t *testing.T, srv *servertest.Server) map[string]bool {
	t.Helper()
	ann, ben := srv.User(t, "sue"), srv.User(t, "tom")
	a, b := ann.Socket(t), ben.Socket(t)
	tried := map[string]bool{}
	snake := func(name string) string {
		var s strings.Builder
		for i, r := range name {
			if r >= 'A' && r <= 'Z' {
				if i > 0 {
					s.WriteByte('_')
				}
				r += 'a' - 'A'
			}
			s.WriteRune(r)
		}
		return s.String()
	}
	fired := func(name string) {
		t.Helper()
		tried[name] = true
		f.await(t, "rt before chain "+name)
		f.await(t, "rt after chain "+name)
	}
	call := func(from *servertest.Socket, name, body string) servertest.Envelope {
		t.Helper()
		e := from.Call(t, snake(name), body)
		if e["error"] != nil {
			t.Errorf("%s: %s", name, e["error"])
		}
		fired(name)
		return e
	}
	send := func(from *servertest.Socket, name, body string) { // there is no answer
		t.Helper()
		from.Send(t, fmt.Sprintf(`{%q:%s}`, snake(name), body))
		fired(name)
	}

	call(a, "Ping", `{}`)
	send(a, "Pong", `{}`)

	channel := call(a, "ChannelJoin", `{"target":"lobby","type":1}`).Field("channel", "id")
	message := call(a, "ChannelMessageSend", `{"channel_id":"`+channel+`","content":"{}"}`).Field("channel_message_ack", "message_id")
	call(a, "ChannelMessageUpdate", `{"channel_id":"`+channel+`","message_id":"`+message+`","content":"{\"a\":1}"}`)
	call(a, "ChannelMessageRemove", `{"channel_id":"`+channel+`","message_id":"`+message+`"}`)
	call(a, "ChannelLeave", `{"channel_id":"`+channel+`"}`)

	match := call(a, "MatchCreate", `{}`).Field("match", "match_id")
	call(b, "MatchJoin", `{"match_id":"`+match+`"}`)
	send(a, "MatchDataSend", `{"match_id":"`+match+`","op_code":"1","data":"AA=="}`)
	call(b, "MatchLeave", `{"match_id":"`+match+`"}`)

	call(a, "StatusFollow", `{"user_ids":["`+ben.ID+`"]}`)
	call(a, "StatusUnfollow", `{"user_ids":["`+ben.ID+`"]}`)
	call(a, "StatusUpdate", `{"status":"here"}`)

	party := call(a, "PartyCreate", `{"open":false,"max_size":4}`).Field("party", "party_id")
	id := `"party_id":"` + party + `"`
	call(b, "PartyJoin", `{`+id+`}`)
	call(a, "PartyJoinRequestList", `{`+id+`}`)
	tom := `{"user_id":"` + ben.ID + `","session_id":"` + sessionIn(string(a.Expect(t, "party_join_request")["party_join_request"])) + `","username":"tom"}`
	call(a, "PartyAccept", `{`+id+`,"presence":`+tom+`}`)
	call(a, "PartyUpdate", `{`+id+`,"label":"{}","open":true}`)
	send(a, "PartyDataSend", `{`+id+`,"op_code":"1","data":"AA=="}`)
	removed := func(name, body string) bool { // the modules' processor may match a ticket first
		t.Helper()
		e := a.Call(t, snake(name), body)
		switch {
		case e["error"] == nil:
			fired(name)
		case !strings.Contains(string(e["error"]), "icket not found"):
			t.Fatalf("%s: %s", name, e["error"])
		}
		return e["error"] == nil
	}
	for gone := false; !gone; {
		ticket := call(a, "PartyMatchmakerAdd", `{`+id+`,"min_count":8,"max_count":8,"query":"*"}`).Field("party_matchmaker_ticket", "ticket")
		gone = removed("PartyMatchmakerRemove", `{`+id+`,"ticket":"`+ticket+`"}`)
	}
	call(a, "PartyRemove", `{`+id+`,"presence":`+tom+`}`)
	call(b, "PartyJoin", `{`+id+`}`)
	call(a, "PartyPromote", `{`+id+`,"presence":`+tom+`}`)
	call(a, "PartyLeave", `{`+id+`}`)
	call(b, "PartyClose", `{`+id+`}`)

	for gone := false; !gone; {
		ticket := call(a, "MatchmakerAdd", `{"min_count":2,"max_count":2,"query":"*"}`).Field("matchmaker_ticket", "ticket")
		gone = removed("MatchmakerRemove", `{"ticket":"`+ticket+`"}`)
	}
	call(a, "MatchmakerAdd", `{"min_count":2,"max_count":2,"query":"*"}`)
	call(b, "MatchmakerAdd", `{"min_count":2,"max_count":2,"query":"*"}`)
	a.Expect(t, "matchmaker_matched")
	f.await(t, "matchmaker_matched")
	f.await(t, "event_session_start")
	a.Close()
	f.await(t, "event_session_end")
	return tried
}

// sessionIn is the first session id in JSON text.
func sessionIn(text string) string {
	_, rest, _ := strings.Cut(text, `"session_id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}
