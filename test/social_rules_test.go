package test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"kumi/server/servertest"
)

func TestFriendsShowNoCountOfTheirFriends(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t)
	ann, ben := srv.User(t, "ann"), srv.User(t, "ben")
	ann.Do(t, "POST", "/v2/friend?ids="+ben.ID+"&metadata=null", "")
	ben.Do(t, "POST", "/v2/friend?ids="+ann.ID, "")
	if a := ann.Do(t, "GET", "/v2/friend", ""); !strings.Contains(a.Body, `"username":"ben"`) || strings.Contains(a.Body, "edge_count") {
		t.Errorf("friends: %s", a.Body)
	}
	if a := ann.Do(t, "GET", "/v2/account", ""); !strings.Contains(a.Body, `"edge_count":1`) {
		t.Errorf("account: %s", a.Body)
	}
}

// System messages of group channels are stored with whole seconds, so they sort before
// what users write in the same second.
func TestMessagesOfTheServerHaveWholeSeconds(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]servertest.Option{"SQLite": nil, "PostgreSQL": {servertest.Postgres()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, options...)
			ann, ben := srv.User(t, "ann"), srv.User(t, "ben")
			group := ann.Do(t, "POST", "/v2/group", `{"name":"g","open":true}`).Get("id")
			ben.Do(t, "POST", "/v2/group/"+group+"/join", "")
			list := ann.Do(t, "GET", "/v2/channel/3."+group+"..?limit=10", "")
			var body struct {
				Messages []struct {
					Code       int
					CreateTime time.Time `json:"create_time"`
				}
			}
			if err := json.Unmarshal([]byte(list.Body), &body); err != nil || len(body.Messages) != 1 || body.Messages[0].Code != 3 {
				t.Fatalf("history: %s", list.Body)
			}
			if at := body.Messages[0].CreateTime; at.Nanosecond() != 0 {
				t.Errorf("the server's message is of %s", at)
			}
		})
	}
}

func TestUnfollowingOneselfIsNothing(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t)
	ann := srv.User(t, "ann")
	s := ann.Socket(t)
	acknowledged(t, "unfollow", s.Call(t, "status_unfollow", `{"user_ids":["`+ann.ID+`"]}`))
	s.Call(t, "status_update", `{"status":"here"}`)
	if e := s.Expect(t, "status_presence_event"); !strings.Contains(string(e["status_presence_event"]), `"here"`) {
		t.Errorf("own status: %s", e)
	}
}

func TestJoiningAChannelAgainChangesPersistence(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t)
	ann := srv.User(t, "ann")
	s := ann.Socket(t)
	join := func(persistence string) bool {
		t.Helper()
		joined := decode[struct {
			Self struct{ Persistence bool }
		}](t, s.Call(t, "channel_join", `{"target":"lobby","type":1,"persistence":`+persistence+`}`), "channel")
		return joined.Self.Persistence
	}
	say := func(text string) {
		s.Call(t, "channel_message_send", `{"channel_id":"2...lobby","content":"{\"t\":\"`+text+`\"}"}`)
	}
	if !join("true") {
		t.Error("joined without persistence")
	}
	say("kept")
	s.Expect(t, "channel_presence_event")
	if join("false") {
		t.Error("joined again with persistence")
	}
	say("volatile")
	if h := ann.Do(t, "GET", "/v2/channel/2...lobby?limit=10", ""); !strings.Contains(h.Body, "kept") || strings.Contains(h.Body, "volatile") {
		t.Errorf("history: %s", h.Body)
	}
	if _, told := s.Pushed("channel_presence_event"); told {
		t.Error("joining again was told")
	}
}

func TestObjectsOfTheServerByTheNilID(t *testing.T) {
	t.Parallel()
	srv := servertest.Start(t, servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerRpc("put", (ctx, logger, nk) => { nk.storageWrite([
				{ collection: "c", key: "open", value: { a: 1 }, permissionRead: 2 },
				{ collection: "c", key: "hidden", value: { a: 1 }, permissionRead: 1 }]); });
		}`))
	ann := srv.User(t, "ann")
	srv.RPC(t, "put", "")
	const server = "00000000-0000-0000-0000-000000000000"
	for _, a := range []servertest.Answer{
		ann.Do(t, "GET", "/v2/storage/c/"+server+"?limit=10", ""),
		ann.Do(t, "GET", "/v2/storage/c?limit=10&user_id="+server, ""),
		ann.Do(t, "POST", "/v2/storage", `{"object_ids":[{"collection":"c","key":"open","user_id":"`+server+`"},{"collection":"c","key":"hidden","user_id":"`+server+`"}]}`),
	} {
		if a.Status != 200 || !strings.Contains(a.Body, `"key":"open"`) || strings.Contains(a.Body, "hidden") {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	}
}
