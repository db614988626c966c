package test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kumi/server/servertest"
)

// guild is the same module in each language: hooks set the metadata of friends, refuse
// joining the group "forbidden", and record kicks.
var guild = map[string][]servertest.Option{
	"javascript": {servertest.Module("index.js", `
		function InitModule(ctx, logger, nk, initializer) {
			initializer.registerBeforeAddFriends((ctx, logger, nk, req) => { req.metadata = JSON.stringify({ by: ctx.username }); return req; });
			initializer.registerBeforeCreateGroup((ctx, logger, nk, req) => { if (req.name === "forbidden") throw { message: "no such name", code: 7 }; return req; });
			initializer.registerAfterKickGroupUsers((ctx, logger, nk, out, req) => {
				nk.storageWrite([{ collection: "kicks", key: req.groupId, userId: ctx.userId, value: { users: req.userIds } }]);
			});
		}`)},
	"lua": {servertest.Module("guild.lua", `
		local nk = require("nakama")
		nk.register_req_before(function(ctx, req) req.metadata = nk.json_encode({ by = ctx.username }) return req end, "AddFriends")
		nk.register_req_before(function(ctx, req) if req.name == "forbidden" then error({ "no such name", 7 }) end return req end, "CreateGroup")
		nk.register_req_after(function(ctx, out, req)
			nk.storage_write({ { collection = "kicks", key = req.group_id, user_id = ctx.user_id, value = { users = req.user_ids } } })
		end, "KickGroupUsers")`)},
}

func TestFriendsAndGroups(t *testing.T) {
	t.Parallel()
	for language, options := range guild {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			srv := servertest.Start(t, options...)
			ann, ben, cid := srv.User(t, "ann"), srv.User(t, "ben"), srv.User(t, "cid")
			b := ben.Socket(t)
			ok := func(u *servertest.User, method, path, body string) string {
				t.Helper()
				a := u.Do(t, method, path, body)
				if a.Status != http.StatusOK {
					t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
				}
				return a.Body
			}
			refused := func(u *servertest.User, status, code int, method, path, body string) {
				t.Helper()
				if a := u.Do(t, method, path, body); a.Status != status || a.Code() != code {
					t.Errorf("%s %s: %d %s, want %d with code %d", method, path, a.Status, a.Body, status, code)
				}
			}
			notified := func(code string) {
				t.Helper()
				if n := string(b.Expect(t, "notifications")["notifications"]); !strings.Contains(n, `"code":`+code+`,`) || !strings.Contains(n, `"persistent":true`) {
					t.Errorf("notified of %s, want code %s", n, code)
				}
			}

			// Friends: ids and names travel in the query.
			if got := ok(ann, "GET", "/v2/friend", ""); got != "{}" {
				t.Errorf("no friends: %s", got)
			}
			ok(ann, "POST", "/v2/friend?ids="+ben.ID+"&usernames=cid", "")
			notified("-2")
			if got := ok(ben, "GET", "/v2/friend?state=2", ""); !strings.Contains(got, `"username":"ann"`) || !strings.Contains(got, `"state":2`) {
				t.Errorf("ben's invitations: %s", got)
			}
			ok(ben, "POST", "/v2/friend?usernames=ann", "")
			var list struct {
				Friends []struct {
					User     struct{ Username string }
					State    *int
					Metadata string
				}
				Cursor string
			}
			if err := json.Unmarshal([]byte(ok(ann, "GET", "/v2/friend?limit=1", "")), &list); err != nil || len(list.Friends) != 1 ||
				list.Friends[0].State == nil || *list.Friends[0].State != 0 || list.Friends[0].Metadata != `{"by": "ann"}` || list.Cursor == "" {
				t.Errorf("ann's friends: %+v, %v", list, err)
			}
			if got := ok(ann, "GET", "/v2/friend?cursor="+list.Cursor, ""); !strings.Contains(got, `"username":"cid"`) || strings.Contains(got, "ben") {
				t.Errorf("second page: %s", got)
			}
			ok(cid, "POST", "/v2/friend?ids="+ben.ID, "")
			notified("-2")
			ok(ben, "POST", "/v2/friend?ids="+cid.ID, "")
			ok(ann, "DELETE", "/v2/friend?ids="+cid.ID, "")
			if got := ok(ann, "GET", "/v2/friend/friends", ""); !strings.Contains(got, `"referrer":"`+ben.ID+`"`) || !strings.Contains(got, "cid") {
				t.Errorf("friends of friends: %s", got)
			}
			ok(ann, "POST", "/v2/friend/block?ids="+ben.ID, "")
			if got := ok(ben, "GET", "/v2/friend", ""); strings.Contains(got, "ann") {
				t.Errorf("ben after the block: %s", got)
			}
			if e := b.Call(t, "channel_join", `{"target":"`+ann.ID+`","type":2}`); !strings.Contains(string(e["error"]), `"code":3`) {
				t.Errorf("blocked user talks: %s", e)
			}
			refused(ann, 400, 3, "POST", "/v2/friend?ids="+ann.ID, "")
			refused(ann, 400, 3, "POST", "/v2/friend?ids=x", "")
			refused(ann, 400, 3, "GET", "/v2/friend?state=4", "")
			refused(ann, 400, 3, "GET", "/v2/friend?limit=1001", "")

			// Groups.
			refused(ann, 403, 7, "POST", "/v2/group", `{"name":"forbidden"}`)
			made := ann.Do(t, "POST", "/v2/group", `{"name":"guild","description":"of ours","open":true,"max_count":3}`)
			id := made.Get("id")
			if id == "" || made.Get("open") != "true" || made.Get("creator_id") != ann.ID {
				t.Fatalf("create: %d %s", made.Status, made.Body)
			}
			refused(ben, 409, 6, "POST", "/v2/group", `{"name":"guild"}`)
			group := "/v2/group/" + id
			ok(ben, "POST", group+"/join", "")
			if e := b.Call(t, "channel_join", `{"target":"`+id+`","type":3}`); e.Field("channel", "group_id") != id {
				t.Errorf("join the channel: %s", e)
			}
			refused(cid, 400, 3, "GET", "/v2/channel/3."+id+"..", "")
			ok(ann, "POST", group+"/add?user_ids="+cid.ID, "")
			if e := b.Expect(t, "channel_message"); !strings.Contains(string(e["channel_message"]), `"code":4`) || e.Field("channel_message", "sender_id") != cid.ID {
				t.Errorf("told of the addition: %s", e["channel_message"])
			}
			refused(srv.User(t, "dan"), 400, 3, "POST", group+"/join", "") // full
			refused(ben, 404, 5, "POST", group+"/kick?user_ids="+cid.ID, "")
			refused(ben, 404, 5, "PUT", group, `{"name":"mine"}`)
			refused(ben, 400, 3, "DELETE", group, "")
			refused(ann, 400, 3, "POST", group+"/demote", "")
			refused(ann, 400, 3, "POST", group+"/leave", "")
			refused(ann, 400, 3, "PUT", group, `{}`)
			refused(ann, 400, 3, "GET", "/v2/group?cursor=x", "")
			ok(ann, "PUT", group, `{"description":""}`)
			ok(ann, "POST", group+"/promote?user_ids="+cid.ID, "")
			if got := ok(ben, "GET", group+"/user?state=1", ""); !strings.Contains(got, "cid") || strings.Contains(got, "ann") {
				t.Errorf("admins: %s", got)
			}
			if got := ok(ben, "GET", "/v2/user/"+cid.ID+"/group", ""); !strings.Contains(got, `"guild"`) || !strings.Contains(got, `"state":1`) {
				t.Errorf("cid's groups: %s", got)
			}
			if got := ok(ben, "GET", "/v2/group?name=GU%25&limit=10", ""); !strings.Contains(got, id) {
				t.Errorf("by name: %s", got)
			}
			ok(ann, "POST", group+"/demote?user_ids="+cid.ID, "")
			ok(ann, "POST", group+"/ban?user_ids="+cid.ID, "")
			ok(cid, "POST", group+"/join", "")
			if got := ok(ben, "GET", group+"/user", ""); strings.Contains(got, "cid") {
				t.Errorf("with a banned user: %s", got)
			}
			ok(ann, "POST", group+"/kick?user_ids="+ben.ID+"&user_ids="+cid.ID, "")
			if got := ok(ann, "POST", "/v2/storage", `{"object_ids":[{"collection":"kicks","key":"`+id+`","user_id":"`+ann.ID+`"}]}`); !strings.Contains(got, ben.ID) {
				t.Errorf("what the after hook wrote: %s", got)
			}
			if e := b.Call(t, "channel_message_send", `{"channel_id":"3.`+id+`..","content":"{}"}`); !strings.Contains(string(e["error"]), `"code":3`) {
				t.Errorf("a kicked user speaks: %s", e)
			}
			history := ok(ann, "GET", "/v2/channel/3."+id+"..?limit=100", "")
			var codes []string
			for _, part := range strings.Split(history, `"code":`)[1:] {
				codes = append(codes, part[:1])
			}
			// They have the same second, in which their ids decide the order.
			slices.Sort(codes)
			if got := strings.Join(codes, ""); got != "346789" {
				t.Errorf("the history has codes %s, want 346789: %s", got, history)
			}
			ok(ann, "DELETE", group, "")
			refused(ben, 404, 5, "POST", group+"/join", "")
		})
	}
}
